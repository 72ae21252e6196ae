//! Every list there is, for checks and measurements that must not forget one.

use crate::list::ListSpec;

pub static LISTS: [&ListSpec; 13] = [
    &crate::people::users::USERS,
    &crate::people::keypairs::KEYPAIRS,
    &crate::projects::PROJECTS,
    &crate::projects::DOMAINS,
    &crate::limits::policies::KEYPAIR_POLICIES,
    &crate::limits::policies::USER_POLICIES,
    &crate::limits::policies::PROJECT_POLICIES,
    &crate::limits::presets::PRESETS,
    &crate::cluster::agents::AGENTS,
    &crate::cluster::resource_groups::RESOURCE_GROUPS,
    &crate::sessions::SESSIONS,
    &crate::sessions::QUEUE,
    &crate::system::audit::AUDIT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The lists that are declared in the sources under a folder, tests aside.
    fn declared(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| match path.extension().and_then(|end| end.to_str()) {
                _ if path.is_dir() => declared(&path),
                Some("rs") => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    text.lines().filter(|line| line.starts_with("pub static ") && line.contains(": ListSpec = ")).count()
                }
                _ => 0,
            })
            .sum()
    }

    #[test]
    fn no_list_is_missing() {
        assert_eq!(declared(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")), LISTS.len());
        let mut names: Vec<_> = LISTS.iter().map(|spec| spec.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LISTS.len());
    }
}
