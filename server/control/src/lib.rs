//! The rules: who may do what, and what follows from it. Every method takes the [`Caller`] first and decides by the one
//! permission table in `types`. Every change writes its audit record and its event in its own transaction.
//!
//! Deliberately absent: HTTP, pages and SQL.

mod caller;
mod change;
mod clock;
mod cluster;
mod disk;
mod limits;
mod lookalikes;
mod mail;
mod people;
mod permits;
mod projects;
mod revision;
mod sessions;
mod setup;
mod system;
mod turns;
mod vault;

/// The readers of what strangers send, for a fuzzer.
#[cfg(fuzzing)]
pub mod fuzz {
    pub use crate::people::many_users::file::people_of_file;
}

pub use caller::Caller;
pub use clock::system_time;
pub use limits::rates::{Allowance, WINDOW};
pub use mail::Mail;
pub use people::sign_in::{SIGN_IN_LASTS, SignInAnswer, SignedIn};
pub use permits::{MOST_OPEN, Needs, Permit};
pub use sessions::files::SessionFiles;
pub use setup::{FirstAdministrator, SeedRows, made_up_password};
pub use store::{SessionMore, StoredPolicy, fold};
pub use system::cleaner::Keep;
pub use turns::ExportTurn;
pub use vault::Vault;

use engine::{Engine, EngineError};
use people::attempts::{self, Attempts};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use store::Store;
use tokio::sync::{Notify, watch};
use types::Problem;
use types::id::{SessionId, UserId};
use types::time::Millis;

/// The result of every method of [`Control`].
pub type Result<T> = std::result::Result<T, Problem>;

/// The control plane. Cheap to clone: all clones share the same state.
#[derive(Clone)]
pub struct Control {
    store: Store,
    engine: Arc<dyn Engine>,
    shared: Arc<Shared>,
}

/// State that lives as long as the process. None of it is needed after a restart.
struct Shared {
    passwords: people::password::Passwords,
    vault: Vault,
    /// Passwords.
    attempts: Attempts,
    /// Sign-ins.
    sign_ins: Attempts,
    /// Requests with a wrong signature.
    bad_signatures: Attempts,
    /// One-time and recovery codes of an account, from any address.
    codes: Attempts,
    /// Codes that were given too early, whose right time was told: they are not valid later.
    early_codes: Mutex<HashSet<(UserId, i64)>>,
    /// A person's refusals that were written to the audit trail.
    refusals: Attempts,
    /// Requests for a password link.
    links: Attempts,
    outbox: OnceLock<people::password_link::Outbox>,
    rates: limits::rates::Rates,
    known: people::known::Known,
    /// Changes whenever somebody's rights may have, so that open connections are looked at again.
    rights: watch::Sender<()>,
    permits: permits::Permits,
    /// Notified whenever the queue or a session may need attention.
    work: Notify,
    clocks: clock::Clocks,
    disk: disk::Disk,
    keep: OnceLock<system::cleaner::Keep>,
    /// The sessions that have not ended, and the lock of whoever brings them in step with the database.
    mirror: RwLock<sessions::mirror::Mirror>,
    mirroring: tokio::sync::Mutex<()>,
    /// Sessions that changed since the loop last looked at them, whichever caller refreshed the mirror.
    unlooked: Mutex<HashSet<SessionId>>,
    /// Held during a round, while sessions are looked at and placed.
    rounds: tokio::sync::Mutex<()>,
    /// Why each pending session waits, from the scheduler's last decision.
    queue: RwLock<sessions::queue::Queue>,
    lengths: Mutex<sessions::expected::Lengths>,
    /// The waiting sessions that may not start.
    barred: Mutex<HashSet<SessionId>>,
    activity: Mutex<sessions::ends::Activity>,
    disk_use: Mutex<sessions::disk_use::Measured>,
    /// How often the engine refused to start a session.
    refused_starts: Mutex<HashMap<SessionId, u32>>,
    /// The agents' last reports, and the names of the agents that are gone.
    agents: RwLock<cluster::agents::Heard>,
    gone: RwLock<HashSet<String>>,
    tasks: system::tasks::Tasks,
    turns: turns::Turns,
    recent: tokio::sync::Mutex<system::events::Recent>,
}

/// A source of the current time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

