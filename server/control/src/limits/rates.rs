//! The rate limit: requests of one keypair, and of all keypairs of a person, in a sliding window of 15 minutes
//! (`docs/spec/limits.md`, "Rate limit").
//!
//! Requests are counted in memory, by the second, under one lock, so the count is exact however many requests come at once. The
//! counts are written to the database once a second, so a restart loses one second at most. A refused request does not count, so
//! that waiting as long as the answer says is always enough.

use crate::{Control, Result};
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// The windows of the last 15 minutes: of each keypair, and of each person with all of theirs together.
#[derive(Default)]
pub(crate) struct Rates(Mutex<(HashMap<String, Window>, HashMap<UserId, Window>)>);

/// An access key, the counts of its seconds that changed, and its requests that are not in the database yet.
type Fresh = (String, Vec<(i64, u32)>, u32);

impl Window {
    fn forget(&mut self, at: i64) {
        while let Some((_, count)) = self.seconds.front().copied().filter(|(second, _)| *second <= at - WINDOW) {
            self.total -= count;
            self.seconds.pop_front();
        }
    }

    fn add(&mut self, at: i64, count: u32) {
        match self.seconds.back_mut() {
            Some((second, there)) if *second >= at => *there += count,
            _ => self.seconds.push_back((at, count)),
        }
        self.total += count;
    }

    /// How much of `limit` is left at second `at`, before this many more requests.
    fn allowance(&mut self, limit: u32, more: u32, at: i64) -> Allowance {
        self.forget(at);
        if self.total.saturating_add(more) <= limit {
            return Allowance { limit, remaining: limit - self.total, wait: None };
        }
        // They are allowed once enough of the oldest requests have left the window.
        let mut left = self.total;
        let leaves = self.seconds.iter().find(|(_, count)| {
            left -= count;
            left.saturating_add(more) <= limit
        });
        let until = leaves.map_or(at, |(second, _)| *second) + WINDOW;
        Allowance { limit, remaining: 0, wait: Some(u32::try_from((until - at).max(1)).unwrap_or(1)) }
    }
}

impl Rates {
    fn lock(&self) -> MutexGuard<'_, (HashMap<String, Window>, HashMap<UserId, Window>)> {
        // A panic while counting leaves a number that is at most one off; refusing everybody from then on would be worse.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request at second `at`, unless it is over the limit of its keypair or over the `ceiling` of its person.
    pub(crate) fn take(&self, user: UserId, access_key: &str, limit: u32, ceiling: u32, at: i64) -> Allowance {
        self.take_all(user, access_key, (limit, ceiling), 1, at)
    }

    /// Counts this many requests at second `at`, or none if they are over a limit together.
    fn take_all(&self, user: UserId, access_key: &str, (limit, ceiling): (u32, u32), more: u32, at: i64) -> Allowance {
        let mut windows = self.lock();
        let (keys, people) = &mut *windows;
        let key = match keys.get_mut(access_key) {
            Some(window) => window,
            None => keys.entry(access_key.to_owned()).or_default(),
        };
        let person = people.entry(user).or_default();
        let (own, all) = (key.allowance(limit, more, at), person.allowance(ceiling, more, at));
        let tighter = if (all.remaining, Reverse(all.wait)) < (own.remaining, Reverse(own.wait)) { all } else { own };
        if tighter.wait.is_some() {
            return tighter;
        }
        key.add(at, more);
        person.add(at, more);
        if key.unwritten == 0 {
            key.since = at;
        }
        key.unwritten += more;
        Allowance { remaining: tighter.remaining - more, ..tighter }
    }

    /// The requests of each keypair that are not in the database yet. Also forgets windows that have passed.
    fn unwritten(&self, at: i64) -> Vec<Fresh> {
        let mut windows = self.lock();
        let (keys, people) = &mut *windows;
        people.retain(|_, window| {
            window.forget(at);
            !window.seconds.is_empty()
        });
        keys.retain(|_, window| {
            window.forget(at);
            !window.seconds.is_empty() || window.unwritten > 0
        });
        let fresh = keys.iter().filter(|(_, window)| window.unwritten > 0);
        fresh
            .map(|(key, window)| {
                let newest = window.seconds.iter().rev().take_while(|(second, _)| *second >= window.since).copied().collect();
                (key.clone(), newest, window.unwritten)
            })
            .collect()
    }

