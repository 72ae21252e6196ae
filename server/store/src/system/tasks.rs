//! Background tasks, stored so that the next server can begin them again and their answers can still be read.

use crate::{Change, Result, Store, read_word};
use sqlx::FromRow;
use types::id::{TaskId, UserId};
use types::system::tasks::{Task, TaskKind, TaskState};
use types::time::Millis;

/// A task as it is stored.
pub struct StoredTask {
    pub task: Task,
    pub owner: UserId,
    /// The address from which it was requested.
    pub address: String,
    /// Whether it is to be cancelled.
    pub cancel: bool,
    /// Encrypted JSON of its work and input.
    pub input: Vec<u8>,
}

/// A task to be stored before its work begins.
pub struct NewTask<'a> {
    pub id: TaskId,
    pub kind: TaskKind,
    pub owner: UserId,
    pub address: &'a str,
    pub input: &'a [u8],
    pub at: Millis,
}

/// How a task ended.
pub struct TaskEnd<'a> {
    pub state: TaskState,
    pub message: &'a str,
    /// Encrypted JSON of its answer.
    pub outcome: &'a [u8],
    pub at: Millis,
}

#[derive(FromRow)]
struct Row {
    id: TaskId,
    kind: String,
    owner: UserId,
    address: String,
    state: String,
    cancel: bool,
    message: String,
    input: Vec<u8>,
    created_at: Millis,
    finished_at: Option<Millis>,
}

impl Row {
    fn read(self) -> Result<StoredTask> {
        let task = Task {
            id: self.id,
            kind: read_word("kind of task", self.kind, TaskKind::from_key)?,
            state: read_word("state of a task", self.state, TaskState::from_key)?,
            message: self.message,
            current: 0,
            total: 0,
            created_at: self.created_at,
            finished_at: self.finished_at,
        };
        Ok(StoredTask { task, owner: self.owner, address: self.address, cancel: self.cancel, input: self.input })
    }
}

impl Store {
    /// Every stored task, ended or not.
    pub async fn every_task(&self) -> Result<Vec<StoredTask>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, kind, owner, address, state, cancel, message, input, created_at, finished_at FROM tasks ORDER BY created_at",
        )
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The encrypted answer of a task that has ended.
    pub async fn task_outcome(&self, id: TaskId) -> Result<Option<Vec<u8>>> {
        let found: Option<Option<Vec<u8>>> =
            sqlx::query_scalar("SELECT outcome FROM tasks WHERE id = ?").bind(id).fetch_optional(&self.read).await?;
        Ok(found.flatten())
    }
}

impl Change {
    /// Counts a person's tasks that have not ended.
    pub async fn running_tasks(&mut self, owner: UserId) -> Result<u32> {
        let count = sqlx::query_scalar("SELECT count(*) FROM tasks WHERE owner = ? AND state = 'running'").bind(owner);
        Ok(count.fetch_one(&mut *self.tx).await?)
    }

    /// Stores a task that is about to begin.
    pub async fn insert_task(&mut self, task: &NewTask<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO tasks (id, kind, owner, address, state, input, created_at) VALUES (?, ?, ?, ?, 'running', ?, ?)",
        )
        .bind(task.id)
        .bind(task.kind.key())
        .bind(task.owner)
        .bind(task.address)
        .bind(task.input)
        .bind(task.at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Stores that a task is to be cancelled, for the server that would begin it again.
    pub async fn ask_task_cancel(&mut self, id: TaskId) -> Result<()> {
        sqlx::query("UPDATE tasks SET cancel = 1 WHERE id = ?").bind(id).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Ends a running task, and deletes its input, which is no longer needed.
    pub async fn finish_task(&mut self, id: TaskId, end: &TaskEnd<'_>) -> Result<()> {
        sqlx::query(
            "UPDATE tasks SET state = ?, message = ?, outcome = ?, finished_at = ?, input = x'' \
             WHERE id = ? AND state = 'running'",
        )
        .bind(end.state.key())
        .bind(end.message)
        .bind(end.outcome)
        .bind(end.at)
        .bind(id)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Deletes tasks that ended before `before`, with their answers.
    pub async fn forget_tasks(&mut self, before: Millis) -> Result<()> {
        sqlx::query("DELETE FROM tasks WHERE finished_at < ?").bind(before).execute(&mut *self.tx).await?;
        Ok(())
    }
}
