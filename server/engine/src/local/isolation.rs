//! How a session is isolated from the machine: with bubblewrap where it works, otherwise as a plain process of another user.
//!
//! A session cannot see the machine's files except its programs (read-only), nor other processes or sessions. Deliberately not
//! isolated: the network, because people install packages; and resources, which control groups limit.

use rustix::fs::Mode;
use serde::{Deserialize, Serialize};
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of a session's home, as seen inside.
pub(crate) const HOME_INSIDE: &str = "/home/work";
/// The user and group that sessions run as when the server is root: nobody, who owns nothing.
const NOBODY: (u32, u32) = (65534, 65534);
/// Folders of programs, mounted read-only.
const PROGRAMS: [&str; 9] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/etc"];
/// Files in /etc that sessions must not see. File permissions already keep the unprivileged user out; this is a second barrier.
const SECRETS: [&str; 10] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/yardmaster",
    "/etc/krb5.keytab",
];
/// Paths that programs read to learn the number of processors and the name servers.
const FACTS_OF_THE_MACHINE: [&str; 3] = ["/sys/devices/system/cpu", "/sys/devices/system/node", "/run/systemd/resolve"];

/// How one session is isolated. The engine decides it, and the session's supervisor carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Isolation {
    /// `None` means a plain process.
    pub bubblewrap: Option<Bubblewrap>,
    /// The user and group that its processes switch to. `None` means that they stay the server's.
    pub user: Option<(u32, u32)>,
}

/// A bubblewrap program that was tested and works here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bubblewrap {
    pub program: PathBuf,
    pub version: String,
    /// Whether it needs a user namespace, because the server may not mount.
    pub user_namespace: bool,
}

impl Isolation {
    /// Finds out what works here, and the reason if bubblewrap does not. `sessions` is the folder of all sessions' folders.
    pub(crate) fn probe(allowed: bool, sessions: &Path) -> (Self, Option<String>) {
        let root = rustix::process::geteuid().is_root();
        let (bubblewrap, why) = match probe_bubblewrap(allowed, root) {
            Ok(found) => (Some(found), None),
            Err(why) => (None, Some(why)),
        };
        let user = match &bubblewrap {
            Some(bubblewrap) => root && !bubblewrap.user_namespace,
            // A plain process of another user must be able to reach its home folder.
            None => root && others_may_pass(sessions),
        };
        (Self { bubblewrap, user: user.then_some(NOBODY) }, why)
    }

    /// The home that the session's processes see.
    pub(crate) fn home(&self, home: &Path) -> PathBuf {
        if self.bubblewrap.is_some() { PathBuf::from(HOME_INSIDE) } else { home.to_owned() }
    }

    /// The number of processes that isolation itself adds to a session: bubblewrap's monitor and our init.
    pub(crate) fn own_processes(&self) -> u32 {
        if self.bubblewrap.is_some() { 2 } else { 1 }
    }

    /// Builds the command that runs `session-init` from the open file `exe` in a session with this name. `folder` is an absolute
    /// path and contains the session's `home`, `tmp`, `passwd` and `group`.
    pub(crate) fn command(&self, folder: &Path, name: &str, exe: RawFd) -> Command {
        let init = format!("/proc/self/fd/{exe}");
        let mut command = match &self.bubblewrap {
            None => Command::new(init),
            Some(bubblewrap) => {
                let mut command = Command::new(&bubblewrap.program);
                self.wrap(&mut command, bubblewrap, name);
                command.arg("--bind").arg(folder.join("home")).arg(HOME_INSIDE);
                command.arg("--bind").arg(folder.join("tmp")).arg("/tmp");
                for file in ["passwd", "group"] {
                    command.arg("--ro-bind").arg(folder.join(file)).arg(Path::new("/etc").join(file));
                }
                command.args(["--", &init]);
                command
            }
        };
        command.arg("session-init").env_clear().env("PATH", super::inside::PATH);
        command
    }

