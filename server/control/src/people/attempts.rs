//! Tries that may fail: passwords, codes, signatures. Each counts before it is checked, and is given back when it succeeds, so that
//! the limits hold however many come at once.
//!
//! Kept in memory only: an attacker gains little from a restart that clears the counts. Not a library, because only failures
//! count, while rate limiters count every call.

use hashlink::LinkedHashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use types::Problem;
use types::id::UserId;
use types::time::Millis;

const MINUTE: i64 = 60_000;
/// The most counts kept for a rule. Beyond it the oldest is forgotten, so that a flood costs only what it pushes out.
const MOST: usize = 50_000;

/// The subject that failures are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    WhoAndNetwork,
    Network,
    Who,
}

/// A number of failures after which further tries must wait (`docs/spec/people.md`, "Failed sign-ins").
pub(crate) struct Rule {
    by: By,
    most: u32,
    /// Milliseconds to wait after the last failure.
    wait: i64,
    /// A success clears the count.
    forgives: bool,
}

const TEN_FROM_A_NETWORK: Rule = Rule { by: By::WhoAndNetwork, most: 10, wait: 20 * MINUTE, forgives: true };
const NETWORK: Rule = Rule { by: By::Network, most: 100, wait: 20 * MINUTE, forgives: false };

pub(crate) const PASSWORDS: &[Rule] =
    &[TEN_FROM_A_NETWORK, NETWORK, Rule { by: By::Who, most: 100, wait: 120 * MINUTE, forgives: false }];
/// Sign-ins that succeeded: more than any person or program needs, and far less than a loop writes.
pub(crate) const SIGN_INS: &[Rule] = &[Rule { by: By::WhoAndNetwork, most: 300, wait: 20 * MINUTE, forgives: false }];
pub(crate) const SIGNATURES: &[Rule] = &[TEN_FROM_A_NETWORK, NETWORK];
pub(crate) const LINKS: &[Rule] = SIGNATURES;
pub(crate) const CODES: &[Rule] = &[Rule { by: By::Who, most: 10, wait: 20 * MINUTE, forgives: true }];
pub(crate) const REFUSALS: &[Rule] =
    &[Rule { by: By::Who, most: crate::system::audit::MOST_REFUSALS, wait: 20 * MINUTE, forgives: false }];

/// The account that is tried. All names of a person are the same one; a name that nobody has counts as well, so that the limits
/// do not tell which names exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Person(UserId),
    Name(String),
}

#[derive(Default)]
struct Count {
    failed: u32,
    last: Millis,
    /// Tries that are being checked.
    trying: u32,
}

impl Count {
    fn failed_lately(&self, rule: &Rule, at: Millis) -> u32 {
        if at.since(self.last) < rule.wait { self.failed } else { 0 }
    }
}

/// Keys are hashes: what a stranger sends takes no more room than anything else.
type Counts = LinkedHashMap<u64, Count>;

pub(crate) struct Attempts {
    rules: &'static [Rule],
    /// The counts of each rule, the one that was changed last at the end.
    counts: Mutex<Vec<Counts>>,
    hasher: RandomState,
}

/// A try that counts. It is a failure unless it is said to be something else.
#[must_use]
pub(crate) struct Try<'a> {
    attempts: &'a Attempts,
    /// The places that it counts in: number of the rule, and key.
    keys: Vec<(usize, u64)>,
    at: Millis,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Failed,
    Succeeded,
    GivenBack,
}

/// A try that must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MustWait {
    pub seconds: u32,
    /// It would have to wait wherever it came from.
    pub anywhere: bool,
}

impl From<MustWait> for Problem {
    fn from(wait: MustWait) -> Self {
        Self::TooMany(wait.seconds)
    }
}

/// The part of an address that its owner cannot choose: of IPv6, the first 64 bits; of loopback, which this machine's sessions use,
/// nothing.
pub(crate) fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_loopback() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).to_string(),
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

