//! Creates five thousand people from one CSV file.

use super::{Client, seconds};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const PEOPLE: usize = 5_000;

/// Measures checking the file and creating everybody.
pub fn many(client: &Client) -> Result<[(String, String); 2]> {
    let domains = client.call("domain_choices", &json!({}))?;
    // Names that no earlier run has used.
    let mark = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut file = String::from("email,username,full_name,description\n");
    for n in 0..PEOPLE {
        file.push_str(&format!("bench{mark}-{n}@example.org,bench{mark}-{n},Bench Person {n},made by the bench\n"));
    }
    let defaults = json!({
        "role": "user", "status": "active", "domain": domains[0]["id"], "projects": [domains[0]["projects"][0]["id"]], "policy": "",
        "must_change_password": true, "description": "",
    });
    let body = json!({ "many": { "batch": { "File": file }, "defaults": defaults } });
    let start = Instant::now();
    let plan = client.call("preview_users", &body)?;
    let looked = start.elapsed();
    let wrong = plan["errors"].as_array().map_or(0, Vec::len);
    if wrong > 0 {
        bail!("the file of the bench has {wrong} mistakes");
    }
    let start = Instant::now();
    let made = client.call("create_users", &body)?;
    let created = start.elapsed();
    let count = made.as_array().map(Vec::len).filter(|count| *count == PEOPLE).context("not everybody was created")?;
    let first = made[0]["keypair"]["access_key"].as_str().context("nobody has a keypair")?;
    let read: Value = client.call("keypair", &json!({ "access_key": first }))?;
    read["owner"].as_str().context("the first one is not there")?;
    Ok([
        (format!("{count} people from a CSV file: looked at"), seconds(looked)),
        (format!("{count} people from a CSV file: created, one transaction"), seconds(created)),
    ])
}
