//! The launcher's fields as signals: read as a request, filled from one, and kept in the address.
//!
//! Values of variables are in the address only if the person lets them be seen: a shared link or the browser's history shows the
//! names of the others.

use super::clock::{from_field, now, to_field};
use console::slots::{exact_bytes, read_bytes};
use leptos::prelude::*;
use std::collections::BTreeMap;
use types::FieldError;
use types::Problem;
use types::limits::presets::Preset;
use types::quantity::{CPU, MEM, Quantity, Slots};
use types::sessions::SessionType;
use types::sessions::launch::{DEFAULT_PRIORITY, GroupOffer, StartOptions, StartSession};
use types::sessions::{Cluster, ClusterMode};
use types::time::Millis;

/// One environment variable; the number identifies its row while it is edited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub number: u32,
    pub name: RwSignal<String>,
    pub value: RwSignal<String>,
    /// Whether others may see the value.
    pub visible: RwSignal<bool>,
}

#[derive(Clone, Copy)]
pub struct Form {
    pub name: RwSignal<String>,
    pub kind: RwSignal<String>,
    pub command: RwSignal<String>,
    /// `2026-11-24T09:30`, in the reader's time zone.
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
    /// The amounts of other slots, as typed.
    pub others: RwSignal<BTreeMap<String, String>>,
    pub cluster_mode: RwSignal<String>,
    pub cluster_size: RwSignal<String>,
    pub priority: RwSignal<String>,
    pub env: RwSignal<Vec<Variable>>,
    pub ports: RwSignal<String>,
    /// Whether the page is interactive in a browser.
    pub awake: RwSignal<bool>,
    /// The project, group and environment that were preselected, not chosen by the person.
    given: StoredValue<[String; 3]>,
}

