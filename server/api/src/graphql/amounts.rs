//! Amounts and limits as Backend.AI writes them: JSON inside texts, and 0 or −1 for no limit.

use serde_json::Value;
use types::Problem;
use types::quantity::{MEM, Quantity, Slots, parse_bytes};

type Read<T> = Result<T, Problem>;

/// Reads a JSON object of slots; `None` is an infinite amount. Nulls are ignored.
fn amounts(field: &str, text: &str) -> Read<Vec<(String, Option<Quantity>)>> {
    let wrong = || Problem::field(field, "Must be a JSON object of amounts, such as {\"cpu\": \"2\", \"mem\": \"4g\"}.");
    let given: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut amounts = Vec::new();
    for (slot, amount) in given {
        let text = match amount {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null => continue,
            _ => return Err(wrong()),
        };
        if text.eq_ignore_ascii_case("infinity") || text.eq_ignore_ascii_case("inf") {
            amounts.push((slot, None));
            continue;
        }
        let amount = if slot == MEM { parse_bytes(&text).map(Quantity::whole) } else { text.parse().ok() };
        amounts.push((slot, Some(amount.ok_or_else(wrong)?)));
    }
    Ok(amounts)
}

/// Reads a JSON object of slots. Infinite amounts and nulls are left out, which means no limit here.
pub fn slots(field: &str, text: &str) -> Read<Slots> {
    let limited = amounts(field, text)?.into_iter().filter_map(|(slot, amount)| Some((slot, amount?)));
    Ok(Slots(limited.collect()))
}

/// Like [`slots`], for a policy under which slots that are left out may not be used: leaving out an infinite amount would forbid
/// the slot, so it is refused.
pub fn slots_of_limited(field: &str, text: &str) -> Read<Slots> {
    match amounts(field, text)?.into_iter().find(|(_, amount)| amount.is_none()) {
        None => slots(field, text),
        Some((slot, _)) => {
            let why = format!(
                "{slot} cannot be infinite while default_for_unspecified is LIMITED. Give a number, or set that to UNLIMITED."
            );
            Err(Problem::field(field, why))
        }
    }
}

/// Slots as a JSON text.
pub fn slots_text(slots: &Slots) -> String {
    serde_json::json!(slots).to_string()
}

/// Reads a count; 0 and less mean no limit.
pub fn limit(field: &str, n: i64) -> Read<Option<u32>> {
    if n <= 0 { Ok(None) } else { count(field, n).map(Some) }
}

/// Reads a count in which 0 is a limit too.
pub fn count(field: &str, n: i64) -> Read<u32> {
    u32::try_from(n).map_err(|_| Problem::field(field, format!("Must be a whole number from 0 to {}.", i32::MAX)))
}

/// Reads a size in bytes; less than 0 means no limit.
pub fn size(n: i64) -> Option<i64> {
    (n >= 0).then_some(n)
}

/// A limit as Backend.AI's number: 0 for none.
pub fn number(limit: Option<u32>) -> i64 {
    limit.map_or(0, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_texts_or_numbers_and_infinite_ones_are_left_out() {
        let read =
            slots("slots", r#"{"cpu": 2, "mem": "4g", "cuda.shares": "0.5", "cuda.device": "Infinity", "x": null}"#).unwrap();
        assert_eq!(slots_text(&read), r#"{"cpu":"2","cuda.shares":"0.5","mem":"4294967296"}"#);
        for wrong in ["", "[]", "{\"cpu\": \"two\"}", "{\"cpu\": {}}"] {
            assert!(slots("slots", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn infinite_amounts_are_refused_where_unnamed_slots_are_forbidden() {
        let refused = slots_of_limited("slots", r#"{"cpu": "Infinity"}"#).unwrap_err();
        assert!(refused.of_field("slots").is_some_and(|why| why.starts_with("cpu ")), "{refused:?}");
        let read = slots_of_limited("slots", r#"{"cpu": 2, "x": null}"#).unwrap();
        assert_eq!(slots_text(&read), r#"{"cpu":"2"}"#);
    }

    #[test]
    fn zero_and_less_are_no_limit() {
        assert_eq!(limit("n", 0), Ok(None));
        assert_eq!(limit("n", -1), Ok(None));
        assert_eq!(limit("n", 3), Ok(Some(3)));
        assert_eq!((size(-1), size(0)), (None, Some(0)));
        assert!(limit("n", i64::MAX).is_err());
    }
}
