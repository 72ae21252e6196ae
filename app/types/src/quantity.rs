//! Amounts of resources: exact decimals with three places, by slot (`cpu`, `mem`, …).
//!
//! Hand-written because the operations are few and small, and a decimal library would be a good part of a page's WASM.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::{fmt, str::FromStr};

/// An amount in thousandths: cores for `cpu`, bytes for `mem`, devices or shares for accelerators.
///
/// Never a float, so that ten tenths of a GPU are exactly one GPU. The largest amount is 9.2 · 10¹⁵ (9 PB of memory).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Makes an amount from whole units, capped at the largest amount.
    pub const fn whole(units: i64) -> Self {
        Self(units.saturating_mul(1000))
    }

    /// Makes an amount from thousandths of a unit.
    pub const fn thousandths(n: i64) -> Self {
        Self(n)
    }

    /// Returns the amount in thousandths, for storage.
    pub const fn as_thousandths(self) -> i64 {
        self.0
    }

    /// Returns the whole units, rounded down.
    pub const fn floor(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the sum, capped at the largest amount.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, which may be negative.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns `n` times this amount, capped at the largest amount.
    pub fn times(self, n: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(n)))
    }

    /// Returns this amount as a share of `whole`: 1 is all of it, and it may be more. For meters and charts only.
    pub fn ratio_of(self, whole: Self) -> f64 {
        if whole.0 <= 0 { 0.0 } else { self.0 as f64 / whole.0 as f64 }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, n) = if self.0 < 0 { ("-", self.0.unsigned_abs()) } else { ("", self.0.unsigned_abs()) };
        match n % 1000 {
            0 => write!(f, "{sign}{}", n / 1000),
            rest => f.write_str(format!("{sign}{}.{rest:03}", n / 1000).trim_end_matches('0')),
        }
    }
}

/// The error for a text that is not a [`Quantity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAQuantity;

impl FromStr for Quantity {
    type Err = NotAQuantity;
    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let text = text.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || part.len() > 3 || !all_digits(whole) || !all_digits(part) || digits.ends_with('.') {
            return Err(NotAQuantity);
        }
        let whole: i64 = whole.parse().map_err(|_| NotAQuantity)?;
        let part: i64 = format!("{part:0<3}").parse().map_err(|_| NotAQuantity)?;
        let n = whole.checked_mul(1000).and_then(|n| n.checked_add(part)).ok_or(NotAQuantity)?;
        Ok(Self(if negative { -n } else { n }))
    }
}

// JSON carries it as text: a number would pass through JavaScript's floats.
impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(|_| serde::de::Error::custom("not an amount"))
    }
}

/// Amounts by slot name, such as `cpu` and `mem`. A missing slot counts as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slots(pub BTreeMap<String, Quantity>);

/// The slot that counts processor cores.
pub const CPU: &str = "cpu";
/// The slot that counts bytes of memory.
pub const MEM: &str = "mem";

impl Slots {
    /// Makes slots of CPU cores and bytes of memory, the two that every session asks for.
    pub fn cpu_mem(cpu: Quantity, mem_bytes: i64) -> Self {
        Self(BTreeMap::from([(CPU.into(), cpu), (MEM.into(), Quantity::whole(mem_bytes))]))
    }

    /// Returns the amount of one slot, zero if it is missing.
    pub fn get(&self, slot: &str) -> Quantity {
        self.0.get(slot).copied().unwrap_or_default()
    }

    /// Adds every amount of `other`.
    pub fn add(&mut self, other: &Self) {
        for (slot, amount) in &other.0 {
            let sum = self.get(slot).plus(*amount);
            self.0.insert(slot.clone(), sum);
        }
    }

    /// Subtracts every amount of `other`. An amount may become negative, which shows over-commitment.
    pub fn subtract(&mut self, other: &Self) {
        for (slot, amount) in &other.0 {
            let rest = self.get(slot).minus(*amount);
            self.0.insert(slot.clone(), rest);
        }
    }

    /// Returns `n` times every amount.
    pub fn times(&self, n: u32) -> Self {
        Self(self.0.iter().map(|(slot, amount)| (slot.clone(), amount.times(n))).collect())
    }

