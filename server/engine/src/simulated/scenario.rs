//! The TOML file of a simulated cluster: its agents by kind, their images, and how sessions behave on them.

use crate::host;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use types::quantity::{MEM, Quantity, Slots, parse_bytes};
use types::sessions::launch::ImageOffer;

/// The largest number of agents in a file, for one kind and for all kinds together.
const MOST_AGENTS: usize = 20_000;

/// The agents of a simulated cluster, and how sessions behave on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub agents: Vec<SimulatedAgent>,
    /// The images of every agent. If the file names none, the agent's own programs.
    pub images: Vec<ImageOffer>,
    pub behaviour: Behaviour,
}

/// One simulated agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedAgent {
    pub name: String,
    pub resource_group: Option<String>,
    pub architecture: String,
    pub address: String,
    pub slots: Slots,
}

/// How sessions behave.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// Seconds that a start takes.
    pub start_seconds: f64,
    /// Share of its requested cores that an interactive session uses, from 0 to 1.
    pub interactive_cpu: f64,
    /// Seconds that a batch session runs if its command has no `sleep N`.
    pub batch_seconds: f64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { start_seconds: 1.0, interactive_cpu: 0.4, batch_seconds: 60.0 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    agents: Vec<Kind>,
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    sessions: Behaviour,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    name: String,
    /// Empty means the image's name.
    #[serde(default)]
    label: String,
    /// The smallest amounts that it runs with.
    #[serde(default)]
    slots: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    #[serde(default = "default_count")]
    count: usize,
    resource_group: Option<String>,
    #[serde(default = "default_architecture")]
    architecture: String,
    /// The beginning of the agents' addresses. Each agent's number is appended.
    #[serde(default)]
    address: String,
    slots: BTreeMap<String, String>,
}

fn default_count() -> usize {
    1
}

fn default_architecture() -> String {
    "x86_64".into()
}

/// A mistake in a scenario, as a text for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongScenario(String);

impl FromStr for Scenario {
    type Err = WrongScenario;

    fn from_str(text: &str) -> Result<Self, WrongScenario> {
        let file: File = toml::from_str(text).map_err(|error| WrongScenario(error.to_string()))?;
        let mut agents = Vec::new();
        for kind in file.agents {
            if kind.count > MOST_AGENTS || agents.len() + kind.count > MOST_AGENTS {
                return Err(WrongScenario(format!("agents: at most {MOST_AGENTS} in total")));
            }
            let slots = read_machine(&kind)?;
            for n in 1..=kind.count {
                let name = if kind.count == 1 { kind.name.clone() } else { format!("{}-{n}", kind.name) };
                let address = if kind.address.is_empty() { String::new() } else { format!("{}{n}", kind.address) };
                agents.push(SimulatedAgent {
                    name,
                    address,
                    resource_group: kind.resource_group.clone(),
                    architecture: kind.architecture.clone(),
                    slots: slots.clone(),
                });
            }
        }
        let names: BTreeSet<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        if names.len() < agents.len() {
            return Err(WrongScenario("agents: two agents have the same name".into()));
        }
        let seconds = [file.sessions.start_seconds, file.sessions.batch_seconds, file.sessions.interactive_cpu];
        if seconds.iter().any(|number| !number.is_finite() || *number < 0.0) {
            return Err(WrongScenario("sessions: every number must be 0 or more".into()));
        }
        let mut images = Vec::new();
        for Image { name, label, slots } in file.images {
            let minimum = read_slots(&format!("images: {name}"), &slots)?;
            images.push(ImageOffer { label: if label.is_empty() { name.clone() } else { label }, name, minimum });
        }
        if images.is_empty() {
            images.push(host::offer());
        }
        Ok(Self { agents, images, behaviour: file.sessions })
    }
}

fn read_machine(kind: &Kind) -> Result<Slots, WrongScenario> {
    let slots = read_slots(&format!("agents: {}", kind.name), &kind.slots)?;
    for needed in [types::quantity::CPU, MEM] {
        if slots.get(needed) == Quantity::ZERO {
            return Err(WrongScenario(format!("agents: {}: an agent needs some {needed}", kind.name)));
        }
    }
    Ok(slots)
}

fn read_slots(of: &str, texts: &BTreeMap<String, String>) -> Result<Slots, WrongScenario> {
    let mut slots = Slots::default();
    for (slot, value) in texts {
        let amount = if slot == MEM { parse_bytes(value).map(Quantity::whole) } else { value.parse().ok() };
        let wrong = || WrongScenario(format!("{of}: {slot} = {value:?} is not an amount; write \"32\" or \"256g\""));
        slots.0.insert(slot.clone(), amount.filter(|amount| *amount >= Quantity::ZERO).ok_or_else(wrong)?);
    }
    Ok(slots)
}
