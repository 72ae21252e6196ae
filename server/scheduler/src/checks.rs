//! What holds a session back whatever room there is: its start time, the sessions it depends on, and the limits of its keypair,
//! project and domain.

use crate::table::{Holding, Table, add};
use crate::{Decision, DependencyState, Reason, Snapshot, Waiting};
use types::quantity::{Quantity, Slots};

/// A session that asks for `each` in every container, held against everything but the agents. Nothing when it may start.
pub fn held_back(snapshot: &Snapshot, table: &Table<'_>, session: &Waiting, each: &[i64]) -> Option<Decision> {
    let group = snapshot.groups.get(&session.resource_group);
    if let Some(limit) = group.and_then(|group| group.pending_timeout).filter(|limit| *limit > 0)
        && snapshot.now.since(session.created_at) >= i64::from(limit) * 1000
    {
        let resource_group = session.resource_group.clone();
        return Some(Decision::Cancel(Reason::PendingTimeout { resource_group, limit }));
    }
    let in_state = |state| move |on: &&crate::Dependency| on.state == state;
    if let Some(failed) = session.depends_on.iter().find(in_state(DependencyState::Failed)) {
        return Some(Decision::Cancel(Reason::DependencyFailed { name: failed.name.clone() }));
    }
    let waits: Vec<_> = session.depends_on.iter().filter(in_state(DependencyState::Waiting)).map(|on| on.name.clone()).collect();
    if !waits.is_empty() {
        return Some(Decision::Wait(Reason::WaitsFor { names: waits }));
    }
    if let Some(at) = session.starts_at.filter(|at| *at > snapshot.now) {
        return Some(Decision::Wait(Reason::NotBefore { at }));
    }
    over_limits(snapshot, table, session, each).map(Decision::Wait)
}

fn over_limits(snapshot: &Snapshot, table: &Table<'_>, session: &Waiting, each: &[i64]) -> Option<Reason> {
    let size = i64::from(session.cluster.size);
    let amounts = || {
        let asked = table.slots.iter().zip(each).map(move |(slot, each)| (*slot, each.saturating_mul(size)));
        asked.enumerate().filter(|(_, (_, asked))| *asked > 0)
    };
    let amount = Quantity::thousandths;
    if let Some(policy) = snapshot.policies.get(&session.policy) {
        let nothing = Holding::default();
        let held = table.keys.get(session.access_key.as_str()).unwrap_or(&nothing);
        if let Some(limit) = policy.max_sessions.filter(|limit| held.sessions >= *limit) {
            return Some(Reason::TooManySessions { policy: policy.name.clone(), limit });
        }
        if session.cluster.size > policy.max_cluster {
            let (asked, limit) = (session.cluster.size, policy.max_cluster);
            return Some(Reason::ClusterTooLarge { policy: policy.name.clone(), asked, limit });
        }
        for (n, (slot, asked)) in amounts() {
            let used = held.slots.get(n).copied().unwrap_or_default();
            if let Some(limit) = policy.limit(slot).filter(|limit| asked.saturating_add(used) > limit.as_thousandths()) {
                let (policy, slot) = (policy.name.clone(), slot.to_owned());
                return Some(Reason::OverPolicy { policy, slot, asked: amount(asked), used: amount(used), limit });
            }
        }
    }
    let over = |limit: &Slots, used: Option<&Vec<i64>>| {
        amounts().find_map(|(n, (slot, asked))| {
            let used = used.and_then(|used| used.get(n)).copied().unwrap_or_default();
            let limit = limit.0.get(slot).filter(|limit| asked.saturating_add(used) > limit.as_thousandths())?;
            Some((slot.to_owned(), amount(asked), amount(used), *limit))
        })
    };
    if let Some(share) = snapshot.projects.get(&session.project)
        && let Some((slot, asked, used, limit)) = over(&share.limit, table.projects.get(&session.project))
    {
        return Some(Reason::OverProject { name: share.name.clone(), slot, asked, used, limit });
    }
    let share = snapshot.domains.get(&session.domain)?;
    let (slot, asked, used, limit) = over(&share.limit, table.domains.get(&session.domain))?;
    Some(Reason::OverDomain { name: share.name.clone(), slot, asked, used, limit })
}

/// Counts a session that was placed against everything that limits those after it.
pub fn count<'a>(table: &mut Table<'a>, session: &'a Waiting, each: &[i64]) {
    let (size, width) = (i64::from(session.cluster.size), each.len());
    let held = table.keys.entry(&session.access_key).or_default();
    held.sessions += 1;
    held.slots.resize(width, 0);
    add(&mut held.slots, each, size);
    if let Some(used) = table.projects.get_mut(&session.project) {
        add(used, each, size);
    }
    if let Some(used) = table.domains.get_mut(&session.domain) {
        add(used, each, size);
    }
}
