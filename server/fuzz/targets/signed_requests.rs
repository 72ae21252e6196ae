//! The parts of a signed request: an `Authorization` header, a date, a host and the rest, one in a line.
#![no_main]

use api::fuzz::{Signed, credential, date};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (authorization, sent) = (next(), next());
    let signed = Signed { method: next(), target: next(), date: sent, host: next(), content_type: next(), version: next() };
    let _ = date(sent);
    if let Some((key, signature)) = credential(authorization) {
        assert!(!signed.fits(key, signature), "nobody guesses a signature");
    }
});
