//! Sessions as people see and control them. They are started in `launch` and moved on by `queue`, `reconcile` and `ends`. The
//! queue as people see it is in `pending`; logs are in `log`, usage and terminals in `output`.

pub(crate) mod barred;
pub(crate) mod disk_use;
pub(crate) mod ends;
pub(crate) mod expected;
pub(crate) mod files;
pub(crate) mod launch;
pub(crate) mod log;
pub(crate) mod mirror;
pub(crate) mod output;
pub(crate) mod pending;
pub(crate) mod queue;
pub(crate) mod reconcile;

use crate::{Caller, Control, Permit, Result, internal};
use engine::Place;
use futures::{Stream, StreamExt};
use scheduler::Reason;
use serde_json::json;
use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;
use store::{LivingSession, Scope, SessionMore, Step, Taken};
use types::Problem;
use types::bulk::BulkResult;
use types::id::{ContainerId, DomainId, ProjectId, SessionId, UserId};
use types::list::{ListQuery, Page};
use types::people::permissions::{Me, Permission, Reach};
use types::sessions::{SESSIONS, SessionDetail, SessionRow, Status, StopCause};
use types::time::Millis;

/// The most sessions in one bulk action.
const MOST_AT_ONCE: usize = 200;

/// The containers of a session in order, each on its agent. Empty before the session has been placed.
pub(crate) fn places(id: SessionId, agents: &[String]) -> impl Iterator<Item = Place> {
    (0..).zip(agents).map(move |(index, agent)| Place::new(agent, ContainerId::of(id, index)))
}

/// Who and what a session belongs to, which decides whose permissions reach it.
pub(crate) struct Belongs {
    pub owner: UserId,
    pub domain: DomainId,
    pub project: ProjectId,
}

impl From<&SessionDetail> for Belongs {
    fn from(session: &SessionDetail) -> Self {
        Self { owner: session.row.owner, domain: session.domain, project: session.project }
    }
}

/// Whether a permission of `me` reaches this session.
pub(crate) fn permission_reaches(me: &Me, permission: Permission, session: &Belongs) -> bool {
    match me.reach(permission) {
        Reach::Everything => true,
        Reach::Domain => session.domain == me.domain,
        Reach::Projects => session.owner == me.id || me.administers.contains(&session.project),
        Reach::Own => session.owner == me.id,
        Reach::Nothing => false,
    }
}

