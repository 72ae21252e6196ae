//! The program that the tests start sessions with: the two hidden subcommands and, for tests that kill the server, a small server.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    eprintln!("not a subcommand of a session");
    ExitCode::FAILURE
}
