//! Resource groups: listing, saving and deleting them, and which a person may use (`docs/spec/cluster.md`, "Resource groups").

use crate::cluster::agents::FIRST_GROUP;
use crate::revision::{check_revision, names_and_rest};
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use serde_json::json;
use std::collections::HashMap;
use store::GroupUses;
use types::Problem;
use types::cluster::resource_groups::{GroupRow, RESOURCE_GROUPS, ResourceGroup, SaveGroup, SchedulerKind};
use types::list::{ListQuery, Page};
use types::people::permissions::{Permission, Reach};
use types::projects::DomainChoice;
use types::system::events::{Audience, Topic};

const TAKEN: &str = "A resource group with this name already exists. Choose another name.";
const WHAT: &str = "resource group";

impl Control {
    /// The scheduler that serves a group: its own, or the system's.
    pub fn scheduler_of(&self, group: &ResourceGroup) -> SchedulerKind {
        self.mirror().settings.scheduler_of(group)
    }

    /// A page of resource groups: all of them, or those that the caller may use.
    pub async fn resource_groups(&self, caller: &Caller, query: &ListQuery) -> Result<Page<GroupRow>> {
        let (me, scope) = caller.scope(Permission::ReadGroups)?;
        query.check(&RESOURCE_GROUPS)?;
        let page = self.store.resource_groups(query, scope).await?;
        let known = self.visible_domains(me.reach(Permission::ReadGroups), me.domain).await?;
        let agents = self.agents_by_group().await?;
        Ok(page.map(|row| visible_group_row(row, known.as_deref(), &agents)))
    }

