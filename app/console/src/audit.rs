//! Audit records as people read them: a sentence with links, and what has changed.

use crate::paths;
use leptos::prelude::*;
use leptos_router::components::A;
use types::limits::policies::PolicyKind;
use types::system::audit::{AuditRow, FieldChange, Subject, changes, wording};

/// Changed fields that a sentence names; the record itself has all.
const NAMED: usize = 2;
/// The most characters of a value in a sentence.
const LONGEST: usize = 40;

/// Who has done it.
pub fn who(row: &AuditRow) -> String {
    match (row.actor, row.address.as_str()) {
        (Some(_), _) => row.actor_email.clone(),
        (None, "command line") => "The server's command line".to_owned(),
        (None, "engine") => "The engine".to_owned(),
        (None, _) => "Somebody not signed in".to_owned(),
    }
}

/// `ada@… changed the account of tom@…: role user → admin`.
pub fn sentence(row: &AuditRow) -> AnyView {
    let name = who(row);
    let person = match row.actor {
        Some(id) => {
            let address = paths::user(id);
            view! { <A href=address>{name}</A> }.into_any()
        }
        None => name.into_any(),
    };
    let words = wording(&row.action).map_or_else(|| row.action.clone(), |(words, _)| words.to_owned());
    let changed = changes(&row.detail);
    let said: Vec<_> = changed.iter().take(NAMED).map(change).collect();
    let more = changed.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let said = if said.is_empty() { String::new() } else { format!(": {}{more}", said.join(", ")) };
    let oneself = wording(&row.action).is_some_and(|(_, subject)| subject == Subject::Oneself);
    let name = (!oneself).then(|| (" ", subject(row)));
    (person, format!(" {words}"), name, said).into_any()
}

fn change(one: &FieldChange) -> String {
    let short = |text: &str| match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    };
    format!("{} {} → {}", one.field, short(&one.before), short(&one.after)).trim_start().to_owned()
}

/// The name of what was acted on, which leads there.
pub fn subject(row: &AuditRow) -> AnyView {
    let name = if row.subject_name.is_empty() { row.subject.clone() } else { row.subject_name.clone() };
    match address(row) {
        Some(address) if !name.is_empty() => view! { <A href=address>{name}</A> }.into_any(),
        _ => name.into_any(),
    }
}

fn address(row: &AuditRow) -> Option<String> {
    let name = row.subject.as_str();
    let list = |kind: PolicyKind| match kind {
        PolicyKind::Keypair => paths::KEYPAIR_POLICIES,
        PolicyKind::User => paths::USER_POLICIES,
        PolicyKind::Project => paths::PROJECT_POLICIES,
    };
    let policy = |kind| paths::with_parameter(list(kind), "policy", name);
    Some(match wording(&row.action)?.1 {
        Subject::Person | Subject::Oneself => paths::user(name.parse().ok()?),
        Subject::Keypair => paths::keypair(name),
        Subject::Project => paths::project(name.parse().ok()?),
        Subject::Domain => paths::DOMAINS.to_owned(),
        Subject::Session => paths::session(name.parse().ok()?),
        Subject::Agent => paths::agent(name),
        Subject::ResourceGroup => paths::resource_group(name),
        Subject::KeypairPolicy => policy(PolicyKind::Keypair),
        Subject::UserPolicy => policy(PolicyKind::User),
        Subject::ProjectPolicy => policy(PolicyKind::Project),
        Subject::Preset => paths::with_parameter(paths::PRESETS, "preset", name),
        Subject::Other => return None,
    })
}
