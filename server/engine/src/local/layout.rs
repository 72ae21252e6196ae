//! The files of one session's folder, and the session's state that follows from them.
//!
//! | File | Written by | Meaning |
//! |---|---|---|
//! | `spec.json` | the engine, atomically | what to run and how to isolate it |
//! | `lock` | the supervisor holds its lock, and writes its process id | a supervisor is alive |
//! | `started` | the supervisor, before it spawns anything | the session must never be started again |
//! | `running.json` | the supervisor | its process has been alive since this time |
//! | `exit.json` | the supervisor; the engine if the session was lost | how and when the session ended |
//! | `stop` | the engine, when no supervisor answers | end the session as soon as there is a supervisor, or without one |
//! | `control.sock` | the supervisor | orders in, changes out |
//! | `log/`, `usage`, `supervisor.log` | the supervisor | its output, its measurements, the supervisor's own errors |
//! | `home/`, `tmp/` | the session | its files |
//! | `root/`, `config.json`, `container/`, `passwd`, `group` | the supervisor | the container's root folder and description |
//!
//! Deliberately absent: anything that starts, ends or measures a process.

use super::isolation::Isolation;
use super::{cgroup, sys, tree};
use crate::{LaunchSpec, RunState, Stop};
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

/// The plan of a session. The engine decides all of it beforehand, so that the supervisor needs nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub id: ContainerId,
    pub launch: LaunchSpec,
    /// Named differently from the field of earlier versions, which had another form.
    #[serde(rename = "isolated_by")]
    pub isolation: Isolation,
    /// The largest number of bytes of log that are kept.
    pub log_limit: u64,
}

/// The part of a plan that every version has written alike.
#[derive(Deserialize)]
pub(crate) struct Planned {
    pub launch: LaunchSpec,
}

/// The content of `running.json`: the process of a session is alive.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The outermost process of the session, as this machine numbers it.
    pub pid: u32,
    pub since: Millis,
}

/// The content of `exit.json`: a session has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub outcome: Outcome,
    pub at: Millis,
    /// Its processes that were killed because its memory was used up.
    #[serde(default)]
    pub memory_kills: u64,
}

/// Writes an order to end a session as text: milliseconds to wait, or `now`.
pub(crate) fn stop_text(how: Stop) -> String {
    match how {
        Stop::Gently(grace) => u64::try_from(grace.as_millis()).unwrap_or(u64::MAX).to_string(),
        Stop::Now => "now".into(),
    }
}

