//! Storage hosts, as far as policies, domains and projects name them, with what may be done on each.

use crate::FieldError;
use std::collections::BTreeMap;

/// Storage hosts, each with what may be done on it.
pub type Hosts = BTreeMap<String, Vec<String>>;

/// What may be done on a storage host that a form allows: everything that there is (`docs/spec/folders.md`, "Host permissions").
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

/// Storage hosts by name: few, without spaces, each with permissions that exist (`docs/spec/folders.md`, "Storage hosts").
pub fn check_hosts(field: &str, hosts: &Hosts, errors: &mut Vec<FieldError>) {
    const MOST: usize = 64;
    const LONGEST: usize = 128;
    let fits = |name: &String| !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_whitespace);
    if hosts.len() > MOST || !hosts.keys().all(fits) {
        errors.push(FieldError::new(field, format!("At most {MOST} storage hosts, with names without spaces.")));
    }
    let known = |may: &String| HOST_PERMISSIONS.contains(&may.as_str());
    if let Some(unknown) = hosts.values().flatten().find(|may| !known(may)) {
        let allowed = HOST_PERMISSIONS.join(", ");
        errors.push(FieldError::new(field, format!("“{unknown}” is not a host permission. Allowed: {allowed}.")));
    }
}
