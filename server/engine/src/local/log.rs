//! A log of bounded size whose offsets never change: the oldest half is deleted when the newest is full.
//!
//! The pieces are files named by the offset of their first byte, so a reader needs only the folder's file names.
//! Deliberately absent: time stamps and levels. A session's log is exactly its processes' output.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use types::sessions::LogChunk;

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
pub(crate) fn read(folder: &Path, from: u64, max: usize, ended: bool) -> io::Result<LogChunk> {
    // The longest character has four bytes: with less, a reader could get stuck before one.
    let max = max.clamp(4, LARGEST_READ);
    loop {
        let starts = starts(folder)?;
        let Some(first) = starts.first().copied() else {
            return Ok(LogChunk { next: from, end: ended, ..LogChunk::default() });
        };
        match read_pieces(folder, &starts, from.max(first), max) {
            // The piece was removed between listing and reading, so list again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok((bytes, at, last)) => return Ok(chunk(&bytes, at, at.saturating_sub(from), ended && last)),
        }
    }
}

/// Returns the bytes starting at `from`, their actual start, and whether the log ends with them.
fn read_pieces(folder: &Path, starts: &[u64], from: u64, max: usize) -> io::Result<(Vec<u8>, u64, bool)> {
    let mut bytes = Vec::new();
    let mut at = from;
    let mut last = true;
    for (index, start) in starts.iter().copied().enumerate() {
        let position = at + bytes.len() as u64;
        if starts.get(index + 1).is_some_and(|next| *next <= position) {
            continue;
        }
        let mut file = File::open(folder.join(name(start)))?;
        let length = file.metadata()?.len();
        // An offset beyond the end belongs to some other log. Continue from the end.
        if bytes.is_empty() {
            at = at.min(start + length);
        }
        let position = at + bytes.len() as u64;
        file.seek(SeekFrom::Start(position - start))?;
        let wanted = (max - bytes.len()) as u64;
        file.take(wanted).read_to_end(&mut bytes)?;
        last = index + 1 == starts.len() && at + (bytes.len() as u64) >= start + length;
        if bytes.len() == max {
            break;
        }
    }
    Ok((bytes, at, last))
}

/// Turns bytes into text, without any character that is cut in two.
fn chunk(bytes: &[u8], at: u64, skipped: u64, end: bool) -> LogChunk {
    // After a gap the first bytes may be the rest of a character that was deleted.
    let torn = if skipped > 0 { bytes.iter().take(3).take_while(|byte| *byte & 0b1100_0000 == 0b1000_0000).count() } else { 0 };
    // A cut character at the end of the whole log stays cut. Anywhere else its rest is still to come.
    let whole = if end { bytes.len() } else { bytes.len() - unfinished(bytes) };
    let text = String::from_utf8_lossy(bytes.get(torn..whole).unwrap_or_default()).into_owned();
    LogChunk { text, next: at + whole as u64, skipped: if skipped > 0 { skipped + torn as u64 } else { 0 }, end }
}

/// Counts the bytes at the end that start a character whose rest is missing.
fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0b1111_0000..=0b1111_0111 => 4,
            0b1110_0000..=0b1110_1111 => 3,
            0b1100_0000..=0b1101_1111 => 2,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
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

    fn read(dir: &tempfile::TempDir, from: u64, max: usize, ended: bool) -> LogChunk {
        super::read(&dir.path().join("log"), from, max, ended).unwrap()
    }

    #[test]
    fn offsets_stay_absolute_when_the_oldest_half_is_deleted() {
        let text: String = (0..100).map(|n| format!("{n:03} ")).collect();
        let dir = log(80, &[text.as_bytes()]);
        // 400 bytes in halves of 40: 320..400 are left.
        let all = read(&dir, 0, 1000, true);
        assert_eq!((all.text.as_str(), all.next, all.skipped, all.end), (&text[320..], 400, 320, true));
        let rest = read(&dir, 396, 1000, true);
        assert_eq!((rest.text.as_str(), rest.next, rest.skipped, rest.end), ("099 ", 400, 0, true));
    }

    #[test]
    fn a_reader_in_small_steps_reads_everything_once() {
        let text = "aä€😀 ".repeat(40);
        let dir = log(4096, &[text.as_bytes()]);
        for step in [4, 5, 7, 64] {
            let (mut at, mut seen) = (0, String::new());
            loop {
                let chunk = read(&dir, at, step, true);
                assert_eq!(chunk.skipped, 0);
                seen.push_str(&chunk.text);
                at = chunk.next;
                if chunk.end {
                    break;
                }
            }
            assert_eq!(seen, text);
        }
    }

    #[test]
    fn a_partial_character_waits_for_its_rest_unless_the_log_has_ended() {
        let dir = log(4096, &[b"ok \xe2\x82"]);
        let now = read(&dir, 0, 100, false);
        assert_eq!((now.text.as_str(), now.next, now.end), ("ok ", 3, false));
        let last = read(&dir, 3, 100, true);
        assert_eq!((last.text.as_str(), last.next, last.end), ("\u{fffd}", 5, true));
    }

    #[test]
    fn invalid_utf8_is_replaced_and_an_empty_log_has_an_end() {
        let dir = log(4096, &[b"a\xffb"]);
        assert_eq!(read(&dir, 0, 100, false).text, "a\u{fffd}b");
        assert!(!read(&dir, 0, 100, false).end);
        let empty = log(4096, &[]);
        assert!(read(&empty, 0, 100, true).end);
        // An offset of some other log.
        assert_eq!(read(&dir, 999, 100, true).next, 3);
        let none = tempfile::tempdir().unwrap();
        assert!(read(&none, 0, 100, true).end);
    }

    #[test]
    fn a_character_cut_by_a_gap_is_left_out() {
        // Halves of 4: "€€" is 6 bytes, the second piece starts inside the second one.
        let dir = log(8, &["€€€€".as_bytes()]);
        let chunk = read(&dir, 0, 100, true);
        assert_eq!(chunk.text, "€€");
        assert_eq!((chunk.skipped, chunk.next), (6, 12));
    }
}
