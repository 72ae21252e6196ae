//! Every list × filter × order, against a million people, two million keypairs, a million ended and a hundred thousand waiting
//! sessions, five million audit records. The questions come from the list specifications: a new list is asked without being named here.

use super::{Client, Server, millis, yardmaster};
use crate::context::Context;
use crate::process::{cargo, output, run};
use crate::serve;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The rows that `seed` writes.
const ROWS: [&str; 10] =
    ["--users", "1000000", "--keypairs", "1000000", "--sessions", "1000000", "--waiting", "100000", "--audit", "5000000"];
/// An agent too small for any of the waiting sessions, which therefore keep waiting.
const SCENARIO: &str = r#"
[[agents]]
name = "node"
count = 1
resource_group = "default"
address = "10.0.0."
slots = { cpu = "0.5", mem = "256m" }
"#;
/// Times that each question is asked, one after the other.
const TIMES: usize = 3;

/// The choices on the command line.
struct Choices {
    keep: bool,
    /// Only every so many questions are asked.
    every: usize,
    /// Another build's program.
    server: Option<PathBuf>,
}

impl Choices {
    fn read(args: &[String]) -> Result<Self> {
        let mut chosen = Self { keep: false, every: 1, server: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--keep" => chosen.keep = true,
                "--every" => chosen.every = args.next().and_then(|n| n.parse().ok()).context("--every needs a number")?,
                "--server" => chosen.server = Some(args.next().context("--server needs a program")?.into()),
                other => bail!("`bench --lists` takes --keep, --every N and --server PROGRAM, not {other}"),
            }
        }
        Ok(chosen)
    }
}

/// Returns a row for each list and filter.
pub fn lists(context: &Context, args: &[String]) -> Result<Vec<(String, String)>> {
    let chosen = Choices::read(args)?;
    let data = context.target.join("bench-lists");
    if chosen.server.is_none() {
        serve::build(context)?;
    }
    let questions = output(cargo(&context.root).args(["run", "--quiet", "--package", "types", "--example", "lists"]))?;
    let questions: Vec<Value> = questions.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let names: BTreeSet<&str> = questions.iter().filter_map(|question| question["list"].as_str()).collect();
    if !chosen.keep {
        seed(context, &data, &names)?;
    }
    let program = chosen.server.unwrap_or_else(|| context.server_bin());
    let server =
        Server::start_program(&program, context, &data, &["--scenario", &data.join("scenario.toml").display().to_string()])?;
    let mut clients = BTreeMap::new();
    for name in names {
        let client = Client::sign_in_as(&server.url, &email(name))?;
        client.without_rate_limit()?;
        clients.insert(name, client);
    }
    let mut rows = vec![("idle memory".to_owned(), format!("{:.0} MB", server.resident()? as f64 / 1e6))];
    let mut asked: Vec<(String, Asked)> = Vec::new();
    for question in questions.iter().step_by(chosen.every) {
        let (list, what) = (question["list"].as_str().unwrap_or_default(), question["what"].as_str().unwrap_or_default());
        let what = format!("{list}: {what}");
        let at = asked.iter().position(|(other, _)| *other == what).unwrap_or_else(|| {
            asked.push((what, Asked::default()));
            asked.len() - 1
        });
        ask(&clients[list], question, &mut asked[at].1)?;
    }
    let mut all = Asked::default();
    for (what, asked) in asked {
        rows.push((what, asked.to_string()));
        all.add(asked);
    }
    rows.push(("everything".into(), all.to_string()));
    rows.push(("memory afterwards".into(), format!("{:.0} MB", server.resident()? as f64 / 1e6)));
    Ok(rows)
}

/// Creates the rows, and a superadmin for each list, whose rate limit is their own.
fn seed(context: &Context, data: &Path, lists: &BTreeSet<&str>) -> Result<()> {
    if data.exists() {
        std::fs::remove_dir_all(data).context("the folder of the last run could not be removed")?;
    }
    run(yardmaster(context, data).arg("seed").args(ROWS))?;
    for list in lists {
        let (email, name) = (email(list), format!("bench-{list}"));
        let create = ["user", "create", "--email", &email, "--username", &name, "--role", "superadmin", "--password-stdin"];
        run(yardmaster(context, data).args(create).stdin(super::password()?).stdout(Stdio::null()))?;
    }
    // Simulated agents have their own database.
    std::fs::rename(data.join("yardmaster.db"), data.join("simulated.db")).context("the database could not be moved")?;
    std::fs::write(data.join("scenario.toml"), SCENARIO).context("the scenario could not be written")
}

fn email(list: &str) -> String {
    format!("{list}@bench.example")
}

/// The times of questions, and the one that took longest.
#[derive(Default)]
struct Asked {
    questions: usize,
    times: Vec<Duration>,
    refused: usize,
    slowest: (Duration, String),
}

impl Asked {
    fn add(&mut self, other: Self) {
        self.questions += other.questions;
        self.refused += other.refused;
        self.times.extend(other.times);
        self.slowest = std::mem::take(&mut self.slowest).max(other.slowest);
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = |share: usize| {
            millis(times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default())
        };
        write!(f, "{} questions: median {}, p99 {}, longest {}", self.questions, at(50), at(99), millis(self.slowest.0))?;
        if self.slowest.0 > Duration::from_millis(25) {
            write!(f, " (`{}`)", self.slowest.1)?;
        }
        if self.refused > 0 {
            write!(f, ", {} refused", self.refused)?;
        }
        Ok(())
    }
}

fn ask(client: &Client, question: &Value, asked: &mut Asked) -> Result<()> {
    let list = question["list"].as_str().unwrap_or_default();
    let (call, body) = match list {
        "sessions" => (list, json!({ "query": question["query"], "project": null })),
        "queue" => (list, json!({ "query": question["query"], "group": "default" })),
        "audit" => ("audit_records", json!({ "query": question["query"] })),
        _ => (list, json!({ "query": question["query"] })),
    };
    asked.questions += 1;
    for _ in 0..TIMES {
        let start = Instant::now();
        let (status, answer) = client.raw(call, &body)?;
        let took = start.elapsed();
        asked.times.push(took);
        if took > asked.slowest.0 {
            asked.slowest = (took, question["address"].as_str().unwrap_or_default().to_owned());
        }
        let answer = String::from_utf8_lossy(&answer);
        if answer.contains("too long") {
            asked.refused += 1;
            break;
        }
        if status != 200 {
            bail!("{list}?{}: {status} {answer}", question["address"].as_str().unwrap_or_default());
        }
    }
    Ok(())
}
