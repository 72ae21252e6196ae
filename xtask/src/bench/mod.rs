//! `cargo xtask bench`: the budgets of the design, measured on the release build against a real database, server and browser.
//!
//! Prints a Markdown table for BENCHMARKS.md. Nothing here passes or fails: a slow machine must not fail a build.

mod abuse;
mod api;
mod busy;
mod felt;
mod lists;
mod people;
mod replay;
mod scheduling;

use crate::context::Context;
use crate::process::{run, seconds};
use crate::{browser, serve};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use ureq::Agent;

const EMAIL: &str = "admin@example.org";
const PASSWORD: &str = "Correct-Horse-9";
/// The highest rate limit.
const MOST_REQUESTS: u32 = 50_000;
/// The number of timed requests to each list.
const REQUESTS: usize = 200;

pub fn bench(context: &Context, args: &[String]) -> Result<()> {
    match args {
        [flag] if flag == "--scheduler" => {
            print(scheduling::scheduling(context)?);
            return Ok(());
        }
        [flag] if flag == "--abuse" => {
            print(abuse::abuse(context)?);
            return Ok(());
        }
        [flag, count] if flag == "--kills" => return kills(context, count),
        [flag, files @ ..] if flag == "--replay" => return replay::replay(context, files),
        [flag, more @ ..] if flag == "--lists" => {
            print(lists::lists(context, more)?);
            return Ok(());
        }
        [flag] if flag == "--browser" => {
            print(felt::felt(context)?);
            return Ok(());
        }
        [flag] if flag == "--busy" => {
            print(busy::busy(context)?);
            return Ok(());
        }
        _ => {}
    }
    let (users, keep): (u64, bool) = match args {
        [] => (1_000_000, false),
        [flag] if flag == "--keep" => (0, true),
        [flag, count] if flag == "--users" => (count.parse().context("--users needs a number")?, false),
        _ => bail!(
            "`bench` takes --users N, --keep (the database of the last run), --scheduler, --replay JOBS MACHINES, --browser, --busy, --lists, --abuse or --kills N"
        ),
    };
    serve::build(context)?;
    let data = context.target.join("bench-data");
    let mut rows = Vec::new();
    if !keep {
        rows.push(("seeding the database".to_owned(), format!("{:.1} s", seed(context, &data, users)?.as_secs_f64())));
    }
    let server = Server::start(context, &data, &[])?;
    rows.push(("start to the first answered request".into(), millis(server.started)));
    std::thread::sleep(Duration::from_secs(3));
    rows.push(("idle memory".into(), format!("{:.0} MB", server.resident()? as f64 / 1e6)));

    let client = Client::sign_in(&server.url)?;
    client.without_rate_limit()?;
    let condition = json!([{ "key": "email", "op": "contains", "value": "lovelace4" }]);
    let lists = [
        ("first page, 20 rows, newest first", json!([]), "created_at", true),
        ("filtered by an email fragment, newest first", condition.clone(), "created_at", true),
        ("filtered by an email fragment, by email", condition, "email", false),
        (
            "filtered by a common fragment, by email",
            json!([{ "key": "email", "op": "contains", "value": "example" }]),
            "email",
            false,
        ),
        ("by email", json!([]), "email", false),
        ("by username, downwards", json!([]), "username", true),
        ("by full name", json!([]), "full_name", false),
    ];
    for (name, conditions, sort, descending) in lists {
        let query = json!({ "tab": "active", "subtab": "", "conditions": conditions, "sort": sort, "descending": descending, "page": 1, "per": 20 });
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let start = Instant::now();
            client.call("users", &json!({ "query": query }))?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        rows.push((
            format!("users, {name}"),
            format!("median {}, p99 {}", millis(times[REQUESTS / 2]), millis(times[REQUESTS * 99 / 100])),
        ));
    }
    rows.push(("a change seen in another tab".into(), format!("median {}", millis(seen_elsewhere(&client)?))));
    rows.push(("a session from asked for to running".into(), format!("median {} ms", asked_to_running(&client)?)));

    rows.extend(people::many(&client)?);
    rows.extend(api::signed(&client)?);

    browser::ensure(context)?;
    let pages = ["/users?per=20", "/users?per=20&f=email.contains.lovelace4&sort=email", "/sessions?tab=finished&per=20"];
    let mut node = Command::new("node");
    node.current_dir(context.root.join("end2end")).args(["first-rows.mjs", &server.url, EMAIL, PASSWORD]).args(pages);
    let output = node.stderr(Stdio::inherit()).output().context("node could not be started")?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let found: Value = serde_json::from_str(line).context("the browser's measurement could not be read")?;
        let name = format!("browser, {}", found["path"].as_str().unwrap_or("?"));
        rows.push((name, format!("rows after {} ms, controls answer after {} ms", found["rows"], found["alive"])));
    }
    rows.extend(scheduling::scheduling(context)?);
    print(rows);
    Ok(())
}

