//! Storage hosts, as policies, domains and projects name them, with the permissions on each.

use crate::FieldError;
use std::collections::BTreeMap;

/// The permissions on each storage host, by host name.
pub type Hosts = BTreeMap<String, Vec<String>>;

/// The names of hosts, as the text of a field or a cell.
pub fn host_names(hosts: &Hosts) -> String {
    hosts.keys().cloned().collect::<Vec<_>>().join(", ")
}

/// All permissions on a storage host (`docs/spec/folders.md`, "Host permissions"). A host newly chosen in a form starts with all
/// of them.
pub const HOST_PERMISSIONS: [&str; 8] = [
    "create-vfolder",
    "modify-vfolder",
    "delete-vfolder",
    "mount-in-session",
    "upload-file",
    "download-file",
    "invite-others",
    "set-user-specific-permission",
];

/// Checks storage hosts: at most 64, with names of at most 128 bytes without spaces, and only permissions that exist
/// (`docs/spec/folders.md`, "Storage hosts").
pub fn check_hosts(field: &str, hosts: &Hosts, errors: &mut Vec<FieldError>) {
    const MOST: usize = 64;
    const LONGEST: usize = 128;
    let fits = |name: &String| {
        !name.is_empty() && name.len() <= LONGEST && !name.chars().any(|c| c.is_whitespace() || crate::rules::is_hidden(c))
    };
    if hosts.len() > MOST || !hosts.keys().all(fits) {
        errors.push(FieldError::new(field, format!("At most {MOST} storage hosts, with names without spaces.")));
    }
    let known = |may: &String| HOST_PERMISSIONS.contains(&may.as_str());
    if let Some(unknown) = hosts.values().flatten().find(|may| !known(may)) {
        let allowed = HOST_PERMISSIONS.join(", ");
        errors.push(FieldError::new(field, format!("“{unknown}” is not a host permission. Allowed: {allowed}.")));
    }
}
