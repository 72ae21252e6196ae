//! `yardmaster`: the console and control plane of a shared compute cluster, in one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The engine runs this same binary beside and inside each session; those processes need none of the rest.
    server::connections::usual_descriptors();
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    give_memory_back();
    server::cli::main()
}

/// Makes glibc's allocator return memory. A long queue is copied for each decision, and another thread frees the copy; by default
/// the allocator keeps the memory that each thread once had. Other allocators need nothing.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no other thread runs yet, and both calls only set numbers that the allocator reads.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        // A threshold that is set once does not grow, so large pieces go back as soon as they are freed.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}
