//! Background tasks: long work that continues without the page that started it, reports its progress, can be cancelled, and is
//! begun again by the next server if this one is killed.
//!
//! A task is ended in the same transaction that does its work ([`Progress::finish`]), so it is never done twice or half. Progress
//! is kept in memory only: writing it to the database would wait for the very transaction that it reports on.
//!
//! Deliberately absent: the work itself, which is next to the things it is about.

use crate::caller::Credential;
use crate::change::Change;
use crate::people::accounts::closed_everywhere;
use crate::people::sign_in::me_of;
use crate::{Caller, Control, Permit, Result, internal, panicked};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{NewTask, StoredTask, TaskEnd};
use tokio::sync::watch;
use types::Problem;
use types::id::{TaskId, UserId};
use types::people::many_users::CreateMany;
use types::system::tasks::{KEPT, MAX_RUNNING, Task, TaskKind, TaskState};
use types::time::Millis;

/// The work of a task, with its input.
#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    CreateUsers(CreateMany),
    RecalculateUsage,
}

impl Work {
    fn kind(&self) -> TaskKind {
        match self {
            Self::CreateUsers(_) => TaskKind::CreateUsers,
            Self::RecalculateUsage => TaskKind::RecalculateUsage,
        }
    }
}

/// The refusal of work in the name of somebody who is shut out.
const OWNER_GONE: &str = "The account that started the task is no longer active, or its domain is not.";

/// A task's answer: the result of the work, or why it failed.
type Outcome = std::result::Result<serde_json::Value, Problem>;

struct Known {
    task: Task,
    owner: UserId,
    cancel: bool,
    /// The value of [`Tasks::version`] when this task last changed.
    version: u64,
}

/// The known tasks, with a number that grows whenever one of them changes.
#[derive(Default)]
pub(crate) struct Tasks {
    known: Mutex<HashMap<TaskId, Known>>,
    version: watch::Sender<u64>,
}

impl Tasks {
    fn known(&self) -> MutexGuard<'_, HashMap<TaskId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, task: Task, owner: UserId, cancel: bool) {
        let mut known = self.known();
        let version = *self.version.borrow() + 1;
        known.insert(task.id, Known { task, owner, cancel, version });
        self.version.send_replace(version);
    }

    fn change(&self, id: TaskId, change: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        let version = *self.version.borrow() + 1;
        if let Some(one) = known.get_mut(&id) {
            change(one);
            one.version = version;
            self.version.send_replace(version);
        }
    }

    fn end(&self, id: TaskId, state: TaskState, message: String, at: Millis) {
        self.change(id, |one| {
            one.task.state = state;
            one.task.message = message;
            one.task.finished_at = Some(at);
        });
    }
}

/// A running task, as seen by its work.
#[derive(Clone)]
pub(crate) struct Progress {
    control: Control,
    id: TaskId,
}

impl Progress {
    /// Reports the work's current step. Progress of less than a hundredth is not announced.
    pub fn report(&self, message: &str, current: u64, total: u64) {
        let tasks = &self.control.shared.tasks;
        let far_enough = {
            let known = tasks.known();
            let Some(Known { task, .. }) = known.get(&self.id) else { return };
            let step = (total / 100).max(1);
            task.message != message || task.total != total || current >= task.current + step || current == total
        };
        if far_enough {
            tasks.change(self.id, |one| {
                one.task.message = message.to_owned();
                (one.task.current, one.task.total) = (current, total);
            });
        }
    }

    /// Fails once the task is to be cancelled. The work calls this between steps, before anything is committed.
    pub fn check_not_cancelled(&self) -> Result<()> {
        if self.control.shared.tasks.known().get(&self.id).is_some_and(|one| one.cancel) {
            return Err(Problem::Conflict("The task was cancelled.".into()));
        }
        Ok(())
    }

    /// Ends the task in the transaction that does its work, with a sentence for its owner and the result. Fails, and so undoes the
    /// work, if the owner's account may not be used any more, or has other rights than when the work began.
    pub async fn finish(&self, caller: &Caller, change: &mut Change, message: &str, answer: &impl Serialize) -> Result<()> {
        let owner = caller.who()?;
        match change.account(owner.id).await?.filter(|account| closed_everywhere(account).is_none()) {
            None => return Err(Problem::Conflict(OWNER_GONE.into())),
            Some(now) if (now.role, now.domain, &now.administers) != (owner.role, owner.domain, &owner.administers) => {
                return Err(Problem::Conflict("Your role or domain changed meanwhile, so nothing was done. Try again.".into()));
            }
            Some(_) => {}
        }
        let answer: Outcome = Ok(serde_json::to_value(answer).map_err(internal("keeping a task's answer"))?);
        self.control.write_end(change, self.id, TaskState::Done, message, &answer).await
    }
}

