//! The clock, and what happens when it is set: what counts from an earlier time is moved by as much, so that durations are those
//! of the monotonic clock (`docs/spec/sessions.md`, "A clock that is set").
//!
//! Deliberately absent: times that people see. An audit record says what the clock said.

use crate::{Control, Result};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use types::time::Millis;

/// Milliseconds by which the clock may drift between two looks without having been set.
const DRIFT: i64 = 1_000;
/// Milliseconds within which a step is noticed: marks may be younger than the step that moves them.
pub(crate) const LATELY: i64 = 10_000;

/// The clock that people see, and one that is never set. Their difference when it was last looked at.
pub(crate) struct Clocks {
    wall: crate::Clock,
    steady: crate::Clock,
    difference: Mutex<i64>,
    /// Their difference at the start.
    first: i64,
}

impl Clocks {
    pub(crate) fn new(wall: crate::Clock, steady: crate::Clock) -> Self {
        let first = wall().0 - steady().0;
        Self { wall, steady, difference: Mutex::new(first), first }
    }

    pub(crate) fn now(&self) -> Millis {
        (self.wall)()
    }

    /// The time by the clock that is never set, as if it had been right at the start.
    pub(crate) fn steady(&self) -> Millis {
        Millis((self.steady)().0.saturating_add(self.first))
    }

    /// How far the clock was set since the last look; forward is positive.
    fn step(&self) -> Option<i64> {
        let mut difference = self.difference.lock().unwrap_or_else(PoisonError::into_inner);
        let by = (self.wall)().0 - (self.steady)().0 - *difference;
        if by.abs() >= DRIFT {
            return Some(by);
        }
        // A slow correction is not a step, however far it goes.
        *difference += by;
        None
    }

    fn settled(&self, by: i64) {
        *self.difference.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

/// The system's clock.
pub fn system_time() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A clock that counts from now on and is never set.
pub(crate) fn steady_time() -> crate::Clock {
    let start = Instant::now();
    std::sync::Arc::new(move || Millis(i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX)))
}

impl Control {
    /// Moves all marks if the clock was set. Nothing may be ended before this has succeeded: it is tried again in the next round.
    pub(crate) async fn notice_step(&self) -> Result<()> {
        let Some(by) = self.shared.clocks.step() else { return Ok(()) };
        let mut change = self.store.change().await?;
        let now = self.now();
        change.move_marks(by, now, LATELY).await?;
        change.commit().await?;
        self.shared.clocks.settled(by);
        tracing::warn!(seconds = by / 1000, "the clock was set; limits of time count on from where they were");
        self.move_activity(by, now);
        self.forget_mirror();
        self.refresh_mirror().await
    }
}
