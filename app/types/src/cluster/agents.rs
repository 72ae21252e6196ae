//! Agents: the machines that sessions run on, as their engine reports them (`docs/spec/cluster.md`, "Agents").

use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::Slots;
use crate::sessions::SessionRow;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What an engine says of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// The machine's name, unique in its engine.
    pub name: String,
    /// Where it is reached, as its engine knows it; empty when that is this machine.
    #[serde(default)]
    pub address: String,
    pub engine: String,
    /// The version of what runs there.
    #[serde(default)]
    pub version: String,
    pub architecture: String,
    /// The resource group that its configuration names; the first group when it names none.
    #[serde(default)]
    pub resource_group: Option<String>,
    /// What the machine has in all.
    pub capacity: Slots,
    /// What the machine uses now, whoever uses it.
    pub used: Slots,
    pub at: Millis,
    /// How sessions are isolated and limited here, and what this machine cannot offer.
    pub facts: Vec<Fact>,
}

/// One thing worth knowing about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
    /// False when it is something the machine lacks.
    pub good: bool,
}

/// An agent with what Yardmaster knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub report: AgentReport,
    pub resource_group: String,
    /// Gets new sessions; those that run there stay either way.
    pub schedulable: bool,
    pub first_contact: Millis,
    /// Since when it does not answer and counts as terminated.
    pub lost_at: Option<Millis>,
    /// What running and starting sessions asked for.
    pub occupied: Slots,
    pub sessions: u32,
}

/// What a machine used at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUsage {
    pub at: Millis,
    pub used: Slots,
}

/// Everything the drawer shows of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDetail {
    pub agent: Agent,
    /// Oldest first, since the server was started, at most the last half hour.
    pub usage: Vec<AgentUsage>,
    /// The sessions that are on it now, at most [`SESSIONS_SHOWN`].
    pub sessions: Vec<SessionRow>,
}

/// Sessions that an agent's drawer shows.
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

/// What was found when usage was recalculated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalculated {
    /// Sessions that hold resources now.
    pub sessions: u32,
    /// Things that were put right, and the first of them as sentences.
    pub corrections: u32,
    pub first: Vec<String>,
}
