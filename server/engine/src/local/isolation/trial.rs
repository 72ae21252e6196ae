//! A trial: whether a container can be made on this machine is found out by making one that does nothing.

use super::super::cgroup::Hierarchies;
use super::super::layout::{Folder, Plan};
use super::super::{launch, sys};
use super::Isolation;
use super::container::{self, First};
use crate::{Launch, LaunchSpec};
use rustix::fd::{AsRawFd, OwnedFd};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use types::id::ContainerId;
use types::quantity::{Quantity, Slots};

/// Starts a trial session in a folder of its own, which does nothing; returns why it could not be started.
pub(crate) fn try_container(exe: &File, sessions: &Path) -> Result<(), String> {
    let folder = sessions.join(format!(".trial-{}", std::process::id()));
    let mut command = Command::new(format!("/proc/self/fd/{}", exe.as_raw_fd()));
    command.arg0("yardmaster").arg("try-isolation").arg(&folder).stdin(Stdio::null());
    let tried = command.output();
    // Also when it failed half-way; nothing in it is needed.
    let _ = std::fs::remove_dir_all(&folder);
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().trim_end_matches('.').to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The body of the hidden subcommand `try-isolation`: starts a container that does nothing in `folder`, and prints why it could
/// not. Returns the exit code of the process.
pub(crate) fn try_isolation(folder: &Path) -> i32 {
    let tried = || {
        let folder = Folder::at(folder);
        folder.create()?;
        let plan = plan();
        let groups = Hierarchies::find(folder.sessions());
        let group = groups.group(plan.id);
        let started = start(&folder, &plan, &groups).and_then(sys::wait);
        group.kill();
        group.remove();
        match started?.code() {
            Some(0) => Ok(()),
            _ => Err(io::Error::other("the first process of a container ended at once")),
        }
    };
    match tried() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

/// Starts a container whose first process does nothing, to see whether sessions can be isolated here; returns its id.
fn start(folder: &Folder, plan: &Plan, groups: &Hierarchies) -> io::Result<i32> {
    launch::prepare(folder, plan)?;
    let null = || Ok::<OwnedFd, io::Error>(File::open("/dev/null")?.into());
    let errors = rustix::io::dup(rustix::stdio::stderr())?;
    container::start(folder, plan, groups, First::Nothing, [null()?, null()?, errors])
}

/// The plan of a container that does nothing, with as little as one gets.
fn plan() -> Plan {
    let launch = LaunchSpec {
        name: "trial".into(),
        host_name: String::new(),
        image: String::new(),
        what: Launch::Interactive,
        cpu: Quantity::whole(1),
        mem: 64 << 20,
        slots: Slots::default(),
        shared_memory: None,
        env: Vec::new(),
        mounts: Vec::new(),
        ports: Vec::new(),
        user: None,
        working_directory: None,
    };
    let id = ContainerId(uuid::Uuid::from_u128(u128::from(std::process::id())));
    Plan { id, launch, isolation: Isolation::Container, log_limit: 0 }
}