impl Control {
    /// A page of the sessions that the caller may see, of one project or of all.
    pub async fn sessions(&self, caller: &Caller, query: &ListQuery, project: Option<ProjectId>) -> Result<Page<SessionRow>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        query.check(&SESSIONS)?;
        refuse_access_key_filter(caller, scope, query)?;
        let page = self.store.sessions(query, scope, project).await?;
        Ok(page.map(|row| self.with_reason(row)))
    }

    /// Every session that the filter selects, for an export: a feature of administrators (`docs/spec/sessions.md`, "Sessions as a
    /// file").
    pub fn all_sessions(
        &self,
        caller: &Caller,
        query: ListQuery,
        project: Option<ProjectId>,
    ) -> Result<impl Stream<Item = Result<SessionRow>> + Send + use<>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        if !matches!(scope, Scope::Everything | Scope::Domain(_)) {
            return Err(caller.refuse("download lists of sessions"));
        }
        query.check(&SESSIONS)?;
        let control = self.clone();
        let rows = self.store.all_sessions(query, scope, project);
        Ok(rows.map(move |row| row.map(|row| control.with_reason(row)).map_err(Problem::from)))
    }

    /// One session with its history. A session that the caller may not see is not found.
    pub async fn session(&self, caller: &Caller, id: SessionId) -> Result<SessionDetail> {
        let (me, scope) = caller.scope(Permission::ReadSessions)?;
        let found = self.store.session(id, scope).await?;
        let mut session = found.ok_or_else(|| Problem::NotFound("session".into()))?;
        session.may_control = permission_reaches(me, Permission::ControlSessions, &(&session).into());
        session.row = self.with_reason(session.row);
        if matches!(scope, Scope::Projects(_)) && session.row.owner != me.id {
            session.access_key = String::new();
        }
        session.checks = self.idle_checks_of(id);
        session.disk = self.disk_use_of(id);
        session.now = self.now();
        session.files &= session.row.status.is_final() && session.row.started_at.is_some();
        session.files &= session.may_control && session.row.owner == me.id;
        Ok(session)
    }

    /// The fields that rows of the list do not have, for those of these sessions that the caller may see.
    pub async fn sessions_more(&self, caller: &Caller, ids: &[SessionId]) -> Result<HashMap<SessionId, SessionMore>> {
        let (me, scope) = caller.scope(Permission::ReadSessions)?;
        let mut found = self.store.sessions_more(ids, scope).await?;
        if matches!(scope, Scope::Projects(_)) {
            found.values_mut().filter(|more| more.user_id != me.id).for_each(|more| more.access_key.clear());
        }
        Ok(found)
    }

    /// Finds a session by exactly its name or id, for callers who are about to change or end it: the caller's own, or that of
    /// `owner` (an access key or an email).
    pub async fn session_called(&self, caller: &Caller, owner: &str, text: &str) -> Result<SessionDetail> {
        let found = match self.owner_of_named(caller, owner).await? {
            Some(owner) => self.store.session_called(owner, text).await?,
            None => None,
        };
        match found.or_else(|| text.parse().ok()) {
            Some(id) => self.session(caller, id).await,
            None => Err(Problem::NotFound(format!("session {text}"))),
        }
    }

    /// Finds a session by its name, its id or the beginning of either, for callers who only look at it: the caller's own, or that
    /// of `owner` (an access key or an email).
    ///
    /// # Errors
    /// `Conflict` if several sessions begin with `text` and none matches it completely.
    pub async fn session_named(&self, caller: &Caller, owner: &str, text: &str) -> Result<SessionDetail> {
        let mut found = self.sessions_beginning(caller, owner, text, 2).await?;
        let whole = found.first().is_some_and(|one| one.row.name == text || one.row.id.to_string() == text);
        if found.len() > 1 && !whole {
            return Err(Problem::Conflict(format!("Several sessions begin with {text}. Type more of the name or id.")));
        }
        if found.is_empty()
            && let Ok(id) = text.parse()
        {
            // Somebody else's session, for callers who may see it.
            return self.session(caller, id).await;
        }
        if found.is_empty() { Err(Problem::NotFound(format!("session {text}"))) } else { Ok(found.swap_remove(0)) }
    }

    /// The sessions whose name or id begins with `text`, at most `most`.
    pub async fn sessions_beginning(&self, caller: &Caller, owner: &str, text: &str, most: usize) -> Result<Vec<SessionDetail>> {
        let Some(owner) = self.owner_of_named(caller, owner).await? else { return Ok(Vec::new()) };
        let ids = self.store.sessions_beginning(owner, text, most).await?;
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

    /// The person whose sessions are looked up by name: the caller, or `owner`. `None` if there is no such person, which not
    /// everybody may know.
    async fn owner_of_named(&self, caller: &Caller, owner: &str) -> Result<Option<UserId>> {
        let (me, _) = caller.need(Permission::ReadSessions)?;
        if owner.is_empty() {
            return Ok(Some(me.id));
        }
        match self.known_person(owner).await {
            Ok(id) => Ok(Some(id)),
            Err(Problem::NotFound(_)) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    async fn known_person(&self, login: &str) -> Result<UserId> {
        let owner = self.store.keypair_owner(login).await?;
        match owner {
            Some((id, _)) => Ok(id),
            None => {
                let account = self.store.account_by_login(login).await?;
                account.map(|account| account.id).ok_or_else(|| Problem::NotFound("person".into()))
            }
        }
    }

    /// The living sessions that depend on this one, directly or through others.
    pub async fn dependents(&self, caller: &Caller, id: SessionId) -> Result<Vec<SessionId>> {
        self.session(caller, id).await?;
        Ok(self.store.dependents(id).await?)
    }

    /// Waits until a session has more than `seen` lines of history or has ended. Returns it, and whether it has ended.
    /// Fails when the right to see the session ends meanwhile.
    pub async fn session_moved(&self, permit: &mut Permit, id: SessionId, seen: usize) -> Result<(SessionDetail, bool)> {
        let (mut grew, mut looked) = (self.store.events_grew(), false);
        let mut caller = permit.caller()?;
        loop {
            grew.mark_unchanged();
            // Events come all the time on a busy cluster; only a new line of this session's history is worth reading all of it.
            let lines = self.store.history_lines(id).await?;
            if !looked || usize::try_from(lines).unwrap_or_default() > seen {
                let session = self.session(&caller, id).await?;
                let ended = session.row.status.is_final();
                if session.history.len() > seen || ended {
                    return Ok((session, ended));
                }
                looked = true;
            }
            tokio::select! {
                // The sender lives as long as the store does.
                grown = grew.changed() => grown.map_err(internal("waiting for a session"))?,
                // With other rights the session may not be theirs to see any more.
                now = permit.changed() => (caller, looked) = (now?, false),
            }
        }
    }

    /// The server's clock, for requests that count from now.
    pub fn time(&self) -> Millis {
        self.now()
    }

    /// Waits for this time, for crates without a clock of their own.
    pub async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Adds why a pending session waits, and its position in the queue.
    pub(crate) fn with_reason(&self, row: SessionRow) -> SessionRow {
        if row.status != Status::Pending {
            return row;
        }
        if let Some(barred) = self.bar_of(row.id) {
            return SessionRow { brief: barred.clone(), info: barred, position: None, ..row };
        }
        let queue = self.shared.queue.read().unwrap_or_else(PoisonError::into_inner);
        let waits = queue.waiting.get(&row.id);
        let Some(queue::Waits { reason, position }) = waits else {
            return SessionRow { info: String::new(), position: None, ..row };
        };
        let full = matches!(reason, Reason::NoneSchedulable { .. }).then(|| self.short_of_space()).flatten();
        let info = full.clone().unwrap_or_else(|| reason.describe());
        let brief = full.unwrap_or_else(|| reason.brief());
        SessionRow { info, brief, never: reason.is_for_ever(), position: *position, ..row }
    }

    /// Renames a session that has not ended.
    pub async fn rename_session(&self, caller: &Caller, id: SessionId, name: &str) -> Result<()> {
        let session = self.controllable(caller, id).await?;
        let mut errors = Vec::new();
        types::rules::session_name("name", name, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        match change.rename_session(&session, name, at).await {
            Ok(true) => {}
            Ok(false) => return Err(has_ended(&session.name)),
            Err(error) => {
                return Err(match error.taken() {
                    Some(Taken::SessionName) => {
                        Problem::field("name", format!("This person already has a session called {name}."))
                    }
                    _ => error.into(),
                });
            }
        }
        change.record("rename session", id, json!({ "before": session.name, "after": name })).await?;
        change.commit().await
    }

    /// Ends a session: a waiting one is cancelled, and a running one gets time to finish unless `force` is set.
    pub async fn terminate(&self, caller: &Caller, id: SessionId, force: bool) -> Result<()> {
        let seen = self.controllable(caller, id).await?;
        let (me, _) = caller.person()?;
        let how = if force { "force-terminated it" } else { "terminated it" };
        let reason = format!("{} {how}.", me.email);
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        // Read again inside the change: from here on nobody else can move it.
        let session = change.living_session(id).await?;
        let session = session.ok_or_else(|| has_ended(&seen.name))?;
        change.ask_stop(&session, if force { 2 } else { 1 }, &reason, StopCause::Person, at).await?;
        let next = match session.status {
            Status::Pending | Status::Scheduled => Some(Status::Cancelled),
            Status::Preparing | Status::Running => Some(Status::Terminating),
            _ => None,
        };
        if let Some(next) = next {
            let step = Step { next, reason: &reason, agents: None, outcome: None, cause: None, notice: None, at };
            change.move_session(&session, &step).await?;
        }
        let action = if force { "force-terminate session" } else { "terminate session" };
        change.record(action, id, json!({})).await?;
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(())
    }

    /// Ends several sessions, each with its own result.
    pub async fn terminate_sessions(&self, caller: &Caller, ids: &[SessionId], force: bool) -> Result<Vec<BulkResult>> {
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
            let problem = self.terminate(caller, *id, force).await.err();
            results.push(BulkResult { name, problem });
        }
        Ok(results)
    }

    /// A living session that the caller may control.
    pub(crate) async fn controllable(&self, caller: &Caller, id: SessionId) -> Result<LivingSession> {
        caller.need(Permission::ControlSessions)?;
        let session = self.session(caller, id).await?;
        if !session.may_control {
            return Err(caller.refuse(Permission::ControlSessions.verb()));
        }
        let living = self.store.living_session(id).await?;
        living.ok_or_else(|| has_ended(&session.row.name))
    }
}

/// Refuses filters by access key to project administrators, who must not learn the keypairs of others.
fn refuse_access_key_filter(caller: &Caller, scope: Scope, query: &ListQuery) -> Result<()> {
    let asked = query.conditions.iter().any(|condition| condition.key == "access_key");
    let asked = asked || query.filter.as_ref().is_some_and(|filter| filter.looks_at("access_key"));
    if asked && matches!(scope, Scope::Projects(_)) {
        return Err(caller.refuse("filter sessions by this"));
    }
    Ok(())
}

pub(crate) fn has_ended(name: &str) -> Problem {
    Problem::Conflict(format!("Session {name} has ended."))
}
