//! The program that the tests' local engine starts beside and inside sessions: its hidden subcommands and nothing else.

fn main() -> std::process::ExitCode {
    engine::local::helper(std::env::args_os()).unwrap_or(std::process::ExitCode::FAILURE)
}
