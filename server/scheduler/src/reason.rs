//! Why a session waits or was cancelled, in words for the person whose it is.

use serde::{Deserialize, Serialize};
use types::quantity::{Quantity, describe};
use types::time::{Millis, duration};

/// A slot with what is asked of it and the most that there is.
type Missing = Vec<(String, Quantity, Quantity)>;

/// Why a session does not start now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its resource group has no agent.
    NoAgent { resource_group: String },
    /// Its resource group has agents, and none gets new sessions.
    NoneSchedulable { resource_group: String },
    /// No agent of its group has that much even when empty.
    TooLarge { missing: Missing },
    /// The agents of its group together do not have that much for all its containers.
    TooManyContainers { containers: u32 },
    /// It would fit, once others have ended; each slot with the most that is free on one agent now.
    Busy { missing: Missing },
    /// There is room for some of its containers, not for all of them.
    BusyForAll { containers: u32 },
    /// Its keypair runs as many sessions as it may.
    TooManySessions { policy: String, limit: u32 },
    /// It has more containers than its keypair's policy allows.
    ClusterTooLarge { policy: String, asked: u32, limit: u32 },
    /// Its keypair's sessions would hold more than they may.
    OverPolicy { policy: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Its project's sessions would.
    OverProject { name: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Its domain's sessions would.
    OverDomain { name: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Sessions that it depends on have not ended.
    WaitsFor { names: Vec<String> },
    /// A session that it depends on did not end well.
    DependencyFailed { name: String },
    /// Its start time has not come.
    NotBefore { at: Millis },
    /// It waited as long as its resource group allows (seconds).
    PendingTimeout { resource_group: String, limit: u32 },
    /// Others in front of it wait for resources first.
    Behind { ahead: u32 },
}

impl Reason {
    /// The check that it did not pass, in a word or two.
    pub fn check(&self) -> &'static str {
        match self {
            Self::NoAgent { .. } | Self::NoneSchedulable { .. } => "agents",
            Self::TooLarge { .. } | Self::TooManyContainers { .. } => "size",
            Self::Busy { .. } | Self::BusyForAll { .. } => "resources",
            Self::TooManySessions { .. } | Self::ClusterTooLarge { .. } | Self::OverPolicy { .. } => "policy",
            Self::OverProject { .. } => "project",
            Self::OverDomain { .. } => "domain",
            Self::WaitsFor { .. } | Self::DependencyFailed { .. } => "dependencies",
            Self::NotBefore { .. } => "start time",
            Self::PendingTimeout { .. } => "pending timeout",
            Self::Behind { .. } => "turn",
        }
    }

    /// The reason as a sentence for the person who waits.
    pub fn describe(&self) -> String {
        let list = |missing: &Missing, has: &str| {
            let each = missing
                .iter()
                .map(|(slot, asked, most)| format!("it asks for {}, {has} {}", describe(slot, *asked), describe(slot, *most)));
            each.collect::<Vec<_>>().join("; ")
        };
        let over = |what: String, slot: &str, asked: Quantity, used: Quantity, limit: Quantity| {
            let (limit, used, asked) = (describe(slot, limit), describe(slot, used), describe(slot, asked));
            format!("{what} allows {limit}; in use: {used}; this one asks for {asked}.")
        };
        match self {
            Self::NoAgent { resource_group } => format!("Waits for an agent: resource group {resource_group} has none."),
            Self::NoneSchedulable { resource_group } => {
                format!("Waits for an agent: none of resource group {resource_group} gets new sessions now.")
            }
            Self::TooLarge { missing } => format!("Cannot start here: {}.", list(missing, "the largest agent has")),
            Self::TooManyContainers { containers } => {
                format!("Cannot start here: the agents have no room for {containers} such containers even when empty.")
            }
            Self::Busy { missing } => format!("Waits for resources: {}.", list(missing, "the most that is free on one agent is")),
            Self::BusyForAll { containers } => {
                format!("Waits for resources: there is room for some of its {containers} containers, not for all of them.")
            }
            Self::TooManySessions { policy, limit } => {
                format!("Waits for one of your sessions to end: policy {policy} allows {limit} at a time.")
            }
            Self::ClusterTooLarge { policy, asked, limit } => {
                format!("Cannot start: it has {asked} containers, and policy {policy} allows {limit} in one session.")
            }
            Self::OverPolicy { policy, slot, asked, used, limit } => {
                over(format!("Waits for your own sessions: policy {policy}"), slot, *asked, *used, *limit)
            }
            Self::OverProject { name, slot, asked, used, limit } => {
                over(format!("Waits for sessions of its project: {name}"), slot, *asked, *used, *limit)
            }
            Self::OverDomain { name, slot, asked, used, limit } => {
                over(format!("Waits for sessions of its domain: {name}"), slot, *asked, *used, *limit)
            }
            Self::WaitsFor { names } => format!("Waits for {} to end.", names.join(", ")),
            Self::DependencyFailed { name } => format!("It depends on {name}, which did not end well."),
            Self::NotBefore { at } => format!("Waits for its start time, {} UTC.", at.utc()),
            Self::PendingTimeout { resource_group, limit } => {
                let limit = duration(i64::from(*limit) * 1000);
                format!("It waited for {limit}, as long as resource group {resource_group} allows.")
            }
            Self::Behind { ahead: 1 } => "Waits its turn: 1 session is ahead of it.".into(),
            Self::Behind { ahead } => format!("Waits its turn: {ahead} sessions are ahead of it."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_sentence_with_the_limit_whose_it_is_and_what_is_in_use() {
        let two = |slot: &str| (slot.to_owned(), Quantity::whole(2), Quantity::whole(1));
        let name = || "lab".to_owned();
        let (asked, used, limit) = (Quantity::whole(2), Quantity::whole(3), Quantity::whole(4));
        let said = [
            (Reason::NoAgent { resource_group: name() }, "Waits for an agent: resource group lab has none."),
            (
                Reason::NoneSchedulable { resource_group: name() },
                "Waits for an agent: none of resource group lab gets new sessions now.",
            ),
            (
                Reason::TooLarge { missing: vec![two("cpu")] },
                "Cannot start here: it asks for 2 CPU cores, the largest agent has 1 CPU core.",
            ),
            (
                Reason::Busy { missing: vec![two("cuda.shares")] },
                "Waits for resources: it asks for 2 × cuda.shares, the most that is free on one agent is 1 × cuda.shares.",
            ),
            (
                Reason::TooManySessions { policy: name(), limit: 3 },
                "Waits for one of your sessions to end: policy lab allows 3 at a time.",
            ),
            (
                Reason::OverPolicy { policy: name(), slot: "cpu".into(), asked, used, limit },
                "Waits for your own sessions: policy lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
            ),
            (
                Reason::OverProject { name: name(), slot: "cpu".into(), asked, used, limit },
                "Waits for sessions of its project: lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
            ),
            (Reason::WaitsFor { names: vec!["prepare".into(), "fetch".into()] }, "Waits for prepare, fetch to end."),
            (Reason::DependencyFailed { name: "prepare".into() }, "It depends on prepare, which did not end well."),
            (Reason::NotBefore { at: Millis(0) }, "Waits for its start time, 1970-01-01 00:00:00 UTC."),
            (
                Reason::PendingTimeout { resource_group: name(), limit: 90 },
                "It waited for 1 min 30 s, as long as resource group lab allows.",
            ),
            (Reason::Behind { ahead: 1 }, "Waits its turn: 1 session is ahead of it."),
            (Reason::Behind { ahead: 7 }, "Waits its turn: 7 sessions are ahead of it."),
        ];
        for (reason, sentence) in said {
            assert_eq!(reason.describe(), sentence);
        }
    }
}