    fn wrap(&self, command: &mut Command, bubblewrap: &Bubblewrap, name: &str) {
        command.args(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]);
        command.args(["--as-pid-1", "--die-with-parent", "--new-session", "--hostname", &host_name(name), "--cap-drop", "ALL"]);
        if bubblewrap.user_namespace {
            let (uid, gid) = self.inner_user();
            command.args(["--unshare-user", "--uid", &uid.to_string(), "--gid", &gid.to_string()]);
        }
        if self.user.is_some() {
            // Only for our init, which loses them when it switches to that user.
            command.args(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]);
        }
        for folder in PROGRAMS {
            match std::fs::symlink_metadata(folder) {
                Ok(found) if found.is_symlink() => {
                    if let Ok(target) = std::fs::read_link(folder) {
                        command.arg("--symlink").arg(target).arg(folder);
                    }
                }
                Ok(found) if found.is_dir() => {
                    command.args(["--ro-bind", folder, folder]);
                }
                _ => {}
            }
        }
        for secret in SECRETS {
            match std::fs::metadata(secret) {
                Ok(found) if found.is_dir() => command.args(["--tmpfs", secret]),
                Ok(_) => command.args(["--ro-bind", "/dev/null", secret]),
                Err(_) => command,
            };
        }
        command.args(["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"]);
        command.args(["--dir", "/var", "--symlink", "/tmp", "/var/tmp"]);
        // If bubblewrap created these folders implicitly, only root could enter them.
        for folder in ["/home", "/run", "/run/systemd", "/sys", "/sys/devices", "/sys/devices/system"] {
            command.args(["--dir", folder]);
        }
        for path in FACTS_OF_THE_MACHINE {
            command.args(["--ro-bind-try", path, path]);
        }
    }

    /// The user and group ids that processes see as their own.
    pub(crate) fn inner_user(&self) -> (u32, u32) {
        match (self.user, &self.bubblewrap) {
            (Some(user), _) => user,
            (None, Some(_)) => (1000, 1000),
            (None, None) => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
        }
    }

    /// Returns the text of the files that name the session's user inside: (passwd, group).
    pub(crate) fn user_files(&self) -> (String, String) {
        let (uid, gid) = self.inner_user();
        let passwd = format!("root:x:0:0:root:/root:/bin/sh\nwork:x:{uid}:{gid}:work:{HOME_INSIDE}:{}\n", super::inside::shell());
        (passwd, format!("root:x:0:\nwork:x:{gid}:\n"))
    }
}

/// Turns a session's name into a host name of letters, digits and hyphens.
fn host_name(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    let clean = clean.trim_matches('-');
    if clean.is_empty() { "session".into() } else { clean.into() }
}

/// Returns whether any user may pass through a folder and all folders above it.
fn others_may_pass(folder: &Path) -> bool {
    folder
        .ancestors()
        .all(|above| std::fs::metadata(above).is_ok_and(|found| Mode::from_raw_mode(found.mode()).contains(Mode::XOTH)))
}

fn probe_bubblewrap(allowed: bool, root: bool) -> Result<Bubblewrap, String> {
    if !allowed {
        return Err("bubblewrap is switched off".into());
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| super::inside::PATH.into());
    let program = std::env::split_paths(&path).map(|folder| folder.join("bwrap")).find(|program| program.is_file());
    let program = program.ok_or("bubblewrap is not installed")?;
    let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("bubblewrap ").to_owned();
    let mut why = String::new();
    // Root tries it without a user namespace first: files inside then belong to the user that sessions really run as.
    for user_namespace in [false, true].into_iter().skip(usize::from(!root)) {
        let bubblewrap = Bubblewrap { program: program.clone(), version: version.clone(), user_namespace };
        let isolation = Isolation { user: (root && !user_namespace).then_some(NOBODY), bubblewrap: None };
        let mut command = Command::new(&program);
        isolation.wrap(&mut command, &bubblewrap, "probe");
        command.args(["--perms", "1777", "--tmpfs", "/tmp", "--dir", HOME_INSIDE, "--", "true"]).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => return Ok(bubblewrap),
            Ok(output) => why = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => why = error.to_string(),
        }
    }
    Err(format!("bubblewrap {version} does not work here ({why})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_session_name_becomes_a_host_name() {
        assert_eq!(host_name("train-1"), "train-1");
        assert_eq!(host_name("my job.ü"), "my-job");
        assert_eq!(host_name("---"), "session");
        assert_eq!(host_name(&"x".repeat(100)).len(), 63);
    }
}
