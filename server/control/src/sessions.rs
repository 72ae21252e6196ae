//! Sessions as people see and control them. What makes them move on is in `queue` and `reconcile`.

use crate::{Caller, Control, Result, internal, now, random_text, store_failed};
use engine::{EngineError, Terminal};
use futures::{Stream, StreamExt};
use std::time::{Duration, Instant};
use store::{Audit, LivingSession, NewSession, Step};
use types::id::{ProjectId, SessionId};
use types::list::{ListQuery, Page};
use types::permission::{Me, Permission, Reach};
use types::policy::KeypairPolicy;
use types::quantity::{Slots, describe};
use types::session::{
    BulkResult, LogChunk, SESSIONS, SessionDetail, SessionRow, SessionType, StartOptions, StartSession, Status, Usage,
};
use types::time::Millis;
use types::{FieldError, Problem};

/// The one environment of the local engine: this machine's own tools.
const HOST_IMAGE: &str = "host";
/// Bytes of log in one answer.
const LOG_PIECE: usize = 256 << 10;
/// How long an answer waits for the log to grow, in seconds.
const LOG_WAIT: u64 = 10;
/// Sessions in one action on several.
const MOST_AT_ONCE: usize = 200;

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
        Ok(session)
    }

    fn with_reason(&self, row: SessionRow) -> SessionRow {
        if row.status != Status::Pending {
            return row;
        }
        let waiting = self.shared.waiting.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let info = waiting.get(&row.id).map(scheduler::Reason::describe).unwrap_or_default();
        SessionRow { info, ..row }
    }

    /// What the start dialog offers the caller.
    pub async fn start_options(&self, caller: &Caller) -> Result<StartOptions> {
        let (me, _) = caller.need(Permission::StartSessions)?;
        let projects = self.store.projects_of(me.id).await.map_err(store_failed("listing projects"))?;
        let mut largest_agent = Slots::default();
        for agent in self.known_agents().await? {
            for (slot, amount) in agent.report.capacity.0 {
                let most = largest_agent.0.entry(slot).or_default();
                *most = amount.max(*most);
            }
        }
        Ok(StartOptions {
            projects: projects.into_iter().map(|p| (p.id, p.name)).collect(),
            resource_groups: self.store.resource_groups().await.map_err(store_failed("listing resource groups"))?,
            images: vec![(HOST_IMAGE.into(), "host — this machine's own tools".into())],
            largest_agent,
        })
    }

    /// Puts a session into the queue.
    pub async fn start_session(&self, caller: &Caller, asked: &StartSession) -> Result<SessionId> {
        let (me, _) = caller.need(Permission::StartSessions)?;
        asked.check()?;
        let options = self.start_options(caller).await?;
        let mut errors = Vec::new();
        if !options.projects.iter().any(|(id, _)| *id == asked.project) {
            errors.push(FieldError::new("project", "Choose one of your projects."));
        }
        if !options.resource_groups.contains(&asked.resource_group) {
            errors.push(FieldError::new("resource_group", "Choose one of the resource groups."));
        }
        if !options.images.iter().any(|(name, _)| *name == asked.image) {
            errors.push(FieldError::new("image", "Choose one of the environments."));
        }
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let keypair = self.store.main_keypair(me.id).await.map_err(store_failed("reading a keypair"))?;
        let (access_key, policy) = keypair.ok_or_else(|| {
            Problem::Conflict("You have no main keypair, and a session is counted by one. Ask an administrator.".into())
        })?;
        within_policy(&asked.slots(), &policy)?;

        let (id, at) = (SessionId(uuid::Uuid::now_v7()), now());
        let name = match asked.name.as_str() {
            "" => format!("session-{}", random_text(6)?.to_lowercase()),
            name => name.to_owned(),
        };
        let new = NewSession {
            id,
            name: &name,
            kind: asked.kind,
            owner: me.id,
            access_key: &access_key,
            domain: me.domain,
            project: asked.project,
            resource_group: &asked.resource_group,
            image: &asked.image,
            command: &asked.command,
            cpu: asked.cpu,
            mem: asked.mem,
            at,
        };
        let mut change = self.store.change().await.map_err(store_failed("starting a session"))?;
        if let Err(error) = change.insert_session(&new).await {
            return Err(match error.taken() {
                Some(columns) if columns.contains("sessions.name") => Problem::field(
                    "name",
                    format!("One of your sessions is called {name} already. Choose another name, or end that one."),
                ),
                _ => internal("starting a session")(error),
            });
        }
        let detail = serde_json::json!({ "name": name, "type": asked.kind, "slots": asked.slots(), "access_key": access_key });
        self.audit(&mut change, caller, "start session", id, &detail.to_string(), at).await?;
        change.commit().await.map_err(store_failed("starting a session"))?;
        self.shared.work.notify_one();
        Ok(id)
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
        let session = self.controllable(caller, id).await?;
        let (me, at) = (caller.person()?.0, now());
        let how = if force { "asked to end it at once" } else { "asked to end it" };
        let reason = format!("{} {how}.", me.email);
        let mut change = self.store.change().await.map_err(store_failed("ending a session"))?;
        change.ask_stop(id, if force { 2 } else { 1 }).await.map_err(store_failed("ending a session"))?;
        let next = match session.status {
            Status::Pending | Status::Scheduled => Some(Status::Cancelled),
            Status::Preparing | Status::Running => Some(Status::Terminating),
            _ => None,
        };
        if let Some(next) = next
            && !change
                .move_session(&session, &Step { next, reason: &reason, agent: None, outcome: None, notice: None, at })
                .await
                .map_err(store_failed("ending a session"))?
        {
            // It moved on between our look and our change; the reader of this answer sees where to.
            return Err(Problem::Conflict("The session has just changed its status. Try again.".into()));
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
        living.ok_or_else(|| Problem::Conflict(format!("Session {} has ended.", session.row.name)))
    }

    /// The log from byte `from` on. With `wait`, a log that has nothing new is waited for, some seconds at most.
    pub async fn session_log(&self, caller: &Caller, id: SessionId, from: u64, wait: bool) -> Result<LogChunk> {
        let session = self.session(caller, id).await?;
        if session.row.started_at.is_none() && session.row.status.is_final() {
            return Ok(LogChunk { next: from, end: true, ..LogChunk::default() });
        }
        let give_up = Instant::now() + Duration::from_secs(LOG_WAIT);
        loop {
            let chunk = match self.engine.log(id, from, LOG_PIECE).await {
                // Not started yet: nothing has been written.
                Err(EngineError::UnknownSession) => {
                    LogChunk { next: from, end: session.row.status.is_final(), ..LogChunk::default() }
                }
                other => other.map_err(internal("reading a log"))?,
            };
            if !wait || chunk.end || !chunk.text.is_empty() || Instant::now() >= give_up {
                return Ok(chunk);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What a session used, in measurements later than `after`.
    pub async fn session_usage(&self, caller: &Caller, id: SessionId, after: Millis) -> Result<Vec<Usage>> {
        self.session(caller, id).await?;
        match self.engine.usage(id, after).await {
            Err(EngineError::UnknownSession) => Ok(Vec::new()),
            other => other.map_err(internal("reading a session's use")),
        }
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
        let at = now();
        let mut change = self.store.change().await.map_err(store_failed("opening a terminal"))?;
        self.audit(&mut change, caller, "open terminal", id, "{}", at).await?;
        change.commit().await.map_err(store_failed("opening a terminal"))?;
        match self.engine.terminal(id, columns.clamp(2, 1000), rows.clamp(2, 1000)).await {
            Err(EngineError::NotRunning | EngineError::UnknownSession) => Err(Problem::Conflict("The session has ended.".into())),
            other => other.map_err(internal("opening a terminal")),
        }
    }
}

/// A request that could never run under the policy is refused at once; one that could is left to the queue.
fn within_policy(asked: &Slots, policy: &KeypairPolicy) -> Result<()> {
    for (slot, amount) in &asked.0 {
        if let Some(limit) = policy.total.0.get(slot)
            && amount > limit
        {
            return Err(Problem::Limit(format!(
                "Your keypair follows policy {}, which allows {} in all; this session asks for {}. Ask for less, or ask an administrator for another policy.",
                policy.name,
                describe(slot, *limit),
                describe(slot, *amount)
            )));
        }
    }
    if policy.max_sessions == 0 {
        return Err(Problem::Limit(format!("Your keypair follows policy {}, which allows no sessions.", policy.name)));
    }
    Ok(())
}
