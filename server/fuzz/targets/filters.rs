//! Filter and order of a GraphQL list.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = api::fuzz::filter(text);
});
