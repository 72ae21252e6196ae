//! The disk of the data folder. When it is nearly full, no session is started; when it is full, only writing fails
//! (`docs/spec/system.md`, "A full disk").

use crate::{Control, Result};
use rustix::fs::statvfs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use types::quantity::bytes;

/// How long a look at the disk holds.
const LOOK_HOLDS: Duration = Duration::from_secs(1);
/// The engine whose sessions write to this disk.
pub(crate) const ENGINE: &str = "local";

/// The watched disk.
#[derive(Default)]
pub(crate) struct Disk {
    /// The folder on it, and the bytes that sessions must leave free.
    watched: OnceLock<(PathBuf, u64)>,
    seen: Mutex<Option<(Instant, u64)>>,
    /// Whether it was said that the last use of sign-ins cannot be written.
    said: AtomicBool,
}

impl Disk {
    /// Free bytes, for those who may not use what is kept for the administrator.
    fn free(&self) -> Option<(u64, u64)> {
        let (folder, reserve) = self.watched.get()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, free)) = *seen
            && at.elapsed() < LOOK_HOLDS
        {
            return Some((free, *reserve));
        }
        let disk = statvfs(folder.as_path()).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        *seen = Some((Instant::now(), free));
        Some((free, *reserve))
    }

    /// Notes whether the last use of a sign-in could be written; a failure is logged once, until it works again.
    pub(crate) fn touched(&self, result: Result<()>) {
        match result {
            Ok(()) => self.said.store(false, Ordering::Relaxed),
            Err(problem) if !self.said.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%problem, "the last use of sign-ins cannot be written; people stay signed in meanwhile");
            }
            Err(_) => {}
        }
    }
}

impl Control {
    /// Watches the disk of this folder: below `reserve` free bytes, no session is started that would write to it.
    pub fn watch_disk(&self, folder: PathBuf, reserve: u64) {
        // A second call changes nothing.
        let _ = self.shared.disk.watched.set((folder, reserve));
    }

    /// Why no session is started on this machine, if its disk is nearly full.
    pub(crate) fn short_of_space(&self) -> Option<String> {
        let (free, reserve) = self.shared.disk.free()?;
        let amount = |n: u64| bytes(i64::try_from(n).unwrap_or(i64::MAX));
        (free < reserve).then(|| {
            format!(
                "Waiting for space on the server's disk: {} free, {} reserved. An administrator can free some.",
                amount(free),
                amount(reserve)
            )
        })
    }

    /// Keeps some space in the database for when the disk is full.
    pub async fn keep_spare(&self) -> Result<()> {
        Ok(self.store.keep_spare().await?)
    }
}
