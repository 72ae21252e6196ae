//! The scheduler's time for long queues, measured with its own example in a release build.

use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use std::process::{Command, Stdio};

/// Numbers of sessions and agents. The last queue is twice the one before it, to show that time does not grow quadratically.
const SIZES: [(u32, u32); 3] = [(10_000, 1_000), (100_000, 5_000), (200_000, 5_000)];

/// Returns a row for each size and scheduler.
pub fn scheduling(context: &Context) -> Result<Vec<(String, String)>> {
    let mut rows = Vec::new();
    for (sessions, agents) in SIZES {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&context.root).args(["run", "-q", "--release", "-p", "scheduler", "--example", "queue", "--"]);
        let output = cargo.args([sessions.to_string(), agents.to_string()]).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("the scheduler's example ended with {}", output.status);
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            let [name, _, _, placed, time] = parts.as_slice() else {
                return Err(anyhow::anyhow!(line.to_owned())).context("the example's line could not be read");
            };
            rows.push((
                format!("scheduling {sessions} sessions on {agents} agents, {name}"),
                format!("{time} ms, {placed} placed"),
            ));
        }
    }
    Ok(rows)
}
