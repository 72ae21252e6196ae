//! Control groups, version 1, version 2 or both at once: limits, measurements, and killing all processes in one write.
//!
//! A session's groups are `yardmaster/<session id>` in every hierarchy that can be written. The unified hierarchy is used even
//! without controllers, because only it can kill a whole group. Deliberately absent: delegated sub-trees of systemd user
//! sessions; a server that is not root gets no groups and reports this.

use super::{sys, tree};
use crate::LaunchSpec;
use rustix::process::Signal;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use types::id::ContainerId;
use types::sessions::Usage;

/// The folder that contains all our groups in a hierarchy.
const OURS: &str = "yardmaster";
/// The group of the supervisors. It is not the server's, so that ending the server's group does not end them.
const SUPERVISORS: &str = "supervisors";
/// The largest number of processes and threads of a session: enough for any job, too few for a fork bomb.
const MOST_TASKS: u32 = 8192;
/// The period over which processor time is limited, in microseconds.
const PERIOD: i64 = 100_000;

/// A controller of version 1, or the unified hierarchy of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Cpu,
    CpuAcct,
    Pids,
    Unified { memory: bool, cpu: bool, pids: bool },
}

/// The hierarchies that can be written here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hierarchies(Vec<(Kind, PathBuf)>);

impl Hierarchies {
    /// Finds the hierarchies by creating our folder in each.
    pub(crate) fn find() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut found = Vec::new();
        for line in mounts.lines() {
            let Some((mount, unified, controllers)) = parse_mount(line) else { continue };
            let ours = Path::new(mount).join(OURS);
            if unified {
                // Without controllers it can still kill. Each refusal only means that this limit is missing.
                for group in [Path::new(mount), &ours] {
                    let _ = std::fs::create_dir(&ours);
                    for controller in ["+memory", "+cpu", "+pids"] {
                        let _ = write(&group.join("cgroup.subtree_control"), controller);
                    }
                }
                let given = std::fs::read_to_string(ours.join("cgroup.subtree_control")).unwrap_or_default();
                let has = |name: &str| given.split_whitespace().any(|given| given == name);
                let kind = Kind::Unified { memory: has("memory"), cpu: has("cpu"), pids: has("pids") };
                found.push((kind, ours));
            } else {
                found.extend(controllers.into_iter().map(|kind| (kind, ours.clone())));
            }
        }
        found.retain(|(_, ours)| std::fs::create_dir_all(ours.join(SUPERVISORS)).is_ok() && can_write(&ours.join(SUPERVISORS)));
        // Joining a hierarchy takes milliseconds of each start, and the unified one also counts processor time.
        if found.iter().any(|(kind, _)| matches!(kind, Kind::Unified { .. })) {
            found.retain(|(kind, _)| *kind != Kind::CpuAcct);
        }
        // The unified hierarchy comes last, so that values that version 1 has are not read twice.
        found.sort_by_key(|(kind, _)| matches!(kind, Kind::Unified { .. }));
        Self(found)
    }

    fn any(&self, test: impl Fn(Kind) -> bool) -> bool {
        self.0.iter().any(|(kind, _)| test(*kind))
    }

    pub(crate) fn limits_memory(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Memory | Kind::Unified { memory: true, .. }))
    }

    pub(crate) fn limits_cpu(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Cpu | Kind::Unified { cpu: true, .. }))
    }

    pub(crate) fn limits_processes(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Pids | Kind::Unified { pids: true, .. }))
    }

    /// Returns the common name of the version that limits memory here: `v1`, `v2` or nothing.
    pub(crate) fn version(&self) -> Option<&'static str> {
        if self.any(|kind| matches!(kind, Kind::Memory | Kind::Cpu)) {
            return Some("v1");
        }
        self.any(|kind| matches!(kind, Kind::Unified { memory: true, .. })).then_some("v2")
    }

    /// Moves this process, a supervisor, out of the server's groups.
    pub(crate) fn join_supervisors(&self) {
        for (_, ours) in &self.0 {
            // If this fails, the supervisor stays in the server's group, as it would without groups.
            let _ = write(&ours.join(SUPERVISORS).join("cgroup.procs"), "0");
        }
    }

    /// Returns a session's groups, whether or not they exist.
    pub(crate) fn group(&self, id: ContainerId) -> Group {
        Group(self.0.iter().map(|(kind, ours)| (*kind, ours.join(id.to_string()))).collect())
    }
}

