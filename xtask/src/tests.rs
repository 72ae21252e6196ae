//! `cargo xtask test`: every check of the project in order, or one of them.
//!
//! All steps share the target folders and feature sets of `serve`, so that no dependency is compiled twice for the same
//! purpose (clippy's metadata-only pass is the one unavoidable second).

use crate::context::{Context, WASM_TARGET};
use crate::process::{cargo, run, seconds, which};
use crate::{browser, serve, site, wasm_target};
use anyhow::{Context as _, Result, bail};
use std::process::Command;
use std::time::Instant;

const STEPS: [&str; 4] = ["fmt", "clippy", "unit", "browser"];

/// The browser crate builds for its own target only, and xtask's tools would bring their features into everyone's.
const SERVER_SET: [&str; 5] = ["--workspace", "--exclude", "frontend", "--exclude", "xtask"];

pub fn run_steps(context: &Context, args: &[String]) -> Result<()> {
    let (only, filter) = parse(args)?;
    let start = Instant::now();
    for step in STEPS.into_iter().filter(|step| only.is_none_or(|only| only == *step)) {
        match step {
            "fmt" => heading("Format", || run(cargo(&context.root).args(["fmt", "--all", "--check"])))?,
            "clippy" => clippy(context)?,
            "unit" => heading("Tests", || unit(context, &filter))?,
            _ => {
                heading("Site", || site::build(context).map(drop))?;
                heading("Server", || serve::build_server(context))?;
                heading("Browser tests", || playwright(context, &filter))?;
            }
        }
    }
    println!("\nAll checks passed in {}.", seconds(start.elapsed()));
    Ok(())
}

fn parse(args: &[String]) -> Result<(Option<&'static str>, Vec<String>)> {
    let mut only = None;
    let mut filter = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--only" {
            let name = args.next().context("--only wants a step")?;
            only = STEPS.into_iter().find(|step| step == name);
            only.with_context(|| format!("there is no step `{name}`, only {}", STEPS.join(", ")))?;
        } else if arg.starts_with('-') {
            bail!("`test` does not know {arg}");
        } else {
            filter.push(arg.clone());
        }
    }
    Ok((only, filter))
}

fn heading(title: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {title} ==");
    let start = Instant::now();
    let result = work();
    let time = seconds(start.elapsed());
    match result {
        Ok(()) => println!("== {title}: ok, {time} =="),
        Err(error) => return Err(error.context(format!("{title} ({time})"))),
    }
    Ok(())
}

fn clippy(context: &Context) -> Result<()> {
    let clippy = |args: &[&str]| -> Result<()> {
        let mut cargo = cargo(&context.root);
        cargo.arg("clippy").args(args).args(["--all-targets", "--quiet"]);
        if args.contains(&WASM_TARGET) {
            cargo.arg("--target-dir").arg(context.front_target());
        }
        run(cargo.args(["--", "-D", "warnings"]))
    };
    heading("Clippy, server", || clippy(&SERVER_SET))?;
    heading("Clippy, xtask", || clippy(&["--package", "xtask"]))?;
    heading("Clippy, browser", || {
        wasm_target::ensure(context)?;
        // The members by name: `frontend` alone would leave `console` and `ui` unchecked for this target.
        clippy(&["--package", "frontend", "--target", WASM_TARGET])
    })
}

/// nextest where it is installed, for its speed and its closing line; plain cargo otherwise.
fn unit(context: &Context, filter: &[String]) -> Result<()> {
    let mut cargo = cargo(&context.root);
    if which("cargo-nextest").is_some() {
        cargo.args(["nextest", "run", "--no-fail-fast"]).args(SERVER_SET).args(filter);
        // A filter for one crate matches nothing in the others.
        cargo.arg("--no-tests=pass");
    } else {
        cargo.args(["test", "--no-fail-fast"]).args(SERVER_SET);
        if let [one] = filter {
            cargo.arg(one);
        } else if !filter.is_empty() {
            cargo.arg("--").args(filter);
        }
    }
    run(&mut cargo)
}

fn playwright(context: &Context, filter: &[String]) -> Result<()> {
    browser::ensure(context)?;
    let mut npx = Command::new("npx");
    npx.current_dir(context.root.join("end2end")).args(["--no-install", "playwright", "test"]).args(filter);
    run(npx.envs(context.server_env()).env("YARDMASTER_BIN", context.server_bin()))
}
