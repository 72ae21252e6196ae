//! The wait of others while somebody abuses the server: the median of an ordinary person's trivial call, at rest and during each
//! attack. Attackers are elsewhere in truth: here their threads have the lowest priority, so that their own work delays little.

use super::{Client, PASSWORD, Server, administrator, millis, yardmaster};
use crate::context::Context;
use crate::process::run;
use crate::serve;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use ureq::Agent;

const USERS: &str = "60000";
const ORDINARY: &str = "ordinary@example.org";
/// How long each attack lasts.
const LASTS: Duration = Duration::from_secs(10);
/// The number of attacks, the rest at the beginning included.
const ATTACKS: usize = 10;
/// Threads of an attack that waits for answers.
const THREADS: usize = 8;

/// Something that an attacker does again and again until told to stop.
type Attack<'a> = (&'static str, Box<dyn Fn(&AtomicBool) + Send + Sync + 'a>);

/// Returns a row for the server at rest and one for each attack.
pub fn abuse(context: &Context) -> Result<Vec<(String, String)>> {
    serve::build(context)?;
    let data = context.target.join("bench-abuse");
    if data.exists() {
        std::fs::remove_dir_all(&data).context("the folder of the last run could not be removed")?;
    }
    run(yardmaster(context, &data).args(["seed", "--users", USERS]))?;
    administrator(context, &data)?;
    person(context, &data, ORDINARY, "ordinary", "user")?;
    // One for each attack: a rate limit that one of them has used up must not spare the server the next.
    for n in 0..ATTACKS {
        person(context, &data, &attacker(n), &format!("attacker-{n}"), "superadmin")?;
    }
    let server = Server::start(context, &data, &[])?;
    let ordinary = Client::sign_in_as(&server.url, ORDINARY)?;
    let host = server.url.trim_start_matches("http://");
    let mut rows = Vec::new();
    for n in 0..ATTACKS {
        let login = attacker(n);
        let attacker = Client::sign_in_as(&server.url, &login)?;
        attacker.without_rate_limit()?;
        let Some((name, attack)) = attacks(&attacker, &login, host).into_iter().nth(n) else { break };
        let stop = AtomicBool::new(false);
        let waits = std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    // SAFETY: takes no pointers. On Linux this is the priority of the calling thread.
                    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
                    attack(&stop);
                });
            }
            // Time for the attack to begin.
            std::thread::sleep(Duration::from_secs(1));
            let waits = waits(&ordinary);
            stop.store(true, Ordering::Relaxed);
            waits
        });
        let [median, worst] = waits?;
        rows.push((name.to_owned(), format!("median {}, longest {}", millis(median), millis(worst))));
    }
    rows.push(("memory of the server at the end".into(), format!("{:.0} MB", server.resident()? as f64 / 1e6)));
    Ok(rows)
}

/// The email of an attacker.
fn attacker(n: usize) -> String {
    format!("attacker-{n}@example.org")
}

fn person(context: &Context, data: &std::path::Path, email: &str, name: &str, role: &str) -> Result<()> {
    let create = ["user", "create", "--email", email, "--username", name, "--role", role, "--password-stdin"];
    run(yardmaster(context, data).args(create).stdin(super::password()?).stdout(Stdio::null()))
}

/// The median and the longest of a trivial call's times.
fn waits(client: &Client) -> Result<[Duration; 2]> {
    let (mut times, until) = (Vec::new(), Instant::now() + LASTS);
    while Instant::now() < until {
        let start = Instant::now();
        client.call("sign_ins", &json!({}))?;
        times.push(start.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    times.sort_unstable();
    Ok([times[times.len() / 2], times[times.len() - 1]])
}

fn attacks<'a>(attacker: &'a Client, login: &'a str, host: &'a str) -> Vec<Attack<'a>> {
    let page = r#"user_list(limit: 100, offset: 0, filter: "full_name ilike \"%z%\" | email ilike \"%qq%\"") { total_count }"#;
    let dear: Vec<_> = (0..10).map(|n| format!("a{n}: {page}")).collect();
    let dear = format!("{{ {} }}", dear.join(" "));
    let too_dear: Vec<_> = (0..660).map(|n| format!("a{n}: {page}")).collect();
    let too_dear = format!("{{ {} }}", too_dear.join(" "));
    let agent: Agent = Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
    let gql = move |document: &str| {
        let body = json!({ "query": document });
        let asked = attacker.agent.post(format!("{}/func/admin/gql", attacker.url)).header("cookie", &attacker.cookie);
        if let Ok(mut answer) = asked.send_json(&body) {
            // Read to the end, so that the connection can be used again.
            let _ = answer.body_mut().read_to_vec();
        }
    };
    let again = |work: Box<dyn Fn() + Send + Sync + 'a>| -> Box<dyn Fn(&AtomicBool) + Send + Sync + 'a> {
        Box::new(move |stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                work();
            }
        })
    };
    let wrong = "x".repeat(60_000);
    let form = [("login", login), ("password", PASSWORD)];
    let sign_in = agent.clone();
    vec![
        ("at rest", Box::new(|_: &AtomicBool| {})),
        ("documents of ten lists, all that is allowed, 8 at once", again(Box::new(move || gql(&dear)))),
        ("documents of 660 lists, 8 at once", again(Box::new(move || gql(&too_dear)))),
        ("everybody in one document, 8 at once", again(Box::new(move || gql("{ users { email full_name projects { id } } }")))),
        (
            "requests signed with access keys of 60 kB, 8 at once",
            again(Box::new(move || {
                let authorization = format!("BackendAI signMethod=HMAC-SHA256, credential={wrong}:00");
                let asked = agent.get(format!("http://{host}/auth")).header("authorization", authorization);
                let asked = asked.header("x-backendai-version", "v9.20250722").header("date", "2026-01-01T00:00:00+00:00");
                drop(asked.call());
            })),
        ),
        (
            "sessions asked for, 8 at once",
            again(Box::new(move || {
                drop(attacker.start_session());
            })),
        ),
        (
            "exports that are read at 4 kB in a second",
            Box::new(move |stop| {
                let request = format!("GET /export/users.csv HTTP/1.1\r\nhost: {host}\r\ncookie: {}\r\n\r\n", attacker.cookie);
                slowly(host, &request, stop);
            }),
        ),
        (
            "800 event streams",
            Box::new(move |stop| {
                let request = format!("GET /events HTTP/1.1\r\nhost: {host}\r\ncookie: {}\r\n\r\n", attacker.cookie);
                hold(host, &request, stop);
            }),
        ),
        (
            "800 connections with half a request",
            Box::new(move |stop| hold(host, "POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\nlogin=", stop)),
        ),
        (
            "signing in with the right password, 8 at once",
            again(Box::new(move || drop(sign_in.post(format!("http://{host}/sign-in")).send_form(form)))),
        ),
    ]
}

/// Sends a request and reads its answer at 4 kB in a second, again when it ends.
fn slowly(host: &str, request: &str, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(host) else { return };
        let mut piece = [0; 1_000];
        let _ = stream.write_all(request.as_bytes());
        while !stop.load(Ordering::Relaxed) && stream.read(&mut piece).is_ok_and(|read| read > 0) {
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

/// Opens a hundred connections, sends this on each and holds them.
fn hold(host: &str, text: &str, stop: &AtomicBool) {
    let mut held = Vec::new();
    for _ in 0..100 {
        if let Ok(mut stream) = TcpStream::connect(host) {
            let _ = stream.write_all(text.as_bytes());
            held.push(stream);
        }
    }
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
    }
}
