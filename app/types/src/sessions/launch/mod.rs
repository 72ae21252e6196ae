//! The request for a session, and the choices that the launcher offers (`docs/spec/sessions.md`, "A request for a session").
//!
//! The form runs these checks while a person types, and the server runs them again.

mod offer;
mod share;

pub use offer::{
    DomainOffer, GroupOffer, ImageOffer, OwnUse, PresetFit, ProjectOffer, RECENT, StartOptions, Started, preset_fit,
};
pub use share::against_share;

use crate::cluster::slots::slot_amount;
use crate::id::ProjectId;
use crate::limits::policies::KeypairPolicy;
use crate::limits::presets::shared_memory;
use crate::quantity::{CPU, MEM, Quantity, Slots, bytes, describe};
use crate::rules;
use crate::sessions::{Cluster, SessionDetail, SessionType};
use crate::time::Millis;
use crate::{FieldError, Problem};
use serde::{Deserialize, Serialize};

/// A request to start sessions. Made by the launcher or the API, valid only after [`StartSession::check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StartSession {
    /// If empty, a name is made up. If several sessions are started, each gets a number after the name.
    pub name: String,
    pub project: ProjectId,
    pub resource_group: String,
    pub kind: SessionType,
    pub image: String,
    /// The command of a batch session; empty for an interactive one.
    pub command: String,
    /// The amounts for each container; at least `cpu` and `mem`.
    pub slots: Slots,
    /// Bytes of the memory that processes may share.
    pub shared_memory: Option<i64>,
    pub cluster: Cluster,
    /// Variables added to the environment, in this order. Their values may be secrets, whatever they are called.
    pub env: Vec<(String, String)>,
    /// Names of variables whose values anybody may see who sees the session.
    pub visible_env: Vec<String>,
    /// Ports that its programs will listen on.
    pub ports: Vec<u16>,
    /// The earliest start of a batch session.
    pub starts_at: Option<Millis>,
    /// Seconds that a batch session may run.
    pub timeout: Option<u32>,
    /// Ids or names of the owner's sessions that must finish successfully first.
    pub depends_on: Vec<String>,
    /// From 0 to 100; the higher goes first.
    pub priority: u8,
    /// How many identical sessions to start.
    pub count: u32,
    /// The email or access key of the person it is started for; the caller if empty.
    pub owner: String,
}

impl Default for StartSession {
    fn default() -> Self {
        Self {
            name: String::new(),
            project: ProjectId(uuid::Uuid::nil()),
            resource_group: String::new(),
            kind: SessionType::Interactive,
            image: String::new(),
            command: String::new(),
            slots: Slots::default(),
            shared_memory: None,
            cluster: Cluster::default(),
            env: Vec::new(),
            visible_env: Vec::new(),
            ports: Vec::new(),
            starts_at: None,
            timeout: None,
            depends_on: Vec::new(),
            priority: DEFAULT_PRIORITY,
            count: 1,
            owner: String::new(),
        }
    }
}

/// The priority of a session if nobody chose one. Only administrators give higher ones.
pub const DEFAULT_PRIORITY: u8 = 10;
/// The highest priority.
pub const MAX_PRIORITY: u8 = 100;
/// The most bytes in a start-up command.
pub const MAX_COMMAND: usize = 16_384;
/// The most sessions in one request.
pub const MAX_COUNT: u32 = 50;
/// The most variables, and the most bytes in all their names and values.
const MAX_ENV: (usize, usize) = (100, 65_536);
/// The most ports, and the most sessions to wait for.
const MAX_PORTS: usize = 10;
const MAX_DEPENDENCIES: usize = 32;
/// The most kinds of resources.
const MAX_SLOTS: usize = 32;
/// The longest timeout of a batch session, in seconds: a year.
const MAX_TIMEOUT: u32 = 31_536_000;

