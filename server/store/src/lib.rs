//! The database: migrations and every line of SQL. Reads are methods of [`Store`], writes of [`Change`], a transaction.
//!
//! Deliberately absent: rules. `control` decides who may see or change what, and passes a scope down.

mod cluster;
mod fields;
mod first;
mod fold;
mod limits;
mod list;
mod people;
mod projects;
mod reads;
mod seed;
mod sessions;
mod system;

pub use cluster::resource_groups::GroupUses;
pub use first::first_people;
pub use fold::fold;
pub use limits::followers::Holding;
pub use limits::policies::StoredPolicy;
pub use people::accounts::Account;
pub use people::keypairs::{NewKeypairRow, Signer};
pub use people::rights::SessionPlace;
pub use people::sign_ins::{NewSignIn, SignedIn};
pub use people::two_factor::{NewPasswordLink, TwoFactor};
pub use people::users::NewUser;
pub use reads::Lane;
pub use sessions::{Barred, Changed, LivingSession, NewSession, SessionMore, Step};
pub use system::events::{Audit, StoredEvent};
pub use system::keeping::Leftover;
pub use system::tasks::{NewTask, StoredTask, TaskEnd};

use reads::Reads;
use sqlx::{Connection, Transaction};
use sqlx_sqlite::Sqlite;
use sqlx_sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::collections::HashMap;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use types::Problem;
use types::id::{DomainId, UserId};
use types::problem::Incident;

/// An error of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database holds a value that this version does not know.
    #[error("the database holds {value:?} where a {what} should be")]
    Unreadable { what: &'static str, value: String },
}

impl StoreError {
    /// Whether there was no space left to write.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Database(error) if reads::full(error))
    }

    /// This error as a problem: a refusal that a person can do something about, or an internal one, logged with the place.
    pub fn problem(self, doing: &str, at: &Location<'_>) -> Problem {
        match self.refusal() {
            Some(refusal) => {
                tracing::warn!(doing, %at, error = %self, "the database refused");
                refusal
            }
            None => Problem::Internal(incident(doing, at, &self)),
        }
    }

    /// The refusal that a person can do something about, if this is one.
    fn refusal(&self) -> Option<Problem> {
        let Self::Database(error) = self else { return None };
        if reads::interrupted(error) {
            return Some(Problem::Limit("This takes too long to look up. Narrow the filter, or choose another order.".into()));
        }
        if reads::full(error) {
            let sentence = "The server's disk is full, so nothing can be saved. Ask an administrator to free some space.";
            return Some(Problem::Limit(sentence.into()));
        }
        matches!(error, sqlx::Error::PoolTimedOut).then(|| Problem::Unavailable("The database".into()))
    }

    /// The unique name because of which a row was refused, if that was the cause. SQLite tells which one only in its message.
    pub fn taken(&self) -> Option<Taken> {
        let Self::Database(sqlx::Error::Database(error)) = self else { return None };
        if !error.is_unique_violation() {
            return None;
        }
        match error.message().rsplit(": ").next()? {
            "users.email_key" => Some(Taken::Email),
            "users.username_key" => Some(Taken::Username),
            "domains.name_key" => Some(Taken::DomainName),
            "projects.domain_id, projects.name_key" => Some(Taken::ProjectName),
            "sessions.user_id, sessions.name" => Some(Taken::SessionName),
            _ => None,
        }
    }
}

/// A name that must be unique and is already in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Email,
    Username,
    DomainName,
    /// Unique in its domain.
    ProjectName,
    /// Unique among the sessions of its owner that have not ended.
    SessionName,
}

/// `?` turns an error of the store into an internal problem, logged with the place of the call.
impl From<StoreError> for Problem {
    #[track_caller]
    fn from(error: StoreError) -> Self {
        error.problem("asking the database", Location::caller())
    }
}

