//! The waits of a person on a slow line, in the browser.

use super::{EMAIL, PASSWORD, Server, seed};
use crate::context::Context;
use crate::{browser, serve};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::process::{Command, Stdio};

const USERS: u64 = 100_000;

/// Returns a row for each measure.
pub fn felt(context: &Context) -> Result<Vec<(String, String)>> {
    serve::build(context)?;
    browser::ensure(context)?;
    let data = context.target.join("bench-felt");
    seed(context, &data, USERS)?;
    let server = Server::start(context, &data, &[])?;
    let mut node = Command::new("node");
    node.current_dir(context.root.join("end2end")).args(["felt.mjs", &server.url, EMAIL, PASSWORD]);
    let output = node.stderr(Stdio::inherit()).output().context("node could not be started")?;
    if !output.status.success() {
        bail!("the browser's measurement ended with {}", output.status);
    }
    let mut rows = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let found: Value = serde_json::from_str(line).context("the browser's measurement could not be read")?;
        let value = found["value"].as_str().map_or_else(|| found["value"].to_string(), str::to_owned);
        let what = found["what"].as_str().unwrap_or("?").to_owned();
        rows.push((what, format!("{value} {}", found["unit"].as_str().unwrap_or_default())));
    }
    Ok(rows)
}
