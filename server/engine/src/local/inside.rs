//! The settings that all sessions share inside: the search path for programs, and the shell.

use std::path::Path;

/// The search path for programs in a session.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the shell for commands and terminals.
pub(crate) fn shell() -> &'static str {
    if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" }
}

/// Returns the shell's name as it appears in its messages.
pub(crate) fn shell_name() -> &'static str {
    shell().rsplit('/').next().unwrap_or("sh")
}
