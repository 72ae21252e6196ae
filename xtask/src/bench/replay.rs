//! A real cluster's jobs, replayed by the scheduler's own example in a release build.

use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// The columns of the example: part of the machines, load, scheduler and size of jobs, then mean, median, 95th percentile and longest
/// wait in seconds, before and now, and the share of GPUs in use.
const COLUMNS: usize = 14;

/// Prints a Markdown table: a row for each part of the machines, scheduler and size of jobs.
pub fn replay(context: &Context, args: &[String]) -> Result<()> {
    let [jobs, machines, ..] = args else {
        bail!("`bench --replay` takes two files, jobs.csv and machines.csv, and loads in percent")
    };
    for file in [jobs, machines] {
        if !Path::new(file).is_file() {
            bail!("{file} is not there: the trace is not part of the repository");
        }
    }
    let mut cargo = Command::new("cargo");
    // The files' paths are relative to where the command was called.
    cargo.args(["run", "-q", "--release", "--manifest-path"]).arg(context.root.join("Cargo.toml"));
    let output = cargo.args(["-p", "scheduler", "--example", "replay", "--"]).args(args).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the scheduler's example ended with {}", output.status);
    }
    println!(
        "| machines | load | scheduler | jobs | waits before: mean, median, p95, longest | waits now | GPUs in use before, now |"
    );
    println!("|---|---|---|---|---|---|---|");
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        if parts.len() != COLUMNS {
            return Err(anyhow::anyhow!(line.to_owned())).context("the example's line could not be read");
        }
        let waits = |from: usize| parts[from..from + 4].iter().map(|seconds| in_words(seconds)).collect::<Vec<_>>().join(", ");
        println!(
            "| {} % | {} % | {} | {} | {} | {} | {} %, {} % |",
            parts[0],
            parts[1],
            parts[2].to_uppercase(),
            parts[3],
            waits(4),
            waits(8),
            parts[12],
            parts[13]
        );
    }
    Ok(())
}

/// Formats seconds with a unit that keeps three digits.
fn in_words(seconds: &str) -> String {
    let seconds: f64 = seconds.parse().unwrap_or_default();
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}