/// Logs an internal error, and returns the id under which it is found in the log.
pub fn incident(doing: &str, at: &Location<'_>, error: &dyn std::fmt::Display) -> Incident {
    let id = uuid::Uuid::now_v7().simple().to_string();
    // The random part, short enough to be read out on the telephone.
    let id = id[id.len() - 12..].to_owned();
    tracing::error!(id, doing, at = %at, %error, "internal error");
    Incident::logged(id)
}

/// The rows that a query may return: how far a permission reaches, in terms of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    Domain(DomainId),
    /// This person's own things, and those of the projects that they administer.
    Projects(UserId),
    Own(UserId),
}

/// The result of every method of [`Store`] and [`Change`].
pub type Result<T> = std::result::Result<T, StoreError>;

/// Connections on which lists are read.
const LISTS: u32 = 4;
/// The most exports that run at the same time.
const EXPORTS: u32 = 2;
/// Size in bytes that the write-ahead log is cut back to once it has been merged into the file.
const LOG_SIZE: &str = "67108864";

/// The most thousands of steps of SQLite in which the rows of a list are counted, and the longest time.
const COUNTING: (u32, Duration) = (3_000, Duration::from_secs(1));

/// The same for a walk along an order's index, beyond which the rows are sorted.
const WALKING: (u32, Duration) = (500, Duration::from_millis(100));

/// How much reads may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// One statement.
    pub statement: Duration,
    /// One statement of a list.
    pub list: Duration,
    /// The most rows of a list that is read whole, and of a look-up whose rows are sorted; beyond, an order's index is walked.
    pub few: u32,
    /// A whole export: an open read is an old snapshot, which keeps the write-ahead log from being merged into the file.
    pub export: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { statement: Duration::from_secs(10), list: Duration::from_secs(3), few: 5_000, export: Duration::from_secs(300) }
    }
}

/// The right to run one export. Held until the download has ended.
pub struct ExportTurn {
    _turn: OwnedSemaphorePermit,
}

/// The open database.
#[derive(Clone)]
pub struct Store {
    /// For short questions, which never wait for a list.
    read: Reads,
    lists: Reads,
    /// Counts of a list's rows, on the same connections.
    counts: Reads,
    /// Walks along an order's index, on the same connections.
    walks: Reads,
    /// The most rows of a list that is read whole, and of a look-up that is sorted.
    few: i64,
    // An export holds its connection for the whole download, so it never uses one of the others.
    export: Reads,
    export_lasts: Duration,
    // As many as connections, so that whoever has a turn has a connection.
    export_turns: Arc<Semaphore>,
    // One connection, since SQLite has one writer, and waiting in our queue is fairer than SQLite's busy retries.
    write: SqlitePool,
    /// The file of the write-ahead log.
    log: PathBuf,
    last_event: watch::Sender<i64>,
    commits: Arc<AtomicU64>,
    /// Lists of more rows than are counted, and when that was found.
    long: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Store {
    /// Opens the database file, creating and migrating it as needed.
    pub async fn open(file: &Path) -> Result<Self> {
        Self::open_with(file, Deadlines::default()).await
    }

    /// The same with other deadlines.
    pub async fn open_with(file: &Path, deadlines: Deadlines) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A committed change survives a power cut, not only a crash of this process.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("mmap_size", "268435456")
            .pragma("journal_size_limit", LOG_SIZE)
            .pragma("temp_store", "memory");
        let pool = || SqlitePoolOptions::new().after_connect(|connection, _| Box::pin(fold::teach(connection)));
        // On a full disk SQLite ends a transaction by itself, which the connection is not told of: it could begin no other.
        let write = pool()
            .before_acquire(move |connection, _| Box::pin(std::future::ready(Ok(!connection.is_in_transaction()))))
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        migrate(&write).await?;
        let options = options.read_only(true);
        // No test before use: taking a connection asks its thread for the handle anyway.
        let pool = || pool().test_before_acquire(false).acquire_timeout(Duration::from_secs(10));
        let read = Reads::new(pool().max_connections(4).connect_with(options.clone()).await?, deadlines.statement);
        let lists = Reads::new(pool().max_connections(LISTS).connect_lazy_with(options.clone()), deadlines.list);
        let (counts, walks) = (lists.bounded(COUNTING), lists.bounded(WALKING));
        let export = Reads::new(pool().max_connections(EXPORTS).connect_lazy_with(options), deadlines.export);
        let (last,): (i64,) = sqlx::query_as("SELECT coalesce(max(id), 0) FROM events").fetch_one(&read).await?;
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let export_turns = Arc::new(Semaphore::new(EXPORTS as usize));
        Ok(Self {
            read,
            lists,
            counts,
            walks,
            few: i64::from(deadlines.few),
            export,
            export_lasts: deadlines.export,
            export_turns,
            write,
            log,
            last_event: watch::Sender::new(last),
            commits: Arc::default(),
            long: Arc::default(),
        })
    }