    /// Takes note that these requests are in the database now.
    fn written(&self, fresh: &[Fresh]) {
        let (keys, _) = &mut *self.lock();
        for (key, seconds, requests) in fresh {
            if let Some(window) = keys.get_mut(key) {
                window.unwritten = window.unwritten.saturating_sub(*requests);
                // The newest of them may have grown meanwhile.
                window.since = seconds.first().map_or(window.since, |(second, _)| *second);
            }
        }
    }

    /// Adds counts from before this process started, oldest first. Those in the future are from before the clock was set back,
    /// and count as of now.
    fn restore(&self, rows: Vec<(UserId, String, i64, u32)>, at: i64) {
        let (keys, people) = &mut *self.lock();
        for (user, key, second, count) in rows {
            keys.entry(key).or_default().add(second.min(at), count);
            people.entry(user).or_default().add(second.min(at), count);
        }
    }
}

impl Control {
    /// Counts a request against a keypair, and against its person's `ceiling`.
    pub(crate) fn count_request(&self, user: UserId, access_key: &str, limit: u32, ceiling: u32) -> Allowance {
        self.shared.rates.take(user, access_key, limit, ceiling, self.second())
    }

    /// The second, by a clock that nobody sets: one that is set back must not stop every window.
    fn second(&self) -> i64 {
        self.steady().0 / 1000
    }

    /// Counts this many more requests against the keypair that the caller uses: the parts of a request that asks for several
    /// things.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if they are over the limit together; none of them is counted then.
    pub async fn count_more(&self, access_key: &str, count: u32) -> Result<()> {
        let Some((user, limit, ceiling)) = self.store.key_limits(access_key).await? else { return Ok(()) };
        match self.shared.rates.take_all(user, access_key, (limit, ceiling), count, self.second()).wait {
            Some(seconds) => Err(Problem::RateLimited(seconds)),
            None => Ok(()),
        }
    }

    /// Counts a page or call of the console against the person's main keypair; `None` for a person without one.
    pub async fn count_console_request(&self, user: UserId) -> Result<Option<Allowance>> {
        let commits = self.store.commits();
        let key = match self.shared.known.limits.get(&user, commits) {
            Some(known) => known,
            None => {
                let key = self.store.main_key_limit(user).await?;
                self.shared.known.limits.put(user, key.clone(), commits);
                key
            }
        };
        Ok(key.map(|(access_key, limit)| self.count_request(user, &access_key, limit, limit)))
    }

    /// Restores the counts from before this process started.
    pub async fn recall_rates(&self) -> Result<()> {
        let at = self.second();
        let rows = self.store.rates(at - WINDOW).await?;
        self.shared.rates.restore(rows, at);
        Ok(())
    }

