//! The reasons why a session waits or is cancelled, as data and as sentences for the person who waits.

use serde::{Deserialize, Serialize};
use types::quantity::{CPU, MEM, Quantity, bytes, describe};
use types::time::{Millis, duration};

/// The reason why a session waits or is cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its resource group has no agent.
    NoAgent { resource_group: String },
    /// Its resource group has agents, but none takes new sessions.
    NoneSchedulable { resource_group: String },
    /// No agent of its group that takes new sessions can run its image.
    NoImage { resource_group: String },
    /// No agent of its group has enough, even when empty: (slot, asked, the most that an agent has) for each short slot.
    TooLarge { missing: Vec<(String, Quantity, Quantity)> },
    /// Each of its containers would fit, but not all of them together, even if every agent were empty.
    TooManyContainers { asked: u32, room: u32 },
    /// It would fit once others have ended: (slot, asked, the most free on one agent now) for each short slot.
    Busy {
        missing: Vec<(String, Quantity, Quantity)>,
        #[serde(default)]
        fared: Fared,
    },
    /// Some of its containers would fit now, all of them only once others have ended.
    BusyForContainers {
        asked: u32,
        room: u32,
        #[serde(default)]
        fared: Fared,
    },
    /// Its keypair already runs as many sessions as it may.
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
    /// A session that it depends on did not finish successfully.
    DependencyFailed { name: String },
    /// Its start time has not come.
    NotBefore { at: Millis },
    /// It waited for as long as its group allows.
    PendingTimeout { resource_group: String, seconds: u32 },
    /// The room that there is, is kept for sessions ahead of it.
    Behind { ahead: u32 },
}

/// How a session has fared that waits for room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fared {
    /// The room that is kept for it: (slot, free already, asked by all its containers) for each short slot.
    pub kept: Vec<(String, Quantity, Quantity)>,
    /// The sessions behind it that started meanwhile, and since when they are counted.
    pub passed: Option<(u32, Millis)>,
}

impl Fared {
    fn describe(&self) -> String {
        let mut text = String::new();
        for (slot, there, all) in &self.kept {
            let there = if slot == MEM { bytes(there.floor()) } else { there.to_string() };
            text.push_str(&format!(" {there} of {} kept for it.", describe(slot, *all)));
        }
        if let Some((sessions, since)) = self.passed {
            let sessions = if sessions == 1 { "1 session".into() } else { format!("{sessions} sessions") };
            text.push_str(&format!(" Passed over by {sessions} since {} UTC.", since.utc()));
        }
        text
    }
}

impl Reason {
    /// Describes the reason in a sentence for the person who waits.
    pub fn describe(&self) -> String {
        match self {
            Self::NoAgent { resource_group } => format!("Waiting for an agent: resource group {resource_group} has none."),
            Self::NoneSchedulable { resource_group } => {
                format!("Waiting for an agent: none in resource group {resource_group} takes new sessions now.")
            }
            Self::NoImage { resource_group } => {
                format!("Waiting for an agent: none in resource group {resource_group} runs its environment.")
            }
            Self::TooLarge { missing } => format!("Cannot start here: {}.", list_missing(missing, "but the largest agent has")),
            Self::TooManyContainers { asked, room } => {
                format!(
                    "Cannot start here: it asks for {asked} containers, but even empty agents have room for only {room} of them."
                )
            }
            Self::Busy { missing, fared } => {
                let missing = list_missing(missing, "but the most any agent has free is");
                format!("Waiting for resources: {missing}.{}", fared.describe())
            }
            Self::BusyForContainers { asked, room, fared } => format!(
                "Waiting for resources: it asks for {asked} containers, but there is room for only {room} of them now.{}",
                fared.describe()
            ),
            Self::TooManySessions { policy, limit } => {
                format!("Waiting for one of its owner's sessions to end: policy {policy} allows {limit} at a time.")
            }
            Self::OverCluster { policy, asked, limit } => {
                let limit = if *limit == 1 { "1 container".into() } else { format!("{limit} containers") };
                format!("Cannot start here: policy {policy} allows {limit} in one session; this one asks for {asked}.")
            }
            Self::OverPolicy { policy, slot, asked, used, limit } => {
                format!("Waiting for its owner's sessions: policy {policy} {}", describe_limit(slot, *asked, *used, *limit))
            }
            Self::OverProject { name, slot, asked, used, limit } => {
                format!("Waiting for its project's sessions: project {name} {}", describe_limit(slot, *asked, *used, *limit))
            }
            Self::OverDomain { name, slot, asked, used, limit } => {
                format!("Waiting for its domain's sessions: domain {name} {}", describe_limit(slot, *asked, *used, *limit))
            }
            Self::WaitsFor { names } => match names.split_last() {
                Some((last, rest)) if !rest.is_empty() => {
                    format!("Waiting for sessions {} and {last} to finish successfully: it depends on them.", rest.join(", "))
                }
                _ => format!("Waiting for session {} to finish successfully: it depends on it.", names.concat()),
            },
            Self::DependencyFailed { name } => format!("It depends on {name}, which did not finish successfully."),
            Self::NotBefore { at } => format!("Waiting for its start time, {} UTC.", at.utc()),
            Self::PendingTimeout { resource_group, seconds } => format!(
                "It waited for {}, as long as resource group {resource_group} allows.",
                duration(i64::from(*seconds) * 1000)
            ),
            Self::Behind { ahead: 1 } => "Waiting its turn: 1 session is ahead of it.".into(),
            Self::Behind { ahead } => format!("Waiting its turn: {ahead} sessions are ahead of it."),
        }
    }

