//! A GraphQL document: read, and its cost counted.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = api::fuzz::root_fields(text);
});
