//! A supervisor's connections: the lines of an engine, and the reports of a container's first process.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    engine::fuzz::supervisor_messages(bytes);
});
