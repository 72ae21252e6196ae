//! Resource amounts as pages show and edit them: one field for each slot, memory in units such as `8 GiB`.

use crate::form::Refused;
use leptos::prelude::*;
use types::FieldError;
use types::cluster::slots::{USUAL, amount_in_short, most_of, slot_field};
pub use types::cluster::slots::{limits_in_short, short};
use types::quantity::{CPU, MEM, Quantity, Slots, bytes, describe, parse_bytes};
use ui::{Field, Limit, LimitField, NumberInput, TextInput};

/// Slots that every amount has.
const ASKED: [&str; 2] = [CPU, MEM];
/// Maximum fields of a form, as many as a request may name.
const MOST: usize = 32;

/// The name of a slot's field.
pub fn label(slot: &str) -> String {
    match slot {
        CPU => "CPU".into(),
        MEM => "Memory".into(),
        "cuda.device" => "CUDA-capable GPU".into(),
        "cuda.shares" => "CUDA-capable GPU (fractional)".into(),
        other => other.into(),
    }
}

fn hint(slot: &str) -> String {
    match slot {
        CPU => "Cores, up to 512.".into(),
        MEM => "Such as 8 GiB; a number alone is GiB. Up to 1024 GiB; twice the memory of the GPUs is good practice.".into(),
        "cuda.device" => "Whole GPUs, up to 64. No effect when agents offer fractional GPUs.".into(),
        "cuda.shares" => {
            "Shares of GPUs, up to 256; images may require a minimum share. No effect when agents offer whole GPUs.".into()
        }
        other => format!("Up to {}.", describe(other, most_of(other))),
    }
}

/// `CPU 2 · RAM 4 GiB · fGPU 1`, or `-` when no slot is named.
pub fn in_short(slots: &Slots) -> String {
    let named = offered(&USUAL, Vec::new(), [slots]);
    let all: Vec<_> = named.iter().filter_map(|slot| Some(amount_in_short(slot, *slots.0.get(slot)?))).collect();
    if all.is_empty() { "-".into() } else { all.join(" · ") }
}

/// Returns the slots that a form offers: the permanent ones first, then those that agents report and existing things name.
fn offered<'a>(always: &[&str], reported: Vec<String>, named: impl IntoIterator<Item = &'a Slots>) -> Vec<String> {
    let mut more: Vec<String> = named.into_iter().flat_map(|slots| slots.0.keys().cloned()).chain(reported).collect();
    more.retain(|slot| !always.contains(&slot.as_str()));
    more.sort_unstable();
    more.dedup();
    always.iter().copied().map(String::from).chain(more).collect()
}

/// Formats bytes for a field: exactly, in the largest unit that can express them.
pub fn exact_bytes(n: i64) -> String {
    let short = bytes(n);
    if parse_bytes(&short) == Some(n) {
        return short;
    }
    let units = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let whole = units.into_iter().find(|(_, power)| n % (1i64 << power) == 0);
    whole.map_or_else(|| format!("{n} B"), |(unit, power)| format!("{} {unit}", n >> power))
}

/// Reads typed bytes. A number alone is GiB: nobody means four bytes of memory.
pub fn read_bytes(text: &str) -> Option<i64> {
    let alone = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if alone { parse_bytes(&format!("{text}g")) } else { parse_bytes(text) }
}

/// Reads bytes, or `None` where the box is ticked.
pub fn bytes_limit(field: &str, limit: Limit, mistakes: &mut Vec<FieldError>) -> Option<i64> {
    let text = limit.typed()?;
    let read = read_bytes(&text);
    if read.is_none() {
        mistakes.push(FieldError::new(field, "An amount such as 100 GiB, or tick the box below."));
    }
    read
}

/// The typed amounts of slots.
#[derive(Clone, Copy)]
pub struct SlotAmounts {
    /// Prefix of the fields' ids.
    name: &'static str,
    /// Whether each field has a box for no limit; otherwise an empty field means none.
    limits: bool,
    /// The slots that agents report now.
    reported: Signal<Vec<String>>,
    fields: RwSignal<Vec<(String, Limit)>>,
    /// State for the fields. Created with the form, because a field may be added while it is open.
    room: StoredValue<Vec<Limit>>,
    /// The amounts of slots without a field, which are kept.
    others: StoredValue<Slots>,
}

