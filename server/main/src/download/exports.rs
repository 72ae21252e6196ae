//! Lists as CSV with columns that are chosen here: each is a title, and the cell of a row.

use super::{Asked, Csv, export};
use crate::App;
use api::Route;
use control::Result;
use futures::{Stream, TryStreamExt};
use types::people::keypairs::{KEYPAIRS, KeypairRow};
use types::people::users::{USERS, UserRow};
use types::projects::{DOMAINS, DomainRow, PROJECTS, ProjectRow};
use types::quantity::{CPU, MEM, bytes, describe};
use types::sessions::{SESSIONS, SessionRow};
use types::system::audit::{AUDIT, AuditRow};
use types::time::Millis;

type Column<T> = (&'static str, fn(&T) -> String);

pub(super) fn routes() -> Vec<Route<App>> {
    vec![
        export("users", &USERS, async |asked: Asked| Ok(csv(USER_COLUMNS, asked.control.all_users(&asked.caller, asked.query)?))),
        export("keypairs", &KEYPAIRS, async |asked: Asked| {
            Ok(csv(KEYPAIR_COLUMNS, asked.control.all_keypairs(&asked.caller, asked.query)?))
        }),
        export("projects", &PROJECTS, async |asked: Asked| {
            Ok(csv(PROJECT_COLUMNS, asked.control.all_projects(&asked.caller, asked.query)?))
        }),
        export("domains", &DOMAINS, async |asked: Asked| {
            Ok(csv(DOMAIN_COLUMNS, asked.control.all_domains(&asked.caller, asked.query)?))
        }),
        export("audit", &AUDIT, async |asked: Asked| {
            Ok(csv(AUDIT_COLUMNS, asked.control.all_audit_records(&asked.caller, asked.query)?))
        }),
        // The same as the page shows: only the project chosen in the header.
        export("sessions", &SESSIONS, async |asked: Asked| {
            Ok(csv(SESSION_COLUMNS, asked.control.all_sessions(&asked.caller, asked.query, asked.project)?))
        }),
    ]
}

fn csv<T: 'static>(
    columns: &'static [Column<T>],
    rows: impl Stream<Item = Result<T>> + Send + 'static,
) -> Csv<impl Stream<Item = Result<Vec<String>>> + Send + 'static> {
    let titles = columns.iter().map(|(title, _)| *title).collect();
    Csv { titles, rows: rows.map_ok(|row| columns.iter().map(|(_, cell)| cell(&row)).collect()) }
}

const USER_COLUMNS: &[Column<UserRow>] = &[
    ("User ID", |user| user.email.clone()),
    ("Username", |user| user.username.clone()),
    ("Full name", |user| user.full_name.clone()),
    ("Domain", |user| user.domain.clone()),
    ("Projects", |user| user.projects.join(", ")),
    ("Role", |user| user.role.label().into()),
    ("Status", |user| user.status.label().into()),
    ("Description", |user| user.description.clone()),
    ("Created", |user| user.created_at.iso()),
    ("Modified", |user| user.modified_at.iso()),
];

const KEYPAIR_COLUMNS: &[Column<KeypairRow>] = &[
    ("Access key", |keypair| keypair.access_key.clone()),
    ("User ID", |keypair| keypair.owner.clone()),
    ("Main", |keypair| yes_or_no(keypair.main)),
    ("Active", |keypair| yes_or_no(keypair.active)),
    ("Resource policy", |keypair| keypair.policy.clone()),
    ("Rate limit", |keypair| keypair.rate_limit.to_string()),
    ("Requests", |keypair| keypair.queries.to_string()),
    ("Created", |keypair| keypair.created_at.iso()),
    ("Last used", |keypair| time(keypair.last_used)),
];

