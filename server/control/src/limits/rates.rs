//! The rate limit: requests of one keypair in a sliding window of 15 minutes (`docs/spec/limits.md`, "Rate limit").
//!
//! Counted in memory, by the second, under one lock: exact however many ask at once. What was counted is written down once a
//! second, so a restart forgets no more than that. A refused request does not count, so that waiting as long as the answer
//! says is always enough.

use crate::{Control, Result};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use types::id::UserId;

/// Seconds of the window.
pub const WINDOW: i64 = 900;

/// How a request stands with its keypair's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub limit: u32,
    /// Requests left in the window, this one counted.
    pub remaining: u32,
    /// Seconds to wait, when this request is over the limit.
    pub wait: Option<u32>,
}

#[derive(Default)]
struct Window {
    /// Requests by second, oldest first.
    seconds: VecDeque<(i64, u32)>,
    total: u32,
    /// Requests that were not yet written down, and the first second that has some.
    unwritten: u32,
    since: i64,
}

/// The windows of all keypairs that were used in the last 15 minutes.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<String, Window>>);

/// An access key, the counts of its seconds that changed, and its requests since the last time.
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
        // A panic while counting leaves a number that is at most one off; refusing everybody from then on would be worse.
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = match windows.get_mut(access_key) {
            Some(window) => window,
            None => windows.entry(access_key.to_owned()).or_default(),
        };
        window.forget(at);
        if window.total >= limit {
            // Room comes when as many of the oldest are gone as there are too many.
            let mut left = window.total;
            let leaves = window.seconds.iter().find(|(_, count)| {
                left -= count;
                left < limit
            });
            let until = leaves.map_or(at, |(second, _)| *second) + WINDOW;
            return Allowance { limit, remaining: 0, wait: Some(u32::try_from((until - at).max(1)).unwrap_or(1)) };
        }
        window.add(at, 1);
        if window.unwritten == 0 {
            window.since = at;
        }
        window.unwritten += 1;
        Allowance { limit, remaining: limit - window.total, wait: None }
    }

    /// What came since the last call: per keypair, the counts of the seconds that changed, and the requests.
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

    fn fill(&self, rows: Vec<(String, i64, u32)>) {
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

    /// Counts a page or call of the console against the person's main keypair; nothing to count for somebody without one.
    pub async fn count_console_request(&self, user: UserId) -> Result<Option<Allowance>> {
        let key = self.store.main_key_limit(user).await?;
        Ok(key.map(|(access_key, limit)| self.count_request(&access_key, limit)))
    }

    /// Reads what was counted before this process started.
    pub async fn recall_rates(&self) -> Result<()> {
        let rows = self.store.rates(self.now().0 / 1000 - WINDOW).await?;
        self.shared.rates.fill(rows);
        Ok(())
    }

    /// Writes down what was counted since the last time.
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

    /// Keeps them every second, for as long as the process lives.
    pub async fn keep_rates_always(self) {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // It is in the log already, and the next second tries again.
            let _ = self.keep_rates().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_reached_exactly_and_frees_itself_as_the_window_slides() {
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
    fn sixteen_callers_at_once_get_exactly_as_many_answers_as_the_limit_allows() {
        let rates = Rates::default();
        let answered: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| (0..500).filter(|_| rates.take("a", 1000, 50).wait.is_none()).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(answered, 1000);
    }

    #[test]
    fn what_was_written_down_counts_after_a_restart() {
        let (before, after) = (Rates::default(), Rates::default());
        for second in [10, 10, 11, 12] {
            before.take("a", 5, second);
        }
        let rows = before.unwritten().into_iter().flat_map(|(key, seconds, _)| {
            seconds.into_iter().rev().map(move |(second, count)| (key.clone(), second, count)).collect::<Vec<_>>()
        });
        after.fill(rows.collect());
        assert_eq!(after.take("a", 5, 13).remaining, 0);
        assert!(before.unwritten().is_empty(), "nothing new, nothing to write");
    }
}
