//! The queue of a resource group as people see it: its order, its priorities, and a sample of it for trying other rules. The
//! scheduler's decisions are kept in `queue`.

use crate::sessions::permission_reaches;
use crate::{Caller, Control, Result};
use scheduler::Sample;
use serde_json::json;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use types::Problem;
use types::bulk::BulkResult;
use types::id::SessionId;
use types::list::{ListQuery, Page};
use types::people::permissions::{Me, Permission, Reach};
use types::sessions::launch::MAX_PRIORITY;
use types::sessions::{QUEUE, QueueLength, SessionRow, Status};

/// The most sessions in one bulk action.
const MOST_AT_ONCE: usize = 200;
/// The most sessions of a queue in a sample.
const SAMPLE: usize = 5_000;

impl Control {
    /// A page of the sessions that wait in a resource group, in the order in which they will start.
    pub async fn queue(&self, caller: &Caller, group: &str, query: &ListQuery) -> Result<Page<SessionRow>> {
        let (_, scope) = self.queue_scope(caller)?;
        query.check(&QUEUE)?;
        let order = self.queue_order(group);
        let ids = if query.conditions.is_empty() && scope == store::Scope::Everything {
            // The whole queue is in memory: a long one is not read from the database for one page of it.
            order
        } else {
            let selected = self.store.pending_ids(group, query, scope).await?;
            // Sessions requested since the scheduler's last look are at the end until its next one.
            let placed: HashSet<_> = order.iter().copied().collect();
            let late = selected.iter().filter(|id| !placed.contains(id));
            let mine: HashSet<_> = selected.iter().copied().collect();
            Arc::new(order.iter().filter(|id| mine.contains(id)).chain(late).copied().collect())
        };
        let first = usize::try_from(query.offset()).unwrap_or(usize::MAX).min(ids.len());
        let page = &ids[first..ids.len().min(first.saturating_add(query.limit() as usize))];
        let rows = self.store.session_rows(page, scope).await?;
        // A session that has started meanwhile no longer waits.
        let waiting = rows.into_iter().filter(|row| row.status == Status::Pending);
        let rows = waiting.map(|row| self.with_reason(row)).collect();
        Ok(Page { rows, total: ids.len() as u64, more: false, beginnings: false })
    }

    /// The resource groups with the number of sessions that wait in each.
    pub async fn queues(&self, caller: &Caller) -> Result<Vec<QueueLength>> {
        let (me, scope) = self.queue_scope(caller)?;
        let names = self.resource_group_names(caller).await?;
        let agents = if me.may(Permission::ReadAgents) { self.known_agents().await? } else { Vec::new() };
        let closed = |group: &str| {
            let closed =
                agents.iter().filter(|agent| agent.resource_group == group && agent.lost_at.is_none() && !agent.schedulable);
            let shown = |agent: &types::cluster::agents::Agent| match agent.closed_reason.as_str() {
                "" => agent.report.name.clone(),
                reason => format!("{} ({reason})", agent.report.name),
            };
            closed.map(shown).collect()
        };
        let mirror = self.mirror();
        let queue = |group: String| {
            let order = self.queue_order(&group);
            let waiting = match scope {
                store::Scope::Everything => order.len(),
                _ => order.iter().filter_map(|id| mirror.get(*id)).filter(|session| session.domain == me.domain).count(),
            };
            let active = mirror.groups.get(&group).is_none_or(|group| group.active);
            QueueLength { closed: closed(&group), group, active, waiting: u32::try_from(waiting).unwrap_or(u32::MAX) }
        };
        Ok(names.into_iter().map(queue).collect())
    }

    /// The number of sessions that wait in the cluster; `None` for people who may not see them all.
    pub fn waiting_sessions(&self, caller: &Caller) -> Option<u32> {
        if caller.me()?.reach(Permission::ReadSessions) != Reach::Everything {
            return None;
        }
        let queue = self.shared.queue.read().unwrap_or_else(PoisonError::into_inner);
        u32::try_from(queue.order.values().map(|order| order.len()).sum::<usize>()).ok()
    }

    fn queue_scope<'a>(&self, caller: &'a Caller) -> Result<(&'a Me, store::Scope)> {
        match caller.need(Permission::ReadSessions)? {
            (_, Reach::Everything | Reach::Domain) => caller.scope(Permission::ReadSessions),
            _ => Err(caller.refuse("see the queue of a resource group")),
        }
    }

    /// The scheduler's input for one resource group. Of a long queue, only the first sessions are included.
    pub async fn queue_snapshot(&self, caller: &Caller, group: &str) -> Result<Sample> {
        if caller.need(Permission::ReadSessions)?.1 != Reach::Everything {
            return Err(caller.refuse("try other rules on everybody's sessions"));
        }
        self.refresh_mirror().await?;
        let mut snapshot = self.snapshot().await?;
        snapshot.groups.retain(|name, _| name == group);
        snapshot.agents.retain(|room| room.resource_group == group);
        snapshot.people.retain(|held| held.resource_group == group);
        snapshot.running.retain(|session| session.resource_group == group);
        snapshot.queue.retain(|waiting| waiting.resource_group == group);
        let total = u32::try_from(snapshot.queue.len()).unwrap_or(u32::MAX);
        if snapshot.queue.len() > SAMPLE {
            let order = self.queue_order(group);
            let first: HashSet<SessionId> = order.iter().take(SAMPLE).copied().collect();
            snapshot.queue.retain(|waiting| first.contains(&waiting.id));
        }
        let policies: HashSet<_> = snapshot.queue.iter().map(|waiting| waiting.policy.clone()).collect();
        snapshot.policies.retain(|name, _| policies.contains(name));
        Ok(Sample { snapshot, total })
    }

    fn queue_order(&self, group: &str) -> Arc<Vec<SessionId>> {
        let queue = self.shared.queue.read().unwrap_or_else(PoisonError::into_inner);
        queue.order.get(group).cloned().unwrap_or_default()
    }

    /// Changes the priority of waiting sessions, each with its own result.
    pub async fn set_priority(&self, caller: &Caller, ids: &[SessionId], priority: u8) -> Result<Vec<BulkResult>> {
        let (me, _) = caller.need(Permission::ChangePriorities)?;
        if priority > MAX_PRIORITY {
            return Err(Problem::field("priority", format!("A whole number from 0 to {MAX_PRIORITY}.")));
        }
        if ids.len() > MOST_AT_ONCE {
            return Err(Problem::Limit(format!("At most {MOST_AT_ONCE} sessions can be changed at once.")));
        }
        // Looked up before the change is begun, since nobody else can write while it is open.
        let mut asked = Vec::with_capacity(ids.len());
        for id in ids {
            asked.push(match self.session(caller, *id).await {
                Ok(session) if permission_reaches(me, Permission::ChangePriorities, &(&session).into()) => {
                    let living = self.store.living_session(*id).await?;
                    (*id, session.row.name, living)
                }
                Ok(session) => (*id, session.row.name, None),
                Err(_) => (*id, id.to_string(), None),
            });
        }
        let mut results = Vec::with_capacity(ids.len());
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        for (id, name, living) in asked {
            let changed = match &living {
                Some(living) => change.set_priority(living, priority, at).await?,
                None => false,
            };
            if let Some(living) = living.filter(|_| changed) {
                change.record("set session priority", id, json!({ "before": living.priority, "after": priority })).await?;
            }
            let problem = (!changed).then(|| Problem::Conflict("It is not waiting, or you may not change its priority.".into()));
            results.push(BulkResult { name, problem });
        }
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(results)
    }
}
