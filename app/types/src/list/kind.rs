//! The kinds of values that properties have, and how each is compared.

use super::MAX_VALUE;
use crate::time::day;
use serde::{Deserialize, Serialize};

/// The kind of a property's values, which decides its operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text: contains, equals (case is ignored).
    Text,
    /// One of a fixed list of (value, label): any of.
    Choice(&'static [(&'static str, &'static str)]),
    /// Yes or no.
    Flag,
    /// A decimal number: at least, at most, equals.
    Number,
    /// A whole id: equals.
    Id,
    /// A day, `2026-11-24` in UTC: from, until (both inclusive).
    Date,
}

/// An operator that compares a property with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    Contains,
    Equals,
    /// One of several values, separated by commas.
    Any,
    /// Yes or no.
    Is,
    /// At least, or on and after a day.
    Min,
    /// At most, or until the end of a day.
    Max,
}

impl Op {
    /// Returns the word used in URLs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Equals => "equals",
            Self::Any => "any",
            Self::Is => "is",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    /// Returns the operator with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Contains, Self::Equals, Self::Any, Self::Is, Self::Min, Self::Max].into_iter().find(|op| op.key() == key)
    }

    /// Returns the words shown to people between property and value.
    pub fn label(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Contains, _) => "contains",
            (Self::Equals, _) => "equals",
            (Self::Any, _) => "is one of",
            (Self::Is, _) => "is",
            (Self::Min, Kind::Date) => "from",
            (Self::Max, Kind::Date) => "until",
            (Self::Min, _) => "at least",
            (Self::Max, _) => "at most",
        }
    }
}

impl Kind {
    /// Returns the operators of this kind, the preselected one first.
    pub fn ops(self) -> &'static [Op] {
        match self {
            Self::Text => &[Op::Contains, Op::Equals],
            Self::Choice(_) => &[Op::Any],
            Self::Flag => &[Op::Is],
            Self::Number => &[Op::Min, Op::Max, Op::Equals],
            Self::Date => &[Op::Min, Op::Max],
            Self::Id => &[Op::Equals],
        }
    }

    /// Checks a value. The error is a sentence for people.
    pub fn check(self, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err("Type a value to filter by.".into());
        }
        if value.chars().count() > MAX_VALUE {
            return Err(format!("A value has at most {MAX_VALUE} characters."));
        }
        if value.chars().any(|c| crate::rules::is_hidden(c) || c == char::REPLACEMENT_CHARACTER) {
            return Err(crate::rules::HIDDEN.into());
        }
        match self {
            Self::Text => Ok(()),
            Self::Id => uuid::Uuid::parse_str(value).map(drop).map_err(|_| "Paste a whole ID, as a row shows it.".into()),
            Self::Flag if value == "yes" || value == "no" => Ok(()),
            Self::Flag => Err("Choose yes or no.".into()),
            Self::Number => {
                value.parse::<crate::quantity::Quantity>().map(drop).map_err(|_| "Type a number, such as 1.5.".into())
            }
            Self::Date => day(value).map(drop).ok_or_else(|| "Type a date as YYYY-MM-DD.".into()),
            Self::Choice(options) => match value.split(',').find(|v| !options.iter().any(|(key, _)| key == v)) {
                None => Ok(()),
                Some(other) => {
                    let allowed: Vec<_> = options.iter().map(|(_, label)| *label).collect();
                    Err(format!("“{other}” is not one of {}.", allowed.join(", ")))
                }
            },
        }
    }
}
