//! The machine's files that sessions can see: its programs, read-only, and no others.
//!
//! Everything is named here, because a list of what must be hidden is never complete. Secrets below these folders would be in
//! every session: the server refuses to start with its data or its configuration there.

use std::path::{Path, PathBuf};

/// Folders of programs.
const PROGRAMS: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"];

/// Settings in `/etc` that programs read and everybody may know; `*` stands for any ending.
const SETTINGS: &[&str] = &[
    "alternatives",
    "bash.bashrc",
    "bash_completion.d",
    "bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "default/locale",
    "fonts",
    "gai.conf",
    "gitconfig",
    "gprofng.rc",
    "host.conf",
    "hosts",
    "inputrc",
    "java*",
    "jvm*",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "magic.mime",
    "mime.types",
    "nanorc",
    "networks",
    "nsswitch.conf",
    "OpenCL",
    "openmpi",
    "os-release",
    "perl",
    "pki/ca-trust",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "profile",
    "profile.d",
    "protocols",
    "python*",
    "R",
    "redhat-release",
    "resolv.conf",
    "rpc",
    "services",
    "shells",
    "skel",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "vim",
    "wgetrc",
];

/// Facts of the machine that programs read: its processors and their memory.
const FACTS: [&str; 2] = ["/sys/devices/system/cpu", "/sys/devices/system/node"];

/// A path that sessions see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Visible {
    /// The machine's file or folder of the same path.
    Same(PathBuf),
    /// A symbolic link to this target.
    Link(PathBuf, PathBuf),
}

/// Returns what sessions on this machine can see, as it is there now.
pub(crate) fn visible() -> Vec<Visible> {
    let mut found = Vec::new();
    for folder in PROGRAMS.map(PathBuf::from) {
        match std::fs::read_link(&folder) {
            Ok(target) => found.push(Visible::Link(folder, target)),
            Err(_) if folder.is_dir() => found.push(Visible::Same(folder)),
            Err(_) => {}
        }
    }
    found.extend(settings().into_iter().chain(FACTS.map(PathBuf::from)).filter(|path| path.exists()).map(Visible::Same));
    found
}

fn settings() -> Vec<PathBuf> {
    let etc = Path::new("/etc");
    let names: Vec<_> = std::fs::read_dir(etc).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    let mut found = Vec::new();
    for setting in SETTINGS {
        match setting.strip_suffix('*') {
            Some(start) => {
                let fitting = names.iter().filter(|name| name.to_str().is_some_and(|name| name.starts_with(start)));
                found.extend(fitting.map(|name| etc.join(name)));
            }
            None => found.push(etc.join(setting)),
        }
    }
    found
}

/// Returns the folder through which sessions would see `path`, if they would. `path` must be canonical.
pub(crate) fn seen_through(path: &Path) -> Option<PathBuf> {
    let folders = visible().into_iter().filter_map(|visible| match visible {
        Visible::Same(folder) => folder.canonicalize().ok(),
        Visible::Link(..) => None,
    });
    folders.into_iter().find(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_seen_and_secrets_are_not() {
        assert_eq!(seen_through(Path::new("/usr/share/yard/data")), Some("/usr".into()));
        for hidden in
            ["/etc/shadow", "/etc/ssh/ssh_host_key", "/etc/yardmaster/config.toml", "/root/.ssh", "/var/lib/yardmaster", "/tmp"]
        {
            assert_eq!(seen_through(Path::new(hidden)), None, "{hidden}");
        }
    }
}
