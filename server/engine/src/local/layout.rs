//! The files of one session's folder, and what they say together.
//!
//! | File | Written by | Says |
//! |---|---|---|
//! | `spec.json` | the engine, whole or not at all | what to run and how to isolate it |
//! | `lock` | the supervisor holds its lock | a supervisor is alive |
//! | `started` | the supervisor, before it spawns anything | from here on it can never be started again |
//! | `running.json` | the supervisor | its process is alive since then |
//! | `exit.json` | the supervisor; the engine for one that was lost | it is over, and how |
//! | `stop` | the engine, when no supervisor answers yet | end it as soon as there is one |
//! | `control.sock` | the supervisor | orders in, changes out |
//! | `log/`, `usage`, `supervisor.log` | the supervisor | its output, its measurements, the supervisor's own troubles |
//! | `home/`, `tmp/` | the session | its files |
//!
//! Deliberately absent: anything that starts, ends or measures a process.

use super::isolation::Isolation;
use super::{cgroup, sys};
use crate::{LaunchSpec, RunState, Stop};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use types::id::ContainerId;
use types::sessions::Outcome;
use types::time::Millis;

pub(crate) const SPEC: &str = "spec.json";
pub(crate) const LOCK: &str = "lock";
pub(crate) const STARTED: &str = "started";
pub(crate) const RUNNING: &str = "running.json";
pub(crate) const EXIT: &str = "exit.json";
pub(crate) const STOP: &str = "stop";
pub(crate) const CONTROL: &str = "control.sock";
pub(crate) const LOG: &str = "log";
pub(crate) const USAGE: &str = "usage";
pub(crate) const HOME: &str = "home";
pub(crate) const TMP: &str = "tmp";
pub(crate) const SUPERVISOR_LOG: &str = "supervisor.log";

/// What a supervisor needs to know: all of it was decided by the engine, so that a supervisor asks nobody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub id: ContainerId,
    pub launch: LaunchSpec,
    pub isolation: Isolation,
    /// Use control groups as far as they can be written.
    pub cgroups: bool,
    /// Bytes of log that are kept at most.
    pub log_limit: u64,
}

/// The process of a session is alive.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The outermost process of the session, as this machine numbers it.
    pub pid: u32,
    pub since: Millis,
}

/// A session is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub outcome: Outcome,
    pub at: Millis,
}

/// An order to end a session, as text: milliseconds to wait, or `now`.
pub(crate) fn stop_text(how: Stop) -> String {
    match how {
        Stop::Gently(grace) => u64::try_from(grace.as_millis()).unwrap_or(u64::MAX).to_string(),
        Stop::Now => "now".into(),
    }
}

/// Reads what [`stop_text`] wrote. What cannot be read is an order to stop all the same.
pub(crate) fn stop_order(text: &str) -> Stop {
    text.trim().parse().map_or(Stop::Now, |grace| Stop::Gently(Duration::from_millis(grace)))
}

