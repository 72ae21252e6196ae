//! The program that the tests start sessions with: the two hidden subcommands, and a server small enough to be killed.

use engine::local::LocalEngine;
use engine::{Engine, Launch, LaunchSpec, Place, RunState};
use std::io::Write;
use std::process::ExitCode;
use types::quantity::{Quantity, Slots};

fn main() -> ExitCode {
    if let Some(code) = engine::local::helper(std::env::args_os()) {
        return code;
    }
    if std::env::args().nth(1).as_deref() == Some("run") {
        return run();
    }
    match serve() {
        Some(()) => ExitCode::SUCCESS,
        None => {
            eprintln!("Usage: supervisor serve <sessions folder> <session id> <command>");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command to its end in a folder and prints why it was refused, or its log and outcome.
#[tokio::main(flavor = "current_thread")]
async fn run() -> ExitCode {
    let mut args = std::env::args().skip(2);
    let (Some(dir), Some(command)) = (args.next(), args.next()) else { return ExitCode::FAILURE };
    let Ok(exe) = std::env::current_exe() else { return ExitCode::FAILURE };
    let engine = LocalEngine::open(dir.into(), exe).expect("an engine");
    let agent = engine.agents().await.expect("agents").reports.remove(0);
    let place = Place::new(agent.name, types::id::ContainerId(uuid::Uuid::now_v7()));
    if let Err(refused) = engine.start(&place, &spec(Launch::Batch(command))).await {
        println!("refused: {refused}");
        return ExitCode::SUCCESS;
    }
    loop {
        if let Ok(RunState::Ended { outcome, .. }) = engine.state(&place).await {
            print!("{}", engine.log(&place, 0, 1 << 20).await.expect("a log").text);
            println!("{outcome:?}");
            return ExitCode::SUCCESS;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
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
    let agent = engine.agents().await.ok()?.reports.pop()?.name;
    engine.start(&Place::new(agent, id), &spec(what)).await.ok()?;
    println!("started");
    std::io::stdout().flush().ok()?;
    std::future::pending().await
}

fn spec(what: Launch) -> LaunchSpec {
    LaunchSpec {
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
    }
}
