//! Filters that programs ask with: conditions joined in any way. A person's own are joined by "and" alone.

use super::{Condition, Kind, ListSpec, check_condition, known};
use crate::time::Millis;

/// Parts of one filter; more is refused, so that a query has a bounded cost.
pub const MAX_PARTS: usize = 128;
/// How deep the parts of a filter may lie in one another.
pub const MAX_DEPTH: usize = 16;

/// Which rows are meant. What has no value fulfils no comparison, and so the opposite of each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The condition holds.
    Is(Condition),
    /// The filter does not hold. The opposite of [`Filter::Before`] is that moment or later: what has no moment is neither.
    Not(Box<Filter>),
    /// All hold; so does none at all.
    All(Vec<Filter>),
    /// One or more hold; none at all does not.
    Any(Vec<Filter>),
    /// A text is like a pattern of SQL: `%` stands for any characters and `_` for one, after `\` they stand for themselves.
    /// Case is ignored.
    Like { key: String, pattern: String },
    /// Earlier than a moment.
    Before { key: String, at: Millis },
    /// Has no value: none at all, or an empty text.
    Empty { key: String },
}

impl Filter {
    /// Says what is wrong with a filter of this list, if anything is.
    pub fn check(&self, spec: &ListSpec) -> Result<(), String> {
        self.check_part(spec, 1, &mut 0)
    }

    /// Whether any part of it looks at this key.
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
            Self::Like { key, pattern } => match known(spec, key)? {
                property if property.kind == Kind::Text => property.kind.check(pattern),
                property => Err(format!("{} is not text.", property.name())),
            },
            Self::Before { key, .. } => match known(spec, key)? {
                property if property.kind == Kind::Date => Ok(()),
                property => Err(format!("{} is not a time.", property.name())),
            },
            Self::Empty { key } => known(spec, key).map(drop),
        }
    }
}
