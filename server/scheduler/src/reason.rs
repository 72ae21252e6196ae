//! Why a session waits or is cancelled, as data and as a sentence for the person who waits.

use serde::{Deserialize, Serialize};
use types::quantity::{Quantity, describe};
use types::time::{Millis, duration};

/// Why a session waits or is cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its resource group has no agent.
    NoAgent { resource_group: String },
    /// Its resource group has agents, and none takes new sessions.
    NoneSchedulable { resource_group: String },
    /// No agent of its group that takes new sessions has its image.
    NoImage { resource_group: String },
    /// No agent of its group has that much even when empty; each slot with what is asked and the most that an agent has.
    TooLarge { missing: Vec<(String, Quantity, Quantity)> },
    /// Each of its containers would fit, but all of them do not even when every agent is empty.
    TooManyContainers { asked: u32, room: u32 },
    /// It would fit, once others have ended; each slot with what is asked and the most that is free on one agent now.
    Busy { missing: Vec<(String, Quantity, Quantity)> },
    /// Some of its containers would fit now, and all of them once others have ended.
    BusyForContainers { asked: u32, room: u32 },
    /// Its keypair runs as many sessions as it may.
    TooManySessions { policy: String, limit: u32 },
    /// It has more containers than its keypair may have in one session.
    OverCluster { policy: String, asked: u32, limit: u32 },
    /// Its keypair's sessions would hold more than they may.
    OverPolicy { policy: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Its project's sessions would hold more than they may.
    OverProject { name: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Its domain's sessions would hold more than they may.
    OverDomain { name: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Sessions that it depends on have not ended.
    WaitsFor { names: Vec<String> },
    /// A session that it depends on did not end well.
    DependencyFailed { name: String },
    /// Its start time has not come.
    NotBefore { at: Millis },
    /// It waited for as long as its group lets a session wait.
    PendingTimeout { resource_group: String, seconds: u32 },
    /// Others in front of it wait for resources first.
    Behind { ahead: u32 },
}

impl Reason {
    /// The reason as a sentence for the person who waits.
    pub fn describe(&self) -> String {
        match self {
            Self::NoAgent { resource_group } => format!("Waits for an agent: resource group {resource_group} has none."),
            Self::NoneSchedulable { resource_group } => {
                format!("Waits for an agent: none of resource group {resource_group} gets new sessions now.")
            }
            Self::NoImage { resource_group } => {
                format!("Waits for an agent: none of resource group {resource_group} runs its environment.")
            }
            Self::TooLarge { missing } => format!("Cannot start here: {}.", list(missing, "the largest agent has")),
            Self::TooManyContainers { asked, room } => {
                format!("Cannot start here: it asks for {asked} containers, empty agents have room for {room} of them.")
            }
            Self::Busy { missing } => format!("Waits for resources: {}.", list(missing, "the most that is free on one agent is")),
            Self::BusyForContainers { asked, room } => {
                format!("Waits for resources: it asks for {asked} containers, there is room for {room} of them now.")
            }
            Self::TooManySessions { policy, limit } => {
                format!("Waits for a session of its owner to end: policy {policy} allows {limit} at a time.")
            }
            Self::OverCluster { policy, asked, limit } => {
                let limit = if *limit == 1 { "1 container".into() } else { format!("{limit} containers") };
                format!("Cannot start here: policy {policy} allows {limit} in one session; this one asks for {asked}.")
            }
            Self::OverPolicy { policy, slot, asked, used, limit } => {
                format!("Waits for its owner's sessions: policy {policy} {}", allows(slot, *asked, *used, *limit))
            }
            Self::OverProject { name, slot, asked, used, limit } => {
                format!("Waits for its project's sessions: project {name} {}", allows(slot, *asked, *used, *limit))
            }
            Self::OverDomain { name, slot, asked, used, limit } => {
                format!("Waits for its domain's sessions: domain {name} {}", allows(slot, *asked, *used, *limit))
            }
            Self::WaitsFor { names } => match names.split_last() {
                Some((last, rest)) if !rest.is_empty() => {
                    format!("Waits for sessions {} and {last} to end well: it depends on them.", rest.join(", "))
                }
                _ => format!("Waits for session {} to end well: it depends on it.", names.concat()),
            },
            Self::DependencyFailed { name } => format!("It depends on {name}, which did not end well."),
            Self::NotBefore { at } => format!("Waits for its start time, {} UTC.", at.utc()),
            Self::PendingTimeout { resource_group, seconds } => format!(
                "It waited for {}, as long as resource group {resource_group} allows.",
                duration(i64::from(*seconds) * 1000)
            ),
            Self::Behind { ahead: 1 } => "Waits its turn: 1 session is ahead of it.".into(),
            Self::Behind { ahead } => format!("Waits its turn: {ahead} sessions are ahead of it."),
        }
    }

    /// A short name of the check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            Self::NoAgent { .. } | Self::NoneSchedulable { .. } | Self::NoImage { .. } => "agents",
            Self::TooLarge { .. } | Self::TooManyContainers { .. } | Self::Busy { .. } | Self::BusyForContainers { .. } => {
                "resources"
            }
            Self::TooManySessions { .. } | Self::OverCluster { .. } | Self::OverPolicy { .. } => "policy",
            Self::OverProject { .. } => "project",
            Self::OverDomain { .. } => "domain",
            Self::WaitsFor { .. } | Self::DependencyFailed { .. } => "dependencies",
            Self::NotBefore { .. } => "start time",
            Self::PendingTimeout { .. } => "pending timeout",
            Self::Behind { .. } => "turn",
        }
    }
}