/// Reads the text of [`stop_text`]. An unreadable text means to stop now.
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

    /// The folder of all sessions' folders.
    pub(crate) fn sessions(&self) -> &Path {
        self.0.parent().unwrap_or(&self.0)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Creates the folder. Other users may pass through it to the home below it, but cannot list it.
    pub(crate) fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o711).create(&self.0)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    /// Replaces a file atomically: readers see either the old file or the new one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // The numbers keep concurrent writers apart: two starts of one session, in one server or in two.
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

    /// Like [`Folder::write`], for a value.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.write(name, &serde_json::to_vec(value)?)
    }

    /// Reads a value. Returns `None` if there is no such file.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match std::fs::read(self.file(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates an empty file that must not exist yet, and syncs it to the disk.
    pub(crate) fn mark(&self, name: &str) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(name))?;
        self.sync()
    }

    /// Syncs the folder's entries to the disk.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// Opens the lock file. [`sys::try_lock`] takes the lock itself.
    pub(crate) fn lock_file(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(self.file(LOCK))
    }

    /// Returns whether a supervisor is alive.
    pub(crate) fn is_supervised(&self) -> io::Result<bool> {
        match OpenOptions::new().read(true).write(true).open(self.file(LOCK)) {
            Ok(file) => sys::is_locked(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the process id of the supervisor, if one is alive.
    pub(crate) fn supervisor(&self) -> Option<i32> {
        let pid = std::fs::read_to_string(self.file(LOCK)).ok()?.trim().parse().ok();
        // The number may belong to another process by now, unless the lock is still held.
        pid.filter(|_| self.is_supervised().unwrap_or(false))
    }

    /// Connects to the supervisor.
    pub(crate) fn connect(&self) -> io::Result<UnixStream> {
        // A socket's path has at most 107 bytes, and a data folder may be deep. Through a descriptor the path is always short.
        let folder: OwnedFd = File::open(&self.0)?.into();
        UnixStream::connect(format!("/proc/self/fd/{}/{CONTROL}", folder.as_raw_fd()))
    }

    /// Returns the session's state. If its supervisor is gone without a report, records the session as lost.
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
        // It may have ended between the two checks.
        if let Some(ended) = self.ended()? {
            return Ok(ended);
        }
        if self.has(STARTED) { self.settle() } else { Ok(RunState::Unknown) }
    }

    fn ended(&self) -> io::Result<Option<RunState>> {
        Ok(self.read_json::<Exit>(EXIT)?.map(|exit| RunState::Ended { outcome: exit.outcome, at: exit.at }))
    }

    /// Removes the environment from the saved plan of an ended session, because it contains secrets that are no longer needed.
    pub(crate) fn forget_env(&self) {
        if let Ok(Some(mut plan)) = self.read_json::<Value>(SPEC)
            && let Some(env) = plan.pointer_mut("/launch/env")
        {
            *env = Value::Array(Vec::new());
            // The disk may be full. Even then only its owner can read the file.
            let _ = self.write_json(SPEC, &plan);
        }
    }

    /// Kills a supervisor that does not answer, with its session, and records that the session was killed.
    pub(crate) fn end_by_force(&self) -> io::Result<()> {
        // Read by whoever finds the supervisor dead first.
        self.write(STOP, stop_text(Stop::Now).as_bytes())?;
        if let Some(pid) = self.supervisor() {
            tree::signal(pid, Signal::KILL);
        }
        for _ in 0..500 {
            if !self.is_supervised()? {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.look().map(drop)
    }

    /// Ends a session without a supervisor and records it for good: as killed if that was asked for, otherwise as lost.
    fn settle(&self) -> io::Result<RunState> {
        let lock = self.lock_file()?;
        if !sys::try_lock(&lock)? {
            // Another process is doing this at the moment.
            return Ok(RunState::Starting);
        }
        if let Some(ended) = self.ended()? {
            return Ok(ended);
        }
        if let Some(id) = self.0.file_name().and_then(|name| name.to_str()?.parse().ok()) {
            cgroup::clean_up(self.sessions(), id);
        }
        let killed = std::fs::read_to_string(self.file(STOP)).is_ok_and(|order| stop_order(&order) == Stop::Now);
        let outcome = if killed { Outcome::Signalled(libc::SIGKILL) } else { Outcome::Lost };
        let exit = Exit { outcome, at: sys::now(), memory_kills: 0 };
        self.write_json(EXIT, &exit)?;
        self.forget_env();
        Ok(RunState::Ended { outcome: exit.outcome, at: exit.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_to_stop_is_read_back_as_written() {
        for how in [Stop::Gently(Duration::ZERO), Stop::Gently(Duration::from_secs(5)), Stop::Now] {
            assert_eq!(stop_order(&stop_text(how)), how);
        }
        assert_eq!(stop_text(Stop::Gently(Duration::from_secs(5))), "5000", "as other versions read and write it");
        assert_eq!(stop_order("half a word"), Stop::Now);
    }

    #[test]
    fn the_state_of_a_session_follows_from_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(&dir.path().join("s"));
        assert_eq!(folder.look().unwrap(), RunState::Unknown);
        folder.create().unwrap();
        assert_eq!(folder.look().unwrap(), RunState::Unknown);
        // No supervisor has marked it, so starting it again is safe.
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
        folder.write_json(EXIT, &Exit { outcome: Outcome::Exited(3), at: Millis(9), memory_kills: 0 }).unwrap();
        assert_eq!(folder.look().unwrap(), RunState::Ended { outcome: Outcome::Exited(3), at: Millis(9) });
    }
}
