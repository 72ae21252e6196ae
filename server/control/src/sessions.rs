//! Sessions as people see and control them. They are started in `launch`; what makes them move on is in `queue`, `reconcile` and
//! `ends`.

use crate::{Caller, Control, Result, internal, store_failed};
use engine::{EngineError, Terminal};
use futures::{Stream, StreamExt};
use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::{Audit, LivingSession, Step};
use types::Problem;
use types::id::{ContainerId, ProjectId, SessionId};
use types::launch::MAX_PRIORITY;
use types::list::{ListQuery, Page};
use types::permission::{Me, Permission, Reach};
use types::session::{
    BulkResult, LogChunk, Outcome, QUEUE, SESSIONS, SessionDetail, SessionRow, SessionType, Status, Usage, Utilization,
};
use types::time::Millis;

/// Bytes of log in one answer.
const LOG_PIECE: usize = 256 << 10;
/// How long an answer waits for the log to grow, in seconds.
const LOG_WAIT: u64 = 10;
/// Sessions in one action on several.
const MOST_AT_ONCE: usize = 200;
/// Milliseconds over which the use of processors is told.
const USE_WINDOW: i64 = 10_000;

fn reaches(me: &Me, permission: Permission, session: &SessionDetail) -> bool {
    match me.reach(permission) {
        Reach::Everything => true,
        Reach::Domain => session.domain == me.domain,
        Reach::Projects => session.row.owner == me.id || me.administers.contains(&session.project),
        Reach::Own => session.row.owner == me.id,
        Reach::Nothing => false,
    }
}