/// Units of a batch session's timeout, with their seconds.
pub const UNITS: [(&str, &str, u32); 5] =
    [("min", "minutes", 60), ("s", "seconds", 1), ("h", "hours", 3_600), ("d", "days", 86_400), ("w", "weeks", 604_800)];

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
            awake: RwSignal::new(false),
            given: StoredValue::new(Default::default()),
        }
    }

    /// Preselects values where the person has chosen none. A person's own choice stays even if it is no longer offered;
    /// [`not_offered`] reports it.
    pub fn choose(self, options: &StartOptions, of_header: Option<String>) {
        let offered = |index: usize, field: RwSignal<String>, all: Vec<String>, first: Option<String>| {
            let value = field.get_untracked();
            let given = self.given.with_value(|given| given[index] == value);
            if value.is_empty() || (given && !all.contains(&value)) {
                let first = first.filter(|first| all.contains(first)).or_else(|| all.first().cloned()).unwrap_or_default();
                self.given.update_value(|given| given[index].clone_from(&first));
                if first != value {
                    field.set(first);
                }
            }
        };
        offered(0, self.project, options.projects.iter().map(|project| project.id.to_string()).collect(), of_header);
        offered(1, self.image, options.images.iter().map(|image| image.name.clone()).collect(), None);
        let project = self.project.get_untracked();
        let groups = options.groups.iter().filter(|group| group.projects.iter().any(|id| id.to_string() == project));
        offered(2, self.resource_group, groups.map(|group| group.name.clone()).collect(), None);
    }

    /// Fills in a preset's amounts.
    pub fn take(self, preset: &Preset) {
        self.cpu.set(preset.slots.get(CPU).to_string());
        self.mem.set(exact_bytes(preset.slots.get(MEM).floor()));
        self.shared_memory.set(preset.shared_memory.map(exact_bytes).unwrap_or_default());
        let others = preset.slots.0.iter().filter(|(slot, _)| *slot != CPU && *slot != MEM);
        self.others.set(others.map(|(slot, amount)| (slot.clone(), amount.to_string())).collect());
    }

    /// Adds a row for a variable.
    pub fn add_variable(self, name: &str, value: &str, visible: bool) {
        self.env.update(|env| {
            let number = env.iter().map(|variable| variable.number + 1).max().unwrap_or(0);
            let (name, value, visible) = (RwSignal::new(name.into()), RwSignal::new(value.into()), RwSignal::new(visible));
            env.push(Variable { number, name, value, visible });
        });
    }

    /// Fills the form from a request, such as the one in the address or an earlier one.
    pub fn fill(self, asked: &StartSession) {
        self.name.set(asked.name.clone());
        self.kind.set(asked.kind.key().into());
        self.command.set(asked.command.clone());
        self.starts_at.set(asked.starts_at.map(to_field).unwrap_or_default());
        let fitting = |seconds: u32| {
            UNITS.iter().filter(|(_, _, length)| seconds.is_multiple_of(*length)).max_by_key(|(_, _, length)| *length)
        };
        if let Some((seconds, (key, _, length))) = asked.timeout.and_then(|seconds| Some((seconds, fitting(seconds)?))) {
            self.timeout.set((seconds / length).to_string());
            self.timeout_unit.set((*key).into());
        } else {
            self.timeout.set(String::new());
        }
        self.depends_on.set(asked.depends_on.join(", "));
        self.count.set(asked.count.to_string());
        self.owner.set(asked.owner.clone());
        let nobodys = asked.project == StartSession::default().project;
        self.project.set(if nobodys { String::new() } else { asked.project.to_string() });
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
        asked.env.iter().for_each(|(name, value)| self.add_variable(name, value, asked.shows(name)));
        self.ports.set(asked.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", "));
    }

    /// Returns the form as a request, with every invalid field. Reactive to typing.
    pub fn read(self) -> (StartSession, Vec<FieldError>) {
        let mut errors = Vec::new();
        let kind = SessionType::from_key(&self.kind.get()).unwrap_or(SessionType::Interactive);
        let batch = kind == SessionType::Batch;
        let (slots, shared_memory) = (self.read_slots(&mut errors), self.read_shared_memory(&mut errors));
        let (starts_at, timeout) = self.read_times(batch, &mut errors);
        let mut wrong = |field: &str, text: &str| errors.push(FieldError::new(field, text));
        let size = parse_whole(self.cluster_size.get());
        if size.is_none() {
            wrong("cluster_size", "Type a whole number of containers.");
        }
        let count = parse_whole(self.count.get());
        if count.is_none() {
            wrong("count", "Type a whole number of sessions.");
        }
        let priority = self.priority.get().trim().parse::<u8>().ok();
        if priority.is_none() {
            wrong("priority", "A whole number from 0 to 100.");
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
        let env = self.env.get();
        let name = |one: &Variable| one.name.get().trim().to_owned();
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
            env: env.iter().map(|one| (name(one), one.value.get())).collect(),
            // A variable without a name is still being typed.
            visible_env: env.iter().filter(|one| one.visible.get()).map(name).filter(|name| !name.is_empty()).collect(),
            ports,
            starts_at,
            timeout,
            depends_on: words(self.depends_on.get()),
            priority: priority.unwrap_or(DEFAULT_PRIORITY),
            count: count.unwrap_or(1),
            owner: self.owner.get().trim().to_owned(),
        };
        if let Err(Problem::Invalid(more)) = asked.check() {
            // A field that could not be read has only one error.
            more.into_iter().for_each(|one| {
                if !errors.iter().any(|known| known.field == one.field) {
                    errors.push(one);
                }
            });
        }
        (asked, errors)
    }

    fn read_slots(self, errors: &mut Vec<FieldError>) -> Slots {
        let mut wrong = |field: &str, text: &str| errors.push(FieldError::new(field, text));
        let mut slots = Slots::default();
        match self.cpu.get().parse::<Quantity>() {
            Ok(amount) => drop(slots.0.insert(CPU.into(), amount)),
            Err(_) => wrong("cpu", "Type a number of CPU cores, such as 2 or 0.5."),
        }
        match read_bytes(self.mem.get().trim()) {
            Some(amount) => drop(slots.0.insert(MEM.into(), Quantity::whole(amount))),
            None => wrong("mem", "Type an amount of memory, such as 2 GiB or 512 MiB; a number alone is GiB."),
        }
        for (slot, text) in self.others.get().into_iter().filter(|(_, text)| !text.trim().is_empty()) {
            match text.parse::<Quantity>() {
                Ok(Quantity::ZERO) => {}
                Ok(amount) => drop(slots.0.insert(slot, amount)),
                Err(_) => wrong(&slot, "Type a number, such as 1 or 0.5."),
            }
        }
        slots
    }

    /// Reads bytes; `None` if nothing was typed.
    fn read_shared_memory(self, errors: &mut Vec<FieldError>) -> Option<i64> {
        let text = self.shared_memory.get();
        let read = Some(text.trim()).filter(|text| !text.is_empty()).map(read_bytes)?;
        if read.is_none() {
            errors.push(FieldError::new("shared_memory", "Type an amount of memory, such as 64 MiB, or leave it empty."));
        }
        read
    }

    /// Reads a batch session's start time and its timeout in seconds.
    fn read_times(self, batch: bool, errors: &mut Vec<FieldError>) -> (Option<Millis>, Option<u32>) {
        let mut wrong = |field: &str, text: &str| errors.push(FieldError::new(field, text));
        let (starts, time) = (self.starts_at.get(), self.timeout.get());
        let starts_at = from_field(starts.trim()).filter(|_| batch);
        if batch && !starts.trim().is_empty() && starts_at.is_none() {
            wrong("starts_at", "Type a date and a time, such as 2026-11-24T09:30.");
        }
        // Two clocks may differ, so only the browser's is used, and only once the page is interactive.
        if self.awake.get() && starts_at.is_some_and(|at| at <= now()) {
            wrong("starts_at", "The start time must be in the future.");
        }
        let length = UNITS.iter().find(|(key, ..)| self.timeout_unit.with(|unit| unit == key)).map_or(60, |(_, _, n)| *n);
        let timeout = parse_whole(time.clone()).and_then(|n| n.checked_mul(length)).filter(|_| batch);
        if batch && !time.trim().is_empty() && timeout.is_none() {
            wrong("timeout", "Type a whole number, or leave it empty for no limit.");
        }
        (starts_at, timeout)
    }
}

