//! The rules being tried, as typed: the group's, and the limits of one keypair policy.

use console::slots::{exact_bytes, read_bytes};
use leptos::prelude::*;
use scheduler::Snapshot;
use std::collections::BTreeSet;
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::quantity::{MEM, Quantity};

#[derive(Clone, Copy)]
pub struct Rules {
    pub scheduler: RwSignal<String>,
    pub placement: RwSignal<String>,
    pub retries: RwSignal<String>,
    /// Seconds; empty is no timeout.
    pub timeout: RwSignal<String>,
    pub policy: RwSignal<String>,
    pub max_sessions: RwSignal<String>,
    /// The policy's limit for each slot, as typed; empty means no limit.
    pub limits: RwSignal<Vec<(String, String)>>,
}

impl Rules {
    pub fn new() -> Self {
        let text = || RwSignal::new(String::new());
        let limits = RwSignal::new(Vec::new());
        Self {
            scheduler: text(),
            placement: text(),
            retries: text(),
            timeout: text(),
            policy: text(),
            max_sessions: text(),
            limits,
        }
    }

    /// Fills the fields with the current rules.
    pub fn fill(self, snapshot: &Snapshot) {
        if let Some(group) = snapshot.groups.values().next() {
            self.scheduler.set(group.scheduler.key().into());
            self.placement.set(group.placement.key().into());
            self.retries.set(group.retries_to_skip.to_string());
            self.timeout.set(group.pending_timeout.map(|seconds| seconds.to_string()).unwrap_or_default());
        }
        self.policy.set(String::new());
        self.max_sessions.set(String::new());
        self.limits.set(Vec::new());
    }

    /// Fills in the limits of the chosen policy, for every slot that it names or that sessions request.
    pub fn fill_limits(self, snapshot: &Snapshot) {
        let Some(policy) = self.policy.with_untracked(|name| snapshot.policies.get(name).cloned()) else { return };
        let asked = snapshot.queue.iter().flat_map(|waiting| waiting.slots.0.keys());
        let slots: BTreeSet<&String> = policy.total.0.keys().chain(asked).collect();
        let typed = |slot: &String| policy.total.0.get(slot).map(|limit| write(slot, *limit)).unwrap_or_default();
        self.max_sessions.set(policy.max_sessions.map(|n| n.to_string()).unwrap_or_default());
        self.limits.set(slots.into_iter().map(|slot| (slot.clone(), typed(slot))).collect());
    }

    /// Returns all typed values, reactively.
    pub fn typed(self) -> Vec<String> {
        let fields = [self.scheduler, self.placement, self.retries, self.timeout, self.policy, self.max_sessions];
        let limits = self.limits.get().into_iter().map(|(_, limit)| limit);
        fields.into_iter().map(|field| field.get()).chain(limits).collect()
    }

    /// Returns the snapshot under these rules.
    pub fn applied(self, snapshot: &Snapshot) -> Snapshot {
        let mut changed = snapshot.clone();
        for group in changed.groups.values_mut() {
            group.scheduler = SchedulerKind::from_key(&self.scheduler.get_untracked()).unwrap_or(group.scheduler);
            group.placement = Placement::from_key(&self.placement.get_untracked()).unwrap_or(group.placement);
            group.retries_to_skip = self.retries.get_untracked().trim().parse().unwrap_or(group.retries_to_skip);
            group.pending_timeout = number(&self.timeout.get_untracked(), group.pending_timeout);
        }
        if let Some(policy) = changed.policies.get_mut(&self.policy.get_untracked()) {
            policy.max_sessions = number(&self.max_sessions.get_untracked(), policy.max_sessions);
            for (slot, text) in self.limits.get_untracked() {
                match read(&slot, &text) {
                    Some(limit) => drop(policy.total.0.insert(slot, limit)),
                    // Without a limit, the policy's default for slots that it does not name applies.
                    None if text.trim().is_empty() => drop(policy.total.0.remove(&slot)),
                    None => {}
                }
            }
        }
        changed
    }
}

/// Reads a number; `None` for no limit, and the earlier value while the text cannot be read.
fn number(text: &str, before: Option<u32>) -> Option<u32> {
    match text.trim() {
        "" => None,
        text => text.parse().ok().or(before),
    }
}

fn read(slot: &str, text: &str) -> Option<Quantity> {
    if slot == MEM { read_bytes(text.trim()).map(Quantity::whole) } else { text.trim().parse().ok() }
}

fn write(slot: &str, amount: Quantity) -> String {
    if slot == MEM { exact_bytes(amount.floor()) } else { amount.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::limits::policies::KeypairPolicy;
    use types::quantity::Slots;

    #[test]
    fn unreadable_text_changes_nothing_and_empty_text_is_no_limit() {
        let total = Slots::cpu_mem(Quantity::whole(4), 1280 << 20);
        let policy = KeypairPolicy { max_sessions: Some(2), total, ..KeypairPolicy::new("student") };
        let snapshot = Snapshot { policies: [("student".to_owned(), policy)].into(), ..Snapshot::default() };
        let owner = Owner::new();
        owner.with(|| {
            let rules = Rules::new();
            rules.fill(&snapshot);
            rules.policy.set("student".into());
            rules.fill_limits(&snapshot);
            assert_eq!(rules.applied(&snapshot), snapshot);
            rules.max_sessions.set("many".into());
            rules.limits.set(vec![("cpu".into(), "".into()), ("mem".into(), "16".into())]);
            let changed = &rules.applied(&snapshot).policies["student"];
            assert_eq!(changed.max_sessions, Some(2));
            assert_eq!(changed.total, Slots([("mem".to_owned(), Quantity::whole(16 << 30))].into()));
        });
    }
}
