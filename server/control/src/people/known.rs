//! The last callers, kept in memory for a moment: who somebody is and what they may send is asked at every request, and changes
//! seldom. Nothing here outlives a commit of this process, or a quarter of a second, which is how late a change that another
//! process makes can be.
//!
//! Deliberately absent: any decision. Whether a sign-in has expired or an address is allowed is looked at each time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::SignedIn;
use types::id::UserId;

const KEPT: Duration = Duration::from_millis(250);
/// The most callers that are kept.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Known {
    /// By the hash of the cookie's token.
    pub sign_ins: Answers<[u8; 32], Option<SignedIn>>,
    /// The main keypair and its rate limit.
    pub limits: Answers<UserId, Option<(String, u32)>>,
}

/// Answers by question.
pub(crate) struct Answers<K, V>(Mutex<Vintage<K, V>>);

/// Answers since one commit.
struct Vintage<K, V> {
    commits: u64,
    since: Instant,
    answers: HashMap<K, V>,
}

impl<K, V> Default for Answers<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Vintage { commits: 0, since: Instant::now(), answers: HashMap::new() }))
    }
}

impl<K: Eq + Hash, V: Clone> Answers<K, V> {
    /// The answer, if it was found since the last of so many commits, and just now.
    pub fn get(&self, question: &K, commits: u64) -> Option<V> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.commits != commits || kept.since.elapsed() > KEPT {
            *kept = Vintage { commits, since: Instant::now(), answers: HashMap::new() };
        }
        kept.answers.get(question).cloned()
    }

    /// Keeps an answer that was asked for when there had been so many commits.
    pub fn put(&self, question: K, answer: V, commits: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.commits == commits && kept.answers.len() < MOST {
            kept.answers.insert(question, answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_until_the_next_commit_and_one_from_before_it_is_not_kept() {
        let answers: Answers<u8, u8> = Answers::default();
        assert_eq!(answers.get(&1, 7), None);
        answers.put(1, 10, 7);
        assert_eq!(answers.get(&1, 7), Some(10));
        assert_eq!(answers.get(&1, 8), None, "something was written");
        answers.put(1, 10, 7);
        assert_eq!(answers.get(&1, 8), None, "it was asked for before that");
    }

    #[test]
    fn an_answer_is_kept_for_a_moment_only() {
        let answers: Answers<u8, u8> = Answers::default();
        assert_eq!(answers.get(&1, 0), None);
        answers.put(1, 10, 0);
        std::thread::sleep(KEPT + Duration::from_millis(20));
        assert_eq!(answers.get(&1, 0), None);
    }
}
