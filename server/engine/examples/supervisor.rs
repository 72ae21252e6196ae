//! The program that the tests start sessions with: the two hidden subcommands, and a server small enough to be killed.

use engine::local::LocalEngine;
use engine::{Engine, Launch, LaunchSpec, Place};
use std::io::Write;
use std::process::ExitCode;
use types::quantity::{Quantity, Slots};

fn main() -> ExitCode {
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    match serve() {
        Some(()) => ExitCode::SUCCESS,
        None => {
            eprintln!("Usage: supervisor serve <sessions folder> <session id> <command>");
            ExitCode::FAILURE
        }
    }
}

/// Starts one session, prints `started` and keeps running.
#[tokio::main(flavor = "current_thread")]
async fn serve() -> Option<()> {
    let mut args = std::env::args().skip(2);
    let dir = args.next()?;
    let id = args.next()?.parse().ok()?;
    let what = Launch::Batch(args.next()?);
    let engine = LocalEngine::open(dir.into(), std::env::current_exe().ok()?).ok()?;
    let spec = LaunchSpec {
        name: "served".into(),
        host_name: String::new(),
        image: "host".into(),
        what,
        cpu: Quantity::whole(1),
        mem: 256 << 20,
        slots: Slots::default(),
        shared_memory: None,
        env: Vec::new(),
        mounts: Vec::new(),
        ports: Vec::new(),
        user: None,
        working_directory: None,
    };
    let agent = engine.agents().await.ok()?.reports.pop()?.name;
    engine.start(&Place::new(agent, id), &spec).await.ok()?;
    println!("started");
    std::io::stdout().flush().ok()?;
    std::future::pending().await
}
