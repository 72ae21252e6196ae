//! What the inside of every session has in common: where programs are found, and which shell runs them.

use std::path::Path;

/// Where programs are looked for in a session.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The shell for commands and terminals.
pub(crate) fn shell() -> &'static str {
    if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" }
}

/// The shell's name as it says it in its messages.
pub(crate) fn shell_name() -> &'static str {
    shell().rsplit('/').next().unwrap_or("sh")
}
