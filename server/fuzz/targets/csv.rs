//! A file of many people.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    control::fuzz::people_of_file(text);
});
