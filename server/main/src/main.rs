//! `yardmaster`: the console and control plane of a shared compute cluster, in one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The engine runs this same binary beside and inside each session; those two never need the rest of it.
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    server::cli::main()
}
