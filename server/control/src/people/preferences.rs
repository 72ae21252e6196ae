//! Settings that people make for themselves: the columns of tables. Also the projects of the selector in the header.

use crate::{Caller, Control, Result};
use types::Problem;
use types::cluster::agents::AGENTS;
use types::cluster::resource_groups::RESOURCE_GROUPS;
use types::id::ProjectId;
use types::limits::policies::{KEYPAIR_POLICIES, PROJECT_POLICIES, USER_POLICIES};
use types::limits::presets::PRESETS;
use types::list::{COLUMN_WIDTHS, ColumnLayout, ListSpec};
use types::people::keypairs::KEYPAIRS;
use types::people::permissions::Permission;
use types::people::users::USERS;
use types::projects::{DOMAINS, PROJECTS};
use types::rules::is_hidden;
use types::sessions::{QUEUE, SESSIONS};
use types::system::audit::AUDIT;

/// The tables whose columns can be chosen.
const TABLES: [&ListSpec; 13] = [
    &USERS,
    &SESSIONS,
    &QUEUE,
    &KEYPAIRS,
    &PROJECTS,
    &DOMAINS,
    &AUDIT,
    &AGENTS,
    &KEYPAIR_POLICIES,
    &USER_POLICIES,
    &PROJECT_POLICIES,
    &PRESETS,
    &RESOURCE_GROUPS,
];
/// The most columns in a layout, and bytes in a column's name: a bound on what one person can store.
const MOST_COLUMNS: usize = 64;

fn columns_key(table: &str) -> Result<String> {
    let named = TABLES.iter().any(|spec| spec.name == table);
    if named { Ok(format!("columns.{table}")) } else { Err(Problem::NotFound("table".into())) }
}

impl Control {
    /// The caller's choice of columns for a table; empty if they made none.
    pub async fn columns(&self, caller: &Caller, table: &str) -> Result<ColumnLayout> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        let stored = self.store.preference(me.id, &columns_key(table)?).await?;
        Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Stores the caller's choice of columns; at least one must be shown.
    pub async fn set_columns(&self, caller: &Caller, table: &str, layout: &ColumnLayout) -> Result<()> {
        let (me, _) = caller.need(Permission::OwnSettings)?;
        if layout.shown.is_empty() {
            return Err(Problem::field("columns", "Show at least one column."));
        }
        let odd = |column: &String| column.len() > MOST_COLUMNS || column.chars().any(is_hidden);
        if layout.shown.len().max(layout.widths.len()) > MOST_COLUMNS || layout.shown.iter().chain(layout.widths.keys()).any(odd)
        {
            return Err(Problem::field(
                "columns",
                format!("At most {MOST_COLUMNS} columns, with names of at most {MOST_COLUMNS} bytes."),
            ));
        }
        if layout.widths.values().any(|width| !COLUMN_WIDTHS.contains(width)) {
            let (least, most) = (COLUMN_WIDTHS.start(), COLUMN_WIDTHS.end());
            return Err(Problem::field("widths", format!("A column is {least} to {most} pixels wide.")));
        }
        let value = serde_json::json!(layout);
        let mut change = self.change_by(caller).await?;
        change.set_preference(me.id, &columns_key(table)?, &value.to_string()).await?;
        change.record("set columns", table, value).await?;
        change.commit().await
    }
}

impl Control {
    /// The projects for the selector in the header, by name: those whose sessions the caller may see.
    pub async fn my_projects(&self, caller: &Caller) -> Result<Vec<(ProjectId, String)>> {
        let (_, scope) = caller.scope(Permission::ReadSessions)?;
        let projects = self.store.project_choices(scope).await?;
        Ok(projects.into_iter().map(|project| (project.id, project.name)).collect())
    }
}