/// Reads a line of mountinfo: the mount point, whether it is version 2, and the controllers.
fn parse_mount(line: &str) -> Option<(&str, bool, Vec<Kind>)> {
    let (left, right) = line.split_once(" - ")?;
    let mount = left.split(' ').nth(4)?;
    let mut right = right.split(' ');
    match right.next()? {
        "cgroup2" => Some((mount, true, Vec::new())),
        "cgroup" => {
            let kinds = right.nth(1)?.split(',').filter_map(|option| match option {
                "memory" => Some(Kind::Memory),
                "cpu" => Some(Kind::Cpu),
                "cpuacct" => Some(Kind::CpuAcct),
                "pids" => Some(Kind::Pids),
                _ => None,
            });
            Some((mount, false, kinds.collect()))
        }
        _ => None,
    }
}

fn can_write(group: &Path) -> bool {
    OpenOptions::new().write(true).open(group.join("cgroup.procs")).is_ok()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)
}

fn read_number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the number after `key` in a file of `key number` lines.
fn number_after_key(path: &Path, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// The groups of one session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group(Vec<(Kind, PathBuf)>);

impl Group {
    /// Creates the groups and sets their limits. Drops the groups that could not be created.
    pub(crate) fn create(&mut self, launch: &LaunchSpec) {
        let quota = (launch.cpu.as_thousandths().saturating_mul(PERIOD) / 1000).max(1000);
        let (mem, quota, period, tasks) = (launch.mem.to_string(), quota.to_string(), PERIOD.to_string(), MOST_TASKS.to_string());
        self.0.retain(|(kind, group)| {
            let set = |file: &str, value: &str| write(&group.join(file), value).is_ok();
            if std::fs::create_dir_all(group).is_err() {
                return false;
            }
            match kind {
                Kind::Memory => {
                    let limited = set("memory.limit_in_bytes", &mem);
                    // This works only where swap is counted.
                    set("memory.memsw.limit_in_bytes", &mem);
                    limited
                }
                Kind::Cpu => set("cpu.cfs_period_us", &period) && set("cpu.cfs_quota_us", &quota),
                Kind::Pids => set("pids.max", &tasks),
                Kind::CpuAcct => true,
                Kind::Unified { memory, cpu, pids } => {
                    if *memory {
                        set("memory.max", &mem);
                        set("memory.swap.max", "0");
                    }
                    if *cpu {
                        set("cpu.max", &format!("{quota} {period}"));
                    }
                    if *pids {
                        set("pids.max", &tasks);
                    }
                    true
                }
            }
        });
    }

    /// Returns whether there is no group: then nothing is limited, and processes have to be found by other means.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Opens the files to which a process writes `0` to join these groups with all its descendants.
    pub(crate) fn entrances(&self) -> Vec<File> {
        let open = |(_, group): &(Kind, PathBuf)| OpenOptions::new().write(true).open(group.join("cgroup.procs")).ok();
        self.0.iter().filter_map(open).collect()
    }

    /// Returns the file that lists every process of the session.
    fn listing(&self) -> Option<PathBuf> {
        self.0.first().map(|(_, group)| group.join("cgroup.procs"))
    }

    /// Returns the processes in the groups.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let text = self.listing().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Returns how often a process was killed because the memory was used up.
    pub(crate) fn oom_kills(&self) -> u64 {
        let count = |(kind, group): &(Kind, PathBuf)| match kind {
            Kind::Memory => number_after_key(&group.join("memory.oom_control"), "oom_kill"),
            Kind::Unified { memory: true, .. } => number_after_key(&group.join("memory.events"), "oom_kill"),
            _ => None,
        };
        self.0.iter().filter_map(count).sum()
    }

    /// Measures the session's usage. Returns `None` unless both processor time and memory are counted.
    pub(crate) fn measure(&self) -> Option<Usage> {
        let (mut cpu_ms, mut mem) = (None, None);
        for (kind, group) in &self.0 {
            match kind {
                Kind::CpuAcct => cpu_ms = read_number(&group.join("cpuacct.usage")).map(|nanoseconds| nanoseconds / 1_000_000),
                Kind::Memory => mem = working_set(group, "memory.usage_in_bytes", "total_inactive_file"),
                Kind::Unified { memory, .. } => {
                    cpu_ms = cpu_ms.or_else(|| Some(number_after_key(&group.join("cpu.stat"), "usage_usec")? / 1000));
                    if *memory {
                        mem = mem.or_else(|| working_set(group, "memory.current", "inactive_file"));
                    }
                }
                _ => {}
            }
        }
        let processes = u32::try_from(self.processes().len()).unwrap_or(u32::MAX);
        Some(Usage { at: sys::now(), cpu_ms: cpu_ms?, mem: mem?, processes })
    }

    /// Kills every process in the groups and waits until none is left. Returns false if some have not died after five seconds.
    pub(crate) fn kill(&self) -> bool {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let at_once = self.0.iter().any(|(_, group)| write(&group.join("cgroup.kill"), "1").is_ok());
            let left = self.processes();
            if left.is_empty() {
                return true;
            }
            if !at_once {
                // Version 1 can only list the processes. One that was forked in between is in the next list.
                for pid in left {
                    tree::signal(pid, Signal::KILL);
                }
            }
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Removes the groups. The kernel releases a group a moment after its last process has ended.
    pub(crate) fn remove(&self) {
        for (_, group) in &self.0 {
            for _ in 0..100 {
                match std::fs::remove_dir(group) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::sleep(Duration::from_millis(1)),
                    _ => break,
                }
            }
        }
    }
}

/// Returns the bytes of memory in use, without the file pages that the kernel can reclaim at once.
fn working_set(group: &Path, file: &str, reclaimable: &str) -> Option<u64> {
    let used = read_number(&group.join(file))?;
    Some(used.saturating_sub(number_after_key(&group.join("memory.stat"), reclaimable).unwrap_or(0)))
}

/// Kills the remaining processes of a session whose supervisor is gone, and removes its groups.
pub(crate) fn clean_up(id: ContainerId) {
    let mut group = Hierarchies::find().group(id);
    group.0.retain(|(_, path)| path.exists());
    group.kill();
    group.remove();
}

/// Returns the memory limit in bytes of this process's own groups, if there is one.
pub(crate) fn own_memory_limit() -> Option<u64> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut least: Option<u64> = None;
    for (mount, unified, kinds) in mounts.lines().filter_map(parse_mount) {
        if !unified && !kinds.contains(&Kind::Memory) {
            continue;
        }
        let path = own.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let matches = if unified { controllers.is_empty() } else { controllers.split(',').any(|name| name == "memory") };
            matches.then_some(path)
        });
        let file = if unified { "memory.max" } else { "memory.limit_in_bytes" };
        // Every ancestor's limit applies as well.
        for ancestor in Path::new(path?.trim_start_matches('/')).ancestors() {
            let limit = read_number(&Path::new(mount).join(ancestor).join(file));
            least = [least, limit].into_iter().flatten().min();
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions_are_distinguished() {
        let v1 = "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct";
        assert_eq!(parse_mount(v1), Some(("/sys/fs/cgroup/cpu,cpuacct", false, vec![Kind::Cpu, Kind::CpuAcct])));
        let v2 = "29 25 0:25 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(parse_mount(v2), Some(("/sys/fs/cgroup/unified", true, vec![])));
        assert_eq!(parse_mount("26 1 8:1 / / rw - ext4 /dev/vda rw"), None);
    }

    #[test]
    fn keys_of_a_file_match_only_as_whole_words() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n").unwrap();
        assert_eq!(number_after_key(file.path(), "oom_kill"), Some(2));
        assert_eq!(number_after_key(file.path(), "oom"), None);
    }
}