    /// Every resource group that the filter selects, for an export.
    pub async fn all_resource_groups(
        &self,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<impl Stream<Item = Result<GroupRow>> + Send + use<>> {
        let me = caller.need_beyond_own(Permission::ReadGroups)?;
        query.check(&RESOURCE_GROUPS)?;
        let known = self.visible_domains(me.reach(Permission::ReadGroups), me.domain).await?;
        let agents = self.agents_by_group().await?;
        let rows = self.store.all_resource_groups(query);
        Ok(rows.map(move |row| row.map(|row| visible_group_row(row, known.as_deref(), &agents)).map_err(Problem::from)))
    }

    /// The names of the resource groups that the caller may see, for forms that choose one.
    pub async fn resource_group_names(&self, caller: &Caller) -> Result<Vec<String>> {
        let (me, reach) = caller.need(Permission::ReadGroups)?;
        if reach > Reach::Projects {
            return Ok(self.store.resource_group_names().await?);
        }
        let groups = self.store.resource_groups_for(me.id).await?;
        Ok(groups.into_iter().map(|(group, _)| group.name).collect())
    }

    /// The names of the resource groups that the caller's sessions may use in one of their projects (id or name), or in any.
    pub async fn usable_groups(&self, caller: &Caller, project: Option<&str>) -> Result<Vec<String>> {
        let (me, _) = caller.need(Permission::ReadGroups)?;
        let groups = self.store.resource_groups_for(me.id).await?;
        let mine = self.store.projects_of(me.id).await?;
        let meant = |id| {
            let is = |text: &str| mine.iter().any(|one| one.id == id && (one.name == text || one.id.to_string() == text));
            project.is_none_or(is)
        };
        let usable = groups.into_iter().filter(|(_, projects)| projects.iter().any(|id| meant(*id)));
        Ok(usable.map(|(group, _)| group.name).collect())
    }

    /// Creates or changes a resource group.
    pub async fn save_resource_group(&self, caller: &Caller, save: &SaveGroup) -> Result<()> {
        caller.need(Permission::ChangeGroups)?;
        let group = &save.group;
        group.check()?;
        let mut change = self.change_by(caller).await?;
        let stands = change.resource_group(&group.name).await?;
        let before = check_revision(save.revision, stands, group, WHAT, TAKEN)?;
        let at = change.at;
        if !change.save_resource_group(group, at).await? {
            return Err(Problem::field("domains", "Choose existing domains and projects."));
        }
        let action = if before.is_some() { "edit resource group" } else { "create resource group" };
        change.record(action, &group.name, json!({ "before": before, "after": group })).await?;
        change.tell(Topic::Group, &group.name, Audience::ADMINISTRATORS).await?;
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(())
    }

    /// Deletes a resource group that nothing uses any more.
    ///
    /// # Errors
    /// `Conflict` for the default group, and for one that still has sessions, answering agents or presets.
    pub async fn delete_resource_group(&self, caller: &Caller, name: &str) -> Result<()> {
        caller.need(Permission::ChangeGroups)?;
        if name == FIRST_GROUP {
            let sentence = format!(
                "New agents and new domains join the resource group {FIRST_GROUP}, so it cannot be deleted. Deactivate it instead."
            );
            return Err(Problem::Conflict(sentence));
        }
        let agents = self.known_agents().await?;
        let agents = agents.into_iter().filter(|agent| agent.resource_group == name && agent.lost_at.is_none());
        let agents: Vec<String> = agents.map(|agent| agent.report.name).collect();
        let mut change = self.change_by(caller).await?;
        let before = change.resource_group(name).await?;
        let Some((_, before)) = before else { return Err(Problem::NotFound(WHAT.into())) };
        let uses = change.group_uses(name).await?;
        if let Some(sentence) = still_used_message(name, &agents, &uses) {
            return Err(Problem::Conflict(sentence));
        }
        change.delete_resource_group(name, FIRST_GROUP).await?;
        change.record("delete resource group", name, json!({ "before": before })).await?;
        change.tell(Topic::Group, name, Audience::ADMINISTRATORS).await?;
        change.commit().await
    }

    /// The domains whose names, and whose projects' names, a reader of resource groups may see; `None` for all.
    async fn visible_domains(&self, reach: Reach, domain: types::id::DomainId) -> Result<Option<Vec<DomainChoice>>> {
        match reach {
            Reach::Everything => Ok(None),
            Reach::Domain => Ok(Some(self.store.domain_choices(Some(domain)).await?)),
            _ => Ok(Some(Vec::new())),
        }
    }

    /// The number of agents in each resource group, without those that are gone.
    async fn agents_by_group(&self) -> Result<HashMap<String, u32>> {
        let mut agents = HashMap::new();
        for agent in self.known_agents().await?.into_iter().filter(|agent| agent.lost_at.is_none()) {
            *agents.entry(agent.resource_group).or_default() += 1;
        }
        Ok(agents)
    }
}

/// A row as its reader may see it: with its number of agents, and without domains and projects that the reader may not know.
fn visible_group_row(mut row: GroupRow, known: Option<&[DomainChoice]>, agents: &HashMap<String, u32>) -> GroupRow {
    row.agents = agents.get(&row.group.name).copied().unwrap_or_default();
    let Some(known) = known else { return row };
    let group = &mut row.group;
    group.domains.retain(|id| known.iter().any(|domain| domain.id == *id));
    row.domain_names.retain(|name| known.iter().any(|domain| domain.name == *name));
    let projects: Vec<_> = known.iter().flat_map(|domain| &domain.projects).collect();
    let of = |id| projects.iter().find(|project| project.id == id);
    group.projects.retain(|id| of(*id).is_some());
    row.project_names = group.projects.iter().filter_map(|id| of(*id)).map(|project| project.name.clone()).collect();
    row
}

/// A sentence that names everything that still uses a resource group; `None` if nothing does.
fn still_used_message(name: &str, agents: &[String], uses: &GroupUses) -> Option<String> {
    let count = |names: &[String]| u32::try_from(names.len()).unwrap_or(u32::MAX);
    let mut users = Vec::new();
    match uses.sessions {
        0 => {}
        1 => users.push("1 active session".to_owned()),
        many => users.push(format!("{many} active sessions")),
    }
    if !agents.is_empty() {
        users.push(format!("agents ({})", names_and_rest(agents, count(agents))));
    }
    if !uses.presets.is_empty() {
        users.push(format!("presets ({})", names_and_rest(&uses.presets, count(&uses.presets))));
    }
    let users = users.join(", ");
    (!users.is_empty()).then(|| {
        format!("The resource group {name} is still used by {users}. Deactivate it instead, or delete it once nothing uses it.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_to_delete_a_group_names_what_still_uses_it() {
        assert_eq!(still_used_message("gpu", &[], &GroupUses::default()), None);
        let uses = GroupUses { sessions: 2, presets: vec!["small".into()] };
        assert_eq!(
            still_used_message("gpu", &["host-1".into()], &uses).unwrap(),
            "The resource group gpu is still used by 2 active sessions, agents (host-1), presets (small). \
             Deactivate it instead, or delete it once nothing uses it."
        );
    }
}
