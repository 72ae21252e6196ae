//! The claim on a data folder: one server at a time places sessions and moves them on.

use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The locked file, which holds the number of the process that locked it. The lock ends with the process, however it ends.
const FILE: &str = "server.lock";

/// Claims the data folder for this process, for as long as the file is kept.
///
/// # Errors
/// If another process has claimed it, which the error names.
pub fn claim(data: &Path) -> Result<File> {
    let file = data.join(FILE);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&file);
    let mut file = opened.with_context(|| format!("{} cannot be opened", file.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Without the number the refusal is still right.
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim();
            bail!(
                "the data folder {} is in use by another Yardmaster server (process {holder}). End it first, or name another folder \
                 with `--data`",
                data.display()
            )
        }
        Err(TryLockError::Error(error)) => return Err(error).context("the data folder cannot be locked"),
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}
