//! The start of a session's first process: what it finds, what it is told, what its supervisor keeps of it.
//!
//! Deliberately absent: what happens afterwards (`supervisor`), and what it does inside (`init`).

use super::cgroup::{Group, Hierarchies};
use super::init::Setup;
use super::layout::{self, Folder, Plan};
use super::{inside, sys};
use rustix::fd::{AsRawFd, OwnedFd};
use std::fs::{DirBuilder, File};
use std::io::{self, PipeReader};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

/// A first process, told what to do.
pub(crate) struct Launched {
    pub child: Child,
    /// Orders in, reports out; it closes when the process ends.
    pub link: OwnedFd,
    /// What the session prints. Does not block.
    pub output: PipeReader,
}

/// Starts a session's first process in its groups.
pub(crate) fn launch(folder: &Folder, plan: &Plan, group: &Group, groups: &Hierarchies) -> io::Result<Launched> {
    prepare(folder, plan)?;
    let home = plan.isolation.home(&folder.file(layout::HOME));
    let setup = serde_json::to_string(&Setup {
        user: plan.isolation.user,
        // A path that is absolute stays as it is.
        directory: plan.launch.working_directory.as_ref().map_or(home.clone(), |directory| home.join(directory)),
        what: plan.launch.what.clone(),
        env: environment(folder, plan),
    })?;
    if setup.len() > sys::LARGEST_MESSAGE {
        return Err(io::Error::other("the command and the environment are too long"));
    }
    let (output, input) = io::pipe()?;
    let (link, inner) = sys::message_pair()?;
    // Not a name: the program may have been replaced since, and inside there is no such name.
    let exe = File::open("/proc/self/exe")?;
    let exe_fd = exe.as_raw_fd();
    let entrances = group.entrances();
    let memory = (!groups.limits_memory()).then(|| u64::try_from(plan.launch.mem).unwrap_or(u64::MAX));
    let launch = &plan.launch;
    let host_name = if launch.host_name.is_empty() { &launch.name } else { &launch.host_name };
    let mut command = plan.isolation.command(folder.path(), host_name, exe_fd);
    command.stdin(Stdio::from(inner)).stdout(Stdio::from(input.try_clone()?)).stderr(Stdio::from(input));
    // SAFETY: only system calls that are safe between fork and exec; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            sys::standard_signals()?;
            sys::keep_over_exec(exe_fd)?;
            for entrance in &entrances {
                rustix::io::write(entrance, b"0")?;
            }
            memory.map_or(Ok(()), sys::limit_data)
        });
    }
    let program = command.get_program().to_owned();
    let child = command.spawn().map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
    // With it go our copies of the session's ends.
    drop((command, exe));
    rustix::io::ioctl_fionbio(&output, true)?;
    // It fails when bubblewrap is gone already, which says why itself.
    let _ = sys::send(&link, &setup, None);
    Ok(Launched { child, link, output })
}

/// Makes what the session finds: its home, its temporary folder, its user's name.
fn prepare(folder: &Folder, plan: &Plan) -> io::Result<()> {
    for (name, mode) in [(layout::HOME, 0o700), (layout::TMP, 0o1777)] {
        let path = folder.file(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        // Whatever the umask says.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        if let Some((uid, gid)) = plan.isolation.user {
            std::os::unix::fs::chown(&path, Some(uid), Some(gid))?;
        }
    }
    let (passwd, group) = plan.isolation.user_files();
    for (name, text) in [("passwd", passwd), ("group", group)] {
        let path = folder.file(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    Ok(())
}

/// All that a session's processes have in their environment; nothing is passed on from the server's.
fn environment(folder: &Folder, plan: &Plan) -> Vec<(String, String)> {
    let home = plan.isolation.home(&folder.file(layout::HOME));
    let own = [
        ("PATH", inside::PATH.to_owned()),
        ("HOME", home.display().to_string()),
        ("LANG", "C.UTF-8".into()),
        ("TERM", "dumb".into()),
        ("USER", "work".into()),
        ("LOGNAME", "work".into()),
        ("SHELL", inside::shell().into()),
        ("YARDMASTER_SESSION_ID", plan.id.to_string()),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(plan.launch.env.iter().cloned()).collect()
}