impl Control {
    /// The caller's own tasks that changed after `version`, oldest first, and the version to continue from.
    pub fn tasks(&self, caller: &Caller, version: u64) -> Result<(Vec<Task>, u64)> {
        let (me, _) = caller.person()?;
        let known = self.shared.tasks.known();
        let mine = known.values().filter(|one| one.owner == me.id && one.version > version);
        let mut tasks: Vec<Task> = mine.map(|one| one.task.clone()).collect();
        tasks.sort_by_key(|task| (task.created_at, task.id));
        Ok((tasks, *self.shared.tasks.version.borrow()))
    }

    /// A receiver that is notified whenever any task changes.
    pub fn tasks_changed(&self, caller: &Caller) -> Result<watch::Receiver<u64>> {
        caller.person()?;
        Ok(self.shared.tasks.version.subscribe())
    }

    /// Asks one of the caller's tasks to stop. A task past its last step ends as if it had not been asked.
    pub async fn cancel_task(&self, caller: &Caller, id: TaskId) -> Result<()> {
        let task = self.own_task(caller, id)?;
        if task.state != TaskState::Running {
            return Err(Problem::Conflict("The task has already ended.".into()));
        }
        // In memory first: the work may hold the only write connection until it sees this.
        self.shared.tasks.change(id, |one| one.cancel = true);
        let mut change = self.change_by(caller).await?;
        change.ask_task_cancel(id).await?;
        change.record("cancel task", id, serde_json::json!({ "kind": task.kind })).await?;
        change.commit().await
    }

    fn own_task(&self, caller: &Caller, id: TaskId) -> Result<Task> {
        let (me, _) = caller.person()?;
        let known = self.shared.tasks.known();
        let one = known.get(&id).filter(|one| one.owner == me.id);
        one.map(|one| one.task.clone()).ok_or_else(|| Problem::NotFound("task".into()))
    }

    /// Waits until one of the caller's tasks has ended, and returns its answer. The wait is one of the caller's open connections,
    /// for which they got `permit` before the task was started.
    pub(crate) async fn task_answer<T: DeserializeOwned>(&self, caller: &Caller, mut permit: Permit, id: TaskId) -> Result<T> {
        let mut changed = self.tasks_changed(caller)?;
        while self.own_task(caller, id)?.state == TaskState::Running {
            let more = async { changed.changed().await.map_err(internal("waiting for a task")) };
            permit.while_it_holds(more).await?;
        }
        let sealed = self.store.task_outcome(id).await?.ok_or_else(|| Problem::NotFound("task".into()))?;
        let text = self.shared.vault.read(&sealed, &id.to_string())?;
        let outcome: Outcome = serde_json::from_str(&text).map_err(internal("reading a task's answer"))?;
        serde_json::from_value(outcome?).map_err(internal("reading a task's answer"))
    }

    /// Stores a task and begins it. The permission for the work is checked before.
    pub(crate) async fn start_task(&self, caller: &Caller, work: Work) -> Result<TaskId> {
        // Of its own: a request that is given up meanwhile must not leave a task that nobody runs.
        let (control, caller) = (self.clone(), caller.clone());
        let begun = tokio::spawn(async move { control.begin_task(caller, work).await });
        begun.await.map_err(internal("beginning a task"))?
    }

    async fn begin_task(&self, caller: Caller, work: Work) -> Result<TaskId> {
        let owner = caller.person()?.0.id;
        let (id, kind) = (TaskId(uuid::Uuid::now_v7()), work.kind());
        let input = serde_json::to_string(&work).map_err(internal("keeping a task"))?;
        let input = self.shared.vault.seal(&input, &id.to_string())?;
        let mut change = self.change_by(&caller).await?;
        // Counted in the change that adds one: of two requests at once, the second sees the first.
        if change.running_tasks(owner).await? >= MAX_RUNNING {
            return Err(Problem::Limit(format!(
                "You already have {MAX_RUNNING} running tasks, the maximum. Wait for one to finish, or cancel one."
            )));
        }
        let at = change.at;
        change.insert_task(&NewTask { id, kind, owner, address: &caller.address, input: &input, at }).await?;
        change.commit().await?;
        let task = Task {
            id,
            kind,
            state: TaskState::Running,
            message: "Starting.".into(),
            current: 0,
            total: 0,
            created_at: at,
            finished_at: None,
        };
        self.shared.tasks.put(task, owner, false);
        self.spawn_task(id, caller, work);
        Ok(id)
    }

