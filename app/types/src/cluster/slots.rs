//! Slots (`cpu`, `mem`, `cuda.shares`, …): the amounts that forms accept, and their short texts.

use crate::FieldError;
use crate::quantity::{CPU, MEM, Quantity, Slots, bytes, describe};

/// Returns the most of a slot that a policy may set: CPU 512, memory 1024 GiB, whole devices 64, shares of devices 256.
pub fn most_of(slot: &str) -> Quantity {
    match slot {
        CPU => Quantity::whole(512),
        MEM => Quantity::whole(1024 << 30),
        slot if slot.ends_with(".shares") => Quantity::whole(256),
        _ => Quantity::whole(64),
    }
}

/// Returns the name of a slot's field in a form, such as `slot.cpu`.
pub fn slot_field(slot: &str) -> String {
    format!("slot.{slot}")
}

/// Checks an amount that limits a slot: like [`slot_amount`], and at most what a policy may set.
pub fn slot_limit(slot: &str, amount: Quantity, errors: &mut Vec<FieldError>) {
    amount_up_to(slot, amount, most_of(slot), errors);
}

/// Checks a requested amount of a slot: a valid name, not negative, and whole where fractions make no sense. The upper bound here
/// is larger than a policy's, since agents can have more than a policy may set; the policy and the agents decide.
pub fn slot_amount(slot: &str, amount: Quantity, errors: &mut Vec<FieldError>) {
    let most = if slot == MEM { Quantity::whole(1 << 50) } else { Quantity::whole(1 << 20) };
    amount_up_to(slot, amount, most, errors);
}

fn amount_up_to(slot: &str, amount: Quantity, most: Quantity, errors: &mut Vec<FieldError>) {
    let field = slot_field(slot);
    if !is_slot_name(slot) {
        errors.push(FieldError::new(
            &field,
            format!("“{slot}” is not a valid resource. Names look like cpu, mem and cuda.shares."),
        ));
    } else if amount < Quantity::ZERO || amount > most {
        errors.push(FieldError::new(&field, format!("From 0 to {}.", describe(slot, most))));
    } else if slot != CPU && !slot.ends_with(".shares") && amount != Quantity::whole(amount.floor()) {
        errors.push(FieldError::new(&field, "A whole number."));
    }
}

fn is_slot_name(slot: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    slot.len() <= 64 && (slot == "cpu" || slot == "mem" || slot.split_once('.').is_some_and(|(a, b)| part(a) && part(b)))
}

/// The usual slots, in the order in which they are shown.
pub const USUAL: [&str; 4] = [CPU, MEM, "cuda.device", "cuda.shares"];

/// Returns the short name of a slot, for a row.
pub fn short(slot: &str) -> &str {
    match slot {
        CPU => "CPU",
        MEM => "RAM",
        "cuda.device" => "GPU",
        "cuda.shares" => "fGPU",
        other => other,
    }
}

/// Formats an amount for a row: `CPU 2`, `RAM 4 GiB`.
pub fn amount_in_short(slot: &str, amount: Quantity) -> String {
    match slot {
        MEM => format!("{} {}", short(slot), bytes(amount.floor())),
        _ => format!("{} {amount}", short(slot)),
    }
}

/// Formats limits for a row: `CPU 2 · RAM ∞`, or `CPU 2 · nothing else` if missing slots may not be held. Cores, memory and the
/// slots that agents are `known` to offer appear even if unlimited, so that a reader need not know which slots exist.
pub fn limits_in_short(limits: &Slots, others_unlimited: bool, known: &[String]) -> String {
    let known = [CPU, MEM].into_iter().chain(known.iter().map(String::as_str));
    let mut slots: Vec<&str> = limits.0.keys().map(String::as_str).chain(known).collect();
    slots.sort_unstable_by_key(|slot| (USUAL.iter().position(|usual| usual == slot).unwrap_or(USUAL.len()), *slot));
    slots.dedup();
    let in_short = |slot: &str| match limits.0.get(slot) {
        Some(limit) => Some(amount_in_short(slot, *limit)),
        None => others_unlimited.then(|| format!("{} ∞", short(slot))),
    };
    let mut all: Vec<String> = slots.into_iter().filter_map(in_short).collect();
    if !others_unlimited {
        all.push(if all.is_empty() { "nothing" } else { "nothing else" }.into());
    }
    all.join(" · ")
}
