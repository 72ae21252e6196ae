//! The disk that a session holds: its folder, and files that it deleted and still has open.

use crate::DiskSize;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::CStr;
use std::io;
use std::path::Path;

/// Bytes that any file, folder or link, and any further name of a file, counts at least: a look ends however many a session makes.
const LEAST: u64 = 4_096;
/// Folders inside each other that can be measured; each takes a descriptor while it is.
const MOST_DEEP: usize = 256;

/// Bytes on disk, counted up to a limit.
struct Count {
    used: u64,
    most: u64,
    /// Files that have, or had, several names: what they hold counts once.
    seen: HashSet<u64>,
}

impl Count {
    fn add(&mut self, found: &Stat) {
        let folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
        if folder || found.st_nlink == 1 || self.seen.insert(found.st_ino) {
            let blocks = u64::try_from(found.st_blocks).unwrap_or(0);
            self.used = self.used.saturating_add(blocks.saturating_mul(512).max(LEAST));
        } else {
            self.used = self.used.saturating_add(LEAST);
        }
    }

    fn is_full(&self) -> bool {
        self.used > self.most
    }
}

/// Returns the bytes that a session takes on disk. Stops early when they are more than `most`.
///
/// The session may change its files meanwhile: what is gone counts nothing, and no link is followed.
pub(crate) fn size(folder: &Path, processes: &[i32], most: u64) -> io::Result<DiskSize> {
    let top = match rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(DiskSize::Bytes(0)),
        Err(error) => return Err(error.into()),
    };
    let disk = rustix::fs::fstat(&top)?.st_dev;
    let mut count = Count { used: 0, most, seen: HashSet::new() };
    for process in processes {
        deleted(*process, disk, &mut count);
    }
    let mut open = vec![Dir::new(top)?];
    while let Some(folder) = open.last_mut()
        && !count.is_full()
    {
        let Some(entry) = folder.next() else {
            open.pop();
            continue;
        };
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let folder = folder.fd()?;
        let found = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(Errno::NOENT) => continue,
            Err(Errno::ACCESS) => return Ok(DiskSize::Closed),
            Err(error) => return Err(error.into()),
        };
        count.add(&found);
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            let inner = match open_folder(folder, name) {
                Ok(inner) => inner,
                // It is gone, or something else by now.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => continue,
                Err(Errno::ACCESS) => return Ok(DiskSize::Closed),
                Err(error) => return Err(error.into()),
            };
            if open.len() >= MOST_DEEP {
                return Ok(DiskSize::TooDeep(MOST_DEEP));
            }
            open.push(Dir::new(inner)?);
        }
    }
    Ok(DiskSize::Bytes(count.used))
}

/// Counts the files of this disk that a process has open, or mapped, and that have no name any more.
fn deleted(process: i32, disk: u64, count: &mut Count) {
    for kind in ["fd", "map_files"] {
        for entry in std::fs::read_dir(format!("/proc/{process}/{kind}")).into_iter().flatten().flatten() {
            if let Ok(found) = rustix::fs::stat(entry.path())
                && found.st_dev == disk
                && found.st_nlink == 0
                && FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
            {
                count.add(&found);
            }
            if count.is_full() {
                return;
            }
        }
    }
}

/// Opens a folder in a folder, readable for its owner: an ordinary user's sessions are that user, who could otherwise hide what they
/// hold.
fn open_folder(folder: BorrowedFd, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if !rustix::process::geteuid().is_root() {
        let found = rustix::fs::openat2(folder, name, flags | OFlags::PATH, Mode::empty(), beneath)?;
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&found)?.st_mode);
        let wanted = mode | Mode::RUSR | Mode::XUSR;
        if mode != wanted {
            rustix::fs::chmod(format!("/proc/self/fd/{}", found.as_fd().as_raw_fd()), wanted)?;
        }
    }
    rustix::fs::openat2(folder, name, flags | OFlags::RDONLY, Mode::empty(), beneath)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn measure(folder: &Path) -> u64 {
        match size(folder, &[], u64::MAX).unwrap() {
            DiskSize::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
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
        for mode in [0o0, 0o400, 0o100] {
            std::fs::set_permissions(folder.join("home/.hidden/closed"), PermissionsExt::from_mode(mode)).unwrap();
            let used = measure(&folder) - empty - 2 * LEAST;
            assert!((1 << 20..(1 << 20) + (64 << 10)).contains(&used), "{used} with {mode:o}");
        }
        // A hole takes no disk.
        std::fs::File::create(folder.join("home/sparse")).unwrap().set_len(1 << 40).unwrap();
        assert!(measure(&folder) < 4 << 20);
        assert_eq!(measure(&around.path().join("gone")), 0);
    }

    #[test]
    fn a_deleted_file_counts_for_as_long_as_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deleted");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(&vec![1; 1 << 20]).unwrap();
        std::fs::remove_file(&path).unwrap();
        let own = std::process::id().cast_signed();
        let size = || match size(folder.path(), &[own, own], u64::MAX).unwrap() {
            DiskSize::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
        };
        let open = size();
        assert!((1 << 20..2 << 20).contains(&open), "{open}");
        drop(file);
        assert!(open - size() >= 1 << 20, "once, and no more");
    }

    #[test]
    fn measuring_stops_at_the_limit_and_counts_empty_files() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..100 {
            std::fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        assert_eq!(measure(folder.path()), 100 * LEAST);
        assert_eq!(size(folder.path(), &[], 9 * LEAST).unwrap(), DiskSize::Bytes(10 * LEAST));
    }

    #[test]
    fn folders_that_are_too_deep_to_be_measured_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().to_owned();
        for _ in 0..=MOST_DEEP {
            deep.push("d");
        }
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(size(folder.path(), &[], u64::MAX).unwrap(), DiskSize::TooDeep(MOST_DEEP));
    }
}