/// Kills the server, supervisors and both at random moments, and looks at what was lost, doubled or left: the browser tests do the
/// same with fewer kills.
fn kills(context: &Context, count: &str) -> Result<()> {
    serve::build(context)?;
    browser::ensure(context)?;
    let dir = context.root.join("end2end");
    let mut playwright = Command::new(dir.join("node_modules/.bin/playwright"));
    playwright.current_dir(&dir).args(["test", "crash.spec.ts", "--grep", "kills of the server"]);
    playwright.env("YARDMASTER_BIN", context.server_bin()).env("KILLS", count);
    run(playwright.envs(context.server_env()))
}

fn print(rows: Vec<(String, String)>) {
    println!("\n| what | measured |\n|---|---|");
    for (what, value) in rows {
        println!("| {what} | {value} |");
    }
}

/// Creates a database with this many people, 100,000 ended sessions and an administrator. Returns the time for the people and
/// sessions.
fn seed(context: &Context, data: &Path, users: u64) -> Result<Duration> {
    if data.exists() {
        std::fs::remove_dir_all(data).context("the folder of the last run could not be removed")?;
    }
    let start = Instant::now();
    run(yardmaster(context, data).args(["seed", "--users", &users.to_string(), "--sessions", "100000"]))?;
    let seeded = start.elapsed();
    administrator(context, data)?;
    Ok(seeded)
}

