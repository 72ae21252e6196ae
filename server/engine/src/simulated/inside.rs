//! The state of a simulated cluster: its containers, by agent and by the time of their next change.

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
    /// The living containers of each agent.
    pub on: BTreeMap<String, BTreeSet<ContainerId>>,
    /// The containers whose state will change, by time.
    pub due: BTreeSet<(Millis, ContainerId)>,
    pub away: HashSet<String>,
    pub manner: Manner,
    /// The number of starts that will still be refused.
    pub refused: u32,
    /// The message that refuses every start as unsupported, if set.
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

    /// Removes a container that has ended from its agent.
    pub fn bury(&mut self, id: ContainerId, now: Millis) {
        if let Some(container) = self.containers.get(&id).filter(|container| !container.is_alive(now))
            && let Some(on) = self.on.get_mut(&container.agent)
        {
            on.remove(&id);
        }
    }

    /// Returns the amounts that an agent's living containers hold now.
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
