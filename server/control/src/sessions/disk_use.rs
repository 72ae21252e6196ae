//! The disk that sessions hold: measured again and again, and a session that holds more than its policy allows is ended.
//!
//! Watched rather than enforced, because most file systems cannot limit a folder: a session can exceed its limit for as long as
//! one look takes. The disk of the whole machine is in `disk.rs`.

use super::files::below;
use super::places;
use crate::{Control, Result, internal};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, chmod, fstat, openat, statat};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::LivingSession;
use types::id::SessionId;
use types::limits::policies::KeypairPolicy;
use types::quantity::bytes;
use types::sessions::{DiskUse, Status};
use types::system::events::{Audience, Topic};

/// The least time between two looks at all sessions.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A look is followed by a pause of this many times its length, so that looking takes a tenth of a core at most.
const PAUSE: u32 = 9;
/// Bytes that any file, folder or link counts at least, so that a look ends however many empty ones a session makes.
const LEAST: i64 = 4_096;
/// Folders inside each other that can be measured; each takes a descriptor of the server while it is.
const MOST_DEEP: usize = 256;

/// The last measurements.
#[derive(Default)]
pub(crate) struct Measured {
    used: HashMap<SessionId, i64>,
    /// Sessions whose owners were told that little is left.
    warned: HashSet<SessionId>,
}

/// A folder's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Bytes(i64),
    /// It has folders deeper than [`MOST_DEEP`].
    TooDeep,
}

fn too_much(used: i64, limit: i64, policy: &str) -> String {
    format!("It held {} of disk: policy {policy} allows {}.", bytes(used), bytes(limit))
}

impl Control {
    /// Looks at the disk of the sessions whose policies limit it, for as long as the process lives.
    pub async fn watch_sessions_disks(self) {
        loop {
            let begun = Instant::now();
            self.log_failure(self.look_at_disks().await);
            tokio::time::sleep(LOOK_EVERY.max(begun.elapsed() * PAUSE)).await;
        }
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.shared.disk_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a session holds, if its policy limits that and it was measured.
    pub(crate) fn disk_use_of(&self, id: SessionId) -> Option<DiskUse> {
        let used = *self.measured().used.get(&id)?;
        let mirror = self.mirror();
        let policy = mirror.policies.get(&mirror.get(id)?.policy)?;
        Some(DiskUse { used, limit: policy.session_disk?, policy: policy.name.clone() })
    }

    /// Why a session would be ended under another policy, if it held more at the last look.
    pub(crate) fn over_disk_under(&self, id: SessionId, policy: &KeypairPolicy) -> Option<String> {
        let (used, limit) = (*self.measured().used.get(&id)?, policy.session_disk?);
        (used > limit).then(|| too_much(used, limit, &policy.name))
    }

    /// Looks at each session once.
    async fn look_at_disks(&self) -> Result<()> {
        let limited: Vec<(Arc<LivingSession>, i64)> = {
            let mirror = self.mirror();
            let running = mirror.all().filter(|session| session.status == Status::Running && session.stop_asked == 0);
            running
                .filter_map(|session| Some((session.clone(), mirror.policies.get(&session.policy)?.session_disk?)))
                .collect()
        };
        {
            let ids: HashSet<_> = limited.iter().map(|(session, _)| session.id).collect();
            let mut measured = self.measured();
            measured.used.retain(|id, _| ids.contains(id));
            measured.warned.retain(|id| ids.contains(id));
        }
        for (session, limit) in limited {
            // One that cannot be read must not keep the others from being looked at.
            if let Err(problem) = self.look_at_disk(&session, limit).await {
                tracing::warn!(session = %session.id, %problem, "the disk of a session could not be measured");
            }
        }
        Ok(())
    }

    async fn look_at_disk(&self, session: &Arc<LivingSession>, limit: i64) -> Result<()> {
        let mut used = 0_i64;
        for place in places(session.id, &session.agents) {
            let Some(folder) = self.engine.folder(&place).await else { continue };
            let left = limit - used;
            let size = tokio::task::spawn_blocking(move || size(&folder, left)).await;
            match size.map_err(internal("measuring a session's disk"))?.map_err(internal("measuring a session's disk"))? {
                Size::Bytes(more) => used = used.saturating_add(more),
                Size::TooDeep => {
                    let why = format!("It has more than {MOST_DEEP} folders inside each other, which cannot be measured.");
                    return self.end_automatically(&[(session.clone(), why)], self.now()).await;
                }
            }
            if used > limit {
                break;
            }
        }
        self.measured().used.insert(session.id, used);
        if used > limit {
            return self.end_automatically(&[(session.clone(), too_much(used, limit, &session.policy))], self.now()).await;
        }
        let nearly = used > limit / 10 * 9;
        let told = {
            let warned = &mut self.measured().warned;
            if nearly { !warned.insert(session.id) } else { warned.remove(&session.id) }
        };
        if nearly && !told {
            self.warn_of_disk(session, used, limit).await?;
        }
        Ok(())
    }

    async fn warn_of_disk(&self, session: &LivingSession, used: i64, limit: i64) -> Result<()> {
        let notice = format!(
            "Session {} holds {} of disk and will be ended at more than {}, which policy {} allows. Delete files to keep it.",
            session.name,
            bytes(used),
            bytes(limit),
            session.policy,
        );
        let audience = Audience { owner: Some(session.owner), domain: Some(session.domain) };
        let mut change = self.store.change().await?;
        change.tell(Topic::Session, &session.id.to_string(), audience, Some(&notice), self.now()).await?;
        Ok(change.commit().await?)
    }
}

/// Returns the bytes that a folder with everything in it takes on disk. Stops early when they are more than `most`.
///
/// Its session may change it meanwhile: what is gone counts nothing, and no link is followed.
fn size(folder: &Path, most: i64) -> io::Result<Size> {
    let mut used = 0_i64;
    // Files with several names count once.
    let mut seen = HashSet::new();
    let top = match rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(Size::Bytes(0)),
        Err(error) => return Err(error.into()),
    };
    let mut open = vec![Dir::new(top)?];
    while let Some(folder) = open.last_mut() {
        let entry = match folder.next() {
            Some(entry) => entry?,
            None => {
                open.pop();
                continue;
            }
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let folder = folder.fd()?;
        let found = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(error.into()),
        };
        if found.st_nlink == 1 || FileType::from_raw_mode(found.st_mode) == FileType::Directory || seen.insert(found.st_ino) {
            used = used.saturating_add(found.st_blocks.saturating_mul(512).max(LEAST));
        }
        if used > most {
            break;
        }
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            let inner = match open_folder(folder, name) {
                Ok(inner) => inner,
                // It is gone, or a link by now.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => continue,
                Err(error) => return Err(error.into()),
            };
            if open.len() >= MOST_DEEP {
                return Ok(Size::TooDeep);
            }
            open.push(Dir::new(inner)?);
        }
    }
    Ok(Size::Bytes(used))
}