impl SlotAmounts {
    /// Fields for limits, each of which may be unlimited.
    pub fn limits(name: &'static str, reported: Signal<Vec<String>>) -> Self {
        Self::new(name, true, reported)
    }

    /// Fields for amounts, each of which may be empty.
    pub fn amounts(name: &'static str, reported: Signal<Vec<String>>) -> Self {
        Self::new(name, false, reported)
    }

    fn new(name: &'static str, limits: bool, reported: Signal<Vec<String>>) -> Self {
        let amounts = Self {
            name,
            limits,
            reported,
            fields: RwSignal::new(Vec::new()),
            room: StoredValue::new((0..MOST).map(|_| Limit::unlimited()).collect()),
            others: StoredValue::new(Slots::default()),
        };
        amounts.fill(&Slots::default());
        amounts
    }

    fn always(self) -> &'static [&'static str] {
        // A policy may limit whole and fractional GPUs before any agent reports them.
        if self.limits { &USUAL } else { &ASKED }
    }

    /// Fills the fields with these amounts.
    pub fn fill(self, slots: &Slots) {
        let mut others = slots.clone();
        let names = offered(self.always(), self.reported.get_untracked(), [slots]);
        let fields: Vec<_> = names.into_iter().zip(self.room.get_value()).collect();
        for (slot, limit) in &fields {
            let text = others.0.remove(slot).map(|amount| match slot.as_str() {
                MEM => exact_bytes(amount.floor()),
                _ => amount.to_string(),
            });
            self.put(*limit, text);
        }
        self.fields.set(fields);
        self.others.set_value(others);
    }

    fn put(self, limit: Limit, text: Option<String>) {
        limit.set(if self.limits { text } else { Some(text.unwrap_or_default()) });
    }

    /// Adds fields for newly reported slots; nothing typed is lost.
    fn follow(self) {
        let known = self.fields.with_untracked(|fields| fields.iter().map(|(slot, _)| slot.clone()).collect::<Vec<_>>());
        let new: Vec<_> = self.reported.get().into_iter().filter(|slot| !known.contains(slot)).collect();
        let free: Vec<_> = self.room.get_value().into_iter().skip(known.len()).collect();
        if new.is_empty() || free.is_empty() {
            return;
        }
        let new: Vec<_> = new.into_iter().zip(free).collect();
        new.iter().for_each(|(_, limit)| self.put(*limit, None));
        self.fields.update(|fields| fields.extend(new));
    }

    /// Returns the typed amounts; each invalid one is a mistake of its field.
    pub fn read(self, mistakes: &mut Vec<FieldError>) -> Slots {
        let mut slots = self.others.get_value();
        self.fields.with_untracked(|fields| {
            for (slot, limit) in fields {
                let Some(text) = limit.typed().filter(|text| self.limits || !text.is_empty()) else { continue };
                match amount(slot, &text) {
                    Some(amount) => drop(slots.0.insert(slot.clone(), amount)),
                    None => mistakes.push(FieldError::new(&slot_field(slot), self.explain(slot))),
                }
            }
        });
        slots
    }

    fn explain(self, slot: &str) -> String {
        let example = if slot == MEM { "An amount such as 8 GiB" } else { "A number such as 2" };
        let otherwise = if self.limits { "or tick the box below" } else { "or leave it empty" };
        format!("{example}, {otherwise}.")
    }

    /// The fields. `unlimited` is the label of the boxes.
    pub fn view(self, refused: Refused, unlimited: Signal<&'static str>) -> AnyView {
        Effect::new(move |_| self.follow());
        let fields = move || self.fields.get();
        let one = move |(slot, limit): (String, Limit)| self.field(&slot, limit, refused, unlimited);
        view! { <div class="form-row"><For each=fields key=|(slot, _)| slot.clone() children=one/></div> }.into_any()
    }

    fn field(self, slot: &str, limit: Limit, refused: Refused, unlimited: Signal<&'static str>) -> AnyView {
        let id = format!("{}-{}", self.name, slot.replace('.', "-"));
        let (label, error) = (label(slot), refused.field_error(slot_field(slot)));
        let hint = match (self.limits, slot) {
            (true, slot) => hint(slot),
            (false, MEM) => "Such as 8 GiB; a number alone is GiB.".into(),
            (false, _) => String::new(),
        };
        let required = !self.limits && ASKED.contains(&slot);
        let max = if slot == MEM { String::new() } else { most_of(slot).to_string() };
        let step = match slot {
            slot if slot.ends_with(".shares") => "0.1",
            CPU => "any",
            _ => "1",
        };
        if self.limits {
            return view! {
                <LimitField name=id label=label limit=limit unlimited=unlimited hint=hint error=error max=max step=step/>
            }
            .into_any();
        }
        let (name, text) = (id.clone(), limit.text());
        let input = move || {
            if max.is_empty() {
                view! { <TextInput name=name value=text/> }.into_any()
            } else {
                view! { <NumberInput name=name value=text min="0" max=max step=step/> }.into_any()
            }
        };
        view! { <Field name=id label=label hint=hint error=error required=required>{input()}</Field> }.into_any()
    }
}