    /// Writes the counts that are not in the database yet. They are kept for the next time if that fails.
    pub async fn keep_rates(&self) -> Result<()> {
        let at = self.second();
        let fresh = self.shared.rates.unwritten(at);
        if fresh.is_empty() {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        for (key, seconds, requests) in &fresh {
            change.keep_rate(key, seconds, *requests, self.now()).await?;
        }
        change.forget_rates(at - WINDOW, at).await?;
        change.commit().await?;
        self.shared.rates.written(&fresh);
        Ok(())
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

    const ANN: UserId = UserId(uuid::Uuid::from_u128(1));
    const BOB: UserId = UserId(uuid::Uuid::from_u128(2));

    #[test]
    fn the_limit_is_exact_and_frees_up_as_the_window_slides() {
        let rates = Rates::default();
        let take = |at| rates.take(ANN, "a", 3, 100, at);
        assert_eq!(take(1000), Allowance { limit: 3, remaining: 2, wait: None });
        take(1000);
        assert_eq!(take(1300).remaining, 0);
        assert_eq!(take(1300).wait, Some(600));
        assert_eq!(rates.take(ANN, "b", 3, 100, 1300).wait, None, "another keypair's window is its own");
        assert_eq!(take(1899).wait, Some(1));
        assert_eq!(take(1900), Allowance { limit: 3, remaining: 1, wait: None });
        assert_eq!(rates.take(BOB, "zero", 0, 100, 5).wait, Some(900));
    }

    #[test]
    fn all_keypairs_of_a_person_share_the_ceiling() {
        let rates = Rates::default();
        for (n, key) in ["a", "b", "c", "a", "b"].into_iter().enumerate() {
            let left = u32::try_from(4 - n).unwrap();
            assert_eq!(rates.take(ANN, key, 100, 5, 10), Allowance { limit: 5, remaining: left, wait: None });
        }
        assert_eq!(rates.take(ANN, "d", 100, 5, 10), Allowance { limit: 5, remaining: 0, wait: Some(900) });
        assert_eq!(rates.take(BOB, "e", 100, 5, 10).wait, None);
        assert_eq!(rates.take(BOB, "f", 2, 5, 10), Allowance { limit: 2, remaining: 1, wait: None }, "the tighter one");
    }

    #[test]
    fn sixteen_concurrent_callers_get_exactly_the_allowed_answers() {
        let rates = Rates::default();
        let take = || rates.take(ANN, "a", 1000, 1000, 50).wait.is_none();
        let answered: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| (0..500).filter(|_| take()).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(answered, 1000);
    }

    /// The database after these counts were written, as a restart reads it.
    fn rows(fresh: &[Fresh]) -> Vec<(UserId, String, i64, u32)> {
        let rows = fresh.iter().flat_map(|(key, seconds, _)| seconds.iter().rev().map(|row| (ANN, key.clone(), row.0, row.1)));
        rows.collect()
    }

    #[test]
    fn written_counts_still_count_after_a_restart() {
        let (before, after) = (Rates::default(), Rates::default());
        for second in [10, 10, 11, 12] {
            before.take(ANN, "a", 5, 5, second);
        }
        let fresh = before.unwritten(12);
        before.written(&fresh);
        after.restore(rows(&fresh), 12);
        assert_eq!(after.take(ANN, "a", 5, 100, 13).remaining, 0);
        assert_eq!(after.take(ANN, "b", 100, 5, 13).wait, Some(10 + 900 - 13), "also for the person");
        assert!(before.unwritten(12).is_empty(), "nothing new, nothing to write");
    }

    #[test]
    fn counts_that_could_not_be_written_are_written_the_next_time() {
        let rates = Rates::default();
        rates.take(ANN, "a", 9, 9, 10);
        assert_eq!(rates.unwritten(10), [("a".to_owned(), vec![(10, 1)], 1)]);
        rates.take(ANN, "a", 9, 9, 11);
        let fresh = rates.unwritten(11);
        assert_eq!(fresh, [("a".to_owned(), vec![(11, 1), (10, 1)], 2)], "nothing was said to be written");
        rates.take(ANN, "a", 9, 9, 11);
        rates.written(&fresh);
        assert_eq!(rates.unwritten(11), [("a".to_owned(), vec![(11, 2)], 1)], "with what came meanwhile");
        assert_eq!(rates.unwritten(5000), [("a".to_owned(), vec![], 1)], "the number of uses is kept however long it takes");
        rates.written(&[("a".into(), vec![], 1)]);
        rates.unwritten(5000);
        assert!(rates.lock().0.is_empty() && rates.lock().1.is_empty(), "windows that have passed take no room");
    }

    #[test]
    fn counts_from_before_the_clock_was_set_back_hold_nobody_up_for_longer_than_the_window() {
        let rates = Rates::default();
        rates.restore(vec![(ANN, "a".into(), 4600, 2)], 1000);
        assert_eq!(rates.take(ANN, "a", 2, 2, 1000).wait, Some(900));
        assert_eq!(rates.take(ANN, "a", 2, 2, 1900).wait, None);
    }
}
