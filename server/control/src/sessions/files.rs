//! The files of ended sessions: their owner downloads or deletes them, and the cleaner removes them after a while.
//!
//! Paths are never followed: a session made what is there, and may have left links to anywhere.

use super::places;
use crate::turns::DownloadTurn;
use crate::{Caller, Control, Result, internal};
use futures::{Stream, stream};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, chmodat, openat2, renameat, unlinkat};
use rustix::io::Errno;
use serde_json::json;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use types::Problem;
use types::id::SessionId;
use types::sessions::Cluster;
use types::system::events::{Audience, Topic};

/// The session's own files below a container's folder.
const HOME: &str = "home";
/// Bytes in one piece of an archive.
const PIECE: usize = 64 << 10;
/// Folders inside each other up to which an archive goes.
const MOST_DEEP: usize = 64;

/// The files of a session as an archive.
pub struct SessionFiles {
    /// The name of the session.
    pub name: String,
    /// Each container's files: their folder in the archive, and where they are.
    homes: Vec<(PathBuf, PathBuf)>,
    turn: DownloadTurn,
}

impl Control {
    /// The files of an ended session, for its owner.
    pub async fn session_files(&self, caller: &Caller, id: SessionId) -> Result<SessionFiles> {
        let session = self.session(caller, id).await?;
        if !session.files {
            return Err(Problem::NotFound("folder for this session".into()));
        }
        let turn = self.download_turn(caller)?;
        let mut homes = Vec::new();
        for (number, place) in places(id, &session.row.agents).enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let name = if session.row.cluster.size > 1 { Cluster::host_name(number) } else { String::new() };
            if let Some(folder) = self.engine.folder(&place).await {
                homes.push((Path::new(&session.row.name).join(name), folder.join(HOME)));
            }
        }
        Ok(SessionFiles { name: session.row.name, homes, turn })
    }

    /// Deletes the files and the log of an ended session, for its owner.
    pub async fn delete_session_files(&self, caller: &Caller, id: SessionId) -> Result<()> {
        let session = self.session(caller, id).await?;
        if !session.files {
            return Err(Problem::NotFound("folder for this session".into()));
        }
        self.remove_files(id, &session.row.agents).await?;
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        change.files_removed(&[id], at).await?;
        change.record("delete files of session", id, json!({})).await?;
        let audience = Audience { owner: Some(session.row.owner), domain: Some(session.domain) };
        change.tell(Topic::Session, id, audience).await?;
        change.commit().await
    }

    /// Removes everything that the engine keeps of a session's containers on this machine.
    pub(crate) async fn remove_files(&self, id: SessionId, agents: &[String]) -> Result<()> {
        for place in places(id, agents) {
            let Some(folder) = self.engine.folder(&place).await else { continue };
            let removed = tokio::task::spawn_blocking(move || remove(&folder)).await;
            removed.map_err(internal("removing a session's files"))?.map_err(internal("removing a session's files"))?;
        }
        Ok(())
    }
}

/// Removes a folder with everything in it, however deep: folders in it are moved up to it first, so that neither the stack nor
/// the length of a path grows. A folder that its session closed to everybody is opened.
fn remove(folder: &Path) -> io::Result<()> {
    let top = match rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut number = 0u64;
    loop {
        let folders = empty(&top, &top, "", &mut number)?;
        if folders.is_empty() {
            break;
        }
        for name in folders {
            chmodat(&top, &name, Mode::RWXU, AtFlags::empty())?;
            let inner = below(&top, &name)?;
            empty(&inner, &top, ".emptied-", &mut number)?;
            unlinkat(&top, &name, AtFlags::REMOVEDIR)?;
        }
    }
    std::fs::remove_dir(folder)
}

/// Deletes the files in a folder and moves its folders to `top`, unless they are there. Returns the names of those that are.
fn empty(folder: &OwnedFd, top: &OwnedFd, moved: &str, number: &mut u64) -> io::Result<Vec<CString>> {
    let mut left = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if kind(folder, &entry)? != FileType::Directory {
            unlinkat(folder, name, AtFlags::empty())?;
        } else if moved.is_empty() {
            left.push(name.to_owned());
        } else {
            // A folder without its owner's right to write cannot be moved.
            chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
            loop {
                *number += 1;
                match renameat_new(folder, name, top, format!("{moved}{number}"))? {
                    true => break,
                    false => continue,
                }
            }
        }
    }
    Ok(left)
}

/// Moves a folder unless there is one with the new name. Returns whether it did.
fn renameat_new(from: &OwnedFd, name: &std::ffi::CStr, to: &OwnedFd, new: String) -> io::Result<bool> {
    if rustix::fs::statat(to, new.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Ok(false);
    }
    renameat(from, name, to, new.as_str())?;
    Ok(true)
}

fn kind(folder: &OwnedFd, entry: &rustix::fs::DirEntry) -> io::Result<FileType> {
    match entry.file_type() {
        FileType::Unknown => {
            let stat = rustix::fs::statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(FileType::from_raw_mode(stat.st_mode))
        }
        known => Ok(known),
    }
}

/// Opens a folder in a folder.
fn below(folder: &OwnedFd, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat2(folder, name, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)?)
}

