//! The snapshot as numbers: slots, keypairs, projects and people by index, amounts as flat rows. What changes while a pass runs
//! (what is free, what is held) is kept here.

use crate::Snapshot;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use types::id::{DomainId, ProjectId, UserId};
use types::quantity::{CPU, MEM, Quantity, Slots};

/// Amounts in thousandths, by the slot's number.
pub type Row = Vec<i64>;

/// An agent of the group that is being served.
pub struct Agent<'a> {
    pub name: &'a str,
    pub capacity: Row,
    pub free: Row,
    pub schedulable: bool,
}

/// What a keypair's sessions hold, and how many they are.
#[derive(Clone, Default)]
pub struct Holding {
    pub sessions: u32,
    pub slots: Row,
}

/// Names and numbers of one pass.
pub struct Table<'a> {
    /// Accelerators by name, then CPU, then memory: the order in which scarcity counts.
    pub slots: Vec<&'a str>,
    pub keys: HashMap<&'a str, Holding>,
    pub projects: HashMap<ProjectId, Row>,
    pub domains: HashMap<DomainId, Row>,
    agents: BTreeMap<&'a str, Vec<usize>>,
    people: HashMap<(UserId, &'a str), Row>,
    snapshot: &'a Snapshot,
}

impl<'a> Table<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let named = snapshot.agents.iter().map(|room| &room.capacity).chain(snapshot.queue.iter().map(|waiting| &waiting.slots));
        let names: BTreeSet<&str> = named.flat_map(|slots| slots.0.keys().map(String::as_str)).collect();
        let mut slots: Vec<&str> = names.into_iter().filter(|slot| *slot != CPU && *slot != MEM).collect();
        slots.extend([CPU, MEM]);
        let mut agents: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, room) in snapshot.agents.iter().enumerate() {
            agents.entry(&room.resource_group).or_default().push(index);
        }
        let mut table = Self {
            slots,
            keys: HashMap::new(),
            projects: HashMap::new(),
            domains: HashMap::new(),
            agents,
            people: HashMap::new(),
            snapshot,
        };
        for (key, held) in &snapshot.held {
            let holding = Holding { sessions: held.sessions, slots: table.row(&held.slots) };
            table.keys.insert(key, holding);
        }
        table.projects = snapshot.projects.iter().map(|(id, share)| (*id, table.row(&share.used))).collect();
        table.domains = snapshot.domains.iter().map(|(id, share)| (*id, table.row(&share.used))).collect();
        for held in &snapshot.people {
            let row = table.row(&held.slots);
            table.people.insert((held.user, &held.resource_group), row);
        }
        table
    }

    /// Amounts as a row.
    pub fn row(&self, slots: &Slots) -> Row {
        self.slots.iter().map(|slot| slots.get(slot).as_thousandths()).collect()
    }

    /// The agents of a group, by name.
    pub fn agents_of(&self, group: &str) -> Vec<Agent<'a>> {
        let indices = self.agents.get(group).map(Vec::as_slice).unwrap_or_default();
        let mut agents: Vec<Agent<'a>> = indices
            .iter()
            .map(|index| &self.snapshot.agents[*index])
            .map(|room| Agent {
                name: &room.agent,
                capacity: self.row(&room.capacity),
                free: self.row(&room.free),
                schedulable: room.schedulable,
            })
            .collect();
        agents.sort_by_key(|agent| agent.name);
        agents
    }

    /// What a person's sessions hold in a group.
    pub fn held_by(&self, user: UserId, group: &'a str) -> Row {
        self.people.get(&(user, group)).cloned().unwrap_or_else(|| vec![0; self.slots.len()])
    }

    /// Slots of which `asked` wants more than `has`, with both amounts.
    pub fn beyond(&self, asked: &[i64], has: &[i64]) -> Vec<(String, Quantity, Quantity)> {
        let each = self.slots.iter().zip(asked.iter().zip(has));
        each.filter(|(_, (asked, has))| asked > has)
            .map(|(slot, (asked, has))| ((*slot).to_owned(), Quantity::thousandths(*asked), Quantity::thousandths(*has)))
            .collect()
    }
}

/// Every amount is there.
pub fn fits(asked: &[i64], has: &[i64]) -> bool {
    asked.iter().zip(has).all(|(asked, has)| asked <= has)
}

/// Adds, so many times.
pub fn add(to: &mut [i64], row: &[i64], times: i64) {
    to.iter_mut().zip(row).for_each(|(to, amount)| *to = to.saturating_add(amount.saturating_mul(times)));
}
