//! Filters of programs: conditions combined in any way. A person's conditions are only joined by "and".

use super::{Condition, Kind, ListSpec, check_condition, find_property};
use crate::time::Millis;

/// The most parts in one filter, so that a query has a bounded cost.
pub const MAX_PARTS: usize = 128;
/// The deepest nesting of a filter's parts.
pub const MAX_DEPTH: usize = 16;

/// Selects rows. A missing value matches no comparison, and therefore matches every negated one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The condition holds.
    Is(Condition),
    /// The filter does not hold. The negation of [`Filter::Before`] is an exception: it means that moment or later, and a row
    /// without a moment matches neither.
    Not(Box<Filter>),
    /// All parts hold. An empty list holds.
    All(Vec<Filter>),
    /// At least one part holds. An empty list does not hold.
    Any(Vec<Filter>),
    /// The text matches an SQL pattern: `%` stands for any characters and `_` for one; after `\` they stand for themselves. Case
    /// is ignored.
    Like { key: String, pattern: String },
    /// The time is earlier than `at`.
    Before { key: String, at: Millis },
    /// There is no value, or it is an empty text.
    Empty { key: String },
}

impl Filter {
    /// Checks a filter against the list. The error is a sentence for people.
    pub fn check(&self, spec: &ListSpec) -> Result<(), String> {
        self.check_part(spec, 1, &mut 0)
    }

    /// Whether any part of the filter uses this key.
    pub fn looks_at(&self, wanted: &str) -> bool {
        match self {
            Self::Is(condition) => condition.key == wanted,
            Self::Not(part) => part.looks_at(wanted),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.looks_at(wanted)),
            Self::Like { key, .. } | Self::Before { key, .. } | Self::Empty { key } => key == wanted,
        }
    }

    fn check_part(&self, spec: &ListSpec, depth: usize, parts: &mut usize) -> Result<(), String> {
        *parts += 1;
        if *parts > MAX_PARTS || depth > MAX_DEPTH {
            return Err(format!("A filter can have at most {MAX_PARTS} parts, nested at most {MAX_DEPTH} deep."));
        }
        match self {
            Self::Is(condition) => check_condition(spec, condition),
            Self::Not(inner) => inner.check_part(spec, depth + 1, parts),
            Self::All(inner) | Self::Any(inner) => inner.iter().try_for_each(|part| part.check_part(spec, depth + 1, parts)),
            Self::Like { key, pattern } => match find_property(spec, key)? {
                property if property.kind == Kind::Text => property.kind.check(pattern),
                property => Err(format!("{} is not text.", property.name())),
            },
            Self::Before { key, .. } => match find_property(spec, key)? {
                property if property.kind == Kind::Date => Ok(()),
                property => Err(format!("{} is not a time.", property.name())),
            },
            Self::Empty { key } => find_property(spec, key).map(drop),
        }
    }
}
