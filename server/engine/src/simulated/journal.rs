//! What was started and stopped, a line each, so that a server that is started again finds its simulated containers.

use super::container::Container;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use types::id::ContainerId;
use types::time::Millis;

/// Containers that ended longer ago (milliseconds) are forgotten at the next start.
const FORGET_AFTER: i64 = 30 * 86_400_000;

/// An open journal.
pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal and reads what it holds; what ended long ago is dropped from it.
    pub fn open(path: &Path, now: Millis) -> io::Result<(Self, HashMap<ContainerId, Container>)> {
        let mut containers: HashMap<ContainerId, Container> = HashMap::new();
        if let Ok(file) = File::open(path) {
            for line in BufReader::new(file).lines() {
                // A line that was being written when the server died says nothing.
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

    /// Adds how a container stands now.
    pub fn write(&mut self, id: ContainerId, container: &Container) -> io::Result<()> {
        writeln!(self.file, "{}", serde_json::to_string(&(id, container))?)
    }
}