    /// The reason in a few words, for a row of a list: of several resources that are short, the scarcest.
    pub fn brief(&self) -> String {
        match self {
            Self::NoAgent { resource_group } => format!("No agent in {resource_group}"),
            Self::NoneSchedulable { resource_group } => format!("No agent in {resource_group} accepts sessions"),
            Self::NoImage { resource_group } => format!("No agent of {resource_group} runs its environment"),
            Self::TooLarge { missing } => match scarcest(missing) {
                Some((slot, asked, most)) => {
                    format!("Needs {} · largest agent has {}", describe(slot, *asked), in_short(slot, *most))
                }
                None => "Larger than any agent".into(),
            },
            Self::TooManyContainers { asked, room } => format!("Needs {asked} containers · room for {room} at most"),
            Self::Busy { missing, .. } => match scarcest(missing) {
                Some((slot, asked, most)) => format!("Needs {} · {} free", describe(slot, *asked), in_short(slot, *most)),
                None => "Waiting for resources".into(),
            },
            Self::BusyForContainers { asked, room, .. } => format!("Needs {asked} containers · room for {room} now"),
            Self::TooManySessions { limit, .. } => format!("Policy allows {limit} at a time"),
            Self::OverCluster { asked, limit, .. } => format!("Needs {asked} containers · policy allows {limit}"),
            Self::OverPolicy { slot, used, limit, .. } => over("Policy", slot, *used, *limit),
            Self::OverProject { slot, used, limit, .. } => over("Project", slot, *used, *limit),
            Self::OverDomain { slot, used, limit, .. } => over("Domain", slot, *used, *limit),
            Self::WaitsFor { names } => match names.as_slice() {
                [first, second, rest @ ..] if !rest.is_empty() => format!("After {first}, {second} and {} more", rest.len()),
                names => format!("After {}", names.join(" and ")),
            },
            Self::DependencyFailed { name } => format!("{name} did not succeed"),
            Self::NotBefore { at } => format!("Starts at {} UTC", at.utc()),
            Self::PendingTimeout { seconds, .. } => format!("Waited for {}", duration(i64::from(*seconds) * 1000)),
            Self::Behind { ahead } => format!("{ahead} ahead"),
        }
    }

    /// Whether the session can never start, however many others end: only another request or another cluster would help.
    pub fn is_for_ever(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::TooManyContainers { .. } | Self::OverCluster { .. } | Self::NoImage { .. } => true,
            Self::OverPolicy { asked, limit, .. }
            | Self::OverProject { asked, limit, .. }
            | Self::OverDomain { asked, limit, .. } => asked > limit,
            Self::NoAgent { .. }
            | Self::NoneSchedulable { .. }
            | Self::Busy { .. }
            | Self::BusyForContainers { .. }
            | Self::TooManySessions { .. }
            | Self::WaitsFor { .. }
            | Self::DependencyFailed { .. }
            | Self::NotBefore { .. }
            | Self::PendingTimeout { .. }
            | Self::Behind { .. } => false,
        }
    }

    /// Whether the session is in line: it starts as soon as others have ended. A session that can never start here, or whose time
    /// has not come, is not.
    pub fn is_in_line(&self) -> bool {
        match self {
            Self::NoAgent { .. }
            | Self::NoneSchedulable { .. }
            | Self::Busy { .. }
            | Self::BusyForContainers { .. }
            | Self::TooManySessions { .. }
            | Self::OverPolicy { .. }
            | Self::OverProject { .. }
            | Self::OverDomain { .. }
            | Self::Behind { .. } => true,
            Self::NoImage { .. }
            | Self::TooLarge { .. }
            | Self::TooManyContainers { .. }
            | Self::OverCluster { .. }
            | Self::WaitsFor { .. }
            | Self::DependencyFailed { .. }
            | Self::NotBefore { .. }
            | Self::PendingTimeout { .. } => false,
        }
    }

    /// Returns a short name of the check that failed.
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

