//! What is simulated, as a TOML file says it: machines by kind, the images that they have, and how sessions behave on them.

use crate::host;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use types::quantity::{MEM, Quantity, Slots, parse_bytes};
use types::sessions::launch::ImageOffer;

/// Machines of one kind that a file may ask for, and of all kinds together.
const MOST_AGENTS: usize = 20_000;

/// Machines, and how sessions behave on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub agents: Vec<SimulatedAgent>,
    /// What every machine has; a machine's own programs when the file names none.
    pub images: Vec<ImageOffer>,
    pub behaviour: Behaviour,
}

/// One machine.
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
    /// Share of the cores it asked for that an interactive session uses.
    pub interactive_cpu: f64,
    /// Seconds that a batch session runs whose command does not say `sleep N`.
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
    /// The name when empty.
    #[serde(default)]
    label: String,
    /// The least that it runs with.
    #[serde(default)]
    slots: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    #[serde(default = "one")]
    count: usize,
    resource_group: Option<String>,
    #[serde(default = "x86")]
    architecture: String,
    /// The beginning of their addresses; each gets its number after it.
    #[serde(default)]
    address: String,
    slots: BTreeMap<String, String>,
}

fn one() -> usize {
    1
}

fn x86() -> String {
    "x86_64".into()
}

/// What is wrong with a scenario, in words.
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
                return Err(WrongScenario(format!("agents: at most {MOST_AGENTS} machines in all")));
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
            return Err(WrongScenario("agents: two machines have the same name".into()));
        }
        let seconds = [file.sessions.start_seconds, file.sessions.batch_seconds, file.sessions.interactive_cpu];
        if seconds.iter().any(|number| !number.is_finite() || *number < 0.0) {
            return Err(WrongScenario("sessions: numbers from 0 on".into()));
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
            return Err(WrongScenario(format!("agents: {}: a machine has some {needed}", kind.name)));
        }
    }
    Ok(slots)
}

fn read_slots(of: &str, texts: &BTreeMap<String, String>) -> Result<Slots, WrongScenario> {
    let mut slots = Slots::default();
    for (slot, value) in texts {
        let amount = if slot == MEM { parse_bytes(value).map(Quantity::whole) } else { value.parse().ok() };
        let wrong = || WrongScenario(format!("{of}: {slot} = {value:?} is no amount; write \"32\" or \"256g\""));
        slots.0.insert(slot.clone(), amount.filter(|amount| *amount >= Quantity::ZERO).ok_or_else(wrong)?);
    }
    Ok(slots)
}
