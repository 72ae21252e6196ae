//! How long sessions are expected to take: what the scheduler and the forecast are told about running and waiting ones.

use crate::sessions::mirror::Mirror;
use crate::{Control, Result};
use scheduler::Running;
use std::collections::HashMap;
use std::sync::PoisonError;
use store::LivingSession;
use types::sessions::Status;
use types::time::Millis;

/// Milliseconds for which a group's typical length is not worked out again.
const KEEP_LENGTH: i64 = 30_000;

/// The typical length of each group's recent sessions in seconds, and when it was worked out.
pub(crate) type Lengths = HashMap<String, (Millis, Option<u32>)>;

impl Control {
    /// Returns the typical length of the sessions of each group, where it is known.
    pub(crate) async fn typical_lengths(&self) -> Result<HashMap<String, u32>> {
        let now = self.now();
        let groups: Vec<String> = self.mirror().groups.keys().cloned().collect();
        let mut typical = HashMap::new();
        for group in groups {
            let known = self.shared.lengths.lock().unwrap_or_else(PoisonError::into_inner).get(&group).copied();
            let length = match known.filter(|(at, _)| (0..KEEP_LENGTH).contains(&now.since(*at))) {
                Some((_, length)) => length,
                None => {
                    let length = self.store.typical_length(&group).await?;
                    self.shared.lengths.lock().unwrap_or_else(PoisonError::into_inner).insert(group.clone(), (now, length));
                    length
                }
            };
            typical.extend(length.map(|length| (group, length)));
        }
        Ok(typical)
    }
}

/// Returns the end of a session's lifetime, if its policy has one.
fn lifetime_of(session: &LivingSession, mirror: &Mirror) -> Option<Millis> {
    let seconds = mirror.policies.get(&session.policy).and_then(|policy| policy.lifetime).filter(|limit| *limit > 0)?;
    let since = session.starts_at.map_or(session.created_mark(), |at| at.max(session.created_mark()));
    Some(after(since, seconds))
}

fn after(from: Millis, seconds: u32) -> Millis {
    Millis(from.0.saturating_add(i64::from(seconds) * 1000))
}

/// Returns the time at which a session that starts at `started` is ended at the latest: by its own time limit or its lifetime.
fn latest_end(session: &LivingSession, mirror: &Mirror, started: Millis) -> Option<Millis> {
    let own = session.timeout.filter(|limit| *limit > 0).map(|seconds| after(started, seconds));
    own.into_iter().chain(lifetime_of(session, mirror)).min()
}

/// The seconds after which a waiting session is ended at the latest if it starts now.
pub(crate) fn limit_of(session: &LivingSession, mirror: &Mirror, now: Millis) -> Option<u32> {
    let end = latest_end(session, mirror, now)?;
    // A started second counts: nobody may be promised an end that comes later.
    Some(u32::try_from((end.since(now).max(0) + 999) / 1000).unwrap_or(u32::MAX))
}

/// A session that holds resources, as the scheduler needs it. One that has run longer than is typical is expected to run for as
/// long again: how long it took so far is the best that is known of it.
pub(crate) fn running(session: &LivingSession, mirror: &Mirror, typical: Option<u32>, now: Millis) -> Running {
    let started = session.started_mark().unwrap_or(now);
    let estimate = typical.map(|seconds| after(started, seconds).max(Millis(now.0 + now.since(started).max(0))));
    let end = latest_end(session, mirror, started).or(estimate).map(|at| at.max(now));
    Running {
        user: session.owner,
        access_key: session.access_key.clone(),
        project: session.project,
        domain: session.domain,
        resource_group: session.resource_group.clone(),
        agents: session.agents.clone(),
        slots: session.slots.clone(),
        ends_at: if session.status == Status::Terminating { Some(now) } else { end },
    }
}
