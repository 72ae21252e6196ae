//! Amounts and limits as the incumbent writes them: JSON inside texts, and 0 or −1 for what is not limited.

use serde_json::Value;
use types::Problem;
use types::quantity::{MEM, Quantity, Slots, parse_bytes};

type Read<T> = Result<T, Problem>;

/// A JSON object of slots; nothing is an amount without end. What is null was not given.
fn amounts(field: &str, text: &str) -> Read<Vec<(String, Option<Quantity>)>> {
    let wrong = || Problem::field(field, "A JSON object of amounts, such as {\"cpu\": \"2\", \"mem\": \"4g\"}.");
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

/// A JSON object of slots; what is infinite or null is left out, which is how an amount is not limited here.
pub fn slots(field: &str, text: &str) -> Read<Slots> {
    let limited = amounts(field, text)?.into_iter().filter_map(|(slot, amount)| Some((slot, amount?)));
    Ok(Slots(limited.collect()))
}

/// The same where what is left out may not be used at all: there, an amount without end would become none.
pub fn slots_of_limited(field: &str, text: &str) -> Read<Slots> {
    match amounts(field, text)?.into_iter().find(|(_, amount)| amount.is_none()) {
        None => slots(field, text),
        Some((slot, _)) => {
            let why = format!(
                "{slot} cannot be without end while what is not named is LIMITED. Give a number, or make that UNLIMITED."
            );
            Err(Problem::field(field, why))
        }
    }
}

/// Slots as a JSON text.
pub fn slots_text(slots: &Slots) -> String {
    serde_json::json!(slots).to_string()
}

/// A count of which 0 and less mean no limit.
pub fn limit(field: &str, n: i64) -> Read<Option<u32>> {
    if n <= 0 { Ok(None) } else { count(field, n).map(Some) }
}

/// A count that limits whatever it is.
pub fn count(field: &str, n: i64) -> Read<u32> {
    u32::try_from(n).map_err(|_| Problem::field(field, format!("A whole number from 0 to {}.", i32::MAX)))
}

/// A size of which less than 0 means no limit.
pub fn size(n: i64) -> Option<i64> {
    (n >= 0).then_some(n)
}

/// A limit as the incumbent's number.
pub fn number(limit: Option<u32>) -> i64 {
    limit.map_or(0, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_texts_and_numbers_and_what_is_infinite_is_left_out() {
        let read =
            slots("slots", r#"{"cpu": 2, "mem": "4g", "cuda.shares": "0.5", "cuda.device": "Infinity", "x": null}"#).unwrap();
        assert_eq!(slots_text(&read), r#"{"cpu":"2","cuda.shares":"0.5","mem":"4294967296"}"#);
        for wrong in ["", "[]", "{\"cpu\": \"two\"}", "{\"cpu\": {}}"] {
            assert!(slots("slots", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn where_nothing_else_is_allowed_no_amount_is_without_end() {
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
