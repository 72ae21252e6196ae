//! A log of bounded size whose offsets never change: the oldest half is deleted when the newest is full.
//!
//! The pieces are files named by the offset of their first byte, so a reader needs only the folder's file names.
//! Deliberately absent: time stamps, levels and text. A session's log is exactly its processes' output, bytes of any kind.

use crate::LogPiece;
use futures::future::BoxFuture;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// The largest number of bytes that one call reads, even if more were requested.
const LARGEST_READ: usize = 1 << 20;

/// Writes a log. Only one process may write; any number may read.
pub(crate) struct Writer {
    folder: PathBuf,
    file: File,
    /// Offset of the current piece's first byte.
    start: u64,
    /// Bytes in the current piece.
    length: u64,
    half: u64,
    /// Bytes that could not be written since the last ones that were.
    missing: u64,
}

impl Writer {
    /// Opens a new log that keeps at most `limit` bytes and at least half of them.
    pub(crate) fn create(folder: &Path, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let file = piece(folder, 0)?;
        Ok(Self { folder: folder.to_owned(), file, start: 0, length: 0, half: (limit / 2).max(1), missing: 0 })
    }

    /// Appends bytes. Those that cannot be written, because the disk is full, are counted, and the log says so where they are
    /// missing as soon as it can be written again.
    ///
    /// # Errors
    /// The first time that bytes are missing, not each time.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.missing;
        if before > 0 {
            let gap = format!("\n[{before} bytes of output are missing here: the log could not be written]\n");
            if self.append(&mut gap.as_bytes()).is_err() {
                self.missing += bytes.len() as u64;
                return Ok(());
            }
            self.missing = 0;
        }
        let mut left = bytes;
        let written = self.append(&mut left);
        self.missing = left.len() as u64;
        if before > 0 { Ok(()) } else { written }
    }

    /// Appends bytes, in pieces that respect the bound, and leaves those that could not be written.
    fn append(&mut self, bytes: &mut &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.length >= self.half {
                self.start_next_piece()?;
            }
            let room = usize::try_from(self.half - self.length).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if let Err(error) = self.file.write_all(now) {
                // A part of them may have been written, which would shift every offset after it.
                self.file.set_len(self.length)?;
                return Err(error);
            }
            self.length += now.len() as u64;
            *bytes = later;
        }
        Ok(())
    }

    fn start_next_piece(&mut self) -> io::Result<()> {
        let next = self.start + self.length;
        let before = self.start;
        self.file = piece(&self.folder, next)?;
        (self.start, self.length) = (next, 0);
        for old in starts(&self.folder)? {
            if old < before {
                std::fs::remove_file(self.folder.join(name(old)))?;
            }
        }
        Ok(())
    }
}

fn name(start: u64) -> String {
    format!("{start:020}")
}

fn piece(folder: &Path, start: u64) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(folder.join(name(start)))
}

/// Returns the offsets at which pieces start, in order.
fn starts(folder: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::with_capacity(2);
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                starts.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
            }
        }
        // Nothing has been written yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    starts.sort_unstable();
    Ok(starts)
}

/// Reads up to `max` bytes, starting at `from`. `ended` means that writing had stopped before this call.
pub(crate) fn read(folder: &Path, from: u64, max: usize, ended: bool) -> io::Result<LogPiece> {
    loop {
        let starts = starts(folder)?;
        let Some(first) = starts.first().copied() else {
            return Ok(LogPiece { end: ended, ..LogPiece::default() });
        };
        match read_pieces(folder, &starts, from.max(first), max.min(LARGEST_READ)) {
            // The piece was removed between listing and reading, so list again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(piece) => return Ok(LogPiece { end: ended && piece.next() >= piece.size, ..piece }),
        }
    }
}

fn read_pieces(folder: &Path, starts: &[u64], from: u64, max: usize) -> io::Result<LogPiece> {
    let last = starts.last().copied().unwrap_or_default();
    let size = last + std::fs::metadata(folder.join(name(last)))?.len();
    // An offset beyond the end belongs to some other log. Continue from the end.
    let at = from.min(size);
    let mut bytes = Vec::new();
    for (index, start) in starts.iter().copied().enumerate() {
        let position = at + bytes.len() as u64;
        if bytes.len() == max || starts.get(index + 1).is_some_and(|next| *next <= position) {
            continue;
        }
        let mut file = File::open(folder.join(name(start)))?;
        file.seek(SeekFrom::Start(position - start))?;
        file.take((max - bytes.len()) as u64).read_to_end(&mut bytes)?;
    }
    let first = starts.first().copied().unwrap_or_default();
    // It may have grown since its length was read.
    let size = size.max(at + bytes.len() as u64);
    Ok(LogPiece { bytes, at, first, size, end: false })
}

