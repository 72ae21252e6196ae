//! How a session is isolated from the machine and from other sessions.
//!
//! As root the kernel's own means are enough (`container`); an ordinary user needs bubblewrap. Where neither works, no session
//! starts, unless the administrator has allowed plain processes. Deliberately not isolated: the network, because people install
//! packages.

pub(crate) mod bubblewrap;
pub(crate) mod container;
pub(crate) mod seccomp;
pub(crate) mod trial;
pub(crate) mod visible;

use bubblewrap::Bubblewrap;
use rustix::fs::Mode;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use types::id::ContainerId;

/// The path of a session's home, as seen inside.
pub(crate) const HOME_INSIDE: &str = "/home/work";
/// The first user id of sessions, if the server is root: above the ids of people, of `/etc/subuid` and of systemd's containers,
/// and all of them below what a signed number of 32 bits can hold.
const FIRST_USER: u32 = 1_900_000_000;
/// The number of user ids of sessions.
const USERS: u128 = 100_000_000;

/// How one session is isolated. The engine decides it, and the session's supervisor carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Isolation {
    Container,
    Bubblewrap(Bubblewrap),
    /// Plain processes, which the administrator has allowed.
    None,
}

/// The isolation that is possible on this machine.
pub(crate) struct Possible {
    pub isolation: Isolation,
    /// Why sessions are plain processes, if they are.
    pub why: Option<String>,
    /// Why no session may start, and what to do about it.
    pub refusal: Option<String>,
}

impl Possible {
    /// Finds out what works here. `sessions` is the folder of all sessions' folders; `try_container` starts a trial session.
    pub(crate) fn find(
        wanted: bool,
        plain_allowed: bool,
        sessions: &Path,
        try_container: impl FnOnce() -> Result<(), String>,
    ) -> Self {
        let root = rustix::process::geteuid().is_root();
        let found = match (wanted, root) {
            (false, _) => Err("isolation is switched off".into()),
            (true, true) => try_container().map(|()| Isolation::Container),
            (true, false) => Bubblewrap::find().map(Isolation::Bubblewrap),
        };
        let why = match found {
            Ok(isolation) => return Self { isolation, why: None, refusal: None },
            Err(why) => why,
        };
        let refusal = if !plain_allowed {
            let advice = if root { "let the server create namespaces and control groups" } else { "install bubblewrap" };
            Some(format!("Sessions cannot be isolated here: {why}. To run sessions, {advice}, and start the server again."))
        } else if root && !others_may_pass(sessions) {
            let folder = sessions.display();
            Some(format!("Sessions run under user ids of their own, which cannot reach their homes below {folder}."))
        } else {
            None
        };
        Self { isolation: Isolation::None, why: Some(why), refusal }
    }
}

impl Isolation {
    /// The home that the session's processes see.
    pub(crate) fn home(&self, home: &Path) -> PathBuf {
        if *self == Self::None { home.to_owned() } else { PathBuf::from(HOME_INSIDE) }
    }

    /// The number of processes that isolation itself adds to a session: our init, and bubblewrap's monitor.
    pub(crate) fn own_processes(&self) -> u32 {
        if matches!(self, Self::Bubblewrap(_)) { 2 } else { 1 }
    }

    /// The user and group that own a session's files and run its processes, as the machine numbers them. `None` means that they
    /// are the server's, because an ordinary user cannot change it.
    pub(crate) fn user(&self, id: ContainerId) -> Option<(u32, u32)> {
        rustix::process::geteuid().is_root().then(|| user_of(id))
    }

    /// The user and group ids that processes see as their own.
    pub(crate) fn inner_user(&self, id: ContainerId) -> (u32, u32) {
        match (self, self.user(id)) {
            (Self::Bubblewrap(_), _) => bubblewrap::USER_INSIDE,
            (_, Some(user)) => user,
            (_, None) => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
        }
    }

    /// Returns the text of the files that name the session's user inside: (passwd, group).
    pub(crate) fn user_files(&self, id: ContainerId) -> (String, String) {
        let (uid, gid) = self.inner_user(id);
        let shell = super::inside::shell();
        let passwd = format!("root:x:0:0:root:/root:/bin/sh\nwork:x:{uid}:{gid}:work:{HOME_INSIDE}:{shell}\n");
        (passwd, format!("root:x:0:\nwork:x:{gid}:\n"))
    }
}

/// The user and group of a session of a server that is root. No two sessions share one: not even a fault in their isolation lets
/// one reach the processes or files of another.
pub(crate) fn user_of(id: ContainerId) -> (u32, u32) {
    // The last bits of an id are random.
    let uid = FIRST_USER + u32::try_from(id.0.as_u128() % USERS).unwrap_or_default();
    (uid, uid)
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
