//! The pages of a busy cluster in a browser: 100,000 sessions, some of which start and end all the time.

use super::{Client, EMAIL, PASSWORD, Server, administrator, yardmaster};
use crate::context::Context;
use crate::process::run;
use crate::{browser, serve};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WAITING: &str = "100000";
/// Agents for about 2,000 sessions of 100 seconds on average: each second 20 of them end and 20 others start.
const SCENARIO: &str = r#"
[[agents]]
name = "node"
count = 100
resource_group = "default"
address = "10.0.0."
slots = { cpu = "32", mem = "256g" }

[sessions]
start_seconds = 1.0
"#;
/// The time after which as many sessions end as start.
const WARM_UP: Duration = Duration::from_secs(130);

/// Returns a row for each opened page, and one for the rate of changes meanwhile.
pub fn busy(context: &Context) -> Result<Vec<(String, String)>> {
    serve::build(context)?;
    browser::ensure(context)?;
    let data = context.target.join("bench-busy");
    if data.exists() {
        std::fs::remove_dir_all(&data).context("could not remove the folder of the last run")?;
    }
    run(yardmaster(context, &data).args(["seed", "--users", "1000", "--waiting", WAITING]))?;
    administrator(context, &data)?;
    let scenario = data.join("scenario.toml");
    std::fs::write(&scenario, SCENARIO).context("the scenario could not be written")?;
    // Simulated agents have their own database.
    for end in ["", "-wal"] {
        let (from, to) = (data.join(format!("yardmaster.db{end}")), data.join(format!("simulated.db{end}")));
        if from.exists() {
            std::fs::rename(from, to).context("the database could not be moved")?;
        }
    }
    let server = Server::start(context, &data, &["--scenario", &scenario.display().to_string()])?;
    let client = Client::sign_in(&server.url)?;
    std::thread::sleep(WARM_UP);

    let (before, since) = (ended(&client)?, Instant::now());
    let mut node = Command::new("node");
    node.current_dir(context.root.join("end2end")).args(["busy.mjs", &server.url, EMAIL, PASSWORD]);
    let output = node.stderr(Stdio::inherit()).output().context("node could not be started")?;
    if !output.status.success() {
        bail!("the browser's measurement ended with {}", output.status);
    }
    let (sessions, took) = (ended(&client)? - before, since.elapsed().as_secs_f64());
    // Each session was placed, prepared, started and ended: four changes.
    let changes = 4.0 * sessions as f64 / took;
    let mut rows = vec![("changes of sessions in a second, 100,000 waiting".to_owned(), format!("{changes:.0}"))];
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let found: Value = serde_json::from_str(line).context("the browser's measurement could not be read")?;
        rows.push((
            format!("busy browser, {}", found["path"].as_str().unwrap_or("?")),
            format!(
                "longest task {} ms, {} tasks over 50 ms in {} s, slowest answer to a click or key {} ms",
                found["longest"], found["long"], found["seconds"], found["slowest"]
            ),
        ));
    }
    rows.push(("memory of the server with 100,000 waiting".into(), format!("{:.0} MB", server.resident()? as f64 / 1e6)));
    Ok(rows)
}

fn ended(client: &Client) -> Result<i64> {
    let query = json!({ "tab": "finished", "subtab": "all", "conditions": [], "sort": "created_at", "descending": true, "page": 1, "per": 20 });
    let page = client.call("sessions", &json!({ "query": query, "project": null }))?;
    page["total"].as_i64().context("the list of sessions has no total")
}
