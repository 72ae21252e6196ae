//! The project's own build tool: `cargo xtask serve | build | size | bench | test`.
//!
//! It exists so that a fresh checkout needs only cargo: everything that turns the browser crate into a site
//! (wasm-bindgen, page chunks, style sheet, compression) is a library linked into this program.

mod bench;
mod browser;
mod chunks;
mod compress;
mod context;
mod docs;
mod pkg;
mod process;
mod serve;
mod short_names;
mod site;
mod size;
mod style;
mod tests;
mod typeface;
mod wasm_opt;
mod wasm_target;
mod watch;
mod whole;

use anyhow::{Result, bail};
use context::{Context, Profile};

const USAGE: &str = "\
Usage: cargo xtask <command>

  serve [--release | --watch] [-- ARGS]
                                build everything and start the server; ARGS are passed to the server's `serve` command;
                                --watch rebuilds and restarts whenever a source changes
  build [--release]             build everything without starting the server
  size [--update]               build the release site and compare its size with xtask/wasm-budget.toml;
                                --update accepts the current size as the new budget
  bench [--users N | --keep]    benchmark the release build with a database of N people (default: one million) or with the
                                database of the last run (--keep), and print a table
  bench --scheduler             benchmark only the scheduler
  bench --abuse [--debug]       measure how long others wait while somebody abuses the server; with a debug build if asked
  bench --replay JOBS MACHINES  replay a real cluster's jobs (jobs.csv and machines.csv of Alibaba's cluster-trace-gpu-v2023) through the
                                scheduler, beside the rules before, and print a table
  bench --lists [--keep] [--every N] [--server PROGRAM]
                                ask every list each question that its specification allows, or every Nth of them, of a database with
                                millions of rows, or of another build's server on the last run's database (--keep)
  bench --browser               measure what a person waits for on a line of 10 Mbit/s and 50 ms
  bench --busy                  benchmark the pages of a cluster with 100,000 waiting sessions in the browser
  test [--only STEP] [FILTER…]  run all checks in order, or only one of: fmt, docs, clippy, unit, browser;
                                FILTER selects tests by name (unit and browser steps)
";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = run(&args) {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}

fn run(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        std::process::exit(2);
    };
    match command.as_str() {
        "serve" => {
            let (ours, servers) = match rest.iter().position(|arg| arg == "--") {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, &rest[rest.len()..]),
            };
            match ours {
                [flag] if flag == "--watch" => watch::watch(&Context::new(Profile::Debug)?, servers),
                _ => serve::serve(&Context::new(profile(ours)?)?, servers),
            }
        }
        "build" => serve::build(&Context::new(profile(rest)?)?),
        "size" => match rest {
            [] => size::check(&Context::new(Profile::Release)?),
            [flag] if flag == "--update" => size::update(&Context::new(Profile::Release)?),
            _ => bail!("`size` takes no argument except --update\n\n{USAGE}"),
        },
        "bench" => match rest {
            [what, flag] if flag == "--debug" => bench::bench(&Context::new(Profile::Debug)?, std::slice::from_ref(what)),
            _ => bench::bench(&Context::new(Profile::Release)?, rest),
        },
        "test" => tests::run_steps(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}

fn profile(args: &[String]) -> Result<Profile> {
    match args {
        [] => Ok(Profile::Debug),
        [flag] if flag == "--release" => Ok(Profile::Release),
        [other, ..] => bail!("unexpected argument `{other}` (arguments for the server go after `--`)\n\n{USAGE}"),
    }
}
