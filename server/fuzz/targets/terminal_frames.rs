//! The frames of an open terminal, in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    engine::fuzz::terminal_frames(bytes);
});
