//! Control groups, version 1 or 2: which limits are possible here, measurements, and killing all processes of a session.
//!
//! A session's groups are `yardmaster/<sessions folder>/<container id>` in every hierarchy, so that servers with other data on the
//! same machine are told apart. libcontainer creates them and sets their limits
//! (`isolation::container`); here they are found again by name, so that nothing depends on whoever created them. Deliberately
//! absent: delegated sub-trees of systemd's user sessions; a server that is not root gets no groups and reports this.

use super::{sys, tree};
use rustix::process::Signal;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use types::id::ContainerId;
use types::sessions::Usage;

/// The folder that contains all our groups in a hierarchy.
const OURS: &str = "yardmaster";
/// The group of the supervisors. It is not the server's, so that ending the server's group does not end them.
const SUPERVISORS: &str = "supervisors";

/// A controller of version 1, or the unified hierarchy of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Cpu,
    CpuAcct,
    Pids,
    /// A hierarchy in which service managers keep track of what belongs to a service.
    Named,
    /// A controller that is not asked for anything here.
    Other,
    Unified {
        memory: bool,
        cpu: bool,
        pids: bool,
    },
}

/// The hierarchies that can be written here, with our folder in each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hierarchies {
    found: Vec<(Kind, PathBuf)>,
    /// The name of the group with all sessions of one sessions folder.
    sessions: String,
}

impl Hierarchies {
    /// Finds the hierarchies by creating our folder in each, for the containers of the folder `sessions`.
    pub(crate) fn find(sessions: &Path) -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut found = Vec::new();
        for line in mounts.lines() {
            let Some((mount, unified, controllers)) = parse_mount(line) else { continue };
            let ours = Path::new(mount).join(OURS);
            if unified {
                // Each refusal only means that this limit is missing.
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
        // Numbers stay the same when the folder is renamed, and no other folder of the machine has them.
        let name = std::fs::metadata(sessions).map(|found| format!("{:x}-{:x}", found.dev(), found.ino()));
        Self { found, sessions: name.unwrap_or_else(|_| "unknown".into()) }
    }

    /// The path of a container's groups below the root of each hierarchy.
    pub(crate) fn path(&self, id: ContainerId) -> String {
        format!("/{OURS}/{}/{id}", self.sessions)
    }

    /// Returns the containers that have groups with processes in them.
    pub(crate) fn containers(&self) -> Vec<ContainerId> {
        let mut ids: Vec<ContainerId> = Vec::new();
        for (_, ours) in &self.found {
            for entry in std::fs::read_dir(ours.join(&self.sessions)).into_iter().flatten().flatten() {
                ids.extend(entry.file_name().to_str().and_then(|name| name.parse::<ContainerId>().ok()));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !self.group(*id).processes().is_empty());
        ids
    }

    fn any(&self, test: impl Fn(Kind) -> bool) -> bool {
        self.found.iter().any(|(kind, _)| test(*kind))
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

    /// Returns whether memory that was swapped out can be limited, too.
    pub(crate) fn counts_swap(&self) -> bool {
        self.found.iter().any(|(kind, ours)| match kind {
            Kind::Memory => ours.join("memory.memsw.limit_in_bytes").exists(),
            Kind::Unified { memory: true, .. } => ours.join("memory.swap.max").exists(),
            _ => false,
        })
    }

    /// Returns the common name of the version that limits sessions here: `v1`, `v2` or nothing.
    pub(crate) fn version(&self) -> Option<&'static str> {
        if self.first_version() {
            return Some("v1");
        }
        self.any(|kind| matches!(kind, Kind::Unified { memory: true, .. })).then_some("v2")
    }

    fn first_version(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Memory | Kind::Cpu))
    }

    /// Moves this process, a supervisor, out of the server's groups. In the hierarchy of a service manager this happens before
    /// the session starts, because its processes would stay in the server's service and end with it.
    pub(crate) fn join_supervisors(&self, before_start: bool) {
        let mut joined = Vec::new();
        for (kind, ours) in &self.found {
            let named = matches!(kind, Kind::Named);
            if named == before_start && *kind != Kind::Other && !joined.contains(&ours) {
                // If this fails, the supervisor stays in the server's group, as it would without groups.
                let _ = write(&ours.join(SUPERVISORS).join("cgroup.procs"), "0");
                joined.push(ours);
            }
        }
    }

    /// Returns a session's groups, whether or not they exist. Where both versions are mounted, its groups are of version 1.
    pub(crate) fn group(&self, id: ContainerId) -> Group {
        let first = self.first_version();
        let ours = self.found.iter().filter(|(kind, _)| matches!(kind, Kind::Unified { .. }) != first);
        Group(ours.map(|(kind, ours)| (*kind, ours.join(&self.sessions).join(id.to_string()))).collect())
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
            let kinds: Vec<Kind> = right
                .nth(1)?
                .split(',')
                .filter_map(|option| match option {
                    "memory" => Some(Kind::Memory),
                    "cpu" => Some(Kind::Cpu),
                    "cpuacct" => Some(Kind::CpuAcct),
                    "pids" => Some(Kind::Pids),
                    named if named.starts_with("name=") => Some(Kind::Named),
                    _ => None,
                })
                .collect();
            Some((mount, false, if kinds.is_empty() { vec![Kind::Other] } else { kinds }))
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
    /// Returns the processes in the groups.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mut found: Vec<i32> = Vec::new();
        for (_, group) in &self.0 {
            let text = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        }
        found.sort_unstable();
        found.dedup();
        found
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
                Kind::Unified { memory: true, .. } => {
                    cpu_ms = Some(number_after_key(&group.join("cpu.stat"), "usage_usec")? / 1000);
                    mem = working_set(group, "memory.current", "inactive_file");
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
            let left = self.processes();
            if left.is_empty() {
                return true;
            }
            let at_once = self.0.iter().any(|(_, group)| write(&group.join("cgroup.kill"), "1").is_ok());
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
pub(crate) fn clean_up(sessions: &Path, id: ContainerId) {
    let group = Hierarchies::find(sessions).group(id);
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
        let named = "31 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd";
        assert_eq!(parse_mount(named), Some(("/sys/fs/cgroup/systemd", false, vec![Kind::Named])));
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
