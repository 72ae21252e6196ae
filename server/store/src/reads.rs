//! Reading: connections that nobody keeps for long. Every statement has a deadline, and is interrupted when it passes or when the
//! caller who wanted the answer has gone; callers of one [`Lane`] share a few connections, whatever they ask at once.
//!
//! Deliberately absent: writing. A change is a transaction of its own, and its statements are ours.

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::{Either, Execute, Executor, SqlStr};
use sqlx_sqlite::{Sqlite, SqliteConnection};
use sqlx_sqlite::{SqlitePool, SqliteQueryResult, SqliteRow, SqliteTypeInfo};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Steps of SQLite's machine between two looks at the deadline: some hundredths of a millisecond.
const STEPS: i32 = 1_000;
/// The longest wait for a connection.
const WAIT: Duration = Duration::from_secs(10);

tokio::task_local! {
    static LANE: Lane;
}

/// The connections that some callers may hold at the same time. Others in the same lane wait for one of theirs.
#[derive(Clone, Debug)]
pub struct Lane(Arc<Semaphore>);

impl Lane {
    /// A lane of this many connections.
    pub fn new(connections: usize) -> Self {
        Self(Arc::new(Semaphore::new(connections)))
    }

    /// Runs `work`, whose reads then go through this lane. Tasks that it spawns do not.
    pub fn run<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        LANE.scope(self, work)
    }

    /// Runs `work`, whose reads wait for nobody in a lane: for work that others wait for, whoever began it.
    pub fn without<F: Future>(work: F) -> impl Future<Output = F::Output> {
        Self::new(Semaphore::MAX_PERMITS).run(work)
    }

    /// Whether nobody uses this lane.
    pub fn unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// A pool of read-only connections, used like a pool of sqlx.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pool: SqlitePool,
    /// How long one statement may take.
    longest: Duration,
    /// The most looks at the deadline, in one statement: a bound that does not depend on how busy the machine is.
    looks: u32,
}

/// A connection. Once it is dropped, whatever it was still doing is interrupted.
pub(crate) struct Reader {
    connection: PoolConnection<Sqlite>,
    gone: Arc<AtomicBool>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Reads {
    pub(crate) fn new(pool: SqlitePool, longest: Duration) -> Self {
        Self { pool, longest, looks: u32::MAX }
    }

    /// The same connections for statements of at most so many thousands of steps and so much time.
    pub(crate) fn bounded(&self, (thousands, longest): (u32, Duration)) -> Self {
        Self { looks: thousands, longest, ..self.clone() }
    }

    /// A connection for statements that must be over together within `longest`.
    pub(crate) async fn reader(&self) -> sqlx::Result<Reader> {
        let turn = match LANE.try_with(|lane| lane.0.clone()) {
            Ok(lane) => {
                let turn = tokio::time::timeout(WAIT, lane.acquire_owned()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
                Some(turn.map_err(|_| sqlx::Error::PoolClosed)?)
            }
            Err(_) => None,
        };
        let mut connection = self.pool.acquire().await?;
        let gone = Arc::new(AtomicBool::new(false));
        let (over, until) = (gone.clone(), Instant::now().checked_add(self.longest));
        // Waits for a statement of the one before, which is being interrupted.
        let mut handle = connection.lock_handle().await?;
        let mut looks = self.looks;
        handle.set_progress_handler(STEPS, move || {
            looks = looks.saturating_sub(1);
            looks > 0 && !over.load(Ordering::Relaxed) && until.is_none_or(|until| Instant::now() < until)
        });
        drop(handle);
        Ok(Reader { connection, gone, _turn: turn })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

/// Whether a statement was interrupted, at its deadline or because its caller had gone.
pub(crate) fn interrupted(error: &sqlx::Error) -> bool {
    code(error) == Some(9)
}

/// Whether there was no space left to write.
pub(crate) fn full(error: &sqlx::Error) -> bool {
    match error {
        // SQLITE_FULL, and SQLITE_IOERR with its kinds for writing, truncating and shared memory that cannot grow.
        sqlx::Error::Database(_) => matches!(code(error), Some(13 | 778 | 1546 | 4874 | 5130)),
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::StorageFull,
        _ => false,
    }
}

fn code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse().ok())
}

type Found = Either<SqliteQueryResult, SqliteRow>;

/// Every statement by itself, with a deadline of its own. Rows are read to the end before the first is handed out, so that a
/// connection is never held at its caller's pace; exports, which are, use a [`Reader`].
impl<'p> Executor<'p> for &'p Reads {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Found>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let read = async move {
            let mut reader = self.reader().await?;
            let found: Vec<Found> = reader.fetch_many(query).try_collect().await?;
            Ok::<_, sqlx::Error>(stream::iter(found.into_iter().map(Ok::<_, sqlx::Error>)))
        };
        stream::once(read).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<SqliteRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        async move { self.reader().await?.fetch_optional(query).await }.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<<Sqlite as sqlx::Database>::Statement>>
    where
        'p: 'e,
    {
        async move { self.reader().await?.prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Sqlite>>>
    where
        'p: 'e,
    {
        async move { self.reader().await?.describe(sql).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx_sqlite::SqlitePoolOptions;

    /// A statement that never ends by itself.
    const ENDLESS: &str = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";

    async fn reads(connections: u32, longest: Duration) -> Reads {
        Reads::new(SqlitePoolOptions::new().max_connections(connections).connect("sqlite::memory:").await.unwrap(), longest)
    }

    async fn one(reads: &Reads) -> i64 {
        sqlx::query_scalar("SELECT 1").fetch_one(reads).await.unwrap()
    }

    #[tokio::test]
    async fn a_statement_ends_at_its_deadline_and_the_next_has_its_own() {
        let reads = reads(1, Duration::from_millis(50)).await;
        for _ in 0..3 {
            let error = sqlx::query(ENDLESS).fetch_all(&reads).await.unwrap_err();
            assert!(interrupted(&error), "{error}");
            assert_eq!(one(&reads).await, 1);
        }
    }

    #[tokio::test]
    async fn a_statement_ends_when_its_caller_has_gone() {
        let reads = reads(1, Duration::MAX).await;
        let asked = tokio::time::timeout(Duration::from_millis(50), sqlx::query(ENDLESS).fetch_all(&reads)).await;
        assert!(asked.is_err(), "it has no end of its own");
        assert_eq!(one(&reads).await, 1);
    }

    #[tokio::test]
    async fn a_lane_holds_its_own_connections_and_no_others() {
        let reads = reads(3, Duration::from_secs(3600)).await;
        let lane = Lane::new(2);
        let busy: Vec<_> = (0..5)
            .map(|_| {
                let (lane, reads) = (lane.clone(), reads.clone());
                tokio::spawn(lane.run(async move { sqlx::query(ENDLESS).fetch_all(&reads).await.map(drop) }))
            })
            .collect();
        while lane.0.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(one(&reads).await, 1, "the third connection is for others");
        busy.iter().for_each(tokio::task::JoinHandle::abort);
        for busy in busy {
            assert!(busy.await.unwrap_err().is_cancelled());
        }
        assert_eq!(lane.run(one(&reads)).await, 1);
    }
}