    /// A turn for one export; `None` if all are taken.
    pub fn export_turn(&self) -> Option<ExportTurn> {
        self.export_turns.clone().try_acquire_owned().ok().map(|turn| ExportTurn { _turn: turn })
    }

    /// Begins a change. Nothing in it is visible until [`Change::commit`].
    pub async fn change(&self) -> Result<Change> {
        let tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Change { tx, last_event: None, announce: self.last_event.clone(), commits: self.commits.clone() })
    }

    /// The number of changes that this process has committed: what was read before it grew may have changed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// The newest event's id. The receiver is notified whenever it grows.
    pub fn events_grew(&self) -> watch::Receiver<i64> {
        self.last_event.subscribe()
    }

    /// Succeeds when the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.read).await?;
        Ok(())
    }

    /// Closes every connection, so that the write-ahead log is merged into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.lists.close().await;
        self.export.close().await;
        self.write.close().await;
    }
}

/// Brings the tables up to date.
async fn migrate(write: &SqlitePool) -> Result<()> {
    let number = "SELECT count(*) FROM _sqlx_migrations";
    let known: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'").fetch_one(write).await?;
    let before: i64 = if known > 0 { sqlx::query_scalar(number).fetch_one(write).await? } else { 0 };
    sqlx::migrate!().run(write).await?;
    // Statistics of some indexes and not of others lead the planner astray: a page of a large list then takes a second.
    if known > 0 && before < sqlx::query_scalar(number).fetch_one(write).await? {
        sqlx::query("ANALYZE").execute(write).await?;
    }
    Ok(())
}

/// A transaction: a change, its audit record and the event for open pages, all or nothing.
pub struct Change {
    tx: Transaction<'static, Sqlite>,
    last_event: Option<i64>,
    announce: watch::Sender<i64>,
    commits: Arc<AtomicU64>,
}

impl Change {
    /// Commits the change, then wakes everyone who follows events.
    pub async fn commit(self) -> Result<()> {
        let Self { tx, last_event, announce, commits } = self;
        // In a task of its own: a request that is aborted meanwhile must not leave a committed change without its wake-up.
        let committed = tokio::spawn(async move {
            let committed = tx.commit().await;
            // Also after an error, which may have come too late.
            commits.fetch_add(1, Ordering::Release);
            committed?;
            if let Some(id) = last_event {
                announce.send_if_modified(|last| std::mem::replace(last, id.max(*last)) < id);
            }
            Ok(())
        });
        committed.await.unwrap_or_else(|_| Err(StoreError::Database(sqlx::Error::WorkerCrashed)))
    }
}

/// Reads a stored word as one of a vocabulary's variants.
fn read_word<T>(what: &'static str, value: String, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    read(&value).ok_or(StoreError::Unreadable { what, value })
}

/// Reads a stored JSON text.
fn read_json<T: serde::de::DeserializeOwned>(what: &'static str, value: &str) -> Result<T> {
    serde_json::from_str(value).map_err(|_| StoreError::Unreadable { what, value: value.into() })
}

/// The JSON of a value that can always be serialized.
fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
