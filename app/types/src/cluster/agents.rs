//! Agents: the machines that sessions run on, as their engine reports them (`docs/spec/cluster.md`, "Agents").

use crate::Problem;
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::Slots;
use crate::sessions::SessionRow;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// An engine's report about one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// The machine's name, unique in its engine.
    pub name: String,
    /// The address at which its engine reaches it; empty if it is the server's own machine.
    #[serde(default)]
    pub address: String,
    pub engine: String,
    /// The version of the software that runs sessions there.
    #[serde(default)]
    pub version: String,
    pub architecture: String,
    /// The resource group named in its configuration; the first group if `None`.
    #[serde(default)]
    pub resource_group: Option<String>,
    /// Everything that the machine has.
    pub capacity: Slots,
    /// Everything in use on the machine now, by sessions or anything else.
    pub used: Slots,
    pub at: Millis,
    /// How sessions are isolated and limited there, and what the machine lacks.
    pub facts: Vec<Fact>,
    /// Why no session may start there, and what to do about it.
    #[serde(default)]
    pub refusal: Option<String>,
}

/// One fact about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
    /// False if the machine lacks it.
    pub good: bool,
}

/// An agent: its engine's report and what Yardmaster knows about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub report: AgentReport,
    pub resource_group: String,
    /// Whether it takes new sessions. Running ones stay either way.
    pub schedulable: bool,
    /// Why it takes none, in the words of whoever took it out of service, and since when.
    #[serde(default)]
    pub closed_reason: String,
    #[serde(default)]
    pub closed_at: Option<Millis>,
    pub first_contact: Millis,
    /// When it stopped answering and came to count as terminated.
    pub lost_at: Option<Millis>,
    /// The amounts that its running and starting sessions asked for.
    pub occupied: Slots,
    pub sessions: u32,
}

impl Agent {
    /// Whether new sessions can start there: an administrator lets them, and nothing about the machine forbids it.
    pub fn takes_sessions(&self) -> bool {
        self.schedulable && self.report.refusal.is_none()
    }
}

/// The use of a machine at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUsage {
    pub at: Millis,
    pub used: Slots,
}

/// Everything the drawer shows of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDetail {
    pub agent: Agent,
    /// Oldest first, since the start of the server, at most the last half hour.
    pub usage: Vec<AgentUsage>,
    /// The sessions on it now, at most [`SESSIONS_SHOWN`].
    pub sessions: Vec<SessionRow>,
    /// When the last of those of its sessions ends that have a time limit.
    pub last_end: Option<Millis>,
    /// Its sessions without a time limit.
    pub endless: u32,
}

/// Taking agents out of service, or back into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetSchedulable {
    pub names: Vec<String>,
    pub schedulable: bool,
    /// Shown to administrators, and to those who are told.
    pub reason: String,
    /// Whether the owners of the sessions on them get a notice.
    pub tell: bool,
}

/// The most characters in the reason.
pub const MAX_REASON: usize = 200;

impl SetSchedulable {
    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        crate::rules::line("reason", &self.reason, MAX_REASON, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// The most sessions that an agent's drawer shows.
pub const SESSIONS_SHOWN: u32 = 50;

/// The list of agents.
pub static AGENTS: ListSpec = ListSpec {
    name: "agents",
    properties: &[
        Property { key: "name", label: "Agent", kind: Kind::Text },
        Property { key: "address", label: "Address", kind: Kind::Text },
        Property { key: "resource_group", label: "Resource group", kind: Kind::Text },
        Property { key: "schedulable", label: "Schedulable", kind: Kind::Flag },
        Property { key: "first_contact", label: "First contact", kind: Kind::Date },
        Property { key: "status", label: "", kind: Kind::Choice(&[("ALIVE", "Connected"), ("TERMINATED", "Terminated")]) },
    ],
    sorts: &["name", "resource_group", "first_contact"],
    default_sort: Sort { key: "name", descending: false },
    tabs: &[("connected", "Connected"), ("terminated", "Terminated")],
    subtabs: &[],
};

/// The result of recalculating usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalculated {
    /// The number of sessions that hold resources now.
    pub sessions: u32,
    /// The number of corrections.
    pub corrections: u32,
    /// The first corrections, a sentence for each.
    pub first: Vec<String>,
}
