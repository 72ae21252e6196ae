//! Brings sessions (the desired state, in the database) in line with their containers (the actual state, at the engine), step by
//! step.
//!
//! The server can crash after any step. Each step is therefore written down before or after an engine call that is safe to
//! repeat.

use super::barred::not_started;
use super::places;
use crate::{Control, Result, internal};
use engine::{EngineError, Launch, LaunchSpec, Place, RunState, Stop};
use futures::{StreamExt, stream};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Barred, LivingSession, Step};
use types::id::SessionId;
use types::quantity::{CPU, MEM};
use types::sessions::Cluster;
use types::sessions::launch::StartSession;
use types::sessions::{Outcome, SessionType, Status, killed_for_memory};
use types::time::Millis;

/// The time that processes get to end when asked, before they are killed.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes at the end of a failed command's log that are searched for the line that explains the failure.
const LAST_WORDS: usize = 4_096;
/// Milliseconds within which a shell finds out that it cannot run a command.
const FIRST_SECOND: i64 = 1_000;
/// Sessions that are handled at the same time.
const AT_ONCE: usize = 16;

/// The engine's answer for each container it was asked about.
type Answers = HashMap<Place, std::result::Result<RunState, EngineError>>;

/// One move of a session's status, written together with those of other sessions.
struct Move {
    next: Status,
    reason: String,
    outcome: Option<Outcome>,
    notice: Option<String>,
    /// Processes that were killed because their container's memory was used up.
    memory_kills: u64,
    at: Millis,
}

/// The next actions for one session: moves to write first, then calls of the engine.
#[derive(Default)]
struct Plan {
    moves: Vec<Move>,
    /// Containers to start.
    start: Vec<u32>,
    /// Containers to end.
    stop: Vec<u32>,
}