    fn spawn_task(&self, id: TaskId, caller: Caller, work: Work) {
        let control = self.clone();
        let progress = Progress { control: self.clone(), id };
        let doing = tokio::spawn(async move {
            let control = progress.control.clone();
            match work {
                Work::CreateUsers(many) => control.create_users_now(&caller, &many, &progress).await,
                Work::RecalculateUsage => control.recalculate_usage_now(&caller, &progress).await,
            }
        });
        tokio::spawn(async move {
            let done = match doing.await {
                Ok(done) => done,
                Err(error) if error.is_panic() => Err(panicked(&*error.into_panic())),
                // The server is shutting down: the next one begins the task again.
                Err(_) => return,
            };
            match done {
                Ok(message) => control.shared.tasks.end(id, TaskState::Done, message, control.now()),
                Err(problem) => control.fail_task(id, problem).await,
            }
        });
    }

    /// Ends a task with a problem. If that cannot be stored either, the next server begins the task again.
    async fn fail_task(&self, id: TaskId, problem: Problem) {
        let cancelled = self.shared.tasks.known().get(&id).is_some_and(|one| one.cancel);
        let state = if cancelled { TaskState::Cancelled } else { TaskState::Failed };
        let message = problem.to_string();
        let written = async {
            let mut change = self.change_from("server").await?;
            self.write_end(&mut change, id, state, &message, &Err(problem)).await?;
            change.commit().await
        };
        self.log_failure(written.await);
        self.shared.tasks.end(id, state, message, self.now());
    }

    async fn write_end(&self, change: &mut Change, id: TaskId, state: TaskState, message: &str, outcome: &Outcome) -> Result<()> {
        let outcome = serde_json::to_string(outcome).map_err(internal("keeping a task's answer"))?;
        let outcome = self.shared.vault.seal(&outcome, &id.to_string())?;
        let at = change.at;
        Ok(change.finish_task(id, &TaskEnd { state, message, outcome: &outcome, at }).await?)
    }

    /// Takes over the tasks of the previous server: answers of those that ended can be read, the others begin again.
    pub(crate) async fn resume_tasks(&self) -> Result<()> {
        for stored in self.store.every_task().await? {
            let StoredTask { task, owner, address, cancel, input } = stored;
            let (id, ended) = (task.id, task.state != TaskState::Running);
            self.shared.tasks.put(task, owner, cancel);
            if ended {
                continue;
            }
            match self.begin_again(id, owner, &address, &input).await {
                Ok((caller, work)) if !cancel => self.spawn_task(id, caller, work),
                Ok(_) => self.fail_task(id, Problem::Conflict("The task was cancelled.".into())).await,
                Err(problem) => self.fail_task(id, problem).await,
            }
        }
        Ok(())
    }

    /// The owner with their present rights, and the work. The work refuses what they may no longer do.
    async fn begin_again(&self, id: TaskId, owner: UserId, address: &str, input: &[u8]) -> Result<(Caller, Work)> {
        let work = self.shared.vault.read(input, &id.to_string())?;
        let work = serde_json::from_str(&work).map_err(internal("reading a task"))?;
        let account = self.store.account(owner).await?.filter(|account| closed_everywhere(account).is_none());
        let account = account.ok_or_else(|| Problem::Conflict(OWNER_GONE.into()))?;
        let caller = Caller::nobody(address, "").signed_in(me_of(&account), Credential::Server);
        Ok((caller, work))
    }

    /// Forgets tasks that ended long ago.
    pub async fn forget_old_tasks(&self) -> Result<()> {
        let before = Millis(self.now().0 - KEPT);
        let old = |one: &Known| one.task.finished_at.is_some_and(|at| at < before);
        if !self.shared.tasks.known().values().any(old) {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        change.forget_tasks(before).await?;
        change.commit().await?;
        self.shared.tasks.known().retain(|_, one| !old(one));
        Ok(())
    }
}