fn amount(slot: &str, text: &str) -> Option<Quantity> {
    if slot == MEM { read_bytes(text).map(Quantity::whole) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shown_so_that_it_reads_back_exactly() {
        for n in [0, 100, 1 << 30, 3 << 29, 5 << 28, (1 << 40) + (1 << 20), 1_000_001, 8 << 50] {
            assert_eq!(read_bytes(&exact_bytes(n)), Some(n), "{}", exact_bytes(n));
        }
        assert_eq!(exact_bytes(5 << 28), "1280 MiB");
    }

    #[test]
    fn a_number_alone_is_gibibytes() {
        assert_eq!(read_bytes("4"), Some(4 << 30));
        assert_eq!(read_bytes("0.5"), Some(1 << 29));
        assert_eq!(read_bytes("512 MiB"), Some(512 << 20));
        assert_eq!(read_bytes(""), None);
        assert_eq!(read_bytes("many"), None);
    }

    #[test]
    fn a_row_abbreviates_the_usual_slots_in_the_usual_order() {
        let mut slots = Slots::cpu_mem(Quantity::whole(2), 4 << 30);
        slots.0.insert("cuda.shares".into(), Quantity::whole(1));
        slots.0.insert("atom.device".into(), Quantity::whole(3));
        assert_eq!(in_short(&slots), "CPU 2 · RAM 4 GiB · fGPU 1 · atom.device 3");
        assert_eq!(in_short(&Slots::default()), "-");
    }

    #[test]
    fn a_row_of_limits_marks_unlimited_and_forbidden_slots() {
        let none = Slots::default();
        let known = ["cpu", "mem", "atom.device", "cuda.shares"].map(String::from);
        assert_eq!(limits_in_short(&none, true, &[]), "CPU ∞ · RAM ∞");
        assert_eq!(limits_in_short(&none, true, &known), "CPU ∞ · RAM ∞ · fGPU ∞ · atom.device ∞");
        assert_eq!(limits_in_short(&none, false, &known), "nothing");
        let mut some = Slots([(CPU.to_owned(), Quantity::whole(2))].into());
        some.0.insert("cuda.device".into(), Quantity::whole(1));
        assert_eq!(limits_in_short(&some, true, &[]), "CPU 2 · RAM ∞ · GPU 1");
        assert_eq!(limits_in_short(&some, true, &known), "CPU 2 · RAM ∞ · GPU 1 · fGPU ∞ · atom.device ∞");
        assert_eq!(limits_in_short(&some, false, &known), "CPU 2 · GPU 1 · nothing else");
    }

    #[test]
    fn a_form_has_fields_for_reported_and_already_named_slots() {
        Owner::new().with(|| {
            let reported = RwSignal::new(vec!["cpu".to_owned(), "mem".to_owned()]);
            let amounts = SlotAmounts::amounts("preset", reported.into());
            let fields = || amounts.fields.with(|all| all.iter().map(|(slot, _)| slot.clone()).collect::<Vec<_>>());
            assert_eq!(fields(), ["cpu", "mem"]);
            let mut slots = Slots::cpu_mem(Quantity::whole(2), 1280 << 20);
            slots.0.insert("cuda.shares".into(), Quantity::thousandths(500));
            amounts.fill(&slots);
            assert_eq!(fields(), ["cpu", "mem", "cuda.shares"]);
            reported.update(|all| all.push("cuda.device".into()));
            amounts.follow();
            assert_eq!(fields(), ["cpu", "mem", "cuda.shares", "cuda.device"]);
            let mut mistakes = Vec::new();
            assert_eq!((amounts.read(&mut mistakes), mistakes.len()), (slots, 0));
        });
    }
}
