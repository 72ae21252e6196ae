//! The cleaner: removes in small batches what has been kept long enough (`docs/spec/system.md`, "What is kept"), and keeps the
//! database in order.

use crate::{Control, Result};
use std::time::{Duration, Instant};
use types::time::Millis;

/// The time between two rounds.
const EVERY: Duration = Duration::from_secs(60);
/// Rows in one change, so that others write in between.
const ROWS: u32 = 500;
/// The time that a round takes for each kind of thing at most. What is left waits for the next one.
const LONGEST: Duration = Duration::from_secs(15);
/// Sessions whose files are removed before that is written down.
const SESSIONS: u32 = 50;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The times for which things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Days for the files and the log of an ended session.
    pub files: u32,
    /// Days for audit records.
    pub audit: u32,
    /// Days for the history of an ended session.
    pub history: u32,
    /// The number of events for pages that were away.
    pub events: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { files: 30, audit: 730, history: 730, events: 100_000 }
    }
}

#[derive(Clone, Copy)]
enum Old {
    Audit,
    History,
    Events,
}

impl Control {
    /// Keeps things for other times than by default.
    pub fn keep(&self, keep: Keep) {
        // A second call changes nothing.
        let _ = self.shared.keep.set(keep);
    }

    /// Cleans up every minute, for as long as the process lives.
    pub async fn clean_always(self) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let statistics = self.store.keep_statistics().await.map_err(Into::into);
            for result in [statistics, self.keep_spare().await, self.clean().await] {
                // The cause is in the log already.
                if let Err(problem) = result {
                    tracing::warn!(%problem, "cleaning up was left unfinished");
                }
            }
        }
    }

    /// Runs one round.
    pub async fn clean(&self) -> Result<()> {
        let keep = self.shared.keep.get().copied().unwrap_or_default();
        let before = |days: u32| Millis(self.now().0 - i64::from(days) * DAY);
        // First, because that frees the most space where there is none to write to.
        let files = self.remove_leftovers(before(keep.files)).await;
        for old in [Old::Events, Old::Audit, Old::History] {
            let begun = Instant::now();
            while begun.elapsed() < LONGEST {
                let mut change = self.store.change().await?;
                let gone = match old {
                    Old::Audit => change.forget_audit(before(keep.audit), ROWS).await?,
                    Old::History => change.forget_history(before(keep.history), ROWS).await?,
                    Old::Events => change.forget_events(i64::from(keep.events), ROWS).await?,
                };
                change.commit().await?;
                if gone < u64::from(ROWS) {
                    break;
                }
            }
        }
        files
    }

    /// Removes the files of sessions that ended before `before`.
    async fn remove_leftovers(&self, before: Millis) -> Result<()> {
        let (begun, mut failed) = (Instant::now(), 0);
        while begun.elapsed() < LONGEST {
            let leftovers = self.store.leftovers(before, failed, SESSIONS).await?;
            let found = leftovers.len();
            let mut removed = Vec::with_capacity(found);
            for leftover in leftovers {
                match self.remove_files(leftover.id, &leftover.agents).await {
                    Ok(()) => removed.push(leftover.id),
                    // One that cannot be removed must not keep the others.
                    Err(problem) => {
                        tracing::warn!(session = %leftover.id, %problem, "the files of an ended session could not be removed");
                        failed += 1;
                    }
                }
            }
            if !removed.is_empty() {
                let mut change = self.store.change().await?;
                change.files_removed(&removed, self.now()).await?;
                change.commit().await?;
            }
            if found < SESSIONS as usize {
                break;
            }
        }
        Ok(())
    }
}
