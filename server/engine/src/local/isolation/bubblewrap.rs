//! Isolation by bubblewrap, for a server that is an ordinary user: in a user namespace with one user.

use super::visible::{Visible, visible};
use super::{HOME_INSIDE, host_name};
use serde::{Deserialize, Serialize};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The user and group id that processes see as their own.
pub(crate) const USER_INSIDE: (u32, u32) = (1000, 1000);

/// A bubblewrap program that was tried and works here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bubblewrap {
    program: PathBuf,
    pub version: String,
    /// Whether it can forbid user namespaces inside; older versions leave that to the filter of system calls.
    forbids_namespaces: bool,
}

impl Bubblewrap {
    /// Finds the program and tries it; returns why it cannot be used.
    pub(crate) fn find() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| super::super::inside::PATH.into());
        let program = std::env::split_paths(&path).map(|folder| folder.join("bwrap")).find(|program| program.is_file());
        let program = program.ok_or("bubblewrap is not installed")?;
        let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("bubblewrap ").to_owned();
        let mut why = String::new();
        for forbids_namespaces in [true, false] {
            let found = Self { program: program.clone(), version: version.clone(), forbids_namespaces };
            let mut command = found.wrap("probe", 1 << 20);
            command.args(["--perms", "1777", "--tmpfs", "/tmp", "--dir", HOME_INSIDE]);
            command.args(["--remount-ro", "/dev", "--remount-ro", "/", "--", "true"]).stdin(Stdio::null());
            match command.output() {
                Ok(output) if output.status.success() => return Ok(found),
                Ok(output) => why = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                Err(error) => why = error.to_string(),
            }
        }
        Err(format!("bubblewrap {version} does not work here ({why})"))
    }

    /// Builds the command that runs `session-init` from the open file `exe` in a session with this name and this many bytes of
    /// shared memory. `folder` is an absolute path and contains the session's `home`, `tmp`, `passwd` and `group`.
    pub(crate) fn command(&self, folder: &Path, name: &str, shared: u64, exe: RawFd) -> Command {
        let mut command = self.wrap(name, shared);
        command.arg("--bind").arg(folder.join("home")).arg(HOME_INSIDE);
        command.arg("--bind").arg(folder.join("tmp")).arg("/tmp");
        for file in ["passwd", "group"] {
            command.arg("--ro-bind").arg(folder.join(file)).arg(Path::new("/etc").join(file));
        }
        // Everything that can be written is in the folder, or in shared memory: anything else would be memory that nobody counts.
        command.args(["--remount-ro", "/dev", "--remount-ro", "/"]);
        command.args(["--", &format!("/proc/self/fd/{exe}")]);
        command
    }

    fn wrap(&self, name: &str, shared: u64) -> Command {
        let mut command = Command::new(&self.program);
        let (uid, gid) = USER_INSIDE;
        command.args(["--unshare-user", "--uid", &uid.to_string(), "--gid", &gid.to_string()]);
        if self.forbids_namespaces {
            command.arg("--disable-userns");
        }
        command.args(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]);
        command.args(["--as-pid-1", "--die-with-parent", "--new-session", "--hostname", &host_name(name), "--cap-drop", "ALL"]);
        for path in visible() {
            match path {
                Visible::Same(path) => command.arg("--ro-bind").arg(&path).arg(&path),
                Visible::Link(path, target) => command.arg("--symlink").arg(target).arg(path),
            };
        }
        command.args(["--proc", "/proc", "--dev", "/dev"]);
        command.args(["--perms", "1777", "--size", &shared.max(4_096).to_string(), "--tmpfs", "/dev/shm"]);
        command.args(["--dir", "/var", "--symlink", "/tmp", "/var/tmp", "--dir", "/run"]);
        command
    }
}
