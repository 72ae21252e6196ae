//! `cargo xtask build` and `cargo xtask serve`: build the site and the server, and start the server.

use crate::context::Context;
use crate::process::{cargo, run};
use crate::{site, size};
use anyhow::{Result, anyhow, bail};
use std::os::unix::process::CommandExt;
use std::process::Command;

pub fn build(context: &Context) -> Result<()> {
    if context.release() {
        // The server embeds the site, so it is built second.
        let site = site::build(context)?;
        build_server(context)?;
        size::print(&size::weigh(context, &site)?);
        return Ok(());
    }
    // Neither needs the other, and each spends much time on a single processor.
    let (site, server) = std::thread::scope(|scope| {
        let server = scope.spawn(|| build_server(context));
        (site::build(context), server.join().unwrap_or_else(|_| Err(anyhow!("building the server panicked"))))
    });
    site.and(server)
}

pub fn build_server(context: &Context) -> Result<()> {
    let mut cargo = cargo(&context.root);
    cargo.args(["build", "--package", "yardmaster", "--bin", "yardmaster", "--profile", context.server_profile()]);
    cargo.arg("--target-dir").arg(&context.target);
    if context.release() {
        cargo.args(["--features", "embed-site"]);
    }
    run(&mut cargo)
}

/// Replaces this program with the server, so that signals and the exit status pass through.
pub fn serve(context: &Context, args: &[String]) -> Result<()> {
    build(context)?;
    let error = server(context, args).exec();
    bail!("could not start {}: {error}", context.server_bin().display())
}

/// Returns the command of the server, with a default address and data folder if `args` have none.
pub fn server(context: &Context, args: &[String]) -> Command {
    let mut server = Command::new(context.server_bin());
    server.current_dir(&context.root).envs(context.server_env()).arg("serve");
    for (flag, value) in [("--listen", "127.0.0.1:8080"), ("--data", "./data")] {
        let given = args.iter().any(|arg| arg == flag || arg.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')));
        if !given {
            server.args([flag, value]);
        }
    }
    server.args(args);
    server
}
