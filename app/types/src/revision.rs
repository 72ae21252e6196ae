//! Things that are edited as a whole by several people: who saves second learns what the first one changed.

use serde::{Deserialize, Serialize};

/// What a person reads of a thing, field by field, in the words of its form.
pub trait Fields {
    /// (label, value) of each.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// One field that stands otherwise than the person who saves has it in their form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: String,
    /// What was saved meanwhile.
    pub saved: String,
    /// What the form says.
    pub yours: String,
}

/// Somebody else has saved the thing since the form was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The revision that stands now: saving with it replaces what is there.
    pub revision: i64,
    /// Where the form differs from what stands now.
    pub differences: Vec<Difference>,
}

impl Stale {
    /// How `yours` differs from what was saved.
    pub fn new<T: Fields>(revision: i64, saved: &T, yours: &T) -> Self {
        let pairs = saved.fields().into_iter().zip(yours.fields());
        let differences = pairs
            .filter(|((_, saved), (_, yours))| saved != yours)
            .map(|((field, saved), (_, yours))| Difference { field: field.into(), saved, yours });
        Self { revision, differences: differences.collect() }
    }
}

/// `∞` for what is not limited.
pub fn or_unlimited(limit: Option<impl std::fmt::Display>) -> String {
    limit.map_or_else(|| "∞".into(), |limit| limit.to_string())
}