impl StartSession {
    /// The request for another session like an existing one: without its name, its start time and whom it waited for, and without
    /// the values of variables that nobody may see.
    pub fn again(session: &SessionDetail) -> Self {
        let row = &session.row;
        Self {
            project: session.project,
            resource_group: row.resource_group.clone(),
            kind: row.kind,
            image: row.image.clone(),
            command: session.command.clone(),
            slots: row.slots.clone(),
            shared_memory: session.shared_memory,
            cluster: row.cluster,
            env: session.env.clone(),
            visible_env: session.env.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.clone()).collect(),
            ports: session.ports.clone(),
            timeout: session.timeout,
            priority: row.priority,
            ..Self::default()
        }
    }

    /// Checks every field, for any caller. The server also checks the rules that need its data (names, limits).
    ///
    /// # Errors
    ///
    /// [`Problem::Invalid`] with each unacceptable field.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if !self.name.is_empty() {
            let many = format!("{}-{}", self.name, self.count.min(MAX_COUNT));
            let longest = if self.count > 1 { many } else { self.name.clone() };
            rules::session_name("name", &longest, &mut errors);
        }
        self.check_resources(&mut errors);
        self.check_batch(&mut errors);
        self.check_environment(&mut errors);
        if self.priority > MAX_PRIORITY {
            errors.push(FieldError::new("priority", format!("A whole number from 0 to {MAX_PRIORITY}.")));
        }
        if !(1..=MAX_COUNT).contains(&self.count) {
            errors.push(FieldError::new("count", format!("Start 1 to {MAX_COUNT} sessions at once.")));
        }
        if self.depends_on.len() > MAX_DEPENDENCIES {
            errors.push(FieldError::new("depends_on", format!("A session can wait for at most {MAX_DEPENDENCIES} others.")));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    /// Whether the owner lets a variable's value be seen.
    pub fn shows(&self, variable: &str) -> bool {
        self.visible_env.iter().any(|name| name == variable)
    }

    /// Returns the request as it may be kept in the clear: with empty values for variables that are not shown.
    pub fn without_hidden_values(self) -> Self {
        let hide =
            |(name, value): &(String, String)| (name.clone(), if self.shows(name) { value.clone() } else { String::new() });
        Self { env: self.env.iter().map(hide).collect(), ..self }
    }

    fn check_resources(&self, errors: &mut Vec<FieldError>) {
        if self.slots.0.len() > MAX_SLOTS {
            errors.push(FieldError::new("slots", format!("At most {MAX_SLOTS} kinds of resources.")));
            return;
        }
        for slot in [CPU, MEM] {
            if self.slots.get(slot) <= Quantity::ZERO {
                errors.push(FieldError::new(
                    slot,
                    format!("Ask for more than 0 {}.", if slot == CPU { "CPU cores" } else { "bytes of memory" }),
                ));
            }
        }
        for (slot, amount) in &self.slots.0 {
            let before = errors.len();
            slot_amount(slot, *amount, errors);
            // A request's fields are named after the slots, without the prefix of a policy's form.
            errors[before..].iter_mut().for_each(|error| error.field = slot.clone());
        }
        if self.cluster.size == 0 || self.cluster.size > crate::limits::policies::MAX_CLUSTER {
            let most = crate::limits::policies::MAX_CLUSTER;
            errors.push(FieldError::new("cluster_size", format!("A whole number of containers from 1 to {most}.")));
        }
        let in_parts = |(slot, amount): (&String, &Quantity)| slot != CPU && *amount != Quantity::whole(amount.floor());
        if self.cluster.size > 1 && self.slots.0.iter().any(in_parts) {
            errors.push(FieldError::new("cluster_size", "A session with several containers can use only whole accelerators."));
        }
        if self.slots.get(MEM) > Quantity::ZERO {
            shared_memory("shared_memory", self.shared_memory, &self.slots, errors);
        }
    }

    fn check_batch(&self, errors: &mut Vec<FieldError>) {
        match self.kind {
            SessionType::Batch if self.command.trim().is_empty() => {
                errors.push(FieldError::new("command", "A batch session needs a command to run."));
            }
            SessionType::Batch if self.command.len() > MAX_COMMAND => {
                errors.push(FieldError::new("command", format!("A start-up command can have at most {MAX_COMMAND} bytes.")));
            }
            SessionType::Interactive if !self.command.is_empty() => {
                errors.push(FieldError::new("command", "Only a batch session can have a start-up command."));
            }
            SessionType::Inference => {
                errors.push(FieldError::new(
                    "kind",
                    "An inference session is started by its model service and cannot be started directly.",
                ));
            }
            _ => {}
        }
        rules::text("command", &self.command, MAX_COMMAND, errors);
        if self.kind != SessionType::Batch && self.starts_at.is_some() {
            errors.push(FieldError::new("starts_at", "Only a batch session can have a start time."));
        }
        if self.kind != SessionType::Batch && self.timeout.is_some() {
            errors.push(FieldError::new("timeout", "Only a batch session can have a timeout."));
        }
        if self.timeout.is_some_and(|seconds| seconds == 0 || seconds > MAX_TIMEOUT) {
            errors.push(FieldError::new("timeout", "From 1 second to 365 days."));
        }
    }

    fn check_environment(&self, errors: &mut Vec<FieldError>) {
        let (most, bytes) = MAX_ENV;
        let size: usize = self.env.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.env.len() > most || size > bytes {
            errors.push(FieldError::new("env", format!("At most {most} variables, with {bytes} bytes in all.")));
            return;
        }
        for (index, (name, value)) in self.env.iter().enumerate() {
            let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                errors.push(FieldError::new(
                    "env",
                    format!("“{name}” is not a valid name: use a letter or “_”, then letters, digits and “_”."),
                ));
            } else if self.env[..index].iter().any(|(other, _)| other == name) {
                errors.push(FieldError::new("env", format!("{name} is set twice.")));
            } else if value.is_empty() {
                errors.push(FieldError::new("env", format!("{name} needs a value.")));
            }
            rules::text("env", value, bytes, errors);
        }
        let mut ports = self.ports.clone();
        ports.sort_unstable();
        ports.dedup();
        if self.ports.len() > MAX_PORTS {
            errors.push(FieldError::new("ports", format!("At most {MAX_PORTS} ports.")));
        } else if ports.first().is_some_and(|port| *port < 1024) {
            errors.push(FieldError::new("ports", "Ports from 1024 to 65535."));
        } else if ports.len() < self.ports.len() {
            errors.push(FieldError::new("ports", "A port is listed twice. List each only once."));
        }
    }

    /// Returns the name of each requested session. An empty name means that the server makes one up.
    pub fn names(&self) -> Vec<String> {
        match (self.count, self.name.as_str()) {
            (0 | 1, name) => vec![name.to_owned()],
            (many, "") => vec![String::new(); many.min(MAX_COUNT) as usize],
            (many, name) => (1..=many.min(MAX_COUNT)).map(|n| format!("{name}-{n}")).collect(),
        }
    }

    /// Raises amounts below the image's minimum and returns a sentence about each (`docs/spec/sessions.md`, "The least of an
    /// environment"). Shared memory is part of the memory, so it is added to the minimum memory.
    pub fn raise_to(&mut self, minimum: &Slots) -> Vec<String> {
        let mut raised = Vec::new();
        for (slot, least) in &minimum.0 {
            let asked = self.slots.get(slot);
            let shared = self.shared_memory.filter(|_| slot == MEM).unwrap_or_default();
            let least = least.plus(Quantity::whole(shared));
            if asked < least {
                let beside = if shared > 0 { format!(" plus {} of shared memory", bytes(shared)) } else { String::new() };
                raised.push(format!(
                    "Raised from {} to {}, the minimum for the environment {}{beside}.",
                    describe(slot, asked),
                    describe(slot, least),
                    self.image
                ));
                self.slots.0.insert(slot.clone(), least);
            }
        }
        raised
    }
}

