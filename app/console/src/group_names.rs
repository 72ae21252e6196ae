//! The resource groups that a choice offers: those that take new sessions first.

use crate::api::cluster::resource_groups::resource_groups;
use crate::api::limits::policies::resource_group_names;
use types::Problem;
use types::cluster::resource_groups::RESOURCE_GROUPS;
use types::list::{ListQuery, PAGE_SIZES};

/// The names of the groups that the caller sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GroupNames {
    pub active: Vec<String>,
    pub inactive: Vec<String>,
}

impl GroupNames {
    /// All of them, active ones first.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.active.iter().chain(&self.inactive)
    }

    /// Returns a group's label in a choice; an inactive group is marked.
    pub fn label(&self, name: &str) -> String {
        if self.inactive.iter().any(|one| one == name) { format!("{name} (inactive)") } else { name.to_owned() }
    }
}

/// Loads the names, and which of them are inactive.
pub async fn group_names() -> Result<GroupNames, Problem> {
    let mut query = ListQuery { tab: "inactive".into(), per: PAGE_SIZES[2], ..ListQuery::new(&RESOURCE_GROUPS) };
    let mut inactive = Vec::new();
    loop {
        let rows = resource_groups(query.clone()).await?.rows;
        let last = rows.len() < query.per as usize;
        inactive.extend(rows.into_iter().map(|row| row.group.name));
        if last {
            break;
        }
        query.page += 1;
    }
    let mut active = resource_group_names().await?;
    active.retain(|name| !inactive.contains(name));
    Ok(GroupNames { active, inactive })
}
