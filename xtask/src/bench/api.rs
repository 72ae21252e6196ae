//! The signed API under load: its request rate, and whether a rate limit is exact.
//!
//! Every caller repeats one signed request, which the window for its date allows.

use super::Client;
use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use ureq::Agent;

const CALLERS: usize = 16;
/// Requests of each caller: several runs in a row stay below the highest rate limit.
const EACH: usize = 800;
const VERSION: &str = "v9.20250722";
/// SHA-256 of an empty text, which the incumbent signs instead of the body.
const NO_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A `GET /auth` request, signed with its own keypair.
struct Signed {
    url: String,
    date: String,
    authorization: String,
}

impl Signed {
    fn new(client: &Client, limit: u32) -> Result<Self> {
        let made =
            client.call("create_keypair", &json!({ "keypair": { "owner": "", "policy": "default", "rate_limit": limit } }))?;
        let (access, secret) = (made["access_key"].as_str(), made["secret_key"].as_str());
        let (access, secret) = (access.context("no access key")?, secret.context("no secret key")?);
        let now = time::OffsetDateTime::now_utc();
        let (date, clock) = (now.date(), now.time());
        let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
        let date = format!("{date}T{hour:02}:{minute:02}:{second:02}+00:00");
        let host = client.url.trim_start_matches("http://");
        let text = format!("GET\n/auth\n{date}\nhost:{host}\ncontent-type:text/plain\nx-backendai-version:{VERSION}\n{NO_BODY}");
        let key = sign(&sign(secret.as_bytes(), &date[..10].replace('-', "")), host);
        let signature: String = sign(&key, &text).iter().map(|byte| format!("{byte:02x}")).collect();
        let authorization = format!("BackendAI signMethod=HMAC-SHA256, credential={access}:{signature}");
        Ok(Self { url: format!("{}/auth", client.url), date, authorization })
    }

    fn status(&self, agent: &Agent) -> Result<u16> {
        let mut answer = agent
            .get(&self.url)
            .header("authorization", &self.authorization)
            .header("x-backendai-date", &self.date)
            .header("x-backendai-version", VERSION)
            .header("content-type", "text/plain")
            .call()?;
        // Read to the end, so that the connection can be reused.
        answer.body_mut().read_to_string()?;
        Ok(answer.status().as_u16())
    }
}

/// Sends `each` requests from every caller at once. Returns the number answered with 200, and the requests per second.
fn load(signed: &Signed, each: usize) -> Result<(usize, f64)> {
    let good = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let caller = || -> Result<()> {
            let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
            for _ in 0..each {
                if signed.status(&agent)? == 200 {
                    good.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a caller panicked")))
    })?;
    Ok((good.into_inner(), (CALLERS * each) as f64 / start.elapsed().as_secs_f64()))
}

/// Measures the request rate and the exactness of the limit.
pub fn signed(client: &Client) -> Result<[(String, String); 2]> {
    let (all, rate) = load(&Signed::new(client, 50_000)?, EACH)?;
    let (answered, _) = load(&Signed::new(client, 1_000)?, 200)?;
    Ok([
        (
            format!("signed API, {CALLERS} callers, requests in a second"),
            format!("{rate:.0}, {all} of {} answered", CALLERS * EACH),
        ),
        (
            format!("signed API, limit 1,000, {} requests of {CALLERS} callers", CALLERS * 200),
            format!("{answered} answered, the others 429"),
        ),
    ])
}
