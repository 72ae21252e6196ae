//! Resource presets: listing, reading, saving and deleting them.

use crate::cluster::resource_groups::usable;
use crate::list::{Bind, Column, Fixed, Source, all_rows, page_of_rows};
use crate::{Change, Result, Scope, Store, read_json, to_json};
use futures::Stream;
use sqlx::FromRow;
use types::limits::presets::{PRESETS, Preset, PresetRow};
use types::list::{ListQuery, Page};
use types::quantity::{CPU, MEM};
use types::time::Millis;

pub(crate) static SOURCE: Source = Source {
    table: "presets p",
    number: "p.seq",
    joins: "",
    led: &[],
    tab: "",
    indexed: "",
    columns: &[
        ("name", Column::folded("fold(p.name)")),
        ("resource_group", Column::folded("fold(p.resource_group)")),
        ("cpu", Column::plain("p.cpu")),
        ("mem", Column::whole("p.mem")),
        ("created_at", Column::plain("p.created_at")),
    ],
};

const COLUMNS: &str = "p.name, p.slots, p.shared_memory, p.resource_group, p.revision, p.created_at";

#[derive(FromRow)]
struct Row {
    name: String,
    slots: String,
    shared_memory: Option<i64>,
    resource_group: Option<String>,
    revision: i64,
    created_at: Millis,
}

impl Row {
    fn read(self) -> Result<PresetRow> {
        let preset = Preset {
            name: self.name,
            slots: read_json("preset's amounts", &self.slots)?,
            shared_memory: self.shared_memory,
            resource_group: self.resource_group,
        };
        Ok(PresetRow { preset, revision: self.revision, created_at: self.created_at })
    }
}

/// A preset belongs to nobody. One for a single resource group is offered to those who may use that group.
fn scope_condition(scope: Scope) -> Vec<Fixed> {
    match scope {
        Scope::Everything | Scope::Domain(_) => Vec::new(),
        Scope::Projects(id) | Scope::Own(id) => vec![(OFFERED, Bind::Id(id.0))],
    }
}

const OFFERED: &str = concat!("(p.resource_group IS NULL OR p.resource_group IN (SELECT g.name ", usable!(), "))");

impl Store {
    /// A page of presets.
    pub async fn presets(&self, query: &ListQuery, scope: Scope) -> Result<Page<PresetRow>> {
        page_of_rows(self, (&SOURCE, &PRESETS), COLUMNS, query, scope_condition(scope), Row::read).await
    }

    /// Every preset that the filter selects, one after the other.
    pub fn all_presets(&self, query: ListQuery) -> impl Stream<Item = Result<PresetRow>> + Send + use<> {
        all_rows(self, (&SOURCE, &PRESETS), COLUMNS, query, Vec::new(), Row::read)
    }

    /// Every preset, for the launcher.
    pub async fn every_preset(&self) -> Result<Vec<Preset>> {
        let rows: Vec<Row> = sqlx::query_as("SELECT * FROM presets ORDER BY cpu, mem, name").fetch_all(&self.read).await?;
        rows.into_iter().map(|row| Ok(row.read()?.preset)).collect()
    }
}

impl Change {
    /// A preset as this change sees it, with its revision.
    pub async fn preset(&mut self, name: &str) -> Result<Option<(i64, Preset)>> {
        let row: Option<Row> =
            sqlx::query_as("SELECT * FROM presets WHERE name = ?").bind(name).fetch_optional(&mut *self.tx).await?;
        row.map(|row| row.read().map(|row| (row.revision, row.preset))).transpose()
    }

    /// Writes a preset, new or in place of the one with its name.
    pub async fn save_preset(&mut self, preset: &Preset, at: Millis) -> Result<()> {
        sqlx::query(
            "INSERT INTO presets (name, slots, cpu, mem, shared_memory, resource_group, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, cpu = excluded.cpu, mem = excluded.mem, \
             shared_memory = excluded.shared_memory, resource_group = excluded.resource_group, revision = revision + 1",
        )
        .bind(&preset.name)
        .bind(to_json(&preset.slots))
        .bind(preset.slots.get(CPU).as_thousandths())
        .bind(preset.slots.get(MEM).floor())
        .bind(preset.shared_memory)
        .bind(&preset.resource_group)
        .bind(at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Deletes a preset. Returns whether there was one.
    pub async fn delete_preset(&mut self, name: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM presets WHERE name = ?").bind(name).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }
}
