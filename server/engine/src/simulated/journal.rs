//! The journal of a simulated cluster, one line per start or stop, so that a restarted server finds its containers again.

use super::container::Container;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use types::id::ContainerId;
use types::time::Millis;

/// Milliseconds after which an ended container is dropped from the journal, at the next start.
const FORGET_AFTER: i64 = 30 * 86_400_000;

/// An open journal.
pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal and returns its containers. Drops those that ended long ago.
    pub fn open(path: &Path, now: Millis) -> io::Result<(Self, HashMap<ContainerId, Container>)> {
        let mut containers: HashMap<ContainerId, Container> = HashMap::new();
        if let Ok(file) = File::open(path) {
            for line in BufReader::new(file).lines() {
                // A line that was cut off when the server died is skipped.
                if let Ok((id, container)) = serde_json::from_str(&line?) {
                    containers.insert(id, container);
                }
            }
        }
        containers.retain(|_, container| container.ends_at().is_none_or(|end| now.since(end) < FORGET_AFTER));
        let fresh: PathBuf = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        for entry in &containers {
            writeln!(file, "{}", serde_json::to_string(&entry)?)?;
        }
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        Ok((Self { file: OpenOptions::new().append(true).create(true).open(path)? }, containers))
    }

    /// Appends the current state of a container.
    pub fn write(&mut self, id: ContainerId, container: &Container) -> io::Result<()> {
        writeln!(self.file, "{}", serde_json::to_string(&(id, container))?)
    }
}
