//! Slots as small numbers: names become columns, and amounts become thousandths in flat rows, so that a pass over many sessions
//! and agents compares integers instead of texts. Nothing is decided here.

use crate::{Room, Waiting};
use std::collections::{BTreeSet, HashMap};
use types::quantity::{CPU, MEM, Quantity, Slots};
use types::sessions::ClusterMode;

/// The amount that means no limit.
pub(crate) const UNLIMITED: i64 = i64::MAX;
/// The column of a slot that no agent has. It is beyond the end of every row, so every row has none of it.
const NOWHERE: usize = usize::MAX;

/// The slots that agents have, each with its column: accelerators by name, then cpu and mem. Placement compares in this order.
pub(crate) struct Kinds<'a> {
    names: Vec<&'a str>,
    columns: HashMap<&'a str, usize>,
}

impl<'a> Kinds<'a> {
    pub(crate) fn of_agents(agents: &'a [Room]) -> Self {
        let names: BTreeSet<_> = agents.iter().flat_map(|room| room.capacity.0.keys().chain(room.free.0.keys())).collect();
        let mut names: Vec<_> = names.into_iter().map(String::as_str).collect();
        names.sort_by_key(|name| match *name {
            CPU => 1,
            MEM => 2,
            _ => 0,
        });
        let columns = names.iter().enumerate().map(|(column, name)| (*name, column)).collect();
        Self { names, columns }
    }

    /// Makes a table without rows, one column for each kind.
    pub(crate) fn table(&self) -> Table {
        Table { width: self.names.len(), cells: Vec::new() }
    }

    /// Converts amounts to a row.
    pub(crate) fn row(&self, slots: &Slots) -> impl Iterator<Item = i64> {
        self.names.iter().map(|name| slots.get(name).as_thousandths())
    }

    /// Converts limits to a row.
    pub(crate) fn limits(&self, limit: impl Fn(&str) -> Option<Quantity>) -> impl Iterator<Item = i64> {
        self.names.iter().map(move |name| limit(name).map_or(UNLIMITED, Quantity::as_thousandths))
    }
}

/// Rows of thousandths.
pub(crate) struct Table {
    width: usize,
    cells: Vec<i64>,
}

impl Table {
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = i64>) {
        self.cells.extend(row);
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or_default()
    }

    pub(crate) fn row(&self, index: usize) -> &[i64] {
        &self.cells[index * self.width..][..self.width]
    }

    pub(crate) fn row_mut(&mut self, index: usize) -> &mut [i64] {
        &mut self.cells[index * self.width..][..self.width]
    }
}

/// A requested amount of one slot, more than 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asked<'a> {
    pub(crate) slot: &'a str,
    pub(crate) column: usize,
    pub(crate) amount: i64,
}

impl Asked<'_> {
    /// Returns the amount of this slot in a row.
    pub(crate) fn amount_in(&self, row: &[i64]) -> i64 {
        row.get(self.column).copied().unwrap_or_default()
    }
}

/// A session's request to the agents: a number of identical parts, each of which must fit on one agent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape<'a> {
    /// The amounts of one part, in the order of the slots' names.
    pub(crate) part: Vec<Asked<'a>>,
    pub(crate) parts: u32,
    /// The engines whose agents can run it; `None` means all.
    engines: Option<&'a [String]>,
}

impl<'a> Shape<'a> {
    fn of_session(session: &'a Waiting, kinds: &Kinds) -> Self {
        let size = session.cluster.size.max(1);
        let (parts, in_part) = match session.cluster.mode {
            ClusterMode::SingleNode => (1, size),
            ClusterMode::MultiNode => (size, 1),
        };
        let part = session.slots.0.iter().filter(|(_, amount)| **amount > Quantity::ZERO).map(|(slot, amount)| Asked {
            slot,
            column: kinds.columns.get(slot.as_str()).copied().unwrap_or(NOWHERE),
            amount: amount.times(in_part).as_thousandths(),
        });
        Self { part: part.collect(), parts, engines: session.engines.as_deref() }
    }

    /// Whether an agent of this engine can run it, given enough room.
    pub(crate) fn runs_on(&self, engine: &str) -> bool {
        self.engines.is_none_or(|engines| engines.iter().any(|one| one == engine))
    }

    /// Returns what all parts ask for together.
    pub(crate) fn all(&self) -> impl Iterator<Item = Asked<'a>> {
        self.part.iter().map(|asked| Asked { amount: asked.amount.saturating_mul(i64::from(self.parts)), ..*asked })
    }

    /// Whether it asks for the slot of a column.
    pub(crate) fn asks_for(&self, column: usize) -> bool {
        self.part.iter().any(|asked| asked.column == column)
    }

    /// Whether a part fits into a row's amounts.
    pub(crate) fn fits(&self, row: &[i64]) -> bool {
        self.part.iter().all(|asked| asked.amount <= asked.amount_in(row))
    }

    /// Counts the parts that fit into a row's amounts, up to all of them.
    pub(crate) fn times_in(&self, row: &[i64]) -> u32 {
        // The usual case, without a division for every agent.
        if self.parts == 1 {
            return u32::from(self.fits(row));
        }
        let times = self.part.iter().map(|asked| asked.amount_in(row).max(0) / asked.amount).min();
        times.and_then(|times| u32::try_from(times).ok()).map_or(self.parts, |times| times.min(self.parts))
    }

    /// Adds the amounts of all parts to a row of held amounts.
    pub(crate) fn add_to(&self, row: &mut [i64]) {
        for asked in self.all() {
            if let Some(held) = row.get_mut(asked.column) {
                *held = held.saturating_add(asked.amount);
            }
        }
    }
}

/// The shapes of a queue. Sessions with equal requests share one, and with it the results already found for it.
#[derive(Default)]
pub(crate) struct Shapes<'a> {
    numbers: HashMap<Shape<'a>, usize>,
    shapes: Vec<Shape<'a>>,
}

impl<'a> Shapes<'a> {
    /// Returns the number of a session's shape.
    pub(crate) fn number(&mut self, session: &'a Waiting, kinds: &Kinds) -> usize {
        let shape = Shape::of_session(session, kinds);
        if let Some(number) = self.numbers.get(&shape) {
            return *number;
        }
        self.shapes.push(shape.clone());
        self.numbers.insert(shape, self.shapes.len() - 1);
        self.shapes.len() - 1
    }

    pub(crate) fn get(&self, number: usize) -> &Shape<'a> {
        &self.shapes[number]
    }
}