/// Creates the account that the benchmark signs in with.
fn administrator(context: &Context, data: &Path) -> Result<()> {
    let create = ["user", "create", "--email", EMAIL, "--username", "bench", "--role", "superadmin", "--password-stdin"];
    run(yardmaster(context, data).args(create).stdin(password()?))
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn yardmaster(context: &Context, data: &Path) -> Command {
    let mut command = Command::new(context.server_bin());
    command.envs(context.server_env()).env("YARDMASTER_DATA", data);
    command
}

/// Returns a pipe that contains the password and then ends.
fn password() -> Result<Stdio> {
    let echo = Command::new("echo").arg(PASSWORD).stdout(Stdio::piped()).spawn().context("echo could not be started")?;
    Ok(echo.stdout.context("echo has no output")?.into())
}

struct Server {
    child: Child,
    url: String,
    started: Duration,
}

impl Server {
    fn start(context: &Context, data: &Path, more: &[&str]) -> Result<Self> {
        Self::start_program(&context.server_bin(), context, data, more)
    }

    /// The same with the program of another build.
    fn start_program(program: &Path, context: &Context, data: &Path, more: &[&str]) -> Result<Self> {
        let start = Instant::now();
        let mut child = Command::new(program)
            .envs(context.server_env())
            .env("YARDMASTER_DATA", data)
            .args(["serve", "--listen", "127.0.0.1:0", "--metrics", "off", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .context("the server could not be started")?;
        let out = child.stdout.take().context("the server has no output")?;
        let line = BufReader::new(out).lines().next().context("the server printed nothing")??;
        let url = line.rsplit(' ').next().unwrap_or_default().to_owned();
        ureq::get(format!("{url}/healthz")).call().context("the server did not answer")?;
        Ok(Self { child, url, started: start.elapsed() })
    }

    fn resident(&self) -> Result<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).context("/proc could not be read")?;
        let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).context("/proc could not be understood")?;
        Ok(pages * 4096)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing needs to be done if the server has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    agent: Agent,
    url: String,
    cookie: String,
}

impl Client {
    fn sign_in(url: &str) -> Result<Self> {
        Self::sign_in_as(url, EMAIL)
    }

    fn sign_in_as(url: &str, login: &str) -> Result<Self> {
        let agent: Agent = Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
        let answer = agent.post(format!("{url}/sign-in")).send_form([("login", login), ("password", PASSWORD)])?;
        let cookie =
            answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).context("the sign-in was refused")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { agent, url: url.to_owned(), cookie })
    }

    /// Raises the limit of the main keypair, and with it the person's, to all that there can be: what is measured is not the limit.
    fn without_rate_limit(&self) -> Result<()> {
        let keypairs = self.call("my_keypairs", &json!({}))?;
        let main = keypairs.as_array().into_iter().flatten().find(|keypair| keypair["main"] == true);
        let main = main.context("the administrator has no main keypair")?;
        self.call("edit_keypair", &json!({ "access_key": main["access_key"], "edit": { "rate_limit": MOST_REQUESTS } })).map(drop)
    }

    fn call(&self, name: &str, body: &Value) -> Result<Value> {
        let mut answer = self.agent.post(format!("{}/call/{name}", self.url)).header("cookie", &self.cookie).send_json(body)?;
        if answer.status() != 200 {
            bail!("{name}: {} {}", answer.status(), answer.body_mut().read_to_string()?);
        }
        Ok(answer.body_mut().read_json()?)
    }

    /// The status and the body of an answer, which is not looked at.
    fn raw(&self, name: &str, body: &Value) -> Result<(u16, Vec<u8>)> {
        let mut answer = self.agent.post(format!("{}/call/{name}", self.url)).header("cookie", &self.cookie).send_json(body)?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_vec()?))
    }

    fn start_session(&self) -> Result<String> {
        let options = self.call("start_options", &json!({ "owner": "" }))?;
        let session = json!({
            "name": "", "project": options["projects"][0]["id"], "resource_group": "default", "kind": "batch", "image": "host",
            "command": "true", "slots": { "cpu": "0.1", "mem": "134217728" },
        });
        let started = self.call("start_session", &json!({ "session": session }))?;
        Ok(started[0]["id"].as_str().unwrap_or_default().to_owned())
    }
}

/// Returns the time from sending a change to reading its event on another connection.
fn seen_elsewhere(client: &Client) -> Result<Duration> {
    let answer = client.agent.get(format!("{}/events", client.url)).header("cookie", &client.cookie).call()?;
    let (lines, read) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok) {
            if line.starts_with("data:") && lines.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    read.recv_timeout(Duration::from_secs(5)).context("the event stream did not begin")?;
    let mut times = Vec::new();
    for _ in 0..20 {
        while read.recv_timeout(Duration::from_millis(700)).is_ok() {}
        let start = Instant::now();
        client.start_session()?;
        times.push(read.recv_timeout(Duration::from_secs(5)).context("the event did not come")?.saturating_duration_since(start));
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Returns the milliseconds from the first line of a session's history to the line RUNNING, by the server's own clock.
fn asked_to_running(client: &Client) -> Result<i64> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let id = client.start_session()?;
        std::thread::sleep(Duration::from_millis(600));
        let detail = client.call("session", &json!({ "id": id }))?;
        let history = detail["history"].as_array().cloned().unwrap_or_default();
        let at = |status: &str| history.iter().find(|step| step["status"] == status).and_then(|step| step["at"].as_i64());
        times.push(at("RUNNING").context("a session did not run")? - at("PENDING").context("a session was not asked for")?);
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
