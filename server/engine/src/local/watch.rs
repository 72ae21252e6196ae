//! Listens to supervisors and passes on each session's changes as they happen, whichever server started the session.

use super::{LocalEngine, layout, supervisor};
use crate::RunState;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use types::id::ContainerId;

impl LocalEngine {
    pub(super) fn take_up_all(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.0.dir)? {
            let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let folder = self.folder(id);
            if !folder.has(layout::EXIT) && folder.is_supervised()? {
                self.take_up(id);
            }
        }
        Ok(())
    }

    /// Starts listening to the supervisor of a living session, unless somebody already does.
    pub(super) fn take_up(&self, id: ContainerId) {
        if !self.claim(id) {
            return;
        }
        let engine = self.clone();
        tokio::spawn(async move {
            match engine.reach(id).await {
                Some(stream) => engine.listen(id, BufReader::new(stream)).await,
                None => {
                    engine.release(id);
                    engine.announce(id);
                }
            }
        });
    }

    /// Connects to a supervisor, which may have its lock a moment before its socket. Returns `None` when it has ended.
    async fn reach(&self, id: ContainerId) -> Option<UnixStream> {
        loop {
            let attempt = self.blocking("a supervisor could not be reached", move |engine| {
                let folder = engine.folder(id);
                let alive = folder.is_supervised()?;
                Ok((folder.connect().ok(), alive))
            });
            match attempt.await.ok()? {
                (Some(stream), _) => {
                    stream.set_nonblocking(true).ok()?;
                    return UnixStream::from_std(stream).ok();
                }
                (None, true) => tokio::time::sleep(Duration::from_millis(10)).await,
                (None, false) => return None,
            }
        }
    }

    pub(super) fn claim(&self, id: ContainerId) -> bool {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }

    fn release(&self, id: ContainerId) {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Passes on a supervisor's messages until it ends.
    pub(super) async fn listen(self, id: ContainerId, mut supervisor: BufReader<UnixStream>) {
        let mut line = String::new();
        while matches!(supervisor.read_line(&mut line).await, Ok(1..)) {
            if line == supervisor::RUNNING {
                self.announce(id);
            }
            line.clear();
        }
        // A supervisor that was killed closes its files one after another: its lock may be free only a moment later, and no other
        // message would follow.
        for _ in 0..500 {
            match self.blocking("the state of a container could not be read", move |engine| engine.folder(id).look()).await {
                Ok(RunState::Running(_) | RunState::Starting) => tokio::time::sleep(Duration::from_millis(2)).await,
                _ => break,
            }
        }
        self.release(id);
        self.announce(id);
    }

    fn announce(&self, id: ContainerId) {
        // It is fine if nobody listens.
        let _ = self.0.changes.send(self.place(id));
    }
}