/// Returns a future that completes once the log in a session's folder may have grown, or the session ended, after this call.
pub(crate) fn growth(session: &Path) -> BoxFuture<'static, ()> {
    let woken = Arc::new(Notify::new());
    let log = session.join(super::layout::LOG);
    let watched = Watcher::get().is_some_and(|watcher| {
        let written = watcher.watch(&log, WatchFlags::MODIFY | WatchFlags::CREATE, &woken);
        // Before the first output there is no log; at the end there is a new file beside it.
        let ended = watcher.watch(session, WatchFlags::CREATE | WatchFlags::MOVED_TO, &woken);
        ended && (written || !log.exists())
    });
    Box::pin(async move {
        if watched {
            woken.notified().await;
        } else {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
}

/// Tells waiting readers about changes in folders. One for the whole process, because a user may have only some dozens.
struct Watcher {
    inotify: OwnedFd,
    /// Readers by the number of their folder's watch, which the kernel removes at the first change.
    waiting: Mutex<HashMap<i32, Vec<Weak<Notify>>>>,
}

impl Watcher {
    /// Returns the process's watcher, or `None` if the kernel gives none.
    fn get() -> Option<&'static Self> {
        static ONE: OnceLock<Option<&'static Watcher>> = OnceLock::new();
        *ONE.get_or_init(|| {
            let inotify = inotify::init(CreateFlags::CLOEXEC).ok()?;
            let watcher: &'static Self = Box::leak(Box::new(Self { inotify, waiting: Mutex::default() }));
            std::thread::Builder::new().name("log growth".into()).spawn(|| watcher.run()).ok()?;
            Some(watcher)
        })
    }

    /// Returns whether the next change in the folder will wake the reader.
    fn watch(&self, folder: &Path, changes: WatchFlags, reader: &Arc<Notify>) -> bool {
        // Held, so that a change at once finds its reader.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let flags = changes | WatchFlags::ONESHOT | WatchFlags::ONLYDIR;
        let Ok(number) = inotify::add_watch(&self.inotify, folder, flags) else { return false };
        let readers = waiting.entry(number).or_default();
        readers.retain(|other| other.strong_count() > 0);
        readers.push(Arc::downgrade(reader));
        true
    }

    fn run(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        loop {
            let number = match events.next() {
                Ok(event) => event.wd(),
                Err(Errno::INTR) => continue,
                Err(_) => return,
            };
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // After more changes than the kernel remembers (-1), everybody looks again.
            let woken = if number < 0 {
                waiting.drain().flat_map(|(_, all)| all).collect()
            } else {
                waiting.remove(&number).unwrap_or_default()
            };
            woken.iter().filter_map(Weak::upgrade).for_each(|reader| reader.notify_one());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(limit: u64, writes: &[&[u8]]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&dir.path().join("log"), limit).unwrap();
        for bytes in writes {
            writer.write(bytes).unwrap();
        }
        dir
    }

    fn read(dir: &tempfile::TempDir, from: u64, max: usize, ended: bool) -> LogPiece {
        super::read(&dir.path().join("log"), from, max, ended).unwrap()
    }

    #[test]
    fn offsets_stay_absolute_when_the_oldest_half_is_deleted() {
        let text: String = (0..100).map(|n| format!("{n:03} ")).collect();
        let dir = log(80, &[text.as_bytes()]);
        // 400 bytes in halves of 40: 320..400 are left.
        let all = read(&dir, 0, 1000, true);
        assert_eq!(all, LogPiece { bytes: text.as_bytes()[320..].to_vec(), at: 320, first: 320, size: 400, end: true });
        let rest = read(&dir, 396, 1000, true);
        assert_eq!(rest, LogPiece { bytes: b"099 ".to_vec(), at: 396, first: 320, size: 400, end: true });
        let piece = read(&dir, 350, 20, true);
        assert_eq!((piece.bytes.as_slice(), piece.at, piece.size, piece.end), (&text.as_bytes()[350..370], 350, 400, false));
    }

    #[test]
    fn a_reader_in_small_steps_reads_every_byte_once_as_it_was_written() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let dir = log(4096, &[&bytes]);
        for step in [1, 5, 7, 64] {
            let (mut at, mut seen) = (0, Vec::<u8>::new());
            loop {
                let piece = read(&dir, at, step, true);
                assert_eq!(piece.at, at);
                seen.extend(&piece.bytes);
                at = piece.next();
                if piece.end {
                    break;
                }
            }
            assert_eq!(seen, bytes);
        }
    }

    #[test]
    fn a_question_without_bytes_answers_how_far_the_log_reaches() {
        let dir = log(4096, &[b"a\xffb"]);
        assert_eq!(read(&dir, u64::MAX, 0, false), LogPiece { at: 3, size: 3, ..LogPiece::default() });
        assert!(!read(&dir, 0, 0, true).end, "there is more to read");
        assert!(read(&dir, 999, 100, true).end, "an offset of some other log");
        assert!(read(&log(4096, &[]), 0, 100, true).end);
        assert!(read(&tempfile::tempdir().unwrap(), 0, 100, true).end);
    }

    #[tokio::test]
    async fn waiting_readers_are_woken_by_the_first_output_by_more_of_it_and_by_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let first = [growth(dir.path()), growth(dir.path())];
        let mut writer = Writer::create(&dir.path().join("log"), 4096).unwrap();
        futures::future::join_all(first).await;
        let more = [growth(dir.path()), growth(dir.path())];
        writer.write(b"line").unwrap();
        futures::future::join_all(more).await;
        let end = growth(dir.path());
        std::fs::write(dir.path().join("exit.json"), b"{}").unwrap();
        end.await;
    }
}