impl Attempts {
    pub(crate) fn new(rules: &'static [Rule]) -> Self {
        Self { rules, counts: Mutex::new(rules.iter().map(|_| Counts::new()).collect()), hasher: RandomState::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Counts>> {
        // A panic while counting leaves a number that is at most one off.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a try at `at`, of a clock that is never set back.
    pub(crate) fn take(&self, who: &Who, address: &str, at: Millis) -> Result<Try<'_>, MustWait> {
        self.take_by(who, address, at, |_| true)
    }

    /// The same from an address that belongs to the person: what strangers do elsewhere does not lock them out.
    pub(crate) fn take_at_home(&self, who: &Who, address: &str, at: Millis) -> Result<Try<'_>, MustWait> {
        self.take_by(who, address, at, |rule| rule.by != By::Who)
    }

    fn take_by(&self, who: &Who, address: &str, at: Millis, applies: impl Fn(&Rule) -> bool) -> Result<Try<'_>, MustWait> {
        let network = network(address);
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| applies(rule));
        let keys: Vec<(usize, u64)> = rules
            .map(|(number, rule)| {
                let (who, network) = ((rule.by != By::Network).then_some(who), (rule.by != By::Who).then_some(&network));
                (number, self.hasher.hash_one((who, network)))
            })
            .collect();
        let mut counts = self.lock();
        let mut wait: Option<MustWait> = None;
        for &(number, key) in &keys {
            let (rule, Some(count)) = (&self.rules[number], counts[number].get(&key)) else { continue };
            let failed = count.failed_lately(rule, at);
            if failed + count.trying < rule.most {
                continue;
            }
            // While the limit is only filled by tries that are being checked, the next one may be allowed in a moment.
            let left = if failed >= rule.most { rule.wait - at.since(count.last) } else { 0 };
            let seconds = u32::try_from(left / 1000 + 1).unwrap_or(u32::MAX).max(wait.map_or(0, |wait| wait.seconds));
            wait = Some(MustWait { seconds, anywhere: rule.by == By::Who || wait.is_some_and(|wait| wait.anywhere) });
        }
        if let Some(wait) = wait {
            return Err(wait);
        }
        for &(number, key) in &keys {
            touch(&mut counts[number], key).trying += 1;
        }
        Ok(Try { attempts: self, keys, at, end: End::Failed })
    }
}

/// The count of a key, made the newest one.
fn touch(counts: &mut Counts, key: u64) -> &mut Count {
    if !counts.contains_key(&key) && counts.len() >= MOST {
        counts.pop_front();
    }
    let mut entry = counts.entry(key);
    if let hashlink::linked_hash_map::Entry::Occupied(entry) = &mut entry {
        entry.to_back();
    }
    entry.or_insert_with(Count::default)
}