/// The scarcest of the resources that are short: an accelerator before cores and memory, then what is there to the smallest part.
fn scarcest(missing: &[(String, Quantity, Quantity)]) -> Option<&(String, Quantity, Quantity)> {
    let common = |slot: &str| slot == CPU || slot == MEM;
    missing.iter().min_by(|(slot, asked, most), (other, others_asked, others_most)| {
        let (share, others_share) = (most.ratio_of(*asked), others_most.ratio_of(*others_asked));
        common(slot).cmp(&common(other)).then(share.total_cmp(&others_share))
    })
}

/// An amount whose resource was just named.
fn in_short(slot: &str, amount: Quantity) -> String {
    if slot == MEM { bytes(amount.floor()) } else { amount.to_string() }
}

fn over(who: &str, slot: &str, used: Quantity, limit: Quantity) -> String {
    format!("{who} allows {} · {} in use", describe(slot, limit), in_short(slot, used))
}

fn list_missing(missing: &[(String, Quantity, Quantity)], has: &str) -> String {
    let parts: Vec<_> = missing
        .iter()
        .map(|(slot, asked, most)| format!("it asks for {}, {has} {}", describe(slot, *asked), describe(slot, *most)))
        .collect();
    parts.join("; ")
}

fn describe_limit(slot: &str, asked: Quantity, used: Quantity, limit: Quantity) -> String {
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

    fn assert_reason(reason: Reason, check: &str, sentence: &str) {
        assert_eq!(reason.describe(), sentence);
        assert_eq!(reason.check(), check);
        let text = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), reason, "it travels to the browser");
    }

    #[test]
    fn missing_resources_are_described_with_the_existing_ones() {
        let group = || "gpu".to_owned();
        assert_reason(
            Reason::NoAgent { resource_group: group() },
            "agents",
            "Waiting for an agent: resource group gpu has none.",
        );
        assert_reason(
            Reason::NoneSchedulable { resource_group: group() },
            "agents",
            "Waiting for an agent: none in resource group gpu takes new sessions now.",
        );
        assert_reason(
            Reason::NoImage { resource_group: group() },
            "agents",
            "Waiting for an agent: none in resource group gpu runs its environment.",
        );
        assert_reason(
            Reason::TooLarge { missing: missing() },
            "resources",
            "Cannot start here: it asks for 2 CPU cores, but the largest agent has 1 CPU core; \
             it asks for 0.5 fGPU, but the largest agent has 0 fGPU; \
             it asks for 2 GiB of memory, but the largest agent has 1 GiB of memory.",
        );
        assert_reason(
            Reason::Busy { missing: missing()[..1].to_vec(), fared: Fared::default() },
            "resources",
            "Waiting for resources: it asks for 2 CPU cores, but the most any agent has free is 1 CPU core.",
        );
        assert_reason(
            Reason::TooManyContainers { asked: 8, room: 5 },
            "resources",
            "Cannot start here: it asks for 8 containers, but even empty agents have room for only 5 of them.",
        );
        assert_reason(
            Reason::BusyForContainers { asked: 8, room: 3, fared: Fared::default() },
            "resources",
            "Waiting for resources: it asks for 8 containers, but there is room for only 3 of them now.",
        );
    }

    #[test]
    fn a_row_names_the_scarcest_resource_alone() {
        assert_eq!(Reason::Busy { missing: missing(), fared: Fared::default() }.brief(), "Needs 0.5 fGPU · 0 free");
        let common = || [missing()[0].clone(), missing()[2].clone()].to_vec();
        assert_eq!(Reason::TooLarge { missing: common() }.brief(), "Needs 2 CPU cores · largest agent has 1");
        let memory = vec![missing()[2].clone()];
        assert_eq!(Reason::Busy { missing: memory, fared: Fared::default() }.brief(), "Needs 2 GiB of memory · 1 GiB free");
        assert_eq!(Reason::Behind { ahead: 3 }.brief(), "3 ahead");
        let names = ["a", "b", "c", "d"].map(String::from).to_vec();
        assert_eq!(Reason::WaitsFor { names: names.clone() }.brief(), "After a, b and 2 more");
        assert_eq!(Reason::WaitsFor { names: names[..2].to_vec() }.brief(), "After a and b");
    }

    #[test]
    fn what_no_end_of_another_session_helps_can_never_start() {
        assert!(Reason::TooLarge { missing: missing() }.is_for_ever());
        assert!(!Reason::Busy { missing: missing(), fared: Fared::default() }.is_for_ever());
        let over = |asked| Reason::OverPolicy {
            policy: "default".into(),
            slot: "cpu".into(),
            asked: Quantity::whole(asked),
            used: Quantity::whole(1),
            limit: Quantity::whole(4),
        };
        assert!(over(5).is_for_ever() && !over(4).is_for_ever());
        assert_eq!(over(4).brief(), "Policy allows 4 CPU cores · 1 in use");
    }

    #[test]
    fn room_that_is_kept_and_those_who_passed_are_named() {
        let kept = vec![
            ("cuda.device".to_owned(), Quantity::whole(3), Quantity::whole(8)),
            ("mem".into(), Quantity::whole(1 << 30), Quantity::whole(2 << 30)),
        ];
        assert_reason(
            Reason::Busy { missing: missing()[..1].to_vec(), fared: Fared { kept, passed: Some((126, Millis(50_520_000))) } },
            "resources",
            "Waiting for resources: it asks for 2 CPU cores, but the most any agent has free is 1 CPU core. \
             3 of 8 GPUs kept for it. 1 GiB of 2 GiB of memory kept for it. \
             Passed over by 126 sessions since 1970-01-01 14:02:00 UTC.",
        );
    }

    #[test]
    fn a_limit_is_described_with_the_current_use_and_the_request() {
        let [slot, asked, used, limit] = ["cpu", "2", "3", "4"];
        let amount = |text: &str| text.parse::<Quantity>().unwrap();
        let (asked, used, limit) = (amount(asked), amount(used), amount(limit));
        let (name, slot) = (String::from("lab"), slot.to_owned());
        assert_reason(
            Reason::OverPolicy { policy: "default".into(), slot: slot.clone(), asked, used, limit },
            "policy",
            "Waiting for its owner's sessions: policy default allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
        );
        assert_reason(
            Reason::OverProject { name: name.clone(), slot: slot.clone(), asked, used, limit },
            "project",
            "Waiting for its project's sessions: project lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
        );
        assert_reason(
            Reason::OverDomain { name, slot, asked, used, limit },
            "domain",
            "Waiting for its domain's sessions: domain lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores.",
        );
        assert_reason(
            Reason::TooManySessions { policy: "default".into(), limit: 3 },
            "policy",
            "Waiting for one of its owner's sessions to end: policy default allows 3 at a time.",
        );
        let cluster = |limit| Reason::OverCluster { policy: "default".into(), asked: 4, limit };
        assert_reason(
            cluster(1),
            "policy",
            "Cannot start here: policy default allows 1 container in one session; this one asks for 4.",
        );
        assert_reason(
            cluster(2),
            "policy",
            "Cannot start here: policy default allows 2 containers in one session; this one asks for 4.",
        );
    }

    #[test]
    fn dependencies_times_and_turns_are_described() {
        let waits = |names: &[&str]| Reason::WaitsFor { names: names.iter().map(|name| (*name).to_owned()).collect() };
        assert_reason(
            waits(&["prepare"]),
            "dependencies",
            "Waiting for session prepare to finish successfully: it depends on it.",
        );
        assert_reason(
            waits(&["a", "b", "c"]),
            "dependencies",
            "Waiting for sessions a, b and c to finish successfully: it depends on them.",
        );
        assert_reason(
            Reason::DependencyFailed { name: "prepare".into() },
            "dependencies",
            "It depends on prepare, which did not finish successfully.",
        );
        assert_reason(Reason::NotBefore { at: Millis(0) }, "start time", "Waiting for its start time, 1970-01-01 00:00:00 UTC.");
        assert_reason(
            Reason::PendingTimeout { resource_group: "gpu".into(), seconds: 5400 },
            "pending timeout",
            "It waited for 1 h 30 min, as long as resource group gpu allows.",
        );
        assert_reason(Reason::Behind { ahead: 1 }, "turn", "Waiting its turn: 1 session is ahead of it.");
        assert_reason(Reason::Behind { ahead: 2 }, "turn", "Waiting its turn: 2 sessions are ahead of it.");
    }
}
