//! Resource groups: agents that are offered together, with the rules for serving their queue (`docs/spec/cluster.md`, "Resource
//! groups"). A group names the domains and projects that may use it.

use crate::id::{DomainId, ProjectId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::revision::{Fields, or_unlimited};
use crate::sessions::SessionType;
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// The order in which a group's queue is served, among sessions of one priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerKind {
    /// The oldest request first.
    #[default]
    Fifo,
    /// The newest request first.
    Lifo,
    /// The person with the smallest dominant share first, which is their largest share of any one slot.
    Drf,
}

crate::words::words!(SchedulerKind {
    Fifo = "fifo", "FIFO";
    Lifo = "lifo", "LIFO";
    Drf = "drf", "DRF";
});

/// The choices for a group's scheduler: one of its own, or the system's (`docs/spec/system.md`, "Scheduler settings").
pub const GROUP_SCHEDULERS: &[(&str, &str)] = &[(THE_SYSTEMS, "Default"), ("fifo", "FIFO"), ("lifo", "LIFO"), ("drf", "DRF")];
/// The word for a group that uses the system's scheduler.
pub const THE_SYSTEMS: &str = "system";

/// Parses a word of [`GROUP_SCHEDULERS`]. `Some(None)` is the system's scheduler, `None` an unknown word.
pub fn group_scheduler(word: &str) -> Option<Option<SchedulerKind>> {
    if word == THE_SYSTEMS { Some(None) } else { SchedulerKind::from_key(word).map(Some) }
}

/// The agent that a session gets among those with room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// The one with the most free.
    #[default]
    Dispersed,
    /// The one with the least free.
    Concentrated,
    /// The next by name.
    RoundRobin,
}

crate::words::words!(Placement {
    Dispersed = "dispersed", "Dispersed: the emptiest agent";
    Concentrated = "concentrated", "Concentrated: the fullest agent with room";
    RoundRobin = "round_robin", "Round robin: the next agent";
});

/// A resource group, as an administrator edits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceGroup {
    pub name: String,
    pub description: String,
    /// Whether new sessions can be requested. Running ones continue either way.
    pub active: bool,
    /// Whether it is offered to everybody who may use it. Otherwise a request must name it.
    pub public: bool,
    /// `None` means the system's scheduler.
    pub scheduler: Option<SchedulerKind>,
    pub placement: Placement,
    /// At least one.
    pub session_types: Vec<SessionType>,
    /// Seconds after which a waiting session is cancelled.
    pub pending_timeout: Option<u32>,
    /// Tries after which a session that finds no room lets others pass that do not delay it. `None` means the system's value.
    pub retries_to_skip: Option<u32>,
    /// The address of a relay that reaches the agents' apps directly; empty if apps go through the server.
    pub app_proxy: String,
    /// Domains whose people may use it.
    pub domains: Vec<DomainId>,
    /// Projects whose sessions may use it, whether or not their domain may.
    pub projects: Vec<ProjectId>,
}

/// The longest pending timeout, in seconds: ten years.
const MAX_PENDING_TIMEOUT: u32 = 315_360_000;
/// The most tries before a session is passed over (`docs/spec/cluster.md`, "Retries to skip").
pub const MAX_RETRIES: u32 = 1_000;
/// The largest idle threshold, in percent of a core.
pub const MAX_IDLE_BELOW: u32 = 100;
/// The tries if nobody chose: three, as in the incumbent's documentation.
pub const DEFAULT_RETRIES: u32 = 3;
/// The most domains, and the most projects, that one group may name.
const MOST_ALLOWED: usize = 1_000;

impl ResourceGroup {
    /// Returns the word for its scheduler, one of [`GROUP_SCHEDULERS`].
    pub fn scheduler_word(&self) -> &'static str {
        self.scheduler.map_or(THE_SYSTEMS, SchedulerKind::key)
    }

    /// Makes a public, active group for all types of sessions, with the system's settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            active: true,
            public: true,
            scheduler: None,
            placement: Placement::Dispersed,
            session_types: SessionType::ALL.to_vec(),
            pending_timeout: None,
            retries_to_skip: None,
            app_proxy: String::new(),
            domains: Vec::new(),
            projects: Vec::new(),
        }
    }

    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        rules::slug("name", &self.name, false, &mut errors);
        rules::text("description", &self.description, rules::MAX_DESCRIPTION, &mut errors);
        if self.session_types.is_empty() {
            errors.push(FieldError::new("session_types", "Allow at least one type of session."));
        }
        if self.pending_timeout.is_some_and(|seconds| seconds > MAX_PENDING_TIMEOUT) {
            errors.push(FieldError::new("pending_timeout", format!("A whole number of seconds up to {MAX_PENDING_TIMEOUT}.")));
        }
        if self.retries_to_skip.is_some_and(|tries| tries > MAX_RETRIES) {
            errors
                .push(FieldError::new("retries_to_skip", format!("A whole number from 0 to {MAX_RETRIES}, or leave it empty.")));
        }
        rules::address("app_proxy", &self.app_proxy, &mut errors);
        if self.domains.len() > MOST_ALLOWED || self.projects.len() > MOST_ALLOWED {
            errors.push(FieldError::new("domains", format!("At most {MOST_ALLOWED} domains and {MOST_ALLOWED} projects.")));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// One resource group in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    pub group: ResourceGroup,
    /// Grows with every change. An edit names the revision that it is based on.
    pub revision: i64,
    /// The number of agents that answer.
    pub agents: u32,
    /// The number of sessions that have not ended.
    pub sessions: u32,
    /// Names of the domains that may use it.
    pub domain_names: Vec<String>,
    /// Names of the projects that may use it.
    pub project_names: Vec<String>,
    pub created_at: Millis,
}

