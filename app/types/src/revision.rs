//! Edits of one thing by several people: the second person to save learns what the first one changed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A thing whose fields can be shown to people, in the words of its form.
pub trait Fields: Serialize + DeserializeOwned {
    /// Returns the (label, value) of each field.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// One field whose saved value differs from the value in the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: String,
    /// The value saved in the meantime.
    pub saved: String,
    /// The value in the form.
    pub yours: String,
}

/// Somebody else has saved the thing since the form was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// The current revision. Saving with it overwrites the saved state.
    pub revision: i64,
    /// The fields in which the form differs from the saved state.
    pub differences: Vec<Difference>,
}

impl Stale {
    /// Compares the saved state with `yours`.
    pub fn new<T: Fields>(revision: i64, saved: &T, yours: &T) -> Self {
        let pairs = saved.fields().into_iter().zip(yours.fields());
        let differences = pairs
            .filter(|((_, saved), (_, yours))| saved != yours)
            .map(|((field, saved), (_, yours))| Difference { field: field.into(), saved, yours });
        Self { revision, differences: differences.chain(hidden_differences(saved, yours)).collect() }
    }
}

/// Returns fields that differ but are displayed alike (two amounts that round to the same text). They are compared as stored, so
/// that no change is overwritten unnoticed.
fn hidden_differences<T: Fields>(saved: &T, yours: &T) -> Vec<Difference> {
    let (Ok(Value::Object(stands)), Ok(Value::Object(typed))) = (serde_json::to_value(saved), serde_json::to_value(yours)) else {
        return Vec::new();
    };
    let read = saved.fields();
    let reads_the_same = |key: &String, value: &Value| {
        let mut changed = stands.clone();
        changed.insert(key.clone(), value.clone());
        serde_json::from_value::<T>(Value::Object(changed)).is_ok_and(|changed| changed.fields() == read)
    };
    let differs =
        |(key, value): &(&String, &Value)| *key != "revision" && !same_value(stands.get(*key).unwrap_or(&Value::Null), value);
    let hidden = typed.iter().filter(differs).filter(|(key, value)| reads_the_same(key, value));
    let difference = |(key, value): (&String, &Value)| Difference {
        field: key.replace('_', " "),
        saved: stands.get(key).unwrap_or(&Value::Null).to_string(),
        yours: value.to_string(),
    };
    hidden.map(difference).collect()
}

/// Whether two values are equal, ignoring the order of lists: a list here is a set of choices.
fn same_value(one: &Value, other: &Value) -> bool {
    let sorted = |list: &[Value]| {
        let mut texts: Vec<_> = list.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        texts
    };
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => sorted(one) == sorted(other),
        _ => one == other,
    }
}

/// Formats a limit, with `∞` for none.
pub fn or_unlimited(limit: Option<impl std::fmt::Display>) -> String {
    limit.map_or_else(|| "∞".into(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::resource_groups::ResourceGroup;
    use crate::id::DomainId;
    use crate::limits::policies::UserPolicy;

    fn fields(stale: &Stale) -> Vec<(&str, &str, &str)> {
        stale.differences.iter().map(|one| (one.field.as_str(), one.saved.as_str(), one.yours.as_str())).collect()
    }

    #[test]
    fn different_amounts_that_are_displayed_alike_are_shown_exactly() {
        let policy = |bytes: i64| UserPolicy { max_folder_bytes: Some(bytes), ..UserPolicy::new("folders") };
        let stale = Stale::new(2, &policy((1 << 40) + 1), &policy(1 << 40));
        assert_eq!(fields(&stale), [("max folder bytes", "1099511627777", "1099511627776")]);
        assert!(Stale::new(2, &policy(1 << 40), &policy(1 << 40)).differences.is_empty());
    }

    #[test]
    fn different_domains_are_a_difference_and_another_order_is_not() {
        let [a, b] = [1, 2].map(|n| DomainId(uuid::Uuid::from_u128(n)));
        let group = |domains: &[DomainId]| ResourceGroup { domains: domains.to_vec(), ..ResourceGroup::new("gpu") };
        let (saved, yours) = (a.to_string(), b.to_string());
        let stale = Stale::new(2, &group(&[a]), &group(&[b]));
        assert_eq!(fields(&stale), [("Domains", saved.as_str(), yours.as_str())]);
        assert!(Stale::new(2, &group(&[a, b]), &group(&[b, a])).differences.is_empty());
    }
}