impl Control {
    /// Moves sessions as far as they can go now. Returns those that could not be looked at.
    pub(crate) async fn reconcile(&self, sessions: Vec<Arc<LivingSession>>) -> Result<HashSet<SessionId>> {
        // From here on the engine may know the scheduled sessions. That is written down first, so that after a crash the engine
        // is asked about them, and the queue does not place them again.
        let mut sessions: Vec<LivingSession> = sessions.into_iter().map(Arc::unwrap_or_clone).collect();
        let mut prepare = Vec::new();
        for session in sessions.iter_mut().filter(|session| session.status == Status::Scheduled) {
            // Whatever was allowed when it was placed: what may not start any more is not started.
            let step = match session.barred {
                Some(barred) => self.bar_start(session, barred, Status::Cancelled),
                None => self.move_to(Status::Preparing, "The engine was asked to start it."),
            };
            prepare.push((session, vec![step]));
        }
        self.write_moves(prepare).await?;
        sessions.retain(|session| session.status != Status::Scheduled && !session.status.is_final());
        let gone = self.gone_agents();
        let answers = self.ask_for_states(&sessions, &gone).await;
        let plans: Vec<(LivingSession, Result<Plan>)> = stream::iter(sessions)
            .map(|session| async {
                let plan = self.next_steps(&session, &gone, &answers).await;
                (session, plan)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let (mut planned, mut failed) = (Vec::new(), HashSet::new());
        for (session, plan) in plans {
            match plan {
                Ok(plan) => planned.push((session, plan)),
                // The cause is in the log; the others go on.
                Err(_) => drop(failed.insert(session.id)),
            }
        }
        let moves = planned.iter_mut().map(|(session, plan)| (session, std::mem::take(&mut plan.moves)));
        self.write_moves(moves.collect()).await?;
        stream::iter(planned).for_each_concurrent(AT_ONCE, |(session, plan)| self.carry_out(session, plan)).await;
        Ok(failed)
    }

    /// Writes the moves of several sessions in one transaction, and updates each session to its last move.
    async fn write_moves(&self, all: Vec<(&mut LivingSession, Vec<Move>)>) -> Result<()> {
        if all.iter().all(|(_, moves)| moves.is_empty()) {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        let (mut arrived, mut freed) = (Vec::new(), false);
        for (session, moves) in all {
            let mut now = session.clone();
            for one in &moves {
                let (outcome, notice) = (one.outcome.as_ref(), one.notice.as_deref());
                let step = Step { next: one.next, reason: &one.reason, agents: None, outcome, cause: None, notice, at: one.at };
                if !change.move_session(&now, &step).await? {
                    // Somebody else has moved it; the next round sees where to.
                    break;
                }
                if one.memory_kills > 0 {
                    change.keep_memory_kills(now.id, one.memory_kills).await?;
                }
                now.status = one.next;
                now.outcome = one.outcome.clone().or(now.outcome);
                freed |= one.next.is_final();
            }
            arrived.push((session, now));
        }
        change.commit().await?;
        arrived.into_iter().for_each(|(session, now)| *session = now);
        if freed {
            // The slots that they held are free now.
            self.shared.work.notify_one();
        }
        Ok(())
    }

    fn gone_agents(&self) -> HashSet<String> {
        self.shared.gone.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn move_to(&self, next: Status, reason: impl Into<String>) -> Move {
        Move { next, reason: reason.into(), outcome: None, notice: None, memory_kills: 0, at: self.now() }
    }

    /// Ends a session that was placed and may not start any more.
    fn bar_start(&self, session: &LivingSession, barred: Barred, next: Status) -> Move {
        let reason = not_started(barred);
        let notice = Some(format!("Session {} has ended: {reason}", session.name));
        Move { notice, ..self.move_to(next, reason) }
    }

    /// Asks the engine about all containers of these sessions at once, except those on agents that are gone.
    async fn ask_for_states(&self, sessions: &[LivingSession], gone: &HashSet<String>) -> Answers {
        let all = sessions.iter().flat_map(|session| places(session.id, &session.agents));
        let asked: Vec<Place> = all.filter(|place| !gone.contains(&place.agent)).collect();
        if asked.is_empty() {
            return Answers::new();
        }
        let answers = self.engine.states(&asked).await;
        asked.into_iter().zip(answers).collect()
    }

    /// The state of each container of a session. `None` when one of them is unknown: nothing is decided about the session until
    /// that agent answers or counts as gone.
    fn container_states(
        &self,
        session: &LivingSession,
        gone: &HashSet<String>,
        answers: &Answers,
    ) -> Result<Option<Vec<RunState>>> {
        if session.agents.is_empty() {
            // No engine can know a session that was not placed.
            return Ok(Some(vec![RunState::Unknown]));
        }
        let mut states = Vec::with_capacity(session.agents.len());
        for place in places(session.id, &session.agents) {
            if gone.contains(&place.agent) {
                states.push(RunState::Ended { outcome: Outcome::Lost, at: self.now() });
                continue;
            }
            match answers.get(&place) {
                Some(Ok(state)) => states.push(state.clone()),
                None | Some(Err(EngineError::AgentAway(_))) => return Ok(None),
                Some(Err(error)) => return Err(internal("asking the engine for a session")(error.with_causes())),
            }
        }
        Ok(Some(states))
    }

    async fn next_steps(&self, session: &LivingSession, gone: &HashSet<String>, answers: &Answers) -> Result<Plan> {
        let Some(states) = self.container_states(session, gone, answers)? else { return Ok(Plan::default()) };
        let which = |is: fn(&RunState) -> bool| -> Vec<u32> {
            (0u32..).zip(&states).filter(|(_, state)| is(state)).map(|(index, _)| index).collect()
        };
        let unknown = which(|state| matches!(state, RunState::Unknown));
        let alive = which(|state| matches!(state, RunState::Starting | RunState::Running(_)));
        let ended = which(|state| matches!(state, RunState::Ended { .. }));
        let wanted = session.stop_asked == 0 && session.status != Status::Terminating;
        if session.status == Status::Preparing && wanted && ended.is_empty() && !unknown.is_empty() {
            if let Some(barred) = session.barred.filter(|_| alive.is_empty()) {
                return Ok(Plan { moves: vec![self.bar_start(session, barred, Status::Terminated)], ..Plan::default() });
            }
            return Ok(Plan { start: unknown, ..Plan::default() });
        }
        if alive.is_empty() {
            return self.last_moves(session, &states, gone).await;
        }
        if !wanted {
            return Ok(Plan { stop: alive, ..Plan::default() });
        }
        // A container that has ended takes the others with it: a session has all of its containers or is over.
        let missing = if session.status == Status::Running { unknown.first().or(ended.first()) } else { ended.first() };
        if let Some(index) = missing.or(ended.first()) {
            let outcome = match &states[*index as usize] {
                RunState::Ended { outcome, .. } => outcome.clone(),
                _ => Outcome::Lost,
            };
            let reason = format!("Its container {} has ended: {}", Cluster::host_name(*index), outcome.describe());
            let end = Move { outcome: Some(outcome), ..self.move_to(Status::Terminating, reason) };
            return Ok(Plan { moves: vec![end], stop: alive, ..Plan::default() });
        }
        let since = states.iter().filter_map(|state| match state {
            RunState::Running(since) => Some(*since),
            _ => None,
        });
        if session.status == Status::Preparing && since.clone().count() == states.len() {
            let notice = Some(format!("Session {} is running.", session.name));
            let words = if states.len() == 1 { "Its process is running." } else { "All its containers are running." };
            let at = since.max().unwrap_or_else(|| self.now());
            return Ok(Plan { moves: vec![Move { notice, at, ..self.move_to(Status::Running, words) }], ..Plan::default() });
        }
        Ok(Plan::default())
    }

    /// The last moves of a session that has no living container.
    async fn last_moves(&self, session: &LivingSession, states: &[RunState], gone: &HashSet<String>) -> Result<Plan> {
        let never_ran = states.iter().all(|state| matches!(state, RunState::Unknown));
        if never_ran && session.status != Status::Running && session.outcome.is_none() {
            let reason = join_reasons(&session.end_reason, "It ended before it ran.");
            return Ok(Plan { moves: vec![self.move_to(Status::Terminated, reason)], ..Plan::default() });
        }
        let mut ends = states.iter().filter_map(|state| match state {
            RunState::Ended { outcome, at } => Some((outcome.clone(), *at)),
            _ => None,
        });
        let main = ends.next();
        let at = main.iter().cloned().chain(ends).map(|(_, at)| at).max().unwrap_or_else(|| self.now());
        let outcome = session.outcome.clone().or(main.map(|(outcome, _)| outcome)).unwrap_or(Outcome::Lost);
        let (status, mut reason) = self.final_status(session, &outcome, at).await;
        if outcome == Outcome::Lost
            && let Some(agent) = session.agents.iter().find(|agent| gone.contains(*agent))
        {
            reason = join_reasons(&session.end_reason, &format!("Lost: agent {agent} no longer answers."));
        }
        let memory_kills = self.memory_kills(session, gone).await;
        if memory_kills > 0 {
            reason = format!("{reason}; {}", killed_for_memory(memory_kills, session.slots.get(MEM).floor()));
        }
        let mut moves = Vec::new();
        if session.status == Status::Preparing && status == Status::Terminated {
            // It ran and ended between two looks; its history shows both.
            moves.push(Move { at, ..self.move_to(Status::Running, "Its process was running.") });
        }
        let notice = Some(format!("Session {} has ended: {reason}", session.name));
        moves.push(Move { outcome: Some(outcome), notice, memory_kills, at, ..self.move_to(status, reason) });
        Ok(Plan { moves, ..Plan::default() })
    }

    /// How many processes were killed in a session's containers because their memory was used up.
    async fn memory_kills(&self, session: &LivingSession, gone: &HashSet<String>) -> u64 {
        let mut kills = 0;
        for place in places(session.id, &session.agents).filter(|place| !gone.contains(&place.agent)) {
            // An engine that does not answer now keeps no session from its end.
            kills += self.engine.memory_kills(&place).await.unwrap_or_default();
        }
        kills
    }

    async fn carry_out(&self, session: LivingSession, plan: Plan) {
        let how = if session.stop_asked > 1 { Stop::Now } else { Stop::Gently(GRACE) };
        let places: Vec<Place> = places(session.id, &session.agents).collect();
        let place = |index: u32| places.get(index as usize);
        for place in plan.stop.into_iter().filter_map(place) {
            if let Err(error) = self.engine.stop(place, how).await {
                let error = error.with_causes();
                tracing::warn!(session = %session.id, error, "the engine did not end a container; it is asked again");
            }
        }
        if plan.start.is_empty() {
            return;
        }
        let whole = match self.full_request(&session).await {
            Ok(Some(whole)) => whole,
            Ok(None) => return self.give_up(session, "its environment cannot be read; see the server's log").await,
            // The database did not answer; the next round tries again.
            Err(_) => return,
        };
        for index in plan.start {
            let Some(place) = place(index) else { return self.give_up(session, "no agent was assigned to it").await };
            match self.engine.start(place, &launch_spec(&session, &whole, index)).await {
                Ok(()) | Err(EngineError::AgentAway(_)) => {}
                // Something on the agent has not ended yet; the start is tried again once it has.
                Err(EngineError::Full(agent)) => tracing::warn!(session = %session.id, agent, "an agent has no room yet"),
                // The next round would fail in the same way.
                Err(EngineError::Unsupported { what }) => return self.give_up(session, &what).await,
                Err(error) => {
                    let causes = error.with_causes();
                    tracing::error!(session = %session.id, error = causes, "the engine could not start a session");
                    return self.count_failed_start(session, &error.to_string()).await;
                }
            }
        }
        self.refused_starts().remove(&session.id);
    }

    /// Counts a failed start. The session is tried again in the next round, as often as its resource group says
    /// (`docs/spec/sessions.md`, "Failing starts"), then given up to make room for the next one.
    async fn count_failed_start(&self, session: LivingSession, why: &str) {
        let most = {
            let mirror = self.mirror();
            mirror.groups.get(&session.resource_group).map_or(1, |group| mirror.settings.retries_of(group)).max(1)
        };
        let tries = {
            let mut refused = self.refused_starts();
            let tries = refused.entry(session.id).or_default();
            *tries += 1;
            *tries
        };
        if tries < most {
            return self.keep_unlooked(&[session.id]);
        }
        self.refused_starts().remove(&session.id);
        let times = if tries == 1 { String::new() } else { format!(" {tries} times") };
        self.give_up(session, &format!("{why}{times}; see the server's log")).await;
    }

    fn refused_starts(&self) -> MutexGuard<'_, HashMap<SessionId, u32>> {
        self.shared.refused_starts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up a session that cannot be started.
    async fn give_up(&self, mut session: LivingSession, why: &str) {
        let outcome = Outcome::NotStarted(why.into());
        let reason = outcome.describe();
        // Some of several containers may have been started; those are ended first.
        let next = if session.cluster.size == 1 { Status::Error } else { Status::Terminating };
        let notice = Some(format!("Session {} has ended: {reason}", session.name));
        let end = Move { outcome: Some(outcome), notice, ..self.move_to(next, reason) };
        if self.write_moves(vec![(&mut session, vec![end])]).await.is_ok() {
            self.shared.work.notify_one();
        }
    }

    /// The request behind a session, with the values of its secrets; `None` if these will never be readable.
    async fn full_request(&self, session: &LivingSession) -> Result<Option<StartSession>> {
        let asked = self.store.session_request(session.id).await?;
        let mut asked = asked.unwrap_or_default();
        if let Some(sealed) = self.store.session_env(session.id).await? {
            let text = self.shared.vault.read(&sealed, &session.id.to_string());
            let env = text.and_then(|text| serde_json::from_str(&text).map_err(internal("reading a session's environment")));
            let Ok(env) = env else { return Ok(None) };
            asked.env = env;
        }
        Ok(Some(asked))
    }

    /// The final status of a session that ended with this outcome, and why, as a sentence.
    async fn final_status(&self, session: &LivingSession, outcome: &Outcome, at: Millis) -> (Status, String) {
        if let Outcome::Exited(code @ (126 | 127)) = outcome
            && session.kind == SessionType::Batch
            && session.stop_asked == 0
            && let Some(words) = self.shells_refusal(session, at).await
        {
            return (Status::Error, format!("The start-up command could not be run (exit code {code}): {words}"));
        }
        let status = match outcome {
            Outcome::NotStarted(_) | Outcome::Lost => Status::Error,
            _ => Status::Terminated,
        };
        (status, join_reasons(&session.end_reason, &outcome.describe()))
    }

    /// The shell's own words about a batch command that it could not find or run; `None` if the command ran. (A command can end
    /// with the shell's exit codes itself.)
    async fn shells_refusal(&self, session: &LivingSession, ended: Millis) -> Option<String> {
        let place = places(session.id, &session.agents).next()?;
        let measured = self.engine.usage(&place, Millis(0)).await.unwrap_or_default();
        let began = session.started_mark().into_iter().chain(measured.first().map(|one| one.at)).min();
        if began.is_some_and(|began| ended.since(began) > FIRST_SECOND) {
            return None;
        }
        let log = self.end_of_log(place, LAST_WORDS).await.unwrap_or_default();
        let mut lines = log.text.lines().filter(|line| !line.trim().is_empty());
        let Some(line) = lines.next_back() else { return Some("the log is empty".into()) };
        // Such as `/bin/sh: 1: python: not found`.
        let of_shell = line.split(':').next().is_some_and(|name| name.ends_with("sh"));
        (log.from == 0 && lines.next().is_none() && of_shell).then(|| line.chars().take(300).collect())
    }
}

/// Joins the reason why a session was ended, if there is one, and how it ended.
fn join_reasons(reason: &str, how: &str) -> String {
    if reason.is_empty() { how.to_owned() } else { format!("{reason} {how}") }
}

fn launch_spec(session: &LivingSession, asked: &StartSession, index: u32) -> LaunchSpec {
    let hosts: Vec<_> = (0..session.cluster.size).map(Cluster::host_name).collect();
    let ports: Vec<_> = asked.ports.iter().map(u16::to_string).collect();
    // The names that programs written for the incumbent look for.
    let mut env = vec![
        ("BACKENDAI_SESSION_ID".to_owned(), session.id.to_string()),
        ("BACKENDAI_SESSION_NAME".into(), session.name.clone()),
        ("BACKENDAI_CLUSTER_SIZE".into(), session.cluster.size.to_string()),
        ("BACKENDAI_CLUSTER_HOST".into(), Cluster::host_name(index)),
        ("BACKENDAI_CLUSTER_HOSTS".into(), hosts.join(",")),
        // From 1 among the containers of the same role.
        ("BACKENDAI_CLUSTER_IDX".into(), index.max(1).to_string()),
        ("BACKENDAI_CLUSTER_ROLE".into(), if index == 0 { "main" } else { "sub" }.into()),
    ];
    if !ports.is_empty() {
        env.push(("BACKENDAI_PREOPEN_PORTS".into(), ports.join(",")));
    }
    env.extend(asked.env.iter().cloned());
    LaunchSpec {
        name: session.name.clone(),
        host_name: if session.cluster.size == 1 { session.name.clone() } else { Cluster::host_name(index) },
        // The command runs in the first container; the others are there for it to use.
        what: match session.kind {
            SessionType::Batch if index == 0 => Launch::Batch(session.command.clone()),
            _ => Launch::Interactive,
        },
        cpu: session.slots.get(CPU),
        mem: session.slots.get(MEM).floor(),
        slots: session.slots.clone(),
        shared_memory: asked.shared_memory,
        env,
        image: session.image.clone(),
        mounts: Vec::new(),
        ports: asked.ports.clone(),
        user: None,
        working_directory: None,
    }
}
