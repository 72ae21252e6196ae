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

/// Brings an edit of some fields up to date with the saved state. `was` holds the values that the form was opened with, and `saved`
/// those of now, both in the shape of the edit.
///
/// Of a list or a map, what was added, taken away and changed is applied to the saved one. A field that nobody else has changed
/// since is kept as it is, one that the edit does not change takes the saved value, and one without a value in `was` is not
/// compared.
///
/// # Errors
/// [`Stale`] with every field that somebody else has changed since, to another value.
pub fn rebase<E: Serialize + DeserializeOwned + Clone>(edit: &E, was: &E, saved: &E) -> Result<E, Stale> {
    let object = |edit: &E| match serde_json::to_value(edit) {
        Ok(Value::Object(fields)) => fields,
        _ => Default::default(),
    };
    let (mut yours, was, saved) = (object(edit), object(was), object(saved));
    let mut differences = Vec::new();
    for (key, value) in &mut yours {
        let (Some(was), Some(saved)) = (was.get(key).filter(|was| !was.is_null()), saved.get(key)) else { continue };
        if value.is_null() {
            continue;
        }
        match merged(value, was, saved) {
            Some(merged) => *value = merged,
            None => differences.push(Difference { field: key.replace('_', " "), saved: shown(saved), yours: shown(value) }),
        }
    }
    if !differences.is_empty() {
        return Err(Stale { revision: 0, differences });
    }
    Ok(serde_json::from_value(Value::Object(yours)).unwrap_or_else(|_| edit.clone()))
}

/// One value with both changes to it; `None` if they contradict each other.
fn merged(yours: &Value, was: &Value, saved: &Value) -> Option<Value> {
    if same_value(saved, was) || same_value(saved, yours) {
        return Some(yours.clone());
    }
    if same_value(yours, was) {
        return Some(saved.clone());
    }
    match (yours, was, saved) {
        (Value::Array(yours), Value::Array(was), Value::Array(saved)) => {
            let kept = saved.iter().filter(|one| yours.contains(one) || !was.contains(one));
            let added = yours.iter().filter(|one| !was.contains(one) && !saved.contains(one));
            Some(Value::Array(kept.chain(added).cloned().collect()))
        }
        (Value::Object(yours), Value::Object(was), Value::Object(saved)) => {
            let mut all = saved.clone();
            for key in yours.keys().chain(was.keys()) {
                let (mine, before, now) = (yours.get(key), was.get(key), saved.get(key));
                if mine == before || mine == now {
                    continue;
                }
                if now != before {
                    return None;
                }
                match mine {
                    Some(mine) => drop(all.insert(key.clone(), mine.clone())),
                    None => drop(all.remove(key)),
                }
            }
            Some(Value::Object(all))
        }
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(on) => if *on { "yes" } else { "no" }.into(),
        Value::Null => "—".into(),
        Value::Object(all) => {
            let parts: Vec<_> = all.iter().map(|(key, value)| format!("{key}: {}", shown(value))).collect();
            parts.join(", ")
        }
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(", "),
        number => number.to_string(),
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

    #[test]
    fn two_edits_of_different_fields_and_of_one_list_are_both_kept() {
        use crate::people::users::EditUser;
        let [a, b, c] = [1, 2, 3].map(|n| crate::id::ProjectId(uuid::Uuid::from_u128(n)));
        let of = |name: &str, projects: &[_]| EditUser {
            full_name: Some(name.into()),
            projects: Some(projects.to_vec()),
            ..EditUser::default()
        };
        // The other one gave a project away, took one, and changed the name.
        let (was, saved) = (of("Ann", &[a]), of("Anna", &[b]));
        let mine = EditUser { projects: Some(vec![a, c]), ..EditUser::default() };
        assert_eq!(rebase(&mine, &was, &saved).unwrap().projects, Some(vec![b, c]));
        let refused = rebase(&of("Ann Ek", &[a]), &was, &saved).unwrap_err();
        assert_eq!(fields(&refused), [("full name", "Anna", "Ann Ek")]);
        for name in ["Anna", "Ann"] {
            let edit = rebase(&of(name, &[a]), &was, &saved).unwrap();
            assert_eq!(edit.full_name.as_deref(), Some("Anna"), "{name}: the same change, or none");
        }
    }

    #[test]
    fn two_edits_of_one_map_contradict_each_other_only_at_the_same_key() {
        use crate::projects::EditDomain;
        use crate::quantity::{Quantity, Slots};
        let of =
            |cpu: i64, mem: i64| EditDomain { limit: Some(Slots::cpu_mem(Quantity::whole(cpu), mem)), ..EditDomain::default() };
        assert_eq!(rebase(&of(2, 1), &of(1, 1), &of(1, 2)), Ok(of(2, 2)));
        assert!(rebase(&of(2, 1), &of(1, 1), &of(3, 1)).is_err());
    }

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
