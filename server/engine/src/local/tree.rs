//! A process and all its descendants, read from `/proc`: the fallback where there are no control groups.
//!
//! The tree is complete only below a child subreaper, because orphans stay in its tree.

use rustix::process::{Pid, Signal, WaitOptions};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One process, as read from `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: i32,
    parent: i32,
    /// Whether it has ended and waits to be reaped.
    zombie: bool,
    /// Milliseconds of processor time, including its reaped children.
    pub cpu_ms: u64,
    /// Bytes in memory.
    pub mem: u64,
}

fn parse(stat: &str) -> Option<Process> {
    // The name is in parentheses and may itself contain spaces and parentheses.
    let (pid, rest) = stat.split_once(' ')?;
    let fields: Vec<&str> = rest.get(rest.rfind(')')? + 2..)?.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    // SAFETY: takes no pointers.
    let tick = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok().filter(|tick| *tick > 0)?;
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Process {
        pid: pid.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        cpu_ms: ticks * 1000 / tick,
        mem: number(21)? * rustix::param::page_size() as u64,
    })
}

/// Returns all processes below `root`, without `root` itself and without zombies.
pub(crate) fn descendants(root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        // A process that ends meanwhile is left out.
        let stat = std::fs::read(entry.path().join("stat")).unwrap_or_default();
        if let Some(process) = parse(&String::from_utf8_lossy(&stat)) {
            children.entry(process.parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.pid);
            if !child.zombie {
                found.push(child);
            }
        }
    }
    found
}

/// Sends a signal to a process, which may already be gone.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Sends a signal to every process below this one.
pub(crate) fn signal_below(with: Signal) {
    for process in descendants(own_pid()) {
        signal(process.pid, with);
    }
}

/// Kills every process below this one and reaps it, so no exit status of theirs may be needed afterwards.
///
/// Gives up after five seconds on processes that cannot die, such as one that waits for a missing disk.
pub(crate) fn kill_below() {
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        signal_below(Signal::KILL);
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        if descendants(own_pid()).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_one_field() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 10 20 30 40 20 0 1 0 100 1000000 5 18446744073709551615";
        let process = parse(stat).unwrap();
        assert_eq!((process.pid, process.parent, process.zombie), (42, 7, false));
        assert_eq!(process.mem, 5 * rustix::param::page_size() as u64);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_child_is_found_below_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = descendants(own_pid()).iter().any(|process| process.pid == child.id().cast_signed());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found);
    }
}