impl Control {
    /// A page of the sessions that the caller may see, of one project or of all.
    pub async fn sessions(&self, caller: &Caller, query: &ListQuery, project: Option<ProjectId>) -> Result<Page<SessionRow>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        query.check(&SESSIONS)?;
        let page = self.store.sessions(query, scope, project).await.map_err(store_failed("listing sessions"))?;
        Ok(page.map(|row| self.with_reason(row)))
    }

    /// Every session that the filter selects, for an export.
    pub fn all_sessions(
        &self,
        caller: &Caller,
        query: ListQuery,
        project: Option<ProjectId>,
    ) -> Result<impl Stream<Item = Result<SessionRow>> + Send + use<>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        query.check(&SESSIONS)?;
        let control = self.clone();
        let rows = self.store.all_sessions(query, scope, project);
        Ok(rows.map(move |row| row.map(|row| control.with_reason(row)).map_err(internal("exporting sessions"))))
    }

    /// One session with its history. One that the caller may not see is not there.
    pub async fn session(&self, caller: &Caller, id: SessionId) -> Result<SessionDetail> {
        let (me, scope) = caller.scope(Permission::ReadSessions)?;
        let found = self.store.session(id, scope).await.map_err(store_failed("reading a session"))?;
        let mut session = found.ok_or_else(|| Problem::NotFound("session".into()))?;
        session.may_control = reaches(me, Permission::ControlSessions, &session);
        session.row = self.with_reason(session.row);
        session.checks = self.checks_of(id);
        session.now = self.now();
        Ok(session)
    }

    /// The session that a name, an id or the beginning of one means: one's own, or that of whoever `owner` (an access key or an
    /// email) is. Of several that begin so, none is meant.
    pub async fn session_named(&self, caller: &Caller, owner: &str, text: &str) -> Result<SessionDetail> {
        let mut found = self.sessions_beginning(caller, owner, text, 2).await?;
        let whole = found.first().is_some_and(|one| one.row.name == text || one.row.id.to_string() == text);
        if found.len() > 1 && !whole {
            return Err(Problem::Conflict(format!("Several sessions begin with {text}. Give more of it.")));
        }
        if found.is_empty()
            && let Ok(id) = text.parse()
        {
            // Somebody else's, for those who may see it.
            return self.session(caller, id).await;
        }
        if found.is_empty() { Err(Problem::NotFound(format!("session {text}"))) } else { Ok(found.swap_remove(0)) }
    }

    /// The sessions whose name or id begins so, at most `most`.
    pub async fn sessions_beginning(&self, caller: &Caller, owner: &str, text: &str, most: usize) -> Result<Vec<SessionDetail>> {
        let (me, _) = caller.need(Permission::ReadSessions)?;
        let owner = match owner {
            "" => me.id,
            login => match self.known_person(login).await {
                Ok(id) => id,
                // Whether there is such a person is not everybody's to know.
                Err(Problem::NotFound(_)) => return Ok(Vec::new()),
                Err(problem) => return Err(problem),
            },
        };
        let ids = self.store.sessions_beginning(owner, text, most).await.map_err(store_failed("looking a session up"))?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.session(caller, id).await {
                Ok(session) => found.push(session),
                Err(Problem::NotFound(_)) => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(found)
    }

    async fn known_person(&self, login: &str) -> Result<types::id::UserId> {
        let owner = self.store.keypair_owner(login).await.map_err(store_failed("looking a keypair up"))?;
        match owner {
            Some((id, _)) => Ok(id),
            None => {
                let account = self.store.account_by_login(login).await.map_err(store_failed("looking an account up"))?;
                account.map(|account| account.id).ok_or_else(|| Problem::NotFound("person".into()))
            }
        }
    }

    /// Living sessions that wait for this one, directly or through others.
    pub async fn dependents(&self, caller: &Caller, id: SessionId) -> Result<Vec<SessionId>> {
        self.session(caller, id).await?;
        self.store.dependents(id).await.map_err(store_failed("listing dependents"))
    }

    /// A session once it has more than `seen` lines of history, with whether it has ended; waits for that.
    pub async fn session_moved(&self, caller: &Caller, id: SessionId, seen: usize) -> Result<(SessionDetail, bool)> {
        let (mut grew, mut looked) = (self.store.events_grew(), false);
        loop {
            grew.mark_unchanged();
            // Something happens all the time on a busy cluster: only what it has to do with this session is worth a whole look.
            let lines = self.store.history_lines(id).await.map_err(store_failed("reading a session"))?;
            if !looked || usize::try_from(lines).unwrap_or_default() > seen {
                let session = self.session(caller, id).await?;
                let ended = session.row.status.is_final();
                if session.history.len() > seen || ended {
                    return Ok((session, ended));
                }
                looked = true;
            }
            // The sender lives as long as the store does.
            grew.changed().await.map_err(internal("waiting for a session"))?;
        }
    }

    /// The server's clock, for requests that count from now.
    pub fn time(&self) -> Millis {
        self.now()
    }

    /// Waits, for whoever has no clock of their own.
    pub async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub(crate) fn with_reason(&self, row: SessionRow) -> SessionRow {
        if row.status != Status::Pending {
            return row;
        }
        let queue = self.shared.queue.read().unwrap_or_else(PoisonError::into_inner);
        let waits = queue.waiting.get(&row.id);
        let info = waits.map(|waits| waits.reason.describe()).unwrap_or_default();
        SessionRow { info, position: waits.map(|waits| waits.position), ..row }
    }

    /// A page of the sessions that wait in a resource group, in the order in which they will start.
    pub async fn queue(&self, caller: &Caller, group: &str, query: &ListQuery) -> Result<Page<SessionRow>> {
        let (_, scope) = self.queue_scope(caller)?;
        query.check(&QUEUE)?;
        let order = {
            let queue = self.shared.queue.read().unwrap_or_else(PoisonError::into_inner);
            queue.order.get(group).cloned().unwrap_or_default()
        };
        let ids = if query.conditions.is_empty() && scope == store::Scope::Everything {
            // The whole queue is known: a long one is not read again for a page of it.
            order
        } else {
            let selected = self.store.pending_ids(group, query, scope).await.map_err(store_failed("listing the queue"))?;
            // What was asked for since the scheduler last looked stands at the end until it looks again.
            let placed: HashSet<_> = order.iter().copied().collect();
            let late = selected.iter().filter(|id| !placed.contains(id));
            let mine: HashSet<_> = selected.iter().copied().collect();
            Arc::new(order.iter().filter(|id| mine.contains(id)).chain(late).copied().collect())
        };
        let first = usize::try_from(query.offset()).unwrap_or(usize::MAX).min(ids.len());
        let page = &ids[first..ids.len().min(first.saturating_add(query.limit() as usize))];
        let rows = self.store.session_rows(page, scope).await.map_err(store_failed("listing the queue"))?;
        // One that has started meanwhile no longer waits.
        let waiting = rows.into_iter().filter(|row| row.status == Status::Pending);
        let rows = waiting.map(|row| self.with_reason(row)).collect();
        Ok(Page { rows, total: ids.len() as u64, more: false })
    }

    fn queue_scope<'a>(&self, caller: &'a Caller) -> Result<(&'a Me, store::Scope)> {
        match caller.need(Permission::ReadSessions)? {
            (_, Reach::Own | Reach::Nothing) => Err(caller.refuse("see the queue of a resource group")),
            _ => caller.scope(Permission::ReadSessions),
        }
    }

    /// What the scheduler decides from in one resource group, to try other rules on.
    pub async fn queue_snapshot(&self, caller: &Caller, group: &str) -> Result<scheduler::Snapshot> {
        if caller.need(Permission::ReadSessions)?.1 != Reach::Everything {
            return Err(caller.refuse("try other rules on everybody's sessions"));
        }
        self.refresh_mirror().await?;
        let mut snapshot = self.snapshot().await?;
        snapshot.groups.retain(|name, _| name == group);
        snapshot.agents.retain(|room| room.resource_group == group);
        snapshot.people.retain(|held| held.resource_group == group);
        snapshot.queue.retain(|waiting| waiting.resource_group == group);
        let policies: HashSet<_> = snapshot.queue.iter().map(|waiting| waiting.policy.clone()).collect();
        snapshot.policies.retain(|name, _| policies.contains(name));
        let keys: HashSet<_> = snapshot.queue.iter().map(|waiting| waiting.access_key.clone()).collect();
        snapshot.held.retain(|key, _| keys.contains(key));
        Ok(snapshot)
    }

    /// Gives sessions that wait another priority; each has its own answer.
    pub async fn set_priority(&self, caller: &Caller, ids: &[SessionId], priority: u8) -> Result<Vec<BulkResult>> {
        let (me, _) = caller.need(Permission::ChangePriorities)?;
        if priority > MAX_PRIORITY {
            return Err(Problem::field("priority", format!("A whole number from 0 to {MAX_PRIORITY}.")));
        }
        if ids.len() > MOST_AT_ONCE {
            return Err(Problem::Limit(format!("At most {MOST_AT_ONCE} sessions can be changed at once.")));
        }
        let at = self.now();
        // Looked up before the change: while it is open nobody else can write.
        let mut asked = Vec::with_capacity(ids.len());
        for id in ids {
            asked.push(match self.session(caller, *id).await {
                Ok(session) if reaches(me, Permission::ChangePriorities, &session) => {
                    let living = self.store.living_session(*id).await.map_err(store_failed("reading a session"))?;
                    (*id, session.row.name, living)
                }
                Ok(session) => (*id, session.row.name, None),
                Err(_) => (*id, id.to_string(), None),
            });
        }
        let mut results = Vec::with_capacity(ids.len());
        let mut change = self.store.change().await.map_err(store_failed("changing a priority"))?;
        for (id, name, living) in asked {
            let changed = match living {
                Some(living) => change.set_priority(&living, priority, at).await.map_err(store_failed("changing a priority"))?,
                None => false,
            };
            if changed {
                let detail = serde_json::json!({ "priority": priority }).to_string();
                self.audit(&mut change, caller, "set session priority", id, &detail, at).await?;
            }
            let problem = (!changed).then(|| "It does not wait, or is not yours to order.".to_owned());
            results.push(BulkResult { name, problem });
        }
        change.commit().await.map_err(store_failed("changing a priority"))?;
        self.shared.work.notify_one();
        Ok(results)
    }

    /// Gives a session that has not ended another name.
    pub async fn rename_session(&self, caller: &Caller, id: SessionId, name: &str) -> Result<()> {
        let session = self.controllable(caller, id).await?;
        let mut errors = Vec::new();
        types::rules::session_name("name", name, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let at = self.now();
        let mut change = self.store.change().await.map_err(store_failed("renaming a session"))?;
        match change.rename_session(&session, name, at).await {
            Ok(true) => {}
            Ok(false) => return Err(has_ended(&session.name)),
            Err(error) => {
                return Err(match error.taken() {
                    Some(_) => Problem::field("name", format!("Another session of this person is called {name} already.")),
                    None => internal("renaming a session")(error),
                });
            }
        }
        let detail = serde_json::json!({ "before": session.name, "name": name }).to_string();
        self.audit(&mut change, caller, "rename session", id, &detail, at).await?;
        change.commit().await.map_err(store_failed("renaming a session"))
    }

    /// What running sessions use of what they asked for; those that the caller may not see, or that do not run, are left out.
    pub async fn session_utilization(&self, caller: &Caller, ids: &[SessionId]) -> Result<Vec<Utilization>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        let few = &ids[..ids.len().min(MOST_AT_ONCE)];
        let rows = self.store.session_rows(few, scope).await.map_err(store_failed("reading sessions"))?;
        let mut all = Vec::new();
        for row in rows.iter().filter(|row| row.status == Status::Running) {
            let (mut share, mut mem) = (0, 0);
            for index in 0..row.agents.len() as u32 {
                let recent = Millis(self.now().0 - USE_WINDOW);
                let usage = self.engine.usage(ContainerId::of(row.id, index), recent).await.unwrap_or_default();
                let (Some(first), Some(last)) = (usage.first(), usage.last()) else { continue };
                share += last.cpu_ms.saturating_sub(first.cpu_ms) * 1000 / last.at.since(first.at).max(1).unsigned_abs();
                mem += last.mem;
            }
            let asked_cpu = row.cpu().as_thousandths().max(1).unsigned_abs();
            let asked_mem = row.mem().max(1).unsigned_abs();
            let thousandths = |used: u64, of: u64| u32::try_from(used.saturating_mul(1000) / of).unwrap_or(u32::MAX);
            all.push(Utilization { id: row.id, cpu: thousandths(share, asked_cpu), mem: thousandths(mem, asked_mem) });
        }
        Ok(all)
    }

    async fn audit(
        &self,
        change: &mut store::Change,
        caller: &Caller,
        action: &str,
        id: SessionId,
        detail: &str,
        at: Millis,
    ) -> Result<()> {
        let subject = id.to_string();
        let actor = caller.me().map(|me| me.id);
        let audit = Audit { at, actor, address: &caller.address, action, subject: &subject, detail };
        change.audit(&audit).await.map_err(store_failed("writing the audit trail"))
    }

    /// Asks a session to end: one that waits is cancelled, one that runs gets time to finish, unless `force`.
    pub async fn terminate(&self, caller: &Caller, id: SessionId, force: bool) -> Result<()> {
        let seen = self.controllable(caller, id).await?;
        let (me, at) = (caller.person()?.0, self.now());
        let how = if force { "asked to end it at once" } else { "asked to end it" };
        let reason = format!("{} {how}.", me.email);
        let mut change = self.store.change().await.map_err(store_failed("ending a session"))?;
        // As it stands now; from here on nobody else can move it.
        let session = change.living_session(id).await.map_err(store_failed("reading a session"))?;
        let session = session.ok_or_else(|| has_ended(&seen.name))?;
        change.ask_stop(&session, if force { 2 } else { 1 }, &reason, at).await.map_err(store_failed("ending a session"))?;
        let next = match session.status {
            Status::Pending | Status::Scheduled => Some(Status::Cancelled),
            Status::Preparing | Status::Running => Some(Status::Terminating),
            _ => None,
        };
        if let Some(next) = next {
            let step = Step { next, reason: &reason, agents: None, outcome: None, notice: None, at };
            change.move_session(&session, &step).await.map_err(store_failed("ending a session"))?;
        }
        self.audit(&mut change, caller, if force { "force-terminate session" } else { "terminate session" }, id, "{}", at)
            .await?;
        change.commit().await.map_err(store_failed("ending a session"))?;
        self.shared.work.notify_one();
        Ok(())
    }

    /// Asks several sessions to end; each has its own answer.
    pub async fn terminate_all(&self, caller: &Caller, ids: &[SessionId], force: bool) -> Result<Vec<BulkResult>> {
        caller.need(Permission::ControlSessions)?;
        if ids.len() > MOST_AT_ONCE {
            return Err(Problem::Limit(format!("At most {MOST_AT_ONCE} sessions can be ended at once.")));
        }
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            let name = match self.session(caller, *id).await {
                Ok(session) => session.row.name,
                Err(_) => id.to_string(),
            };
            let problem = self.terminate(caller, *id, force).await.err().map(|problem| problem.to_string());
            results.push(BulkResult { name, problem });
        }
        Ok(results)
    }

    /// A living session that the caller may control.
    async fn controllable(&self, caller: &Caller, id: SessionId) -> Result<LivingSession> {
        caller.need(Permission::ControlSessions)?;
        let session = self.session(caller, id).await?;
        if !session.may_control {
            return Err(caller.refuse(Permission::ControlSessions.verb()));
        }
        let living = self.store.living_session(id).await.map_err(store_failed("reading a session"))?;
        living.ok_or_else(|| has_ended(&session.row.name))
    }

    /// The log of a session's container number `container`, from byte `from` on. With `wait`, a log that has nothing new is waited
    /// for, some seconds at most.
    pub async fn session_log(&self, caller: &Caller, id: SessionId, container: u32, from: u64, wait: bool) -> Result<LogChunk> {
        let session = self.session(caller, id).await?;
        if container >= session.row.cluster.size {
            return Err(Problem::NotFound("container".into()));
        }
        let ran = session.row.started_at.is_some() || matches!(session.outcome, Some(Outcome::Exited(_) | Outcome::Signalled(_)));
        if !ran && session.row.status.is_final() {
            return Ok(LogChunk { next: from, end: true, ..LogChunk::default() });
        }
        let give_up = Instant::now() + Duration::from_secs(LOG_WAIT);
        loop {
            let chunk = match self.engine.log(ContainerId::of(id, container), from, LOG_PIECE).await {
                // Not started yet: nothing has been written.
                Err(EngineError::UnknownSession) => {
                    LogChunk { next: from, end: session.row.status.is_final(), ..LogChunk::default() }
                }
                other => other.map_err(engine_failed("reading a log"))?,
            };
            if !wait || chunk.end || !chunk.text.is_empty() || Instant::now() >= give_up {
                return Ok(chunk);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What a session used, in measurements later than `after`.
    pub async fn session_usage(&self, caller: &Caller, id: SessionId, after: Millis) -> Result<Vec<Usage>> {
        let session = self.session(caller, id).await?;
        let mut each = Vec::new();
        for index in 0..session.row.cluster.size {
            match self.engine.usage(ContainerId::of(id, index), after).await {
                Err(EngineError::UnknownSession) => {}
                other => each.push(other.map_err(engine_failed("reading a session's use"))?),
            }
        }
        Ok(together(each))
    }

    /// Opens a terminal in a running interactive session.
    pub async fn terminal(&self, caller: &Caller, id: SessionId, columns: u16, rows: u16) -> Result<Terminal> {
        let session = self.controllable(caller, id).await?;
        if session.kind != SessionType::Interactive {
            return Err(Problem::Conflict("Only an interactive session has a terminal.".into()));
        }
        if session.status != Status::Running {
            return Err(Problem::Conflict(format!(
                "The session is {}; a terminal opens while it runs.",
                session.status.label().to_lowercase()
            )));
        }
        let at = self.now();
        let mut change = self.store.change().await.map_err(store_failed("opening a terminal"))?;
        self.audit(&mut change, caller, "open terminal", id, "{}", at).await?;
        change.commit().await.map_err(store_failed("opening a terminal"))?;
        match self.engine.terminal(ContainerId::of(id, 0), columns.clamp(2, 1000), rows.clamp(2, 1000)).await {
            Err(EngineError::NotRunning | EngineError::UnknownSession) => Err(Problem::Conflict("The session has ended.".into())),
            other => other.map(|terminal| self.watched(id, terminal)).map_err(engine_failed("opening a terminal")),
        }
    }
}

fn has_ended(name: &str) -> Problem {
    Problem::Conflict(format!("Session {name} has ended."))
}

/// A machine that is away says so; everything else is a fault of ours.
fn engine_failed(what: &'static str) -> impl Fn(EngineError) -> Problem {
    move |error| match error {
        EngineError::AgentAway(agent) => Problem::Unavailable(format!("Agent {agent}")),
        other => internal(what)(other),
    }
}

/// What several containers use together, at the times at which the first was measured.
fn together(mut each: Vec<Vec<Usage>>) -> Vec<Usage> {
    let mut sums = if each.is_empty() { Vec::new() } else { each.remove(0) };
    for other in each {
        let mut measured = other.iter().peekable();
        let mut last = None;
        for sum in &mut sums {
            while let Some(one) = measured.next_if(|one| one.at <= sum.at) {
                last = Some(one);
            }
            // Until a container was first measured, what it used first is the best that is known.
            let Some(one) = last.or(other.first()) else { continue };
            sum.cpu_ms += one.cpu_ms;
            sum.mem += one.mem;
            sum.processes += one.processes;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_containers_use_is_added_up_at_the_times_of_the_first() {
        let one = |at, cpu_ms, mem| Usage { at: Millis(at), cpu_ms, mem, processes: 1 };
        let main = vec![one(1_000, 10, 5), one(2_000, 20, 5)];
        let sub = vec![one(900, 100, 7), one(1_900, 200, 8), one(2_900, 300, 9)];
        let expected = [(110, 12), (220, 13)];
        let sums = together(vec![main, sub]);
        assert_eq!(sums.iter().map(|sum| (sum.cpu_ms, sum.mem)).collect::<Vec<_>>(), expected);
        assert_eq!(together(Vec::new()), []);
    }
}