impl Control {
    /// A control plane over this database and this engine. [`Control::run`] sets it going.
    pub fn new(store: Store, engine: Arc<dyn Engine>, vault: Vault) -> Self {
        Self::with_clocks(store, engine, vault, Arc::new(clock::system_time), clock::steady_time())
    }

    /// The same with a clock other than the system's, which sessions, agents and their limits then follow.
    pub fn with_clock(store: Store, engine: Arc<dyn Engine>, vault: Vault, clock: Clock) -> Self {
        Self::with_clocks(store, engine, vault, clock.clone(), clock)
    }

    /// The same with a second clock that is never set, against which the first is compared.
    pub fn with_clocks(store: Store, engine: Arc<dyn Engine>, vault: Vault, wall: Clock, steady: Clock) -> Self {
        let shared = Shared {
            passwords: people::password::Passwords::new(),
            vault,
            attempts: Attempts::new(attempts::PASSWORDS),
            sign_ins: Attempts::new(attempts::SIGN_INS),
            bad_signatures: Attempts::new(attempts::SIGNATURES),
            codes: Attempts::new(attempts::CODES),
            early_codes: Mutex::default(),
            refusals: Attempts::new(attempts::REFUSALS),
            links: Attempts::new(attempts::LINKS),
            outbox: OnceLock::new(),
            rates: limits::rates::Rates::default(),
            known: people::known::Known::default(),
            rights: watch::Sender::new(()),
            permits: permits::Permits::default(),
            work: Notify::new(),
            clocks: clock::Clocks::new(wall, steady),
            disk: disk::Disk::default(),
            keep: OnceLock::new(),
            mirror: RwLock::default(),
            mirroring: tokio::sync::Mutex::default(),
            unlooked: Mutex::default(),
            rounds: tokio::sync::Mutex::default(),
            queue: RwLock::default(),
            lengths: Mutex::default(),
            barred: Mutex::default(),
            activity: Mutex::default(),
            disk_use: Mutex::default(),
            refused_starts: Mutex::default(),
            agents: RwLock::default(),
            gone: RwLock::default(),
            tasks: system::tasks::Tasks::default(),
            turns: turns::Turns::default(),
            recent: tokio::sync::Mutex::default(),
        };
        Self { store, engine, shared: Arc::new(shared) }
    }

    pub(crate) fn now(&self) -> Millis {
        self.shared.clocks.now()
    }

    /// The time by a clock that goes on evenly when somebody sets the system's: for limits, which last as long as they say. It may
    /// differ from the time of day.
    pub(crate) fn steady(&self) -> Millis {
        self.shared.clocks.steady()
    }

    /// Succeeds when the database answers.
    pub async fn ready(&self) -> Result<()> {
        Ok(self.store.ping().await?)
    }

    /// The number of living sessions in each status, for the metrics page.
    pub async fn session_counts(&self) -> Result<Vec<(String, i64)>> {
        Ok(self.store.session_counts().await?)
    }
}

/// Turns an error into an internal problem: logs it with an id, and tells the person only that id. A
/// [`StoreError`](store::StoreError) needs no call of this; `?` does the same for it.
#[track_caller]
pub fn internal<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Problem {
    let at = std::panic::Location::caller();
    move |error| Problem::Internal(store::incident(doing, at, &error))
}

/// Turns an engine's failure into a problem. An agent that is away is named; everything else is an internal problem, logged with
/// its causes.
#[track_caller]
fn engine_failed(doing: &'static str) -> impl FnOnce(EngineError) -> Problem {
    let fault = internal(doing);
    move |error| match error {
        EngineError::AgentAway(agent) => Problem::Unavailable(format!("Agent {agent}")),
        other => fault(other.with_causes()),
    }
}

/// Turns a panic while a request was answered into an internal problem.
#[track_caller]
pub fn panicked(panic: &(dyn std::any::Any + Send)) -> Problem {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    internal("answering a request")(text.unwrap_or("a panic without a text"))
}

/// Random text of `n` characters (capital letters and the digits 2 to 7), for names and keys.
fn random_text(n: usize) -> Result<String> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = vec![0u8; n];
    getrandom::fill(&mut bytes).map_err(internal("asking for randomness"))?;
    Ok(bytes.iter().map(|b| LETTERS[usize::from(*b % 32)] as char).collect())
}
