//! What is typed into the launcher, as signals: how it is read as a request, filled from one, and kept in the address.
//!
//! Values of secret variables are never in the address: whoever opens a shared link, or looks over a shoulder at a history, finds
//! their names alone.

use leptos::prelude::*;
use std::collections::BTreeMap;
use types::FieldError;
use types::Problem;
use types::launch::{Cluster, ClusterMode, DEFAULT_PRIORITY, StartOptions, StartSession, is_secret};
use types::preset::Preset;
use types::quantity::{CPU, MEM, Quantity, Slots, bytes, parse_bytes};
use types::session::SessionType;
use types::time::minute;

/// One variable of the environment; the number tells rows apart while they are edited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub number: u32,
    pub name: RwSignal<String>,
    pub value: RwSignal<String>,
}

#[derive(Clone, Copy)]
pub struct Form {
    pub name: RwSignal<String>,
    pub kind: RwSignal<String>,
    pub command: RwSignal<String>,
    /// `2026-11-24T09:30`, in UTC.
    pub starts_at: RwSignal<String>,
    pub timeout: RwSignal<String>,
    pub timeout_unit: RwSignal<String>,
    pub depends_on: RwSignal<String>,
    pub count: RwSignal<String>,
    pub owner: RwSignal<String>,
    pub project: RwSignal<String>,
    pub resource_group: RwSignal<String>,
    pub image: RwSignal<String>,
    pub cpu: RwSignal<String>,
    pub mem: RwSignal<String>,
    pub shared_memory: RwSignal<String>,
    /// What is asked of other slots, as typed.
    pub others: RwSignal<BTreeMap<String, String>>,
    pub cluster_mode: RwSignal<String>,
    pub cluster_size: RwSignal<String>,
    pub priority: RwSignal<String>,
    pub env: RwSignal<Vec<Variable>>,
    pub ports: RwSignal<String>,
}

/// Units of a batch session's time, with seconds.
pub const UNITS: [(&str, &str, u32); 4] =
    [("min", "minutes", 60), ("s", "seconds", 1), ("h", "hours", 3_600), ("d", "days", 86_400)];

impl Form {
    pub fn new() -> Self {
        let text = |value: &str| RwSignal::new(value.to_owned());
        Self {
            name: text(""),
            kind: text("interactive"),
            command: text(""),
            starts_at: text(""),
            timeout: text(""),
            timeout_unit: text("min"),
            depends_on: text(""),
            count: text("1"),
            owner: text(""),
            project: text(""),
            resource_group: text(""),
            image: text(""),
            cpu: text("1"),
            mem: text("1 GiB"),
            shared_memory: text(""),
            others: RwSignal::new(BTreeMap::new()),
            cluster_mode: text("single-node"),
            cluster_size: text("1"),
            priority: text(&DEFAULT_PRIORITY.to_string()),
            env: RwSignal::new(Vec::new()),
            ports: text(""),
        }
    }

    /// What is chosen for somebody who has chosen nothing, or something that is not offered.
    pub fn choose(self, options: &StartOptions, of_header: Option<String>) {
        let offered = |field: RwSignal<String>, all: Vec<String>, first: Option<String>| {
            if !field.with_untracked(|value| all.contains(value)) {
                field.set(first.filter(|first| all.contains(first)).or_else(|| all.first().cloned()).unwrap_or_default());
            }
        };
        offered(self.project, options.projects.iter().map(|project| project.id.to_string()).collect(), of_header);
        offered(self.image, options.images.iter().map(|image| image.name.clone()).collect(), None);
        let project = self.project.get_untracked();
        let groups = options.groups.iter().filter(|group| group.projects.iter().any(|id| id.to_string() == project));
        offered(self.resource_group, groups.map(|group| group.name.clone()).collect(), None);
    }

    /// Puts a preset's amounts in.
    pub fn take(self, preset: &Preset) {
        self.cpu.set(preset.slots.get(CPU).to_string());
        self.mem.set(bytes(preset.slots.get(MEM).floor()));
        self.shared_memory.set(preset.shared_memory.map(bytes).unwrap_or_default());
        let others = preset.slots.0.iter().filter(|(slot, _)| *slot != CPU && *slot != MEM);
        self.others.set(others.map(|(slot, amount)| (slot.clone(), amount.to_string())).collect());
    }