impl SessionFiles {
    /// The archive, a tar file, in pieces. A file that cannot be read, or that is neither a file, a folder nor a link, is left
    /// out, and so is what lies more than 64 folders deep.
    pub fn archive(self) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
        let (out, pieces) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            let Self { homes, turn, .. } = self;
            let _turn = turn;
            let pieces = Pieces { out: out.clone(), piece: Vec::with_capacity(PIECE) };
            if let Err(error) = write_archive(pieces, &homes) {
                // The reader may be gone already.
                let _ = out.blocking_send(Err(error));
            }
        });
        stream::unfold(pieces, |mut pieces| async move { pieces.recv().await.map(|piece| (piece, pieces)) })
    }
}

/// A writer whose bytes are sent in pieces.
struct Pieces {
    out: mpsc::Sender<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.out.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn write_archive(pieces: Pieces, homes: &[(PathBuf, PathBuf)]) -> io::Result<()> {
    let mut archive = tar::Builder::new(pieces);
    for (name, home) in homes {
        let Ok(home) = rustix::fs::open(home, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) else {
            continue;
        };
        write_folder(&mut archive, &home, name, 0)?;
    }
    archive.into_inner()?.flush()
}

fn write_folder(archive: &mut tar::Builder<Pieces>, folder: &OwnedFd, path: &Path, deep: usize) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let Ok(entries) = Dir::read_from(folder) else { return Ok(()) };
    for entry in entries.filter_map(std::result::Result::ok) {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let path = path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
        match kind(folder, &entry)? {
            FileType::Directory if deep < MOST_DEEP => {
                if let Ok(inner) = below(folder, name) {
                    let inner = File::from(inner);
                    archive.append_dir_of(&path, &inner)?;
                    write_folder(archive, &inner.into(), &path, deep + 1)?;
                }
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let opened = openat2(folder, name, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS);
                if let Ok(file) = opened {
                    archive.append_file_of(&path, File::from(file))?;
                }
            }
            FileType::Symlink => {
                let Ok(target) = rustix::fs::readlinkat(folder, name, Vec::new()) else { continue };
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, &path, std::ffi::OsStr::from_bytes(target.to_bytes()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Entries from open files, whatever their paths mean by now.
trait AppendOpen {
    fn append_dir_of(&mut self, path: &Path, folder: &File) -> io::Result<()>;
    fn append_file_of(&mut self, path: &Path, file: File) -> io::Result<()>;
}

impl<W: Write> AppendOpen for tar::Builder<W> {
    fn append_dir_of(&mut self, path: &Path, folder: &File) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&folder.metadata()?);
        header.set_size(0);
        self.append_data(&mut header, path, io::empty())
    }

    fn append_file_of(&mut self, path: &Path, file: File) -> io::Result<()> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(());
        }
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&metadata);
        // As many bytes as the header says, even if the file has become shorter.
        self.append_data(&mut header, path, file.chain(io::repeat(0)).take(metadata.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_folder_is_removed_however_deep_and_closed_it_is_and_links_are_not_followed() {
        let around = tempfile::tempdir().unwrap();
        let (kept, folder) = (around.path().join("kept"), around.path().join("session"));
        std::fs::create_dir(&kept).unwrap();
        std::fs::write(kept.join("file"), "kept").unwrap();
        std::fs::create_dir_all(folder.join("home/closed/inner")).unwrap();
        std::fs::write(folder.join("home/closed/inner/file"), "x").unwrap();
        std::fs::create_dir(folder.join(".emptied-1")).unwrap();
        symlink(&kept, folder.join("home/link")).unwrap();
        std::fs::set_permissions(folder.join("home/closed/inner"), PermissionsExt::from_mode(0o0)).unwrap();
        std::fs::set_permissions(folder.join("home/closed"), PermissionsExt::from_mode(0o0)).unwrap();
        // Deeper than a path is long.
        let mut deep = rustix::fs::open(&folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..3_000 {
            rustix::fs::mkdirat(&deep, "deeper", Mode::RWXU).unwrap();
            deep = below(&deep, "deeper").unwrap();
        }
        remove(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(std::fs::read_to_string(kept.join("file")).unwrap(), "kept");
        remove(&folder).unwrap();
    }

    #[tokio::test]
    async fn an_archive_holds_files_and_links_but_never_what_they_point_to() {
        let around = tempfile::tempdir().unwrap();
        let home = around.path().join("home");
        std::fs::create_dir_all(home.join("work")).unwrap();
        std::fs::write(around.path().join("secret"), "secret").unwrap();
        std::fs::write(home.join("work/result"), "42").unwrap();
        symlink(around.path().join("secret"), home.join("stolen")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, home.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let (out, pieces) = mpsc::channel(2);
        let homes = vec![(PathBuf::from("train"), home)];
        let write = tokio::task::spawn_blocking(move || write_archive(Pieces { out, piece: Vec::new() }, &homes));
        let pieces: Vec<_> =
            stream::unfold(pieces, |mut pieces| async move { pieces.recv().await.map(|piece| (piece.unwrap(), pieces)) })
                .collect()
                .await;
        write.await.unwrap().unwrap();
        let bytes = pieces.concat();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut found: Vec<(String, String)> = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((entry.path().unwrap().display().to_string().trim_end_matches('/').to_owned(), text));
        }
        found.sort();
        let expected = [("train/stolen", ""), ("train/work", ""), ("train/work/result", "42")];
        assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }
}
