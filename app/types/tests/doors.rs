//! Every command refuses characters that cannot be seen, in each of its texts.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use types::Problem;
use types::cluster::resource_groups::ResourceGroup;
use types::folders::Hosts;
use types::id::DomainId;
use types::limits::policies::{KeypairPolicy, ProjectPolicy, UserPolicy};
use types::limits::presets::Preset;
use types::people::users::{CreateUser, EditUser};
use types::projects::{EditDomain, EditProject};
use types::quantity::{Quantity, Slots};
use types::sessions::SessionType;
use types::sessions::launch::StartSession;

/// The paths of all texts in a value, such as `/env/0/1`.
fn texts(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(all) => all.iter().enumerate().for_each(|(n, one)| texts(&format!("{at}/{n}"), one, found)),
        Value::Object(all) => all.iter().for_each(|(name, one)| texts(&format!("{at}/{name}"), one, found)),
        _ => {}
    }
}

/// Checks that a good command is accepted, and refused with such a character in any text but those that are `looked_up`: names of
/// things that exist, and passwords.
fn refuses<T: Serialize + DeserializeOwned>(good: T, looked_up: &[&str], check: fn(&T) -> Result<(), Problem>) {
    assert_eq!(check(&good), Ok(()));
    let good = serde_json::to_value(good).unwrap();
    let mut all = Vec::new();
    texts("", &good, &mut all);
    assert!(!all.is_empty());
    for path in all.iter().filter(|path| !looked_up.iter().any(|name| path.starts_with(&format!("/{name}")))) {
        for hidden in ['\0', '\u{1b}', '\u{202e}', '\u{2028}'] {
            let mut bad = good.clone();
            let text = bad.pointer_mut(path).unwrap();
            *text = Value::String(format!("{}{hidden}", text.as_str().unwrap()));
            // An amount is read as a number, in which the character is not kept.
            let not_kept = |command: &T| serde_json::to_value(command).unwrap() == good;
            let refused = serde_json::from_value::<T>(bad).map_or(true, |command| check(&command).is_err() || not_kept(&command));
            assert!(refused, "{path} {hidden:?}");
        }
    }
}

#[test]
fn no_command_takes_a_text_with_characters_that_cannot_be_seen() {
    let domain = DomainId(uuid::Uuid::nil());
    let hosts = Hosts::from([("local:volume1".to_owned(), vec!["create-vfolder".to_owned()])]);
    let slots = Slots::cpu_mem(Quantity::whole(1), 1 << 30);
    let text = || "first\n\tsecond".to_owned();
    let person = CreateUser {
        full_name: "Ann Ek".into(),
        description: text(),
        addresses: vec!["10.0.0.0/8".into()],
        policy: "default".into(),
        keypair_policy: "default".into(),
        ..CreateUser::example("ann", domain)
    };
    refuses(person, &["password", "policy", "keypair_policy"], CreateUser::check);
    let edit = EditUser {
        username: Some("ann".into()),
        full_name: Some("Ann Ek".into()),
        description: Some(text()),
        addresses: Some(vec!["10.0.0.7".into()]),
        ..EditUser::default()
    };
    refuses(edit, &[], EditUser::check);
    let domain = EditDomain {
        name: Some("labs".into()),
        description: Some(text()),
        hosts: Some(hosts.clone()),
        limit: Some(slots.clone()),
        integration: Some("ldap".into()),
        ..EditDomain::default()
    };
    refuses(domain, &[], EditDomain::check);
    let project = EditProject {
        name: Some("a lab".into()),
        description: Some(text()),
        integration: Some("ldap".into()),
        hosts: Some(hosts.clone()),
        ..EditProject::default()
    };
    refuses(project, &[], EditProject::check);
    let group = ResourceGroup { description: text(), app_proxy: "http://10.0.0.1:10200".into(), ..ResourceGroup::new("gpu") };
    refuses(group, &[], ResourceGroup::check);
    refuses(KeypairPolicy { hosts, total: slots.clone(), ..KeypairPolicy::new("students") }, &[], KeypairPolicy::check);
    refuses(UserPolicy::new("students"), &[], UserPolicy::check);
    refuses(ProjectPolicy::new("labs"), &[], ProjectPolicy::check);
    let preset = Preset { name: "small".into(), slots: slots.clone(), shared_memory: None, resource_group: Some("gpu".into()) };
    refuses(preset, &["resource_group"], Preset::check);
    let session = StartSession {
        name: "train".into(),
        kind: SessionType::Batch,
        command: text(),
        slots,
        env: vec![("EPOCHS".into(), text())],
        ..StartSession::default()
    };
    refuses(session, &["resource_group", "image", "owner"], StartSession::check);
}
