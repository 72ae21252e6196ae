//! The state of a simulated cluster: its containers, by machine and by the time at which they change.

use super::container::Container;
use super::controls::Manner;
use super::journal::Journal;
use crate::EngineError;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use types::id::ContainerId;
use types::quantity::Slots;
use types::time::Millis;

#[derive(Default)]
pub(super) struct Inside {
    pub containers: HashMap<ContainerId, Container>,
    /// The living ones of each machine.
    pub on: BTreeMap<String, BTreeSet<ContainerId>>,
    /// What is due to change, by time.
    pub due: BTreeSet<(Millis, ContainerId)>,
    pub away: HashSet<String>,
    pub manner: Manner,
    /// The number of starts still to be refused.
    pub refused: u32,
    /// What the engine cannot do, if no start is possible for that.
    pub unable: Option<String>,
    pub journal: Option<Journal>,
}

impl Inside {
    pub fn put(&mut self, id: ContainerId, container: Container, now: Millis) {
        if container.is_alive(now) {
            self.on.entry(container.agent.clone()).or_default().insert(id);
            self.due.insert((container.runs_at, id));
            self.due.extend(container.ends_at().map(|at| (at, id)));
        }
        self.containers.insert(id, container);
    }

    /// Takes a container that has ended off its machine.
    pub fn bury(&mut self, id: ContainerId, now: Millis) {
        if let Some(container) = self.containers.get(&id).filter(|container| !container.is_alive(now))
            && let Some(on) = self.on.get_mut(&container.agent)
        {
            on.remove(&id);
        }
    }

    /// What is held on a machine now.
    pub fn held(&self, agent: &str, now: Millis) -> Slots {
        let mut held = Slots::default();
        for id in self.on.get(agent).into_iter().flatten() {
            if let Some(container) = self.containers.get(id).filter(|container| container.is_alive(now)) {
                held.add(&container.spec.slots);
            }
        }
        held
    }

    pub fn keep(&mut self, id: ContainerId) -> Result<(), EngineError> {
        let Some(container) = self.containers.get(&id) else { return Ok(()) };
        match &mut self.journal {
            Some(journal) => journal.write(id, container).map_err(EngineError::failed("the journal could not be written")),
            None => Ok(()),
        }
    }
}
