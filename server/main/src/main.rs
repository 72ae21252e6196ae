//! `yardmaster`: the console and control plane of a shared compute cluster, in one binary.

use std::process::ExitCode;

/// A page is thousands of small pieces on several threads, and a long queue is copied by one thread and freed by another. This
/// allocator renders twice as many pages in a second as glibc's, and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The engine runs this same binary beside and inside each session; those processes need none of the rest.
    server::connections::usual_descriptors();
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    server::cli::main()
}
