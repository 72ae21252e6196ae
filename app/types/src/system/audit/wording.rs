//! Audit records as sentences: *Ada Okonkwo edited the keypair AKIA…: rate limit 10000 → 5000*.
//!
//! Records keep plain words and data, since a wording changes more often than what has happened.

use serde_json::Value;

/// The kind of thing that something was done to, which decides where its name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Person,
    Keypair,
    Project,
    Domain,
    Session,
    Agent,
    ResourceGroup,
    KeypairPolicy,
    UserPolicy,
    ProjectPolicy,
    Preset,
    /// The person who did it, whom the sentence has named already.
    Oneself,
    /// Something without a page, or nothing.
    Other,
}

/// Every action with its words before the subject's name.
const ACTIONS: &[(&str, &str, Subject)] = &[
    ("add keypair", "added the keypair", Subject::Keypair),
    ("ask for a password link", "asked for a password link for", Subject::Person),
    ("cancel task", "cancelled the task", Subject::Other),
    ("change password", "changed the password of", Subject::Person),
    ("create domain", "created the domain", Subject::Domain),
    ("create keypair policy", "created the keypair policy", Subject::KeypairPolicy),
    ("create preset", "created the preset", Subject::Preset),
    ("create project", "created the project", Subject::Project),
    ("create project policy", "created the project policy", Subject::ProjectPolicy),
    ("create resource group", "created the resource group", Subject::ResourceGroup),
    ("create user", "created the account of", Subject::Person),
    ("create user policy", "created the user policy", Subject::UserPolicy),
    ("delete files of session", "deleted the files of session", Subject::Session),
    ("delete keypair", "deleted the keypair", Subject::Keypair),
    ("delete keypair policy", "deleted the keypair policy", Subject::KeypairPolicy),
    ("delete preset", "deleted the preset", Subject::Preset),
    ("delete project policy", "deleted the project policy", Subject::ProjectPolicy),
    ("delete resource group", "deleted the resource group", Subject::ResourceGroup),
    ("delete user policy", "deleted the user policy", Subject::UserPolicy),
    ("edit agent", "changed the agent", Subject::Agent),
    ("edit domain", "changed the domain", Subject::Domain),
    ("edit keypair", "changed the keypair", Subject::Keypair),
    ("edit keypair policy", "changed the keypair policy", Subject::KeypairPolicy),
    ("edit preset", "changed the preset", Subject::Preset),
    ("edit project", "changed the project", Subject::Project),
    ("edit project policy", "changed the project policy", Subject::ProjectPolicy),
    ("edit resource group", "changed the resource group", Subject::ResourceGroup),
    ("edit scheduler settings", "changed the settings of the", Subject::Other),
    ("edit user", "changed the account of", Subject::Person),
    ("edit user policy", "changed the user policy", Subject::UserPolicy),
    ("force-terminate session", "force-terminated session", Subject::Session),
    ("make a password link", "made a password link for", Subject::Person),
    ("make recovery codes", "made recovery codes for", Subject::Person),
    ("open terminal", "opened a terminal in session", Subject::Session),
    ("read created people", "read the passwords of created people,", Subject::Other),
    ("read secret key", "read the secret key of", Subject::Keypair),
    ("recalculate usage", "recalculated the usage of the", Subject::Other),
    ("refused", "was refused:", Subject::Other),
    ("rename session", "renamed session", Subject::Session),
    ("reset password", "reset the password of", Subject::Person),
    ("set columns", "chose columns for", Subject::Other),
    ("set session priority", "set the priority of session", Subject::Session),
    ("sign-in", "signed in", Subject::Oneself),
    ("sign-in refused", "failed to sign in", Subject::Other),
    ("sign-out", "signed out", Subject::Oneself),
    ("start session", "started session", Subject::Session),
    ("terminate session", "terminated session", Subject::Session),
    ("turn two-factor off", "turned off two-factor authentication for", Subject::Person),
    ("turn two-factor on", "turned on two-factor authentication for", Subject::Person),
    ("use a password link", "used a password link for", Subject::Person),
];

/// Returns the words of an action before its subject's name, and the kind of that; `None` for an action of another version.
pub fn wording(action: &str) -> Option<(&'static str, Subject)> {
    ACTIONS.iter().find(|(key, ..)| *key == action).map(|(_, words, subject)| (*words, *subject))
}

/// One changed field, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Empty if the thing has only one.
    pub field: String,
    pub before: String,
    pub after: String,
}

/// The fields that differ between a record's `before` and `after`.
pub fn changes(detail: &str) -> Vec<FieldChange> {
    let detail: Value = serde_json::from_str(detail).unwrap_or_default();
    match (detail.get("before"), detail.get("after")) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let differs = |(name, now): &(&String, &Value)| before.get(*name) != Some(now) && *name != "modified_at";
            let changes = after.iter().filter(differs);
            changes
                .map(|(name, now)| FieldChange {
                    field: name.replace('_', " "),
                    before: text(before.get(name).unwrap_or(&Value::Null)),
                    after: text(now),
                })
                .collect()
        }
        (Some(before), Some(after)) if !before.is_object() && !after.is_object() && !before.is_null() => {
            vec![FieldChange { field: String::new(), before: text(before), after: text(after) }]
        }
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) if text.is_empty() => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => "none".into(),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_that_differ_are_named_each_with_both_values() {
        let detail = r#"{"before":{"role":"user","sudo":false,"projects":["a"],"modified_at":1},
                         "after":{"role":"admin","sudo":false,"projects":["a","b"],"modified_at":2}}"#;
        let said: Vec<_> =
            changes(detail).into_iter().map(|one| format!("{}: {} → {}", one.field, one.before, one.after)).collect();
        assert_eq!(said, ["projects: a → a, b", "role: user → admin"]);
        let one = |field: &str, before: &str, after: &str| {
            vec![FieldChange { field: field.into(), before: before.into(), after: after.into() }]
        };
        assert_eq!(changes(r#"{"before":"train-1","after":"train-2"}"#), one("", "train-1", "train-2"));
        assert_eq!(changes(r#"{"before":{"reason":""},"after":{"reason":"new disks"}}"#), one("reason", "none", "new disks"));
        assert_eq!(changes(r#"{"after":{"name":"x"}}"#), []);
        assert_eq!(changes("not data"), []);
    }

    #[test]
    fn actions_are_in_order_and_each_has_one_wording() {
        assert!(ACTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(wording("edit user"), Some(("changed the account of", Subject::Person)));
        assert_eq!(wording("of another version"), None);
    }
}
