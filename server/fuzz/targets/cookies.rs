//! The `Cookie` lines of a request.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(value) = types::cookies::value(text.lines(), "session-1") {
        assert!(text.contains(value) && !value.contains(';'));
    }
});
