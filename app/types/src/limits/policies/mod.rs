//! Resource policies: the limits of keypairs, people and projects (`docs/spec/limits.md`, "Resource policies").
//!
//! `None` means unlimited. The name cannot be changed.

use crate::cluster::slots::{limits_in_short, slot_limit};
use crate::folders::Hosts;
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::{Quantity, Slots, bytes};
use crate::revision::{Fields, or_unlimited};
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// The most concurrent sessions that a policy may allow.
pub const MAX_SESSIONS: u32 = 100;
/// The longest idle timeout that a policy may set, in seconds: 180 days.
pub const MAX_IDLE: u32 = 15_552_000;
/// The most containers in one session that a policy may allow.
pub const MAX_CLUSTER: u32 = 1_000;
/// The most folders in the deprecated field of keypair policies.
pub const MAX_KEYPAIR_FOLDERS: u32 = 100;
/// The bound of seconds and counts that have no smaller one.
const MAX_COUNT: u32 = i32::MAX.unsigned_abs();
/// The most bytes in all folders that a policy may allow: 8 PiB.
const MAX_FOLDER_BYTES: i64 = 8 << 50;

/// The least disk of a session that a policy may allow: its log alone takes up to 16 MiB.
const MIN_SESSION_DISK: i64 = 64 << 20;
/// The disk of a session unless its policy says otherwise: 10 GiB.
pub const SESSION_DISK: i64 = 10 << 30;

/// One of the three kinds of policy.
pub trait Policy: Fields + Clone + Send + Sync + Unpin + 'static {
    const KIND: PolicyKind;

    /// Returns the list of all policies of this kind.
    fn list() -> &'static ListSpec;

    fn name(&self) -> &str;

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`Problem::Invalid`] with each unacceptable field.
    fn check(&self) -> Result<(), Problem>;
}

macro_rules! policy {
    ($policy:ident, $kind:ident, $list:ident) => {
        impl Policy for $policy {
            const KIND: PolicyKind = PolicyKind::$kind;

            fn list() -> &'static ListSpec {
                &$list
            }

            fn name(&self) -> &str {
                &self.name
            }

            fn check(&self) -> Result<(), Problem> {
                $policy::check(self)
            }
        }
    };
}
policy!(KeypairPolicy, Keypair, KEYPAIR_POLICIES);
policy!(UserPolicy, User, USER_POLICIES);
policy!(ProjectPolicy, Project, PROJECT_POLICIES);

/// The limits of a keypair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct KeypairPolicy {
    pub name: String,
    /// The most that its sessions may hold together.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub total: Slots,
    /// Whether slots missing from `total` are unlimited. Otherwise none of them may be held.
    pub others_unlimited: bool,
    /// The most concurrent sessions.
    pub max_sessions: Option<u32>,
    /// The most sessions in the queue at one time.
    pub max_pending: Option<u32>,
    /// The most containers in one session.
    pub max_cluster: u32,
    /// Seconds after its request when a session is ended.
    pub lifetime: Option<u32>,
    /// Seconds that a session may be idle.
    pub idle_timeout: Option<u32>,
    /// The most bytes that one session may hold on its agents' disks.
    #[serde(default = "usual_session_disk")]
    pub session_disk: Option<i64>,
    /// The most concurrent sessions for file transfer.
    pub max_transfers: Option<u32>,
    /// The most folders of one person. Deprecated and kept for programs that read it: user and project policies limit folders.
    #[serde(default)]
    pub max_folders: Option<u32>,
    /// Storage hosts with the permissions on each.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub hosts: Hosts,
}