fn list(missing: &[(String, Quantity, Quantity)], has: &str) -> String {
    let parts: Vec<_> = missing
        .iter()
        .map(|(slot, asked, most)| format!("it asks for {}, {has} {}", describe(slot, *asked), describe(slot, *most)))
        .collect();
    parts.join("; ")
}

fn allows(slot: &str, asked: Quantity, used: Quantity, limit: Quantity) -> String {
    let [asked, used, limit] = [asked, used, limit].map(|amount| describe(slot, amount));
    format!("allows {limit}; in use: {used}; this one asks for {asked}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> Vec<(String, Quantity, Quantity)> {
        vec![
            ("cpu".into(), Quantity::whole(2), Quantity::whole(1)),
            ("cuda.shares".into(), Quantity::thousandths(500), Quantity::ZERO),
            ("mem".into(), Quantity::whole(2 << 30), Quantity::whole(1 << 30)),
        ]
    }

    fn says(reason: Reason, check: &str, sentence: &str) {
        assert_eq!(reason.describe(), sentence);
        assert_eq!(reason.check(), check);
        let text = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), reason, "it travels to the browser");
    }

    #[test]
    fn what_the_cluster_lacks_is_said_with_what_it_has() {
        let group = || "gpu".to_owned();
        says(Reason::NoAgent { resource_group: group() }, "agents", "Waits for an agent: resource group gpu has none.");
        says(
            Reason::NoneSchedulable { resource_group: group() },
            "agents",
            "Waits for an agent: none of resource group gpu gets new sessions now.",
        );
        says(
            Reason::NoImage { resource_group: group() },
            "agents",
            "Waits for an agent: none of resource group gpu runs its environment.",
        );
        says(
            Reason::TooLarge { missing: missing() },
            "resources",
            "Cannot start here: it asks for 2 CPU cores, the largest agent has 1 CPU core; \
             it asks for 0.5 fGPU, the largest agent has 0 fGPU; \
             it asks for 2 GiB of memory, the largest agent has 1 GiB of memory.",
        );
        says(
            Reason::Busy { missing: missing()[..1].to_vec() },
            "resources",
            "Waits for resources: it asks for 2 CPU cores, the most that is free on one agent is 1 CPU core.",
        );
        says(
            Reason::TooManyContainers { asked: 8, room: 5 },
            "resources",
            "Cannot start here: it asks for 8 containers, empty agents have room for 5 of them.",
        );
        says(
            Reason::BusyForContainers { asked: 8, room: 3 },
            "resources",
            "Waits for resources: it asks for 8 containers, there is room for 3 of them now.",
        );
    }

    #[test]
    fn a_limit_is_said_with_what_is_in_use_and_what_is_asked_for() {
        let [slot, asked, used, limit] = ["cpu", "2", "3", "4"];
        let amount = |text: &str| text.parse::<Quantity>().unwrap();
        let (asked, used, limit) = (amount(asked), amount(used), amount(limit));
        let (name, slot) = (String::from("lab"), slot.to_owned());
        says(
            Reason::OverPolicy { policy: "default".into(), slot: slot.clone(), asked, used, limit },
            "policy",
            "Waits for its owner's sessions: policy default allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
        );
        says(
            Reason::OverProject { name: name.clone(), slot: slot.clone(), asked, used, limit },
            "project",
            "Waits for its project's sessions: project lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
        );
        says(
            Reason::OverDomain { name, slot, asked, used, limit },
            "domain",
            "Waits for its domain's sessions: domain lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
        );
        says(
            Reason::TooManySessions { policy: "default".into(), limit: 3 },
            "policy",
            "Waits for a session of its owner to end: policy default allows 3 at a time.",
        );
        let cluster = |limit| Reason::OverCluster { policy: "default".into(), asked: 4, limit };
        says(cluster(1), "policy", "Cannot start here: policy default allows 1 container in one session; this one asks for 4.");
        says(cluster(2), "policy", "Cannot start here: policy default allows 2 containers in one session; this one asks for 4.");
    }

    #[test]
    fn what_it_waits_for_is_named() {
        let waits = |names: &[&str]| Reason::WaitsFor { names: names.iter().map(|name| (*name).to_owned()).collect() };
        says(waits(&["prepare"]), "dependencies", "Waits for session prepare to end well: it depends on it.");
        says(waits(&["a", "b", "c"]), "dependencies", "Waits for sessions a, b and c to end well: it depends on them.");
        says(
            Reason::DependencyFailed { name: "prepare".into() },
            "dependencies",
            "It depends on prepare, which did not end well.",
        );
        says(Reason::NotBefore { at: Millis(0) }, "start time", "Waits for its start time, 1970-01-01 00:00:00 UTC.");
        says(
            Reason::PendingTimeout { resource_group: "gpu".into(), seconds: 5400 },
            "pending timeout",
            "It waited for 1 h 30 min, as long as resource group gpu allows.",
        );
        says(Reason::Behind { ahead: 1 }, "turn", "Waits its turn: 1 session is ahead of it.");
        says(Reason::Behind { ahead: 2 }, "turn", "Waits its turn: 2 sessions are ahead of it.");
    }
}
