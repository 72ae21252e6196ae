//! Agents: the machines that sessions run on, as their engine reports them.

use crate::quantity::Slots;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What an engine says of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// The machine's name, unique in its engine.
    pub name: String,
    pub engine: String,
    pub architecture: String,
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
    pub first_contact: Millis,
    /// What running and starting sessions asked for.
    pub occupied: Slots,
    pub sessions: u32,
}