impl KeypairPolicy {
    /// Makes a policy that limits nothing but the cluster size, to one container, and each session's disk, to [`SESSION_DISK`].
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            total: Slots::default(),
            others_unlimited: true,
            max_sessions: None,
            max_pending: None,
            max_cluster: 1,
            lifetime: None,
            idle_timeout: None,
            session_disk: usual_session_disk(),
            max_transfers: None,
            max_folders: None,
            hosts: Hosts::new(),
        }
    }

    /// Returns the most of a slot that its sessions may hold together; `None` means unlimited.
    pub fn limit(&self, slot: &str) -> Option<Quantity> {
        match self.total.0.get(slot) {
            Some(limit) => Some(*limit),
            None if self.others_unlimited => None,
            None => Some(Quantity::ZERO),
        }
    }

    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        check_name("name", &self.name, &mut errors);
        for (slot, amount) in &self.total.0 {
            slot_limit(slot, *amount, &mut errors);
        }
        check_at_most("max_sessions", self.max_sessions, MAX_SESSIONS, &mut errors);
        check_at_most("max_pending", self.max_pending, MAX_COUNT, &mut errors);
        if !(1..=MAX_CLUSTER).contains(&self.max_cluster) {
            errors.push(FieldError::new("max_cluster", format!("A whole number from 1 to {MAX_CLUSTER}.")));
        }
        check_at_most("lifetime", self.lifetime, MAX_COUNT, &mut errors);
        check_at_most("idle_timeout", self.idle_timeout, MAX_IDLE, &mut errors);
        if self.session_disk.is_some_and(|value| !(MIN_SESSION_DISK..=MAX_FOLDER_BYTES).contains(&value)) {
            errors.push(FieldError::new("session_disk", "From 64 MiB to 8 PiB, or unlimited."));
        }
        check_at_most("max_transfers", self.max_transfers, MAX_COUNT, &mut errors);
        check_at_most("max_folders", self.max_folders, MAX_KEYPAIR_FOLDERS, &mut errors);
        crate::folders::check_hosts("hosts", &self.hosts, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

fn usual_session_disk() -> Option<i64> {
    Some(SESSION_DISK)
}

fn check_name(field: &str, name: &str, errors: &mut Vec<FieldError>) {
    rules::slug(field, name, false, errors);
}

fn check_at_most(field: &str, value: Option<u32>, most: u32, errors: &mut Vec<FieldError>) {
    if value.is_some_and(|value| value > most) {
        errors.push(FieldError::new(field, format!("A whole number from 0 to {most}, or unlimited.")));
    }
}

fn check_folder_bytes(field: &str, value: Option<i64>, errors: &mut Vec<FieldError>) {
    if value.is_some_and(|value| !(0..=MAX_FOLDER_BYTES).contains(&value)) {
        errors.push(FieldError::new(field, "From 0 to 8 PiB, or unlimited."));
    }
}

/// The limits of a person: the size of their folders and of their model services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct UserPolicy {
    pub name: String,
    pub max_folders: Option<u32>,
    /// The most bytes in all their folders together.
    pub max_folder_bytes: Option<i64>,
    /// The most sessions of one model service.
    pub max_service_sessions: u32,
    /// The most images made from their sessions.
    pub max_images: u32,
}

impl UserPolicy {
    /// Makes a policy that does not limit folders, with the incumbent's usual counts.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), max_folders: None, max_folder_bytes: None, max_service_sessions: 10, max_images: 3 }
    }

    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        check_name("name", &self.name, &mut errors);
        check_at_most("max_folders", self.max_folders, MAX_COUNT, &mut errors);
        check_folder_bytes("max_folder_bytes", self.max_folder_bytes, &mut errors);
        check_at_most("max_service_sessions", Some(self.max_service_sessions), MAX_COUNT, &mut errors);
        check_at_most("max_images", Some(self.max_images), MAX_COUNT, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// The limits of a project: the size of its folders, and its networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct ProjectPolicy {
    pub name: String,
    pub max_folders: Option<u32>,
    /// The most bytes in all its folders together.
    pub max_folder_bytes: Option<i64>,
    pub max_networks: Option<u32>,
}

impl ProjectPolicy {
    /// Makes a policy that limits nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), max_folders: None, max_folder_bytes: None, max_networks: None }
    }

    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        check_name("name", &self.name, &mut errors);
        check_at_most("max_folders", self.max_folders, MAX_COUNT, &mut errors);
        check_folder_bytes("max_folder_bytes", self.max_folder_bytes, &mut errors);
        check_at_most("max_networks", self.max_networks, MAX_COUNT, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// One policy in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow<P> {
    pub policy: P,
    /// Grows with every change. An edit names the revision that it is based on.
    pub revision: i64,
    /// The number of keypairs, people or projects that follow it, including inactive ones.
    pub followers: u32,
    pub created_at: Millis,
}

/// A policy to save: a new one if there is no revision, otherwise a change based on that revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavePolicy<P> {
    pub policy: P,
    pub revision: Option<i64>,
}

/// The three kinds of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    Keypair,
    User,
    Project,
}

crate::words::words!(PolicyKind {
    Keypair = "keypair", "Keypair";
    User = "user", "User";
    Project = "project", "Project";
});

impl PolicyKind {
    /// Returns the words for the followers of such a policy, singular and plural.
    pub fn followers(self) -> (&'static str, &'static str) {
        match self {
            Self::Keypair => ("keypair", "keypairs"),
            Self::User => ("person", "people"),
            Self::Project => ("project", "projects"),
        }
    }
}