const PROJECT_COLUMNS: &[Column<ProjectRow>] = &[
    ("Project ID", |project| project.id.to_string()),
    ("Name", |project| project.name.clone()),
    ("Domain", |project| project.domain.clone()),
    ("Type", |project| project.kind.label().into()),
    ("Status", |project| active(project.active)),
    ("Members", |project| project.members.to_string()),
    ("Resource policy", |project| project.policy.clone()),
    ("Allowed hosts", |project| project.hosts.keys().cloned().collect::<Vec<_>>().join(", ")),
    ("Description", |project| project.description.clone()),
    ("Created", |project| project.created_at.iso()),
];

const DOMAIN_COLUMNS: &[Column<DomainRow>] = &[
    ("Domain ID", |domain| domain.id.to_string()),
    ("Name", |domain| domain.name.clone()),
    ("Status", |domain| active(domain.active)),
    ("Projects", |domain| domain.projects.to_string()),
    ("People", |domain| domain.people.to_string()),
    ("Description", |domain| domain.description.clone()),
    ("Created", |domain| domain.created_at.iso()),
];

const AUDIT_COLUMNS: &[Column<AuditRow>] = &[
    ("When", |record| record.at.iso()),
    ("Who", |record| record.actor_email.clone()),
    ("Action", |record| record.action.clone()),
    ("Target", |record| record.subject.clone()),
    ("Address", |record| record.address.clone()),
    ("Detail", |record| record.detail.clone()),
];

const SESSION_COLUMNS: &[Column<SessionRow>] = &[
    ("Session ID", |session| session.id.to_string()),
    ("Name", |session| session.name.clone()),
    ("Type", |session| session.kind.label().into()),
    ("Status", |session| session.status.key().into()),
    ("Status info", |session| session.info.clone()),
    ("Owner", |session| session.owner_email.clone()),
    ("Project", |session| session.project.clone()),
    ("Resource group", |session| session.resource_group.clone()),
    ("Environment", |session| session.image.clone()),
    ("Agent", agents),
    ("CPU", |session| session.cpu().to_string()),
    ("Memory", |session| bytes(session.mem())),
    ("AI accelerator", accelerators),
    ("Cluster mode", |session| session.cluster.mode.label().into()),
    ("Cluster size", |session| session.cluster.size.to_string()),
    ("Priority", |session| session.priority.to_string()),
    ("Out-of-memory kills", |session| session.memory_kills.to_string()),
    ("Created", |session| session.created_at.iso()),
    ("Started", |session| time(session.started_at)),
    ("Ended", |session| time(session.ended_at)),
];

fn yes_or_no(on: bool) -> String {
    if on { "yes" } else { "no" }.into()
}

fn active(active: bool) -> String {
    if active { "Active" } else { "Inactive" }.into()
}

/// A time as text, empty if there is none.
fn time(at: Option<Millis>) -> String {
    at.map(Millis::iso).unwrap_or_default()
}

/// The agents of a session, each once, in the order of its containers.
fn agents(session: &SessionRow) -> String {
    let mut names: Vec<&str> = Vec::new();
    for agent in &session.agents {
        if !names.contains(&agent.as_str()) {
            names.push(agent);
        }
    }
    names.join(", ")
}

/// The amounts of a session besides cores and memory, for all its containers together.
fn accelerators(session: &SessionRow) -> String {
    let all = session.cluster.of_all(&session.slots);
    let others = all.0.iter().filter(|(slot, _)| *slot != CPU && *slot != MEM).map(|(slot, amount)| describe(slot, *amount));
    others.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_person_is_exported_or_left_out_on_purpose() {
        let left_out = [
            "id",
            "project_ids",
            "main_key",
            "status_info",
            "policy",
            "addresses",
            "sudo",
            "must_change_password",
            "two_factor",
            "ids",
        ];
        let person = serde_json::to_value(UserRow::default()).unwrap();
        let fields: Vec<&str> = person.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(left_out.iter().all(|name| fields.contains(name)));
        assert_eq!(USER_COLUMNS.len() + left_out.len(), fields.len(), "a column, or a place among those left out: {fields:?}");
    }
}
