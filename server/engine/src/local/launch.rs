//! Starts a session's first process: prepares its files, passes its setup, and returns the supervisor's handles to it.
//!
//! Deliberately absent: everything that happens afterwards (`supervisor`), and the work inside the session (`init`).

use super::cgroup::Hierarchies;
use super::init::Setup;
use super::isolation::Isolation;
use super::isolation::container::{self, First};
use super::layout::{self, Folder, Plan};
use super::{inside, sys};
use rustix::fd::{AsRawFd, OwnedFd};
use std::fs::{DirBuilder, File};
use std::io::{self, PipeReader};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// A first process that has received its setup.
pub(crate) struct Launched {
    /// The outermost process of the session, a child of this process.
    pub pid: i32,
    /// Carries orders in and reports out. It closes when the process ends.
    pub link: OwnedFd,
    /// The session's output. Reading from it does not block.
    pub output: PipeReader,
}

/// Starts a session's first process.
pub(crate) fn launch(folder: &Folder, plan: &Plan, groups: &Hierarchies) -> io::Result<Launched> {
    prepare(folder, plan)?;
    let home = plan.isolation.home(&folder.file(layout::HOME));
    let setup = serde_json::to_string(&Setup {
        // A container begins as its user, and bubblewrap has only one.
        user: if plan.isolation == Isolation::None { plan.isolation.user(plan.id) } else { None },
        // An absolute path stays as it is.
        directory: plan.launch.working_directory.as_ref().map_or(home.clone(), |directory| home.join(directory)),
        what: plan.launch.what.clone(),
        env: environment(folder, plan),
    })?;
    if setup.len() > sys::LARGEST_MESSAGE {
        return Err(io::Error::other("the command and the environment are too long"));
    }
    let (output, input) = io::pipe()?;
    let (link, inner) = sys::message_pair()?;
    let copy: OwnedFd = input.try_clone()?.into();
    let ends = [inner, copy, input.into()];
    let pid = match &plan.isolation {
        Isolation::Container => container::start(folder, plan, groups, First::Init, ends)?,
        Isolation::Bubblewrap(_) | Isolation::None => spawn(folder, plan, ends)?,
    };
    rustix::io::ioctl_fionbio(&output, true)?;
    // This fails when the process has already ended, which prints the reason itself.
    let _ = sys::send(&link, &setup, None);
    Ok(Launched { pid, link, output })
}

/// Runs `session-init`, in bubblewrap or as a plain process. Without control groups, only each process's own memory is limited.
fn spawn(folder: &Folder, plan: &Plan, [input, output, errors]: [OwnedFd; 3]) -> io::Result<i32> {
    // Opened and not named: the program may have been replaced since, and its path does not exist inside.
    let exe = File::open("/proc/self/exe")?;
    let exe_fd = exe.as_raw_fd();
    let memory = u64::try_from(plan.launch.mem).unwrap_or(u64::MAX);
    let launch = &plan.launch;
    let name = if launch.host_name.is_empty() { &launch.name } else { &launch.host_name };
    let mut command = match &plan.isolation {
        Isolation::Bubblewrap(bubblewrap) => {
            let shared = launch.shared_memory.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(memory);
            bubblewrap.command(folder.path(), name, shared, exe_fd)
        }
        _ => Command::new(format!("/proc/self/fd/{exe_fd}")),
    };
    command.arg("session-init").env_clear().env("PATH", inside::PATH);
    command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::from(errors));
    // SAFETY: only system calls that are safe between fork and exec; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            sys::standard_signals()?;
            sys::keep_over_exec(exe_fd)?;
            sys::limit_data(memory)
        });
    }
    let program = command.get_program().to_owned();
    let child = command.spawn().map_err(|error| io::Error::other(format!("could not run {}: {error}", program.display())))?;
    Ok(child.id().cast_signed())
}

/// Creates the session's files: its home, its temporary folder and its user's name.
pub(crate) fn prepare(folder: &Folder, plan: &Plan) -> io::Result<()> {
    for (name, mode) in [(layout::HOME, 0o700), (layout::TMP, 0o1777)] {
        let path = folder.file(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        // Independent of the umask.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        if let Some((uid, gid)) = plan.isolation.user(plan.id) {
            std::os::unix::fs::chown(&path, Some(uid), Some(gid))?;
        }
    }
    let (passwd, group) = plan.isolation.user_files(plan.id);
    for (name, text) in [("passwd", passwd), ("group", group)] {
        let path = folder.file(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    Ok(())
}

/// Returns the whole environment of a session's processes. Nothing of the server's environment is passed on.
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
