//! Things that are edited as a whole by several people: who saves second learns what the first one changed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a person reads of a thing, field by field, in the words of its form.
pub trait Fields: Serialize + DeserializeOwned {
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
        Self { revision, differences: differences.chain(unread(saved, yours)).collect() }
    }
}

/// What differs and reads the same, such as two amounts that round to one: as it is kept, so that nothing is overwritten unseen.
fn unread<T: Fields>(saved: &T, yours: &T) -> Vec<Difference> {
    let (Ok(Value::Object(stands)), Ok(Value::Object(typed))) = (serde_json::to_value(saved), serde_json::to_value(yours)) else {
        return Vec::new();
    };
    let read = saved.fields();
    let reads_the_same = |key: &String, value: &Value| {
        let mut changed = stands.clone();
        changed.insert(key.clone(), value.clone());
        serde_json::from_value::<T>(Value::Object(changed)).is_ok_and(|changed| changed.fields() == read)
    };
    let differs = |(key, value): &(&String, &Value)| *key != "revision" && !same(stands.get(*key).unwrap_or(&Value::Null), value);
    let hidden = typed.iter().filter(differs).filter(|(key, value)| reads_the_same(key, value));
    let told = |(key, value): (&String, &Value)| Difference {
        field: key.replace('_', " "),
        saved: stands.get(key).unwrap_or(&Value::Null).to_string(),
        yours: value.to_string(),
    };
    hidden.map(told).collect()
}

/// Equal, whatever the order of a list: each is a set of choices.
fn same(one: &Value, other: &Value) -> bool {
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

/// `∞` for what is not limited.
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
    fn amounts_that_read_the_same_are_told_apart_exactly() {
        let policy = |bytes: i64| UserPolicy { max_folder_bytes: Some(bytes), ..UserPolicy::new("folders") };
        let stale = Stale::new(2, &policy((1 << 40) + 1), &policy(1 << 40));
        assert_eq!(fields(&stale), [("max folder bytes", "1099511627777", "1099511627776")]);
        assert!(Stale::new(2, &policy(1 << 40), &policy(1 << 40)).differences.is_empty());
    }

    #[test]
    fn as_many_domains_that_are_others_differ_and_their_order_does_not() {
        let [a, b] = [1, 2].map(|n| DomainId(uuid::Uuid::from_u128(n)));
        let group = |domains: &[DomainId]| ResourceGroup { domains: domains.to_vec(), ..ResourceGroup::new("gpu") };
        let (saved, yours) = (a.to_string(), b.to_string());
        let stale = Stale::new(2, &group(&[a]), &group(&[b]));
        assert_eq!(fields(&stale), [("Domains", saved.as_str(), yours.as_str())]);
        assert!(Stale::new(2, &group(&[a, b]), &group(&[b, a])).differences.is_empty());
    }
}
