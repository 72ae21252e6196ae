//! One session's difference between what should be (the database) and what is (the engine), closed step by step.
//!
//! Every step can be the last before a crash: each is written down before or after an engine call that may be asked twice.

use crate::{Control, Result, internal, now, store_failed};
use engine::{Launch, LaunchSpec, RunState, Stop};
use store::{LivingSession, Step};
use types::session::{Outcome, SessionType, Status};
use types::time::Millis;

/// Milliseconds that processes get to end after they were asked to, before they are killed.
const GRACE: u64 = 5_000;
/// Bytes of a failed command's log that may hold the line which explains it.
const LAST_WORDS: u64 = 4_096;

impl Control {
    /// Moves a session as far as it can go now.
    pub(crate) async fn reconcile(&self, session: &LivingSession) -> Result<()> {
        let mut session = session.clone();
        if session.status == Status::Scheduled {
            // From here on the engine may have heard of it: written down first, so that a crash asks the engine and not the queue.
            if !self.advance(&mut session, step(Status::Preparing, "The engine was asked to start it.")).await? {
                return Ok(());
            }
        }
        match self.state(&session).await? {
            RunState::Unknown => self.not_known(session).await,
            RunState::Starting => self.stop_if_asked(&session).await,
            RunState::Running(since) => {
                if session.status == Status::Preparing {
                    let notice = format!("Session {} is running.", session.name);
                    let running = step(Status::Running, "Its process is alive.");
                    self.advance(&mut session, Step { notice: Some(&notice), at: since, ..running }).await?;
                }
                self.stop_if_asked(&session).await
            }
            RunState::Ended { outcome, at } => self.ended(session, outcome, at).await,
        }
    }

    async fn state(&self, session: &LivingSession) -> Result<RunState> {
        self.engine.state(session.id).await.map_err(internal("asking the engine for a session"))
    }

    /// The engine has never heard of it, or no longer knows it.
    async fn not_known(&self, mut session: LivingSession) -> Result<()> {
        match session.status {
            Status::Preparing if session.stop_asked == 0 => {
                let started = self.engine.start(session.id, &launch(&session)).await;
                if let Err(error) = started {
                    tracing::error!(session = %session.id, %error, "the engine could not start a session");
                    let outcome = Outcome::NotStarted("the engine refused it; the server's log says why".into());
                    return self.ended(session, outcome, now()).await;
                }
                Ok(())
            }
            Status::Preparing | Status::Terminating => {
                self.advance(&mut session, step(Status::Terminated, "Ended before it ran.")).await.map(drop)
            }
            _ => self.ended(session, Outcome::Lost, now()).await,
        }
    }

    async fn stop_if_asked(&self, session: &LivingSession) -> Result<()> {
        let how = match session.stop_asked {
            0 => return Ok(()),
            1 => Stop::Gently(GRACE),
            _ => Stop::Now,
        };
        self.engine.stop(session.id, how).await.map_err(internal("ending a session"))
    }

    async fn ended(&self, mut session: LivingSession, outcome: Outcome, at: Millis) -> Result<()> {
        let (status, reason) = self.epitaph(&session, &outcome).await;
        if session.status == Status::Preparing && status == Status::Terminated {
            // It ran and ended between two looks; its history says both.
            self.advance(&mut session, Step { at, ..step(Status::Running, "Its process was alive.") }).await?;
        }
        let notice = format!("Session {} has ended: {reason}", session.name);
        let last = Step { outcome: Some(&outcome), notice: Some(&notice), at, ..step(status, &reason) };
        self.advance(&mut session, last).await?;
        // What it occupied is free now.
        self.shared.work.notify_one();
        Ok(())
    }

    /// The last status of a session that ended so, and why in words.
    async fn epitaph(&self, session: &LivingSession, outcome: &Outcome) -> (Status, String) {
        match outcome {
            // What a shell answers when it cannot find or may not run a command: nothing of the batch job ever ran.
            Outcome::Exited(code @ (126 | 127)) if session.kind == SessionType::Batch && session.stop_asked == 0 => {
                let words = self.last_words(session).await;
                (Status::Error, format!("The start-up command could not be run (exit code {code}): {words}"))
            }
            Outcome::NotStarted(_) | Outcome::Lost => (Status::Error, outcome.describe()),
            _ => (Status::Terminated, outcome.describe()),
        }
    }

    /// The last line of a session's log.
    async fn last_words(&self, session: &LivingSession) -> String {
        let log = self.engine.log(session.id, 0, LAST_WORDS as usize).await.unwrap_or_default();
        let line = log.text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("the log is empty");
        line.chars().take(300).collect()
    }

    /// Moves the session on, unless somebody else has; says whether it did.
    async fn advance(&self, session: &mut LivingSession, step: Step<'_>) -> Result<bool> {
        let mut change = self.store.change().await.map_err(store_failed("moving a session"))?;
        let moved = change.move_session(session, &step).await.map_err(store_failed("moving a session"))?;
        if moved {
            change.commit().await.map_err(store_failed("moving a session"))?;
            session.status = step.next;
        }
        Ok(moved)
    }
}

fn step(next: Status, reason: &str) -> Step<'_> {
    Step { next, reason, agent: None, outcome: None, notice: None, at: now() }
}

fn launch(session: &LivingSession) -> LaunchSpec {
    LaunchSpec {
        name: session.name.clone(),
        what: match session.kind {
            SessionType::Interactive => Launch::Interactive,
            SessionType::Batch => Launch::Batch(session.command.clone()),
        },
        cpu: session.slots.get(types::quantity::CPU),
        mem: session.slots.get(types::quantity::MEM).floor(),
        env: Vec::new(),
    }
}