/// Opens a folder in a folder. Its owner's rights to read it are restored: an ordinary user's sessions are that user, who could
/// otherwise hide what they hold.
fn open_folder(folder: BorrowedFd, name: &std::ffi::CStr) -> rustix::io::Result<OwnedFd> {
    match below(folder, name) {
        Err(Errno::ACCESS) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let closed = openat(folder, name, flags, Mode::empty())?;
            let mode = Mode::from_raw_mode(fstat(&closed)?.st_mode) | Mode::RUSR | Mode::XUSR;
            chmod(format!("/proc/self/fd/{}", closed.as_raw_fd()), mode)?;
            below(folder, name)
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn measure(folder: &Path) -> i64 {
        match size(folder, i64::MAX).unwrap() {
            Size::Bytes(bytes) => bytes,
            Size::TooDeep => panic!("too deep"),
        }
    }

    #[test]
    fn a_folder_is_measured_with_hidden_and_closed_folders_but_without_what_links_point_to() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("session");
        std::fs::create_dir_all(folder.join("home/.hidden/closed")).unwrap();
        let empty = measure(&folder);
        std::fs::write(around.path().join("elsewhere"), vec![1; 8 << 20]).unwrap();
        symlink(around.path(), folder.join("home/link")).unwrap();
        assert_eq!(measure(&folder) - empty, LEAST, "a link is a link");
        std::fs::write(folder.join("home/.hidden/closed/file"), vec![1; 1 << 20]).unwrap();
        std::fs::hard_link(folder.join("home/.hidden/closed/file"), folder.join("home/again")).unwrap();
        std::fs::set_permissions(folder.join("home/.hidden/closed"), PermissionsExt::from_mode(0o0)).unwrap();
        let used = measure(&folder) - empty - LEAST;
        assert!((1 << 20..(1 << 20) + (64 << 10)).contains(&used), "{used}");
        // A hole takes no disk.
        std::fs::File::create(folder.join("home/sparse")).unwrap().set_len(1 << 40).unwrap();
        assert!(measure(&folder) < 4 << 20);
        assert_eq!(measure(&around.path().join("gone")), 0);
    }

    #[test]
    fn measuring_stops_at_the_limit_and_counts_empty_files() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..100 {
            std::fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        assert_eq!(measure(folder.path()), 100 * LEAST);
        assert_eq!(size(folder.path(), 9 * LEAST).unwrap(), Size::Bytes(10 * LEAST));
    }

    #[test]
    fn folders_that_are_too_deep_to_be_measured_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = rustix::fs::open(folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..MOST_DEEP + 1 {
            rustix::fs::mkdirat(&deep, "deeper", Mode::RWXU).unwrap();
            deep = below(&deep, "deeper").unwrap();
        }
        assert_eq!(size(folder.path(), i64::MAX).unwrap(), Size::TooDeep);
        super::super::files::remove(folder.path()).unwrap();
    }
}