/// One session's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn of(sessions: &Path, id: ContainerId) -> Self {
        Self(sessions.join(id.to_string()))
    }

    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the folder. Others may pass through it, for the home below it, but see nothing in it.
    pub(crate) fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o711).create(&self.0)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    /// Replaces a file as a whole: readers see the old one or the new one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // The numbers keep two writers apart: two starts of one session, in one server or in two.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let new = self.file(&format!("{name}.{}.{number}.new", std::process::id()));
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()
        });
        if let Err(error) = written.and_then(|()| std::fs::rename(&new, self.file(name))) {
            let _ = std::fs::remove_file(&new);
            return Err(error);
        }
        self.sync()
    }

    /// [`Folder::write`] for a value.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.write(name, &serde_json::to_vec(value)?)
    }

    /// Reads a value, if its file is there.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match std::fs::read(self.file(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates an empty file that must not be there yet, and sees it to the disk.
    pub(crate) fn mark(&self, name: &str) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(name))?;
        self.sync()
    }

    /// Sees the folder's names to the disk.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// Opens the lock file; the lock itself is [`sys::try_lock`].
    pub(crate) fn lock_file(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(self.file(LOCK))
    }

    /// A supervisor is alive.
    pub(crate) fn is_supervised(&self) -> io::Result<bool> {
        match OpenOptions::new().read(true).write(true).open(self.file(LOCK)) {
            Ok(file) => sys::is_locked(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Connects to the supervisor.
    pub(crate) fn connect(&self) -> io::Result<UnixStream> {
        // A socket's path has at most 107 bytes, and a data folder may be deep: through a descriptor it is always short.
        let folder: OwnedFd = File::open(&self.0)?.into();
        UnixStream::connect(format!("/proc/self/fd/{}/{CONTROL}", folder.as_raw_fd()))
    }

    /// What became of the session. Settles the end of one whose supervisor is gone without a word.
    pub(crate) fn look(&self) -> io::Result<RunState> {
        if let Some(ended) = self.ended()? {
            return Ok(ended);
        }
        if !self.has(SPEC) {
            return Ok(RunState::Unknown);
        }
        if self.is_supervised()? {
            return Ok(match self.read_json::<Running>(RUNNING)? {
                Some(running) => RunState::Running(running.since),
                None => RunState::Starting,
            });
        }
        // It may have ended between the two looks.
        if let Some(ended) = self.ended()? {
            return Ok(ended);
        }
        if self.has(STARTED) { self.settle() } else { Ok(RunState::Unknown) }
    }

    fn ended(&self) -> io::Result<Option<RunState>> {
        Ok(self.read_json::<Exit>(EXIT)?.map(|exit| RunState::Ended { outcome: exit.outcome, at: exit.at }))
    }

    /// Takes the environment out of what is kept of a session that has ended: secrets are in it, and nobody needs them any more.
    pub(crate) fn forget_env(&self) {
        if let Ok(Some(mut plan)) = self.read_json::<Plan>(SPEC) {
            plan.launch.env.clear();
            // A disk may be full; the folder is its owner's alone all the same.
            let _ = self.write_json(SPEC, &plan);
        }
    }

    /// Ends a session that has no supervisor any more, for good.
    fn settle(&self) -> io::Result<RunState> {
        let lock = self.lock_file()?;
        if !sys::try_lock(&lock)? {
            // Somebody else settles it at this moment.
            return Ok(RunState::Starting);
        }
        if let Some(ended) = self.ended()? {
            return Ok(ended);
        }
        if let Some(plan) = self.read_json::<Plan>(SPEC)? {
            cgroup::clean_up(plan.id);
        }
        let exit = Exit { outcome: Outcome::Lost, at: sys::now() };
        self.write_json(EXIT, &exit)?;
        self.forget_env();
        Ok(RunState::Ended { outcome: exit.outcome, at: exit.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_to_stop_reads_back_as_written() {
        for how in [Stop::Gently(Duration::ZERO), Stop::Gently(Duration::from_secs(5)), Stop::Now] {
            assert_eq!(stop_order(&stop_text(how)), how);
        }
        assert_eq!(stop_text(Stop::Gently(Duration::from_secs(5))), "5000", "as other versions read and write it");
        assert_eq!(stop_order("half a word"), Stop::Now);
    }

    #[test]
    fn the_files_say_what_became_of_a_session() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(&dir.path().join("s"));
        assert_eq!(folder.look().unwrap(), RunState::Unknown);
        folder.create().unwrap();
        assert_eq!(folder.look().unwrap(), RunState::Unknown);
        // No supervisor has marked it: starting again is safe.
        folder.write(SPEC, b"null").unwrap();
        assert_eq!(folder.look().unwrap(), RunState::Unknown);
        let lock = folder.lock_file().unwrap();
        assert!(sys::try_lock(&lock).unwrap());
        assert_eq!(folder.look().unwrap(), RunState::Starting);
        folder.mark(STARTED).unwrap();
        assert!(folder.mark(STARTED).is_err());
        folder.write_json(RUNNING, &Running { pid: 1, since: Millis(7) }).unwrap();
        assert_eq!(folder.look().unwrap(), RunState::Running(Millis(7)));
        folder.write(SPEC, serde_json::to_vec(&None::<Plan>).unwrap().as_slice()).unwrap();
        folder.write_json(EXIT, &Exit { outcome: Outcome::Exited(3), at: Millis(9) }).unwrap();
        assert_eq!(folder.look().unwrap(), RunState::Ended { outcome: Outcome::Exited(3), at: Millis(9) });
    }
}
