//! A session's usage, second by second, for the last ten minutes: records of fixed size in one file, for any reader.
//!
//! Deliberately absent: measuring (`cgroup`, or `tree` without control groups).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use types::sessions::Usage;
use types::time::Millis;

/// The largest number of records that a reader gets: ten minutes.
const KEPT: usize = 600;
/// Bytes of one record: time, processor time, memory, processes, four unused.
const RECORD: usize = 32;

/// Writes measurements.
pub(crate) struct Recorder {
    path: PathBuf,
    file: File,
    records: usize,
    last: Option<Millis>,
}

impl Recorder {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { path: path.to_owned(), file, records: 0, last: None })
    }

    /// Appends a measurement, unless the last one is less than a second old.
    pub(crate) fn add(&mut self, usage: Usage) -> io::Result<()> {
        // A tick may come a few milliseconds early; a missing record is worse than one that is 1 % early.
        // After the clock was set back, recording simply continues.
        if self.last.is_some_and(|last| (0..990).contains(&usage.at.since(last))) {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&encode(usage)) {
            // A partial record would shift all records after it.
            self.file.set_len((self.records * RECORD) as u64)?;
            return Err(error);
        }
        self.last = Some(usage.at);
        self.records += 1;
        // At twice the number, so that the file is rewritten once in ten minutes and not every second.
        if self.records >= 2 * KEPT {
            let bytes = std::fs::read(&self.path)?;
            let new = self.path.with_extension("new");
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&new)?;
            file.set_len(0)?;
            file.write_all(bytes.get(bytes.len().saturating_sub(KEPT * RECORD)..).unwrap_or_default())?;
            std::fs::rename(&new, &self.path)?;
            (self.file, self.records) = (file, KEPT);
        }
        Ok(())
    }
}

/// Returns measurements later than `after`, oldest first.
pub(crate) fn read(path: &Path, after: Millis) -> io::Result<Vec<Usage>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // A record that is still being written is incomplete, and is left for the next read.
    let (records, _) = bytes.as_chunks::<RECORD>();
    let kept = records.len().saturating_sub(KEPT);
    Ok(records.iter().skip(kept).map(decode).filter(|usage| usage.at > after).collect())
}

fn encode(usage: Usage) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[0..8].copy_from_slice(&usage.at.0.to_le_bytes());
    record[8..16].copy_from_slice(&usage.cpu_ms.to_le_bytes());
    record[16..24].copy_from_slice(&usage.mem.to_le_bytes());
    record[24..28].copy_from_slice(&usage.processes.to_le_bytes());
    record
}

fn decode(record: &[u8; RECORD]) -> Usage {
    let eight = |at: usize| record.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes));
    Usage {
        at: Millis(eight(0).cast_signed()),
        cpu_ms: eight(8),
        mem: eight(16),
        processes: record.get(24..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_ten_minutes_and_a_partial_record_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage");
        assert_eq!(read(&path, Millis(0)).unwrap(), []);
        let mut recorder = Recorder::create(&path).unwrap();
        let at = |n: i64| Usage { at: Millis(n * 1000), cpu_ms: n as u64, mem: 1 << 40, processes: 3 };
        for n in 1..=5000 {
            recorder.add(at(n)).unwrap();
            // Too early: not written.
            recorder.add(Usage { at: Millis(n * 1000 + 100), ..at(n) }).unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() < (2 * KEPT * RECORD) as u64);
        let all = read(&path, Millis(0)).unwrap();
        assert_eq!((all.len(), all[0], all[KEPT - 1]), (KEPT, at(4401), at(5000)));
        assert_eq!(read(&path, Millis(4_999_000)).unwrap(), [at(5000)]);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half").unwrap();
        assert_eq!(read(&path, Millis(4_999_000)).unwrap(), [at(5000)]);
    }
}