/// A group to save: a new one if there is no revision, otherwise a change based on that revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveGroup {
    pub group: ResourceGroup,
    pub revision: Option<i64>,
}

/// Defaults for groups without a setting of their own (`docs/spec/system.md`, "Scheduler settings").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulerSettings {
    /// The scheduler of groups that have none of their own.
    pub scheduler: SchedulerKind,
    /// Tries before a session that finds no room is passed over; `None` means [`DEFAULT_RETRIES`]. Can be changed only while the
    /// scheduler is FIFO (`docs/spec/system.md`, "Retries and FIFO").
    pub retries_to_skip: Option<u32>,
    /// Percent of one core: an interactive session that nobody types into is idle while its processes use less
    /// (`docs/spec/sessions.md`, "Idleness").
    pub idle_below: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub revision: i64,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self { scheduler: SchedulerKind::Fifo, retries_to_skip: None, idle_below: 1, revision: 0 }
    }
}

impl SchedulerSettings {
    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if self.retries_to_skip.is_some_and(|tries| tries > MAX_RETRIES) {
            errors
                .push(FieldError::new("retries_to_skip", format!("A whole number from 0 to {MAX_RETRIES}, or leave it empty.")));
        }
        if !(1..=MAX_IDLE_BELOW).contains(&self.idle_below) {
            errors.push(FieldError::new("idle_below", format!("A whole number from 1 to {MAX_IDLE_BELOW}.")));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    /// Returns the scheduler that serves a group.
    pub fn scheduler_of(&self, group: &ResourceGroup) -> SchedulerKind {
        group.scheduler.unwrap_or(self.scheduler)
    }

    /// Returns the tries before a group passes a session over.
    pub fn retries_of(&self, group: &ResourceGroup) -> u32 {
        group.retries_to_skip.or(self.retries_to_skip).unwrap_or(DEFAULT_RETRIES)
    }
}

impl Fields for SchedulerSettings {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let tries = self.retries_to_skip.map_or_else(|| format!("{DEFAULT_RETRIES} (not set)"), |tries| tries.to_string());
        let idle = format!("{} % of a CPU core", self.idle_below);
        vec![("Scheduler", self.scheduler.label().into()), ("Session creation retries", tries), ("Idle below", idle)]
    }
}

impl Fields for ResourceGroup {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let types: Vec<_> = self.session_types.iter().map(|kind| kind.label()).collect();
        // By sorted id, since the same number of other domains must not look like the same ones.
        fn ids<T: Copy + Ord + ToString>(ids: &[T]) -> String {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
        }
        let seconds = |seconds: Option<u32>| or_unlimited(seconds.map(|seconds| format!("{seconds} s")));
        vec![
            ("Name", self.name.clone()),
            ("Description", self.description.clone()),
            ("Active", yes_or_no(self.active)),
            ("Public", yes_or_no(self.public)),
            ("Scheduler", self.scheduler.map_or("default", SchedulerKind::label).into()),
            ("Placement", self.placement.label().into()),
            ("Allowed session types", types.join(", ")),
            ("Pending timeout", seconds(self.pending_timeout)),
            ("Retries to skip", self.retries_to_skip.map_or_else(|| "default".into(), |tries| tries.to_string())),
            ("App proxy address", self.app_proxy.clone()),
            ("Domains", ids(&self.domains)),
            ("Projects", ids(&self.projects)),
        ]
    }
}

/// The list of resource groups.
pub static RESOURCE_GROUPS: ListSpec = ListSpec {
    name: "resource_groups",
    properties: &[
        Property { key: "name", label: "Name", kind: Kind::Text },
        Property { key: "description", label: "Description", kind: Kind::Text },
        Property { key: "scheduler", label: "Scheduler", kind: Kind::Choice(GROUP_SCHEDULERS) },
        Property { key: "public", label: "Public", kind: Kind::Flag },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
    ],
    sorts: &["name", "scheduler", "created_at"],
    default_sort: Sort { key: "name", descending: false },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_allows_at_least_one_type_of_session() {
        let none = ResourceGroup { session_types: Vec::new(), ..ResourceGroup::new("gpu") };
        assert!(none.check().unwrap_err().of_field("session_types").is_some());
        assert_eq!(ResourceGroup::new("gpu").check(), Ok(()));
    }

    #[test]
    fn a_groups_own_tries_override_the_systems_and_three_is_the_default() {
        let mut system = SchedulerSettings::default();
        let mut group = ResourceGroup::new("gpu");
        assert_eq!(system.retries_of(&group), 3);
        system.retries_to_skip = Some(7);
        assert_eq!(system.retries_of(&group), 7);
        group.retries_to_skip = Some(0);
        assert_eq!(system.retries_of(&group), 0);
    }
}
