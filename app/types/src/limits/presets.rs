//! Resource presets: amounts that the launcher offers by name (`docs/spec/limits.md`, "Resource presets").

use crate::cluster::slots::slot_amount;
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::{CPU, MEM, Quantity, Slots, bytes, describe};
use crate::revision::Fields;
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// A preset, as an administrator edits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    /// Unique among presets.
    pub name: String,
    /// At least CPU and memory.
    pub slots: Slots,
    /// Bytes of the memory that processes may share; less than the whole memory.
    pub shared_memory: Option<i64>,
    /// The only group that offers it; `None` means every group.
    pub resource_group: Option<String>,
}

impl Preset {
    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        rules::slug("name", &self.name, false, &mut errors);
        for (slot, amount) in &self.slots.0 {
            slot_amount(slot, *amount, &mut errors);
        }
        if self.slots.get(CPU) <= Quantity::ZERO {
            errors.push(FieldError::new("slot.cpu", "A preset needs more than 0 CPU cores."));
        }
        if self.slots.get(MEM) <= Quantity::ZERO {
            errors.push(FieldError::new("slot.mem", "A preset needs more than 0 bytes of memory."));
        } else {
            shared_memory("shared_memory", self.shared_memory, &self.slots, &mut errors);
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// Checks that shared memory is less than the memory that it is part of. Both are in bytes.
pub fn shared_memory(field: &str, shared: Option<i64>, slots: &Slots, errors: &mut Vec<FieldError>) {
    if shared.is_some_and(|shared| shared < 0 || Quantity::whole(shared) >= slots.get(MEM)) {
        errors.push(FieldError::new(field, "Memory should be larger than shared memory."));
    }
}

/// One preset in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetRow {
    pub preset: Preset,
    /// Grows with every change. An edit names the revision that it is based on.
    pub revision: i64,
    pub created_at: Millis,
}

/// A preset to save: a new one if there is no revision, otherwise a change based on that revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavePreset {
    pub preset: Preset,
    pub revision: Option<i64>,
}

impl Fields for Preset {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let slots: Vec<_> = self.slots.0.iter().map(|(slot, amount)| describe(slot, *amount)).collect();
        vec![
            ("Name", self.name.clone()),
            ("Resources", slots.join(", ")),
            ("Shared memory", self.shared_memory.map_or_else(|| "—".into(), bytes)),
            ("Resource group", self.resource_group.clone().unwrap_or_else(|| "every group".into())),
        ]
    }
}

/// The list of presets.
pub static PRESETS: ListSpec = ListSpec {
    name: "presets",
    properties: &[
        Property { key: "name", label: "Name", kind: Kind::Text },
        Property { key: "resource_group", label: "Resource group", kind: Kind::Text },
    ],
    sorts: &["name", "cpu", "mem", "resource_group", "created_at"],
    default_sort: Sort { key: "name", descending: false },
    tabs: &[],
    subtabs: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_memory_is_less_than_memory_and_cores_are_required() {
        let preset = Preset {
            name: "small".into(),
            slots: Slots::cpu_mem(Quantity::whole(1), 1 << 30),
            shared_memory: Some(1 << 30),
            resource_group: None,
        };
        assert_eq!(
            preset.check().unwrap_err().of_field("shared_memory").as_deref(),
            Some("Memory should be larger than shared memory.")
        );
        assert_eq!(Preset { shared_memory: Some(1 << 29), ..preset.clone() }.check(), Ok(()));
        let none = Preset { slots: Slots::default(), ..preset };
        assert!(none.check().unwrap_err().of_field("slot.cpu").is_some());
    }

    #[test]
    fn excessive_fractional_and_unknown_amounts_are_refused_at_their_slot() {
        let with = |slot: &str, amount: &str| {
            let mut slots = Slots::cpu_mem(Quantity::whole(1), 1 << 30);
            slots.0.insert(slot.to_owned(), amount.parse().unwrap());
            Preset { name: "large".into(), slots, shared_memory: None, resource_group: None }
        };
        assert_eq!(with("cpu", "768").check(), Ok(()), "more than a policy may allow, but agents can have it");
        assert_eq!(with("mem", "2199023255552").check(), Ok(()), "two tebibytes");
        for (slot, amount) in [("cpu", "1048577"), ("mem", "1125899906842625"), ("cuda.device", "0.5"), ("GPU", "1")] {
            let Err(Problem::Invalid(errors)) = with(slot, amount).check() else { panic!("{slot} = {amount} is accepted") };
            assert_eq!(errors.iter().map(|error| error.field.clone()).collect::<Vec<_>>(), [format!("slot.{slot}")]);
        }
    }
}
