//! The rate limit: requests of one keypair in a sliding window of 15 minutes (`docs/spec/limits.md`, "Rate limit").
//!
//! Requests are counted in memory, by the second, under one lock, so the count is exact however many requests come at once. The
//! counts are written to the database once a second, so a restart loses one second at most. A refused request does not count, so
//! that waiting as long as the answer says is always enough.

use crate::{Control, Result};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use types::Problem;
use types::id::UserId;

/// Length of the window in seconds.
pub const WINDOW: i64 = 900;

/// How much of a keypair's limit is left after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests allowed in the window.
    pub limit: u32,
    /// Requests left in the window after this one.
    pub remaining: u32,
    /// Seconds to wait, if this request is over the limit.
    pub wait: Option<u32>,
}

#[derive(Default)]
struct Window {
    /// The number of requests in each second, oldest first.
    seconds: VecDeque<(i64, u32)>,
    total: u32,
    /// Requests that are not in the database yet.
    unwritten: u32,
    /// The first second that has such requests.
    since: i64,
}

/// The windows of all keypairs used in the last 15 minutes.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<String, Window>>);

/// An access key, the counts of its seconds that changed, and its requests since the last call.
type Fresh = (String, Vec<(i64, u32)>, u32);

impl Window {
    fn forget(&mut self, at: i64) {
        while let Some((second, count)) = self.seconds.front().copied().filter(|(second, _)| *second <= at - WINDOW) {
            self.total -= count;
            self.seconds.pop_front();
            debug_assert!(second <= at);
        }
    }

    fn add(&mut self, at: i64, count: u32) {
        match self.seconds.back_mut() {
            Some((second, there)) if *second >= at => *there += count,
            _ => self.seconds.push_back((at, count)),
        }
        self.total += count;
    }
}

impl Rates {
    /// Counts a request at second `at`, unless it is over the limit.
    pub(crate) fn take(&self, access_key: &str, limit: u32, at: i64) -> Allowance {
        self.take_all(access_key, limit, 1, at)
    }

    /// Counts this many requests at second `at`, or none if they are over the limit together.
    fn take_all(&self, access_key: &str, limit: u32, count: u32, at: i64) -> Allowance {
        // A panic while counting leaves a number that is at most one off; refusing everybody from then on would be worse.
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = match windows.get_mut(access_key) {
            Some(window) => window,
            None => windows.entry(access_key.to_owned()).or_default(),
        };
        window.forget(at);
        if window.total.saturating_add(count) > limit {
            // They are allowed once enough of the oldest requests have left the window.
            let mut left = window.total;
            let leaves = window.seconds.iter().find(|(_, oldest)| {
                left -= oldest;
                left.saturating_add(count) <= limit
            });
            let until = leaves.map_or(at, |(second, _)| *second) + WINDOW;
            return Allowance { limit, remaining: 0, wait: Some(u32::try_from((until - at).max(1)).unwrap_or(1)) };
        }
        window.add(at, count);
        if window.unwritten == 0 {
            window.since = at;
        }
        window.unwritten += count;
        Allowance { limit, remaining: limit - window.total, wait: None }
    }

    /// The requests since the last call, for each keypair.
    fn unwritten(&self) -> Vec<Fresh> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.retain(|_, window| !window.seconds.is_empty());
        let fresh = windows.iter_mut().filter(|(_, window)| window.unwritten > 0);
        fresh
            .map(|(key, window)| {
                let newest = window.seconds.iter().rev().take_while(|(second, _)| *second >= window.since).copied().collect();
                (key.clone(), newest, std::mem::take(&mut window.unwritten))
            })
            .collect()
    }

    fn restore(&self, rows: Vec<(String, i64, u32)>) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, second, count) in rows {
            windows.entry(key).or_default().add(second, count);
        }
    }
}

impl Control {
    /// Counts a request against a keypair.
    pub fn count_request(&self, access_key: &str, limit: u32) -> Allowance {
        self.shared.rates.take(access_key, limit, self.now().0 / 1000)
    }

    /// Counts this many more requests against the keypair that the caller uses: the parts of a request that asks for several
    /// things.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if they are over the limit together; none of them is counted then.
    pub async fn count_more(&self, access_key: &str, count: u32) -> Result<()> {
        let Some(limit) = self.store.key_limit(access_key).await? else { return Ok(()) };
        match self.shared.rates.take_all(access_key, limit, count, self.now().0 / 1000).wait {
            Some(seconds) => Err(Problem::RateLimited(seconds)),
            None => Ok(()),
        }
    }

    /// Counts a page or call of the console against the person's main keypair; `None` for a person without one.
    pub async fn count_console_request(&self, user: UserId) -> Result<Option<Allowance>> {
        let key = self.store.main_key_limit(user).await?;
        Ok(key.map(|(access_key, limit)| self.count_request(&access_key, limit)))
    }

    /// Restores the counts from before this process started.
    pub async fn recall_rates(&self) -> Result<()> {
        let rows = self.store.rates(self.now().0 / 1000 - WINDOW).await?;
        self.shared.rates.restore(rows);
        Ok(())
    }

    /// Writes the counts since the last call to the database.
    pub async fn keep_rates(&self) -> Result<()> {
        let fresh = self.shared.rates.unwritten();
        if fresh.is_empty() {
            return Ok(());
        }
        let at = self.now();
        let mut change = self.store.change().await?;
        for (key, seconds, requests) in &fresh {
            change.keep_rate(key, seconds, *requests, at).await?;
        }
        change.forget_rates(at.0 / 1000 - WINDOW).await?;
        Ok(change.commit().await?)
    }

    /// Writes the counts every second, for as long as the process lives.
    pub async fn keep_rates_always(self) {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // A failure is in the log already, and the next second tries again.
            let _ = self.keep_rates().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_and_frees_up_as_the_window_slides() {
        let rates = Rates::default();
        assert_eq!(rates.take("a", 3, 1000), Allowance { limit: 3, remaining: 2, wait: None });
        rates.take("a", 3, 1000);
        assert_eq!(rates.take("a", 3, 1300).remaining, 0);
        assert_eq!(rates.take("a", 3, 1300).wait, Some(600));
        assert_eq!(rates.take("b", 3, 1300).wait, None, "another keypair's window is its own");
        assert_eq!(rates.take("a", 3, 1899).wait, Some(1));
        assert_eq!(rates.take("a", 3, 1900), Allowance { limit: 3, remaining: 1, wait: None });
        assert_eq!(rates.take("zero", 0, 5).wait, Some(900));
    }

    #[test]
    fn sixteen_concurrent_callers_get_exactly_the_allowed_answers() {
        let rates = Rates::default();
        let answered: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| (0..500).filter(|_| rates.take("a", 1000, 50).wait.is_none()).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(answered, 1000);
    }

    #[test]
    fn written_counts_still_count_after_a_restart() {
        let (before, after) = (Rates::default(), Rates::default());
        for second in [10, 10, 11, 12] {
            before.take("a", 5, second);
        }
        let rows = before.unwritten().into_iter().flat_map(|(key, seconds, _)| {
            seconds.into_iter().rev().map(move |(second, count)| (key.clone(), second, count)).collect::<Vec<_>>()
        });
        after.restore(rows.collect());
        assert_eq!(after.take("a", 5, 13).remaining, 0);
        assert!(before.unwritten().is_empty(), "nothing new, nothing to write");
    }
}
