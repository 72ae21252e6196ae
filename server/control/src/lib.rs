//! The rules: who may do what, and what follows from it. Every method takes the [`Caller`] first and decides by the one
//! permission table in `types`; every change writes its audit record and its event in its own transaction.
//!
//! Deliberately absent: HTTP, pages and SQL.

mod agents;
mod audit;
mod caller;
mod edit_user;
mod edits;
mod ends;
mod events;
mod keypairs;
mod launch;
mod limiter;
mod mail;
mod many_users;
mod mirror;
mod output;
mod password;
mod password_link;
mod pending;
mod policies;
mod preferences;
mod presets;
mod projects;
mod queue;
mod rate;
mod recalculate;
mod reconcile;
mod resource_groups;
mod sessions;
mod settings;
mod setup;
mod sign_in;
mod signed;
mod two_factor;
mod users;
mod vault;

pub use caller::Caller;
pub use mail::Mail;
pub use rate::{Allowance, WINDOW};
pub use setup::{FirstAdministrator, made_up_password};
pub use sign_in::{SIGN_IN_LASTS, SignInAnswer, SignedIn};
pub use vault::Vault;

use engine::Engine;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};
use store::{Store, StoreError};
use tokio::sync::{Notify, watch};
use types::Problem;
use types::id::SessionId;
use types::time::Millis;

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Problem>;

/// The control plane. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Control {
    store: Store,
    engine: Arc<dyn Engine>,
    shared: Arc<Shared>,
}

/// What lives as long as the process. Nothing of it is needed after a restart.
struct Shared {
    passwords: password::Passwords,
    vault: Vault,
    attempts: limiter::Attempts,
    /// Requests whose signature did not fit, and questions for a password link.
    bad_signatures: limiter::Attempts,
    /// Wrong one-time codes of an account, wherever they come from, and refusals of a person that were written down.
    codes: limiter::Attempts,
    refusals: limiter::Attempts,
    links: limiter::Attempts,
    outbox: OnceLock<password_link::Outbox>,
    rates: rate::Rates,
    /// Changes whenever a sign-in was ended, so that what it still holds open is looked at.
    sign_ins_ended: watch::Sender<()>,
    /// Rung whenever the queue or a session may have something to do.
    work: Notify,
    clock: Clock,
    /// The sessions that have not ended, and the turn of who brings them in step with the database.
    mirror: RwLock<mirror::Mirror>,
    mirroring: tokio::sync::Mutex<()>,
    /// Sessions that changed since the loop last looked at them, whoever brought the mirror in step.
    unlooked: Mutex<HashSet<SessionId>>,
    /// Held while sessions are looked at and placed.
    rounds: tokio::sync::Mutex<()>,
    /// Why each pending session waits, as the scheduler last said.
    queue: RwLock<queue::Queue>,
    activity: Mutex<ends::Activity>,
    /// How often the engine refused to start a session.
    refused_starts: Mutex<HashMap<SessionId, u32>>,
    /// What was last heard of machines, and the names of those that have gone.
    agents: RwLock<agents::Heard>,
    gone: RwLock<HashSet<String>>,
}

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

impl Control {
    /// A control plane over this database and this engine. [`Control::run`] makes it work.
    pub fn new(store: Store, engine: Arc<dyn Engine>, vault: Vault) -> Self {
        Self::with_clock(store, engine, vault, Arc::new(now))
    }

    /// The same by another clock than the system's: sessions, agents and their limits go by it.
    pub fn with_clock(store: Store, engine: Arc<dyn Engine>, vault: Vault, clock: Clock) -> Self {
        let shared = Shared {
            passwords: password::Passwords::new(),
            vault,
            attempts: limiter::Attempts::default(),
            bad_signatures: limiter::Attempts::default(),
            codes: limiter::Attempts::default(),
            refusals: limiter::Attempts::new(audit::MOST_REFUSALS),
            links: limiter::Attempts::default(),
            outbox: OnceLock::new(),
            rates: rate::Rates::default(),
            sign_ins_ended: watch::Sender::new(()),
            work: Notify::new(),
            clock,
            mirror: RwLock::default(),
            mirroring: tokio::sync::Mutex::default(),
            unlooked: Mutex::default(),
            rounds: tokio::sync::Mutex::default(),
            queue: RwLock::default(),
            activity: Mutex::default(),
            refused_starts: Mutex::default(),
            agents: RwLock::default(),
            gone: RwLock::default(),
        };
        Self { store, engine, shared: Arc::new(shared) }
    }

    pub(crate) fn now(&self) -> Millis {
        (self.shared.clock)()
    }

    /// Answers when the database does.
    pub async fn ready(&self) -> Result<()> {
        self.store.ping().await.map_err(internal("asking the database"))
    }

    /// Numbers for the metrics page: living sessions by status.
    pub async fn session_counts(&self) -> Result<Vec<(String, i64)>> {
        self.store.session_counts().await.map_err(internal("counting sessions"))
    }
}

/// The server's clock.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A failure that is nobody's fault outside: logged with an id, of which the person learns only the id.
fn internal<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Problem {
    move |error| {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let id = id[id.len() - 12..].to_owned();
        tracing::error!(id, doing, %error, "internal error");
        Problem::Internal(id)
    }
}

/// The same, for a store error that has been looked at.
fn store_failed(doing: &'static str) -> impl FnOnce(StoreError) -> Problem {
    internal(doing)
}

/// Random text of `n` characters from digits and capital letters, for names and keys.
fn random_text(n: usize) -> Result<String> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = vec![0u8; n];
    getrandom::fill(&mut bytes).map_err(internal("asking for randomness"))?;
    Ok(bytes.iter().map(|b| LETTERS[usize::from(*b % 32)] as char).collect())
}
