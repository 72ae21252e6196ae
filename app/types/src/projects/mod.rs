//! Domains and projects: the groups that people and their sessions belong to.

use crate::cluster::slots::slot_limit;
use crate::folders::Hosts;
use crate::id::{DomainId, ProjectId, UserId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::Slots;
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// A domain with its projects, as choices in a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainChoice {
    pub id: DomainId,
    pub name: String,
    /// Nobody and nothing new can be put into a domain that is deactivated.
    pub active: bool,
    pub projects: Vec<ProjectChoice>,
}

/// A project, as a choice in a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectChoice {
    pub id: ProjectId,
    pub name: String,
}

/// The purpose of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectKind {
    General,
    /// Each of its folders is a card in the model store.
    ModelStore,
}

crate::words::words!(ProjectKind {
    General = "general", "General";
    ModelStore = "model-store", "Model store";
});

/// One domain in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRow {
    pub id: DomainId,
    pub name: String,
    pub description: String,
    pub active: bool,
    pub hosts: Hosts,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Slots,
    pub integration: String,
    pub projects: u32,
    pub people: u32,
    pub created_at: Millis,
    pub modified_at: Millis,
}

/// One project in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRow {
    pub id: ProjectId,
    pub name: String,
    pub domain_id: DomainId,
    pub domain: String,
    pub description: String,
    pub kind: ProjectKind,
    pub active: bool,
    /// The project resource policy.
    pub policy: String,
    pub hosts: Hosts,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Slots,
    pub integration: String,
    pub members: u32,
    pub created_at: Millis,
    pub modified_at: Millis,
}

/// A member of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub user: UserId,
    pub email: String,
    pub full_name: String,
    /// Whether they administer the project.
    pub admin: bool,
}

/// Everything the drawer shows of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectDetail {
    pub row: ProjectRow,
    /// By email, at most [`MOST_SHOWN`].
    pub members: Vec<Member>,
}

/// The most people whose membership one change can affect.
const MOST_AT_ONCE: usize = 1000;
/// The most characters in a name in another system.
const MAX_INTEGRATION: usize = 512;

/// The most members that a drawer shows.
pub const MOST_SHOWN: u32 = 200;

/// A new domain, or changes to one; a `None` field is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditDomain {
    pub name: Option<String>,
    pub description: Option<String>,
    pub active: Option<bool>,
    pub hosts: Option<Hosts>,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Option<Slots>,
    /// Its name in another system, kept for use by programs.
    pub integration: Option<String>,
}

impl EditDomain {
    /// The edit that changes nothing about this domain: each field as it is.
    pub fn as_it_is(row: &DomainRow) -> Self {
        let row = row.clone();
        Self {
            name: Some(row.name),
            description: Some(row.description),
            active: Some(row.active),
            hosts: Some(row.hosts),
            limit: Some(row.limit),
            integration: Some(row.integration),
        }
    }

    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let texts = (self.name.as_deref(), self.description.as_deref(), self.integration.as_deref());
        check_fields(texts, self.hosts.as_ref(), self.limit.as_ref(), false)
    }
}

/// A new project, or changes to one; a `None` field is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditProject {
    pub name: Option<String>,
    /// Only for a new project: a project never moves to another domain.
    pub domain: Option<DomainId>,
    /// Only for a new project.
    pub kind: Option<ProjectKind>,
    pub description: Option<String>,
    pub active: Option<bool>,
    pub policy: Option<String>,
    pub hosts: Option<Hosts>,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Option<Slots>,
    /// Its name in another system, kept for use by programs.
    pub integration: Option<String>,
    /// Logins (emails, usernames or user ids) of people to add as members.
    pub add: Vec<String>,
    /// Logins of members to remove.
    pub remove: Vec<String>,
    /// Logins of people to appoint as administrators, which makes them members as well.
    pub appoint: Vec<String>,
    /// Logins of people to dismiss as administrators. They stay members.
    pub dismiss: Vec<String>,
}

impl EditProject {
    /// The edit that changes nothing about this project: each field as it is, and no member.
    pub fn as_it_is(row: &ProjectRow) -> Self {
        let row = row.clone();
        Self {
            name: Some(row.name),
            description: Some(row.description),
            active: Some(row.active),
            policy: Some(row.policy),
            hosts: Some(row.hosts),
            limit: Some(row.limit),
            integration: Some(row.integration),
            ..Self::default()
        }
    }

    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let people = self.add.len() + self.remove.len() + self.appoint.len() + self.dismiss.len();
        if people > MOST_AT_ONCE {
            return Err(Problem::field("add", format!("At most {MOST_AT_ONCE} people at once, not {people}.")));
        }
        let texts = (self.name.as_deref(), self.description.as_deref(), self.integration.as_deref());
        check_fields(texts, self.hosts.as_ref(), self.limit.as_ref(), true)
    }

    /// Whether this changes only the members, which the project's own administrators may do.
    pub fn only_members(&self) -> bool {
        *self == Self { add: self.add.clone(), remove: self.remove.clone(), ..Self::default() }
    }
}

fn check_fields(
    (name, description, integration): (Option<&str>, Option<&str>, Option<&str>),
    hosts: Option<&Hosts>,
    limit: Option<&Slots>,
    spaces: bool,
) -> Result<(), Problem> {
    let mut errors: Vec<FieldError> = Vec::new();
    if let Some(name) = name {
        rules::slug("name", name, spaces, &mut errors);
    }
    if let Some(text) = description {
        rules::text("description", text, rules::MAX_DESCRIPTION, &mut errors);
    }
    if let Some(text) = integration {
        rules::line("integration", text, MAX_INTEGRATION, &mut errors);
    }
    if let Some(hosts) = hosts {
        crate::folders::check_hosts("hosts", hosts, &mut errors);
    }
    for (slot, amount) in limit.into_iter().flat_map(|limit| &limit.0) {
        slot_limit(slot, *amount, &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}

/// The list of projects.
pub static PROJECTS: ListSpec = ListSpec {
    name: "projects",
    properties: &[
        Property { key: "name", label: "Name", kind: Kind::Text },
        Property { key: "domain", label: "Domain", kind: Kind::Text },
        Property { key: "kind", label: "Type", kind: Kind::Choice(ProjectKind::CHOICES) },
        Property { key: "policy", label: "Project policy", kind: Kind::Text },
        Property { key: "id", label: "Project ID", kind: Kind::Id },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
    ],
    sorts: &["created_at", "name", "kind", "policy"],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};

/// The list of domains.
pub static DOMAINS: ListSpec = ListSpec {
    name: "domains",
    properties: &[
        Property { key: "name", label: "Name", kind: Kind::Text },
        Property { key: "description", label: "Description", kind: Kind::Text },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
    ],
    sorts: &["created_at", "name"],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};