    /// Returns the slots that exceed `limit`, as (name, asked, available). A slot missing from `limit` counts as zero.
    pub fn beyond<'a>(&'a self, limit: &'a Self) -> impl Iterator<Item = (&'a str, Quantity, Quantity)> {
        self.0.iter().map(|(slot, asked)| (slot.as_str(), *asked, limit.get(slot))).filter(|(_, asked, has)| asked > has)
    }
}

/// Formats `10000` as `10,000`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Formats an amount with its unit for people: `2 CPU cores`, `1.5 GiB of memory`, `1 GPU`, `0.5 fGPU`.
pub fn describe(slot: &str, amount: Quantity) -> String {
    match slot {
        CPU if amount == Quantity::whole(1) => "1 CPU core".into(),
        CPU => format!("{amount} CPU cores"),
        MEM => format!("{} of memory", bytes(amount.floor())),
        "cuda.device" if amount == Quantity::whole(1) => "1 GPU".into(),
        "cuda.device" => format!("{amount} GPUs"),
        "cuda.shares" => format!("{amount} fGPU"),
        _ => format!("{amount} × {slot}"),
    }
}

/// Formats bytes in binary units with at most one decimal: `512 MiB`, `1.5 GiB`.
pub fn bytes(n: i64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut unit) = (n as f64, 0);
    while value.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    // One decimal can round up to the next unit: 1023.97 MiB is 1 GiB.
    if value.abs() >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

/// Parses `1.5g`, `512 MiB`, `2GB` or `1073741824` as bytes. Units are binary, as everywhere in the console.
pub fn parse_bytes(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let amount: Quantity = text[..split].parse().ok()?;
    let unit = text[split..].trim().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit);
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|u| *u == unit)?;
    let bytes = i128::from(amount.as_thousandths()) * (1i128 << (10 * power)) / 1000;
    i64::try_from(bytes).ok().filter(|b| *b >= 0 && Quantity::whole(*b).floor() == *b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_formatted_as_they_were_written() {
        for text in ["0", "1", "0.5", "2.125", "-3.1", "1024"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
        for text in ["", ".", "1.", ".5", "1.2345", "1e3", "x", "--1", "99999999999999999999"] {
            assert_eq!(text.parse::<Quantity>(), Err(NotAQuantity), "{text}");
        }
    }

    #[test]
    fn memory_is_parsed_in_binary_units() {
        assert_eq!(parse_bytes("1g"), Some(1 << 30));
        assert_eq!(parse_bytes("1.5 GiB"), Some(3 << 29));
        assert_eq!(parse_bytes("512MB"), Some(512 << 20));
        assert_eq!(parse_bytes("100"), Some(100));
        assert_eq!(parse_bytes("1 parsec"), None);
        assert_eq!(parse_bytes("-1g"), None);
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(bytes(1023 << 20), "1023 MiB");
        assert_eq!(bytes((1 << 30) - 1), "1 GiB");
    }

    #[test]
    fn missing_resources_are_listed_by_slot() {
        let asked = Slots::cpu_mem(Quantity::whole(4), 1 << 30);
        let has = Slots::cpu_mem(Quantity::whole(2), 2 << 30);
        let missing: Vec<_> = asked.beyond(&has).collect();
        assert_eq!(missing, [(CPU, Quantity::whole(4), Quantity::whole(2))]);
    }

    proptest! {
        #[test]
        fn every_amount_survives_formatting_and_parsing(n in any::<i64>().prop_filter("has no positive counterpart", |n| *n != i64::MIN)) {
            let q = Quantity::thousandths(n);
            prop_assert_eq!(q.to_string().parse(), Ok(q));
        }

        #[test]
        fn subtracting_what_was_added_changes_nothing(a in 0i64..1_000_000, b in 0i64..1_000_000) {
            let mut slots = Slots::cpu_mem(Quantity::thousandths(a), 5);
            let before = slots.clone();
            let other = Slots::cpu_mem(Quantity::thousandths(b), 7);
            slots.add(&other);
            slots.subtract(&other);
            prop_assert_eq!(slots, before);
        }
    }
}