/// The followers of a policy: their number, and the names of the first ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followers {
    pub count: u32,
    pub first: Vec<String>,
}

/// The most followers that a dialog names.
pub const FOLLOWERS_SHOWN: u32 = 20;

/// The effect of saving a keypair policy on its current followers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyEffect {
    pub followers: Followers,
    /// Keypairs whose running sessions would exceed the new limits. These sessions keep running.
    pub over: Vec<OverLimit>,
    /// The number of such keypairs not listed in `over`.
    pub more: u32,
    /// Keypairs whose sessions would be ended at once, because their lifetime would be over or they would have been idle for too
    /// long.
    pub ended: Vec<OverLimit>,
    /// The number of such keypairs not listed in `ended`.
    pub ended_more: u32,
}

/// One keypair whose running sessions would exceed a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverLimit {
    /// The owner's email.
    pub owner: String,
    pub access_key: String,
    /// Names of the sessions.
    pub sessions: Vec<String>,
    /// A sentence that names the limit.
    pub why: String,
}

impl KeypairPolicy {
    /// Returns its fields for people. The slots in `known`, which agents offer, appear even if they are not limited.
    pub fn fields_among(&self, known: &[String]) -> Vec<(&'static str, String)> {
        vec![
            ("Name", self.name.clone()),
            ("Resource policy", limits_in_short(&self.total, self.others_unlimited, known)),
            ("Other resources", if self.others_unlimited { "∞" } else { "none" }.into()),
            ("Concurrent jobs", or_unlimited(self.max_sessions)),
            ("Cluster size", self.max_cluster.to_string()),
            ("Idle timeout (s)", or_unlimited(self.idle_timeout)),
            ("Session lifetime (s)", or_unlimited(self.lifetime)),
            ("Disk per session", or_unlimited(self.session_disk.map(bytes))),
            ("Storage hosts", host_list(&self.hosts)),
            ("Max pending sessions", or_unlimited(self.max_pending)),
            ("Max concurrent SFTP sessions", or_unlimited(self.max_transfers)),
            ("Max folders (deprecated)", or_unlimited(self.max_folders)),
        ]
    }
}

impl Fields for KeypairPolicy {
    fn fields(&self) -> Vec<(&'static str, String)> {
        self.fields_among(&[])
    }
}

fn host_list(hosts: &Hosts) -> String {
    let each: Vec<_> = hosts.iter().map(|(host, may)| format!("{host} ({})", may.join(", "))).collect();
    each.join("; ")
}

impl Fields for UserPolicy {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Name", self.name.clone()),
            ("Max folder count", or_unlimited(self.max_folders)),
            ("Max folder size", or_unlimited(self.max_folder_bytes.map(bytes))),
            ("Max session count per model session", self.max_service_sessions.to_string()),
            ("Max customized image count", self.max_images.to_string()),
        ]
    }
}

impl Fields for ProjectPolicy {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Name", self.name.clone()),
            ("Max folder count", or_unlimited(self.max_folders)),
            ("Max folder size", or_unlimited(self.max_folder_bytes.map(bytes))),
            ("Max network count", or_unlimited(self.max_networks)),
        ]
    }
}

const NAME: Property = Property { key: "name", label: "Name", kind: Kind::Text };
const CREATED: Property = Property { key: "created_at", label: "Created", kind: Kind::Date };
const BY_NAME: Sort<'static> = Sort { key: "name", descending: false };

/// The list of keypair policies.
pub static KEYPAIR_POLICIES: ListSpec = ListSpec {
    name: "keypair_policies",
    properties: &[NAME, CREATED],
    sorts: &[
        "name",
        "max_sessions",
        "max_cluster",
        "idle_timeout",
        "lifetime",
        "session_disk",
        "max_pending",
        "max_transfers",
        "created_at",
    ],
    default_sort: BY_NAME,
    tabs: &[],
    subtabs: &[],
};

/// The list of user policies.
pub static USER_POLICIES: ListSpec = ListSpec {
    name: "user_policies",
    properties: &[NAME, CREATED],
    sorts: &["name", "max_folders", "max_folder_bytes", "max_service_sessions", "max_images", "created_at"],
    default_sort: BY_NAME,
    tabs: &[],
    subtabs: &[],
};

/// The list of project policies.
pub static PROJECT_POLICIES: ListSpec = ListSpec {
    name: "project_policies",
    properties: &[NAME, CREATED],
    sorts: &["name", "max_folders", "max_folder_bytes", "max_networks", "created_at"],
    default_sort: BY_NAME,
    tabs: &[],
    subtabs: &[],
};

#[cfg(test)]
mod tests;
