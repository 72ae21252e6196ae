//! Starts other programs, and shows the person at the terminal what is happening and how long it took.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Returns `cargo` as if called from the shell. The package variables of the `cargo run` that started us would otherwise reach
/// build scripts that watch them, and their crates would be rebuilt whenever this tool and the shell are used in turn.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    if let Some(jobs) = jobs() {
        jobs.configure(&mut command);
    }
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"].iter().any(|p| text.starts_with(p)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The processors, which all cargos that run at the same time share: each with as many compilers as there are would be slower.
fn jobs() -> Option<&'static jobserver::Client> {
    static JOBS: OnceLock<Option<jobserver::Client>> = OnceLock::new();
    // One less: each cargo has one of its own.
    let more = || std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    JOBS.get_or_init(|| jobserver::Client::new(more()).ok()).as_ref()
}

/// Runs a command to its end with the terminal attached. The error names the program.
pub fn run(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let status = command.status().with_context(|| format!("could not start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// Runs a command to its end and returns its output. Our error contains its error output.
pub fn output(command: &mut Command) -> Result<String> {
    let name = describe(command);
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("could not start {name}"))?;
    if !out.status.success() {
        let errors = String::from_utf8_lossy(&out.stderr);
        bail!("{name} failed ({}): {}", out.status, errors.trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Returns the program and its subcommand: enough to recognise, short enough to read.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = command.get_args().map(|arg| arg.to_string_lossy()).find(|arg| !arg.starts_with('-'));
    match first {
        Some(first) if first.len() < 40 => format!("`{program} {first}`"),
        _ => format!("`{program}`"),
    }
}

/// Does `work` for each item, on all processors. Put the largest item last: it is taken first.
pub fn in_parallel<T: Send>(items: Vec<T>, work: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let queue = Mutex::new(items);
    // Only taking an item happens under the lock, so a panic cannot leave the queue half changed.
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let workers = std::thread::available_parallelism().map(usize::from).unwrap_or(1);
    std::thread::scope(|scope| {
        let run = || std::iter::from_fn(next).try_for_each(&work);
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(run)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a worker thread panicked")))
    })
}

/// Runs a long step. Prints its name at the beginning and its duration at the end.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("{what}…");
    let start = Instant::now();
    let result = work()?;
    eprintln!("{what}: done in {}", seconds(start.elapsed()));
    Ok(result)
}

pub fn seconds(time: Duration) -> String {
    if time.as_secs() < 100 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}
