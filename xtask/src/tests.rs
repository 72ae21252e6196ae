//! `cargo xtask test`: every check of the project in order, or one of them.
//!
//! All steps share the target folders and feature sets of `serve`, so that no dependency is compiled twice for one
//! purpose (clippy's metadata-only pass is the one unavoidable second).

use crate::context::{Context, Profile, WASM_TARGET};
use crate::process::{cargo, run, seconds, which};
use crate::{browser, docs, serve, site, wasm_target};
use anyhow::{Context as _, Result, bail};
use std::process::Command;
use std::time::Instant;

const STEPS: [&str; 5] = ["fmt", "docs", "clippy", "unit", "browser"];

/// Without the browser crate, which builds only for its own target, and the build tools, whose features would affect every other
/// crate.
const SERVER_SET: [&str; 7] = ["--workspace", "--exclude", "frontend", "--exclude", "xtask", "--exclude", "split"];
const TOOL_SET: [&str; 4] = ["--package", "xtask", "--package", "split"];

pub fn run_steps(args: &[String]) -> Result<()> {
    let (only, filter) = parse(args)?;
    // A single step is run while editing code, when the console must rebuild quickly.
    let context = &Context::new(if only.is_some() { Profile::Debug } else { Profile::Test })?;
    let start = Instant::now();
    for step in STEPS.into_iter().filter(|step| only.is_none_or(|only| only == *step)) {
        match step {
            "fmt" => heading("Format", || run(cargo(&context.root).args(["fmt", "--all", "--check"])))?,
            "docs" => heading("Documents", || docs::check(&context.root))?,
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
            let name = args.next().with_context(|| format!("--only needs a step: {}", STEPS.join(", ")))?;
            only = STEPS.into_iter().find(|step| step == name);
            only.with_context(|| format!("there is no step `{name}`; the steps are {}", STEPS.join(", ")))?;
        } else if arg.starts_with('-') {
            bail!("`test` has no option {arg}");
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
    let lint = |command: &mut Command| run(command.args(["--", "-D", "warnings"]));
    heading("Clippy, server", || lint(cargo(&context.root).arg("clippy").args(SERVER_SET).arg("--all-targets")))?;
    heading("Clippy, build tools", || lint(cargo(&context.root).arg("clippy").args(TOOL_SET).arg("--all-targets")))?;
    heading("Clippy, browser", || {
        wasm_target::ensure(context)?;
        // This also lints `console`, `ui` and `types` for this target.
        let mut cargo = cargo(&context.root);
        cargo.args(["clippy", "--package", "frontend", "--target", WASM_TARGET]).arg("--target-dir").arg(context.front_target());
        lint(&mut cargo)
    })
}

/// Runs the unit tests: with nextest if it is installed, because it is faster and prints a summary; otherwise with cargo.
fn unit(context: &Context, filter: &[String]) -> Result<()> {
    unit_set(context, &SERVER_SET, filter)?;
    unit_set(context, &TOOL_SET, filter)
}

fn unit_set(context: &Context, packages: &[&str], filter: &[String]) -> Result<()> {
    let mut cargo = cargo(&context.root);
    if which("cargo-nextest").is_some() {
        // A filter may match tests in only one of the sets.
        cargo.args(["nextest", "run", "--no-fail-fast", "--no-tests=pass"]).args(packages).args(filter);
    } else {
        cargo.args(["test", "--no-fail-fast", "--all-targets"]).args(packages);
        if !filter.is_empty() {
            cargo.arg("--").args(filter);
        }
    }
    run(&mut cargo)
}

fn playwright(context: &Context, filter: &[String]) -> Result<()> {
    browser::ensure(context)?;
    let dir = context.root.join("end2end");
    let mut playwright = Command::new(dir.join("node_modules/.bin/playwright"));
    playwright.current_dir(dir).arg("test").args(filter);
    playwright
        .env("YARDMASTER_BIN", context.server_bin())
        .env("YARDMASTER_CLIENT", browser::python_env(context).join("bin/backend.ai"));
    run(playwright.envs(context.server_env()))
}
