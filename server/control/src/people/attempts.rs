//! Failed sign-ins, counted by account and by address. They are kept in memory only; an attacker gains little from a restart that
//! clears them.
//!
//! Not a library, because only failures count and a success clears them, while rate limiters count every call.

use std::collections::HashMap;
use std::sync::Mutex;
use types::time::Millis;

/// Consecutive failures of one account from one address before it must wait (`docs/spec/people.md`, "Failed sign-ins").
const PER_ACCOUNT: u32 = 10;
/// Failures from one address, for any accounts, before it must wait.
const PER_ADDRESS: u32 = 100;
/// Milliseconds to wait after the last failure.
const WAIT: i64 = 20 * 60 * 1000;
/// The most entries kept, so that a flood of names cannot fill the memory. Beyond it, expired entries are dropped, then all.
const MOST: usize = 50_000;

pub(crate) struct Attempts {
    failed: Mutex<HashMap<String, (u32, Millis)>>,
    per_account: u32,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new(PER_ACCOUNT)
    }
}

impl Attempts {
    /// Counts that make one account from one address wait after `per_account` failures.
    pub(crate) fn new(per_account: u32) -> Self {
        Self { failed: Mutex::default(), per_account }
    }

    fn keys(&self, account: &str, address: &str) -> [(String, u32); 2] {
        [
            (format!("{address} {}", account.to_lowercase()), self.per_account),
            (address.to_owned(), PER_ADDRESS.max(self.per_account)),
        ]
    }

    /// Seconds to wait before another try is accepted, if any.
    pub(crate) fn must_wait(&self, account: &str, address: &str, now: Millis) -> Option<u32> {
        let failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let keys = self.keys(account, address);
        let left = keys.iter().filter_map(|(key, limit)| {
            let (count, last) = failed.get(key)?;
            let left = WAIT - now.since(*last);
            (count >= limit && left > 0).then_some(left)
        });
        left.max().map(|ms| u32::try_from(ms / 1000 + 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn failed(&self, account: &str, address: &str, now: Millis) {
        let mut failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if failed.len() >= MOST {
            failed.retain(|_, (_, last)| now.since(*last) < WAIT);
            if failed.len() >= MOST {
                failed.clear();
            }
        }
        for (key, _) in self.keys(account, address) {
            let entry = failed.entry(key).or_insert((0, now));
            if now.since(entry.1) >= WAIT {
                entry.0 = 0;
            }
            *entry = (entry.0 + 1, now);
        }
    }

    pub(crate) fn succeeded(&self, account: &str, address: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let [(account, _), _] = self.keys(account, address);
        failed.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_try_must_wait_and_other_accounts_need_not() {
        let attempts = Attempts::default();
        for _ in 0..10 {
            assert_eq!(attempts.must_wait("Ann", "10.0.0.1", Millis(0)), None);
            attempts.failed("ann", "10.0.0.1", Millis(0));
        }
        assert_eq!(attempts.must_wait("ANN", "10.0.0.1", Millis(60_000)), Some(19 * 60 + 1));
        assert_eq!(attempts.must_wait("ann", "10.0.0.2", Millis(60_000)), None);
        assert_eq!(attempts.must_wait("bob", "10.0.0.1", Millis(60_000)), None);
        assert_eq!(attempts.must_wait("ann", "10.0.0.1", Millis(WAIT)), None);
    }

    #[test]
    fn a_success_clears_the_count_and_an_address_is_limited_as_a_whole() {
        let attempts = Attempts::default();
        for _ in 0..9 {
            attempts.failed("ann", "a", Millis(0));
        }
        attempts.succeeded("ann", "a");
        attempts.failed("ann", "a", Millis(0));
        assert_eq!(attempts.must_wait("ann", "a", Millis(0)), None);
        for n in 0..100 {
            attempts.failed(&format!("user{n}"), "a", Millis(0));
        }
        assert!(attempts.must_wait("somebody", "a", Millis(0)).is_some());
    }
}
