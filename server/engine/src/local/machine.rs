//! This machine as an agent: its capacity and usage, and how sessions are isolated and limited on it.
//!
//! Deliberately absent: accelerators, which no machine of ours has yet; and monitoring, such as temperatures and disks.

use super::cgroup::{self, Hierarchies};
use super::isolation::{Isolation, Possible};
use super::sys;
use std::io;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use types::cluster::agents::{AgentReport, Fact};
use types::quantity::{Quantity, Slots};

/// Two samples must be this many ticks apart (over all processors) to be compared: a tenth of a second of one processor.
const FEWEST_TICKS: u64 = 10;

/// The properties of the machine that stay the same while the server runs, and the last sample of processor time.
pub(crate) struct Machine {
    name: String,
    resource_group: Option<String>,
    cpus: i64,
    memory: u64,
    facts: Vec<Fact>,
    refusal: Option<String>,
    busy: Mutex<Busy>,
}

/// The last sample of processor time, and the thousandths of a processor that were in use before it (1000 per processor).
#[derive(Clone, Copy, Default)]
struct Busy {
    ticks: Ticks,
    thousandths: u64,
}

/// Processor time since the machine started, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    total: u64,
}

/// The file that keeps the machine's name.
const NAME: &str = "machine";

/// Returns the machine's name: its host name when sessions first ran in `dir`. A later change of the host name has no effect,
/// because the sessions running here are recorded under the old name.
pub(crate) fn name(dir: &Path) -> io::Result<String> {
    let file = dir.join(NAME);
    match std::fs::read_to_string(&file) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fresh = dir.join("machine.new");
    std::fs::write(&fresh, &name)?;
    std::fs::rename(&fresh, &file)?;
    Ok(name)
}

/// Returns the address that the machine sends from, by which others would reach it. Sends nothing to find out.
fn address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.connect("192.0.2.1:9").map(|()| socket));
    socket.and_then(|socket| socket.local_addr()).map_or_else(|_| "127.0.0.1".into(), |address| address.ip().to_string())
}

impl Machine {
    /// Inspects the machine.
    pub(crate) fn new(name: String, resource_group: Option<String>, possible: &Possible, groups: &Hierarchies) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = meminfo("MemTotal").unwrap_or(0);
        let memory = cgroup::own_memory_limit().map_or(memory, |limit| limit.min(memory));
        Self {
            name,
            resource_group,
            cpus: i64::try_from(cpus).unwrap_or(1),
            memory,
            facts: facts(possible, groups),
            refusal: possible.refusal.clone(),
            busy: Mutex::new(Busy { ticks: ticks(), thousandths: 0 }),
        }
    }

    /// The machine's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Reports the machine's capacity and current usage.
    pub(crate) fn report(&self) -> AgentReport {
        let used = meminfo("MemTotal").unwrap_or(0).saturating_sub(meminfo("MemAvailable").unwrap_or(0)).min(self.memory);
        let bytes = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        AgentReport {
            name: self.name.clone(),
            address: address(),
            engine: super::ENGINE.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            resource_group: self.resource_group.clone(),
            architecture: std::env::consts::ARCH.into(),
            capacity: Slots::cpu_mem(Quantity::whole(self.cpus), bytes(self.memory)),
            used: Slots::cpu_mem(Quantity::thousandths(bytes(self.busy())), bytes(used)),
            at: sys::now(),
            facts: self.facts.clone(),
            refusal: self.refusal.clone(),
        }
    }

    /// Returns the thousandths of a processor in use since the last sample.
    fn busy(&self) -> u64 {
        let mut last = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let now = ticks();
        let total = now.total.saturating_sub(last.ticks.total);
        if total >= FEWEST_TICKS {
            let all = u64::try_from(self.cpus).unwrap_or(1) * 1000;
            let busy = now.busy.saturating_sub(last.ticks.busy);
            *last = Busy { ticks: now, thousandths: (all * busy / total).min(all) };
        }
        last.thousandths
    }
}

fn ticks() -> Ticks {
    std::fs::read_to_string("/proc/stat").map(|text| parse_ticks(&text)).unwrap_or_default()
}

fn parse_ticks(stat: &str) -> Ticks {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    // user nice system idle iowait irq softirq steal; the fields after these are already counted in user.
    let fields: Vec<u64> = line.split_ascii_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
    let total = fields.iter().sum();
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    Ticks { busy: total - idle, total }
}

/// Returns one value of /proc/meminfo in bytes.
fn meminfo(key: &str) -> Option<u64> {
    parse_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?, key)
}

fn parse_meminfo(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn facts(possible: &Possible, groups: &Hierarchies) -> Vec<Fact> {
    let fact = |name: &str, good: bool, value: String| Fact { name: name.into(), value, good };
    const APART: &str = "sessions have their own files, processes and host name";
    let mut facts = Vec::new();
    facts.push(match (&possible.isolation, &possible.refusal) {
        (_, Some(_)) => fact("Isolation", false, "None, so that no session starts".into()),
        (Isolation::Container, _) => fact("Isolation", true, format!("Containers: {APART}")),
        (Isolation::Bubblewrap(bubblewrap), _) => {
            fact("Isolation", true, format!("bubblewrap {}, in a user namespace: {APART}", bubblewrap.version))
        }
        (Isolation::None, None) => {
            let why = possible.why.as_deref().unwrap_or_default();
            fact("Isolation", false, format!("None: {why}. Sessions see the machine's files and processes"))
        }
    });
    facts.push(match groups.version() {
        Some(version) => {
            let limits = [
                (groups.limits_memory(), "memory"),
                (groups.limits_cpu(), "processor time"),
                (groups.limits_processes(), "number of processes"),
            ];
            let names = |given: bool| limits.iter().filter(|(has, _)| *has == given).map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
            let missing = names(false);
            let rest = if missing.is_empty() { String::new() } else { format!("; not limited: {missing}") };
            fact("Limits", missing.is_empty(), format!("cgroup {version}: {}{rest}", names(true)))
        }
        None => fact(
            "Limits",
            false,
            "Resource limits only: memory is limited per process, not per session; processor time is not limited; running out of \
             memory looks like any other failure. The server cannot write control groups here"
                .into(),
        ),
    });
    facts.push(fact(
        "Network",
        true,
        "The machine's own: sessions reach everything that the machine reaches, including its local services".into(),
    ));
    facts.push(match (rustix::process::geteuid(), &possible.isolation) {
        (user, _) if user.is_root() => fact("User", true, "Each session runs under a user id of its own".into()),
        (user, isolation) => {
            let own = user.as_raw();
            fact("User", *isolation != Isolation::None, format!("Sessions run as the server's own user (uid {own})"))
        }
    });
    facts.push(fact("System", true, system()));
    facts.push(fact("Accelerators", true, "None".into()));
    facts
}

/// Returns the distribution and the kernel.
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux").trim_matches('"').to_owned();
    format!("{name}, kernel {}", rustix::system::uname().release().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_and_memory_are_read_from_proc() {
        let ticks = parse_ticks("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
        assert_eq!(ticks, Ticks { busy: 150, total: 1000 });
        assert_eq!(parse_ticks(""), Ticks::default());
        let text = "MemTotal:       24684112 kB\nMemFree: 1 kB\nMemAvailable:   100 kB\n";
        assert_eq!(parse_meminfo(text, "MemAvailable"), Some(102_400));
        assert_eq!(parse_meminfo(text, "Mem"), None);
    }
}