impl Try<'_> {
    /// Right: the try does not count, and those before it no longer do where the rule says so.
    pub(crate) fn succeeded(mut self) {
        self.end = End::Succeeded;
    }

    /// Not checked, or only half of it: the try does not count.
    pub(crate) fn give_back(mut self) {
        self.end = End::GivenBack;
    }

    /// Wrong: the same as dropping the try, in words.
    pub(crate) fn failed(self) {}
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        let mut counts = self.attempts.lock();
        for &(number, key) in &self.keys {
            let rule = &self.attempts.rules[number];
            if self.end == End::Failed {
                let count = touch(&mut counts[number], key);
                *count = Count { failed: count.failed_lately(rule, self.at) + 1, last: self.at, trying: count.trying };
            }
            let Some(count) = counts[number].get_mut(&key) else { continue };
            count.trying = count.trying.saturating_sub(1);
            if self.end == End::Succeeded && rule.forgives {
                count.failed = 0;
            }
            if count.failed == 0 && count.trying == 0 {
                counts[number].remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Who {
        Who::Name("ann".into())
    }

    fn name(n: usize) -> Who {
        Who::Name(format!("user{n}"))
    }

    fn wait(attempts: &Attempts, who: &Who, address: &str, at: i64) -> Option<u32> {
        attempts.take(who, address, Millis(at)).map(Try::give_back).err().map(|wait| wait.seconds)
    }

    fn fail(attempts: &Attempts, who: &Who, address: &str, at: i64) {
        attempts.take(who, address, Millis(at)).unwrap().failed();
    }

    #[test]
    fn the_eleventh_try_must_wait_and_other_accounts_need_not() {
        let attempts = Attempts::new(PASSWORDS);
        for _ in 0..10 {
            fail(&attempts, &ann(), "10.0.0.1", 0);
        }
        assert_eq!(wait(&attempts, &ann(), "10.0.0.1", 60_000), Some(19 * 60 + 1));
        assert_eq!(wait(&attempts, &ann(), "10.0.0.2", 60_000), None);
        assert_eq!(wait(&attempts, &name(0), "10.0.0.1", 60_000), None);
        assert_eq!(wait(&attempts, &ann(), "10.0.0.1", 20 * MINUTE), None);
    }

    #[test]
    fn of_a_hundred_tries_at_once_ten_are_let_through() {
        let attempts = Attempts::new(PASSWORDS);
        let tries: Vec<_> = (0..100).map(|_| attempts.take(&ann(), "10.0.0.1", Millis(0))).collect();
        assert_eq!(tries.iter().filter(|one| one.is_ok()).count(), 10);
        let refused = tries.iter().filter_map(|one| one.as_ref().err()).all(|wait| wait.seconds == 1);
        assert!(refused, "the ten are still being checked");
        drop(tries);
        assert_eq!(wait(&attempts, &ann(), "10.0.0.1", 0), Some(20 * 60 + 1), "they were wrong");
    }

    #[test]
    fn a_success_clears_the_count_and_an_address_is_limited_as_a_whole() {
        let attempts = Attempts::new(PASSWORDS);
        for _ in 0..9 {
            fail(&attempts, &ann(), "a", 0);
        }
        attempts.take(&ann(), "a", Millis(0)).unwrap().succeeded();
        for _ in 0..9 {
            fail(&attempts, &ann(), "a", 0);
        }
        assert_eq!(wait(&attempts, &ann(), "a", 0), None);
        for n in 0..82 {
            fail(&attempts, &name(n), "a", 0);
        }
        assert!(wait(&attempts, &name(1000), "a", 0).is_some());
    }

    #[test]
    fn successes_of_others_do_not_make_an_address_wait_longer() {
        let attempts = Attempts::new(PASSWORDS);
        for n in 0..99 {
            fail(&attempts, &name(n), "a", 0);
        }
        for minute in 1..40 {
            attempts.take(&ann(), "a", Millis(minute * MINUTE)).unwrap().succeeded();
        }
        fail(&attempts, &name(1000), "a", 40 * MINUTE);
        assert_eq!(wait(&attempts, &ann(), "a", 40 * MINUTE), None);
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one() {
        let attempts = Attempts::new(PASSWORDS);
        for n in 0..10 {
            fail(&attempts, &ann(), &format!("2001:db8:1:2::{n}"), 0);
        }
        assert!(wait(&attempts, &ann(), "2001:db8:1:2:ffff::1", 0).is_some());
        assert_eq!(wait(&attempts, &ann(), "2001:db8:1:3::1", 0), None);
        assert_eq!(network("::ffff:10.1.2.3"), "10.1.2.3");
        assert_eq!(network("127.3.2.1"), network("::1"), "sessions can choose among them");
    }

    #[test]
    fn an_account_is_limited_over_all_addresses_but_not_where_its_person_is_at_home() {
        let attempts = Attempts::new(PASSWORDS);
        for n in 0..100 {
            fail(&attempts, &ann(), &format!("10.0.{n}.1"), 0);
        }
        let refused = attempts.take(&ann(), "10.9.9.9", Millis(0)).err().unwrap();
        assert_eq!(refused, MustWait { seconds: 120 * 60 + 1, anywhere: true });
        assert!(attempts.take_at_home(&ann(), "10.9.9.9", Millis(0)).is_ok());
        assert_eq!(wait(&attempts, &name(0), "10.9.9.9", 0), None);
    }

    #[test]
    fn a_flood_of_names_forgets_the_oldest_counts_and_no_others() {
        let attempts = Attempts::new(SIGNATURES);
        for _ in 0..10 {
            fail(&attempts, &ann(), "a", 0);
        }
        for n in 0..MOST - 1 {
            fail(&attempts, &name(n), &n.to_string(), 1);
        }
        assert!(wait(&attempts, &ann(), "a", 2).is_some(), "still among the newest");
        fail(&attempts, &name(MOST), "b", 3);
        assert_eq!(attempts.lock().iter().map(Counts::len).max(), Some(MOST));
        assert_eq!(wait(&attempts, &ann(), "a", 4), None);
    }
}