fn parse_whole(text: String) -> Option<u32> {
    text.trim().parse().ok()
}

/// Returns an error for each choice that is no longer offered.
pub fn not_offered(asked: &StartSession, options: &StartOptions) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut gone =
        |field: &str, what: &str| errors.push(FieldError::new(field, format!("{what} is no longer offered; choose another.")));
    let here = |group: &GroupOffer| group.name == asked.resource_group && group.projects.contains(&asked.project);
    if asked.project == StartSession::default().project {
        // Nothing is chosen, so nothing is missing.
    } else if !options.projects.iter().any(|one| one.id == asked.project) {
        gone("project", "This project");
    } else if !asked.resource_group.is_empty() && !options.groups.iter().any(here) {
        gone("resource_group", &asked.resource_group);
    }
    if !asked.image.is_empty() && !options.images.iter().any(|image| image.name == asked.image) {
        gone("image", &asked.image);
    }
    errors
}

/// Reads ports separated by commas or spaces; `8000-8003` are four.
fn read_ports(text: &str) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if first <= last && last - first < 100 => ports.extend(first..=last),
            _ => return Err(format!("“{part}” is not a valid port. Write 8080, or 8000-8003 for several.")),
        }
    }
    Ok(ports)
}

/// Returns a request as text for the address: only the differences from an untouched form.
pub fn to_address(asked: &StartSession) -> String {
    let shown = asked.clone().without_hidden_values();
    let plain = serde_json::to_value(StartSession::default()).unwrap_or_default();
    let mut value = serde_json::to_value(shown).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, field| plain.get(name) != Some(field));
    }
    value.to_string()
}

/// Returns the request in an address; without amounts it asks for the usual minimum.
pub fn from_address(text: &str) -> Option<StartSession> {
    let mut asked: StartSession = serde_json::from_str(text).ok()?;
    if asked.slots.0.is_empty() {
        asked.slots = usual_slots();
    }
    Some(asked)
}

/// The amounts in an untouched form.
pub fn usual_slots() -> Slots {
    Slots::cpu_mem(Quantity::whole(1), 1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_the_choices_and_no_hidden_value() {
        let asked = StartSession {
            name: "train".into(),
            env: vec![("EPOCHS".into(), "3".into()), ("DATABASE_URL".into(), "hush".into()), (String::new(), "hush".into())],
            visible_env: vec!["EPOCHS".into()],
            ..StartSession::default()
        };
        let text = to_address(&asked);
        assert!(!text.contains("hush") && !text.contains("priority"), "{text}");
        let back = from_address(&text).unwrap();
        assert_eq!(back.name, "train");
        assert_eq!(back.env[0], ("EPOCHS".to_owned(), "3".to_owned()));
        assert_eq!(back.env[1..], [("DATABASE_URL".to_owned(), String::new()), (String::new(), String::new())]);
        assert_eq!(from_address("{"), None);
    }

    #[test]
    fn a_form_filled_from_a_request_reads_back_the_same_request() {
        Owner::new().with(|| {
            let form = Form::new();
            let asked = StartSession {
                kind: SessionType::Batch,
                command: "true".into(),
                timeout: Some(1_800),
                starts_at: Some(types::time::Millis(1_795_510_920_000)),
                slots: Slots::cpu_mem(Quantity::whole(1), 1280 << 20),
                shared_memory: Some(1_000_448),
                ..StartSession::default()
            };
            form.fill(&asked);
            assert_eq!((form.timeout.get(), form.timeout_unit.get()), ("30".to_owned(), "min".to_owned()));
            assert_eq!(form.mem.get(), "1280 MiB");
            let (read, _) = form.read();
            assert_eq!((read.timeout, read.starts_at), (asked.timeout, asked.starts_at));
            assert_eq!((read.slots, read.shared_memory), (asked.slots.clone(), asked.shared_memory));
            form.mem.set("2".into());
            assert_eq!(form.read().0.slots.get(MEM), Quantity::whole(2 << 30));
            form.fill(&StartSession { timeout: Some(1_209_600), ..asked.clone() });
            assert_eq!((form.timeout.get(), form.timeout_unit.get()), ("2".to_owned(), "w".to_owned()));
            assert_eq!(form.read().0.timeout, Some(1_209_600));
            // A time outside the calendar.
            form.fill(&StartSession { starts_at: Some(types::time::Millis(9_000_000_000_000_000)), ..asked });
            assert_eq!(form.starts_at.get(), "");
        });
    }

    #[test]
    fn ports_are_separated_by_commas_or_spaces_and_allow_ranges() {
        assert_eq!(read_ports("8080, 9000-9002 5000").unwrap(), [8080, 9000, 9001, 9002, 5000]);
        assert!(read_ports("80a").is_err() && read_ports("9002-9000").is_err());
        assert_eq!(read_ports(" ").unwrap(), Vec::<u16>::new());
    }
}
