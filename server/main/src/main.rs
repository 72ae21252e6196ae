//! `yardmaster`: the console and control plane of a shared compute cluster, in one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The engine runs this same binary beside and inside each session; those two never need the rest of it.
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    give_memory_back();
    server::cli::main()
}

/// A long queue is copied for each decision, and the copy is freed by another thread than the one that made it: left alone, the
/// allocator keeps what each thread once had. Elsewhere than on glibc there is nothing to say.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no other thread runs yet, and these are numbers that the allocator reads.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        // Said once, it does not grow by itself: large pieces go back as soon as they are freed.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}