    /// Adds a row for a variable.
    pub fn add_variable(self, name: &str, value: &str) {
        self.env.update(|env| {
            let number = env.iter().map(|variable| variable.number + 1).max().unwrap_or(0);
            env.push(Variable { number, name: RwSignal::new(name.into()), value: RwSignal::new(value.into()) });
        });
    }

    /// Shows a request, as from the address or from one that was made before.
    pub fn fill(self, asked: &StartSession) {
        self.name.set(asked.name.clone());
        self.kind.set(asked.kind.key().into());
        self.command.set(asked.command.clone());
        self.starts_at.set(asked.starts_at.map(|at| at.utc().replace(' ', "T")[..16].to_owned()).unwrap_or_default());
        let unit = UNITS.iter().rev().chain(&UNITS[1..2]);
        let fitting = |seconds: u32| unit.clone().find(|(_, _, length)| seconds.is_multiple_of(*length));
        if let Some((seconds, (key, _, length))) = asked.timeout.and_then(|seconds| Some((seconds, fitting(seconds)?))) {
            self.timeout.set((seconds / length).to_string());
            self.timeout_unit.set((*key).into());
        } else {
            self.timeout.set(String::new());
        }
        self.depends_on.set(asked.depends_on.join(", "));
        self.count.set(asked.count.to_string());
        self.owner.set(asked.owner.clone());
        self.project.set(asked.project.to_string());
        self.resource_group.set(asked.resource_group.clone());
        self.image.set(asked.image.clone());
        let slots = &asked.slots;
        self.take(&Preset {
            name: String::new(),
            slots: slots.clone(),
            shared_memory: asked.shared_memory,
            resource_group: None,
        });
        self.cluster_mode.set(asked.cluster.mode.key().into());
        self.cluster_size.set(asked.cluster.size.to_string());
        self.priority.set(asked.priority.to_string());
        self.env.set(Vec::new());
        asked.env.iter().for_each(|(name, value)| self.add_variable(name, value));
        self.ports.set(asked.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", "));
    }

    /// The form as a request, with every field that cannot be read or is not acceptable. Follows what is typed.
    pub fn read(self) -> (StartSession, Vec<FieldError>) {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, text: &str| errors.push(FieldError::new(field, text));
        let kind = SessionType::from_key(&self.kind.get()).unwrap_or(SessionType::Interactive);
        let batch = kind == SessionType::Batch;
        let mut slots = Slots::default();
        match self.cpu.get().parse::<Quantity>() {
            Ok(amount) => drop(slots.0.insert(CPU.into(), amount)),
            Err(_) => wrong("cpu", "Type a number of CPU cores, such as 2 or 0.5."),
        }
        match parse_bytes(&self.mem.get()) {
            Some(amount) => drop(slots.0.insert(MEM.into(), Quantity::whole(amount))),
            None => wrong("mem", "Type an amount of memory with its unit, such as 2 GiB or 512m."),
        }
        for (slot, text) in self.others.get().into_iter().filter(|(_, text)| !text.trim().is_empty()) {
            match text.parse::<Quantity>() {
                Ok(Quantity::ZERO) => {}
                Ok(amount) => drop(slots.0.insert(slot, amount)),
                Err(_) => wrong(&slot, "Type a number, such as 1 or 0.5."),
            }
        }
        let shared = self.shared_memory.get();
        let shared_memory = match parse_bytes(&shared) {
            _ if shared.trim().is_empty() => None,
            None => {
                wrong("shared_memory", "Type an amount of memory with its unit, such as 64m, or nothing.");
                None
            }
            amount => amount,
        };
        let whole = |text: String| text.trim().parse::<u32>().ok();
        let size = whole(self.cluster_size.get());
        if size.is_none() {
            wrong("cluster_size", "Type a whole number of containers.");
        }
        let count = whole(self.count.get());
        if count.is_none() {
            wrong("count", "Type a whole number of sessions.");
        }
        let priority = self.priority.get().trim().parse::<u8>().ok();
        if priority.is_none() {
            wrong("priority", "A whole number from 0 to 100.");
        }
        let (starts, time) = (self.starts_at.get(), self.timeout.get());
        let starts_at = minute(starts.trim()).filter(|_| batch);
        if batch && !starts.trim().is_empty() && starts_at.is_none() {
            wrong("starts_at", "A day and a time, such as 2026-11-24T09:30.");
        }
        let length = UNITS.iter().find(|(key, ..)| self.timeout_unit.with(|unit| unit == key)).map_or(60, |(_, _, n)| *n);
        let timeout = whole(time.clone()).and_then(|n| n.checked_mul(length)).filter(|_| batch);
        if batch && !time.trim().is_empty() && timeout.is_none() {
            wrong("timeout", "Type a whole number, or nothing for no limit.");
        }
        let ports = read_ports(&self.ports.get()).unwrap_or_else(|text| {
            wrong("ports", &text);
            Vec::new()
        });
        let project = self.project.get().parse().unwrap_or_else(|_| {
            wrong("project", "Choose one of your projects.");
            types::id::ProjectId(Default::default())
        });
        let words =
            |text: String| text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()).map(String::from).collect();
        let asked = StartSession {
            name: self.name.get().trim().to_owned(),
            project,
            resource_group: self.resource_group.get(),
            kind,
            image: self.image.get(),
            command: if batch { self.command.get() } else { String::new() },
            slots,
            shared_memory,
            cluster: Cluster {
                mode: ClusterMode::from_key(&self.cluster_mode.get()).unwrap_or_default(),
                size: size.unwrap_or(1),
            },
            env: self.env.get().into_iter().map(|one| (one.name.get().trim().to_owned(), one.value.get())).collect(),
            ports,
            starts_at,
            timeout,
            depends_on: words(self.depends_on.get()),
            priority: priority.unwrap_or(DEFAULT_PRIORITY),
            count: count.unwrap_or(1),
            owner: self.owner.get().trim().to_owned(),
        };
        if let Err(Problem::Invalid(more)) = asked.check() {
            // What could not be read is said once.
            more.into_iter().for_each(|one| {
                if !errors.iter().any(|known| known.field == one.field) {
                    errors.push(one);
                }
            });
        }
        (asked, errors)
    }
}