/// The resources that a person's sessions hold now, and how many sessions wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InUse {
    /// The number of sessions that hold resources.
    pub sessions: u32,
    pub pending: u32,
    pub slots: Slots,
}

/// The reasons why a request would be refused or would have to wait. The launcher and the server use the same words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The session could never start, or may not be requested now.
    pub refusals: Vec<String>,
    /// The session would wait for other sessions to end.
    pub waits: Vec<String>,
}

/// Checks a request against the policy of its keypair, given what is in use.
pub fn against_policy(asked: &StartSession, policy: &KeypairPolicy, using: &InUse) -> Verdict {
    let mut verdict = Verdict::default();
    let name = &policy.name;
    if asked.cluster.size > policy.max_cluster {
        verdict.refusals.push(format!(
            "Policy {name} allows {} in one session; this one asks for {}.",
            containers(policy.max_cluster),
            asked.cluster.size
        ));
    }
    let all = asked.cluster.of_all(&asked.slots);
    for (slot, amount) in &all.0 {
        let Some(limit) = policy.limit(slot).filter(|_| *amount > Quantity::ZERO) else { continue };
        let used = using.slots.get(slot);
        if *amount > limit {
            verdict.refusals.push(format!(
                "Policy {name} allows {} in all; this session asks for {}.",
                describe(slot, limit),
                describe(slot, *amount)
            ));
        } else if amount.plus(used) > limit {
            verdict.waits.push(format!(
                "Policy {name} allows {}; in use: {}; this session asks for {}.",
                describe(slot, limit),
                describe(slot, used),
                describe(slot, *amount)
            ));
        }
    }
    match policy.max_sessions {
        Some(0) => verdict.refusals.push(format!("Policy {name} allows no sessions.")),
        Some(most) if using.sessions + asked.count > most => {
            verdict.waits.push(format!("Policy {name} allows {most} sessions at a time; {} are running.", using.sessions));
        }
        _ => {}
    }
    if let Some(most) = policy.max_pending
        && using.pending.saturating_add(asked.count) > most
    {
        verdict.refusals.push(format!(
            "Policy {name} limits pending sessions to {most}; waiting now: {}; this asks for {} more.",
            using.pending, asked.count
        ));
    }
    verdict
}

fn containers(n: u32) -> String {
    if n == 1 { "1 container".into() } else { format!("{n} containers") }
}

/// The most sessions that may wait in the whole cluster: each is kept in memory and looked at in every decision.
pub const MOST_PENDING: usize = 100_000;

#[cfg(test)]
mod tests;
