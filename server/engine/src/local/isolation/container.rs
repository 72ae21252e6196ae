//! Isolation by the kernel alone, for a server that is root: namespaces, control groups and a root folder of its own, made by
//! libcontainer in the session's supervisor.
//!
//! libcontainer clones its process, so it must be called from one that has no other threads: never from the server. The session's
//! first process runs in that clone, without an exec, because an image need not have what our program needs to start.

use super::super::cgroup::Hierarchies;
use super::super::layout::{Folder, Plan};
use super::super::{init, sys};
use super::visible::{Visible, visible};
use super::{HOME_INSIDE, host_name, seccomp, user_of};
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::oci_spec::runtime::Spec;
use libcontainer::syscall::syscall::SyscallType;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use rustix::fd::OwnedFd;
use serde_json::{Value, json};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The folder of libcontainer's own files, in the session's folder.
pub(crate) const STATE: &str = "container";
/// The root folder of the session's processes; everything in it is mounted.
const ROOT: &str = "root";
/// The largest number of processes and threads of a session: enough for any job, too few for a fork bomb.
const MOST_TASKS: u32 = 8192;
/// The period over which processor time is limited, in microseconds.
const PERIOD: i64 = 100_000;

/// The work of the first process inside.
#[derive(Clone, Copy)]
pub(crate) enum First {
    /// The work of the session.
    Init,
    /// Nothing: it was started to see whether sessions can be isolated here.
    Nothing,
}

impl Executor for First {
    fn validate(&self, _: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }

    fn exec(&self, _: &Spec) -> Result<(), ExecutorError> {
        // Without an exec nothing has closed the supervisor's descriptors.
        sys::close_from_3();
        let ready = sys::standard_signals().and_then(|()| seccomp::apply());
        let code = match (ready, self) {
            (Ok(()), Self::Init) => init::run_session(),
            (Ok(()), Self::Nothing) => 0,
            (Err(error), _) => {
                eprintln!("{error}");
                1
            }
        };
        std::process::exit(code)
    }
}

/// Starts the first process of a session and returns its id; it is a child of this process.
pub(crate) fn start(
    folder: &Folder,
    plan: &Plan,
    groups: &Hierarchies,
    first: First,
    [input, output, errors]: [OwnedFd; 3],
) -> io::Result<i32> {
    make_root(&folder.file(ROOT))?;
    let state = folder.file(STATE);
    DirBuilder::new().recursive(true).mode(0o700).create(&state)?;
    folder.write_json("config.json", &config(folder, plan, groups))?;
    let failed = |error: libcontainer::error::LibcontainerError| io::Error::other(crate::error::with_causes(&error));
    let mut container = ContainerBuilder::new(plan.id.to_string(), SyscallType::default())
        .with_root_path(state)
        .map_err(failed)?
        .with_executor(first)
        .with_stdin(input)
        .with_stdout(output)
        .with_stderr(errors)
        .as_init(folder.path())
        .with_systemd(false)
        .with_detach(true)
        .build()
        .map_err(failed)?;
    container.start().map_err(failed)?;
    container.pid().map(|pid| pid.as_raw()).ok_or_else(|| io::Error::other("the container has no process"))
}

/// Creates the folders that nothing is mounted on, with rights that do not depend on the umask.
fn make_root(root: &Path) -> io::Result<()> {
    // It stays so, because libcontainer adds mount points.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    ["etc/ssl", "etc/pki/tls", "etc/default", "home/work", "run", "sys/devices/system", "var", "tmp", "proc", "dev"]
        .into_iter()
        .try_for_each(|folder| DirBuilder::new().recursive(true).mode(0o755).create(root.join(folder)))?;
    let links = visible().into_iter().filter_map(|path| match path {
        Visible::Link(path, target) => Some((path, target)),
        Visible::Same(_) => None,
    });
    links.chain([("/var/tmp".into(), "/tmp".into())]).try_for_each(|(path, target)| {
        match std::os::unix::fs::symlink(target, root.join(path.strip_prefix("/").unwrap_or(&path))) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    })
}

/// The container as the runtime specification of the Open Container Initiative describes one.
fn config(folder: &Folder, plan: &Plan, groups: &Hierarchies) -> Value {
    let (uid, gid) = user_of(plan.id);
    let launch = &plan.launch;
    let quota = (launch.cpu.as_thousandths().saturating_mul(PERIOD) / 1000).max(1000);
    let mut memory = json!({ "limit": launch.mem });
    if groups.counts_swap() {
        memory["swap"] = launch.mem.into();
    }
    let namespaces = ["pid", "ipc", "uts", "mount", "cgroup"].map(|kind| json!({ "type": kind }));
    let name = if launch.host_name.is_empty() { &launch.name } else { &launch.host_name };
    json!({
        "ociVersion": "1.0.2",
        "root": { "path": ROOT, "readonly": true },
        "hostname": host_name(name),
        "process": {
            "user": { "uid": uid, "gid": gid },
            "args": ["session"],
            "cwd": "/",
            "capabilities": { "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [] },
            "noNewPrivileges": true,
        },
        "mounts": mounts(folder, plan),
        "linux": {
            "cgroupsPath": groups.path(plan.id),
            "namespaces": namespaces,
            "resources": {
                "devices": [{ "allow": false, "access": "rwm" }],
                "memory": memory,
                "cpu": { "quota": quota, "period": PERIOD },
                "pids": { "limit": MOST_TASKS },
            },
            "maskedPaths": [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
                "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
            ],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    })
}

fn mounts(folder: &Folder, plan: &Plan) -> Vec<Value> {
    let new =
        |kind: &str, to: &str, options: &[&str]| json!({ "type": kind, "source": kind, "destination": to, "options": options });
    let bind = |from: &Path, to: &Path, options: &[&str]| {
        // Recursively, since there may be mounts below.
        let options: Vec<_> = ["rbind", "rnosuid", "rnodev"].iter().chain(options).collect();
        json!({ "type": "bind", "source": from, "destination": to, "options": options })
    };
    let shared = format!("size={}", plan.launch.shared_memory.unwrap_or(plan.launch.mem));
    let mut mounts = vec![
        new("proc", "/proc", &["nosuid", "noexec", "nodev"]),
        new("tmpfs", "/dev", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        new("devpts", "/dev/pts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        new("tmpfs", "/dev/shm", &["nosuid", "nodev", "mode=1777", &shared]),
    ];
    mounts.extend(visible().into_iter().filter_map(|path| match path {
        Visible::Same(path) => Some(bind(&path.canonicalize().ok()?, &path, &["rro"])),
        Visible::Link(..) => None,
    }));
    mounts.push(bind(&folder.file("home"), Path::new(HOME_INSIDE), &[]));
    mounts.push(bind(&folder.file("tmp"), Path::new("/tmp"), &[]));
    for file in ["passwd", "group"] {
        mounts.push(bind(&folder.file(file), &Path::new("/etc").join(file), &["rro"]));
    }
    mounts
}