/// Ports with commas or spaces between them; `8000-8003` are four.
fn read_ports(text: &str) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if first <= last && last - first < 100 => ports.extend(first..=last),
            _ => return Err(format!("“{part}” is no port. Write 8080, or 8000-8003 for several.")),
        }
    }
    Ok(ports)
}

/// A request as text for the address: only what differs from one that nobody has touched.
pub fn to_address(asked: &StartSession) -> String {
    let env = asked.env.iter().map(|(name, value)| {
        let value = if is_secret(name) { String::new() } else { value.clone() };
        (name.clone(), value)
    });
    let shown = StartSession { env: env.collect(), ..asked.clone() };
    let plain = serde_json::to_value(StartSession::default()).unwrap_or_default();
    let mut value = serde_json::to_value(shown).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, field| plain.get(name) != Some(field));
    }
    value.to_string()
}

/// The request that an address holds.
pub fn from_address(text: &str) -> Option<StartSession> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_was_chosen_and_no_secret() {
        let asked = StartSession {
            name: "train".into(),
            env: vec![("EPOCHS".into(), "3".into()), ("HF_TOKEN".into(), "hush".into())],
            ..StartSession::default()
        };
        let text = to_address(&asked);
        assert!(!text.contains("hush") && !text.contains("priority"), "{text}");
        let back = from_address(&text).unwrap();
        assert_eq!(back.name, "train");
        assert_eq!(back.env, [("EPOCHS".to_owned(), "3".to_owned()), ("HF_TOKEN".into(), String::new())]);
        assert_eq!(from_address("{"), None);
    }

    #[test]
    fn ports_are_read_with_commas_spaces_and_ranges() {
        assert_eq!(read_ports("8080, 9000-9002 5000").unwrap(), [8080, 9000, 9001, 9002, 5000]);
        assert!(read_ports("80a").is_err() && read_ports("9002-9000").is_err());
        assert_eq!(read_ports(" ").unwrap(), Vec::<u16>::new());
    }
}
