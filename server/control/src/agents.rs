//! Agents: what the engine last said of its machines, with what sessions occupy on them.

use crate::{Caller, Control, Result, internal, now, store_failed};
use types::agent::{Agent, AgentReport};
use types::event::{Audience, Topic};
use types::permission::Permission;

/// The resource group that a new agent joins.
pub(crate) const FIRST_GROUP: &str = "default";

impl Control {
    /// Every agent, with live use.
    pub async fn agents(&self, caller: &Caller) -> Result<Vec<Agent>> {
        caller.need(Permission::ReadAgents)?;
        self.known_agents().await
    }

    /// Every agent that has been seen, with its newest report.
    pub(crate) async fn known_agents(&self) -> Result<Vec<Agent>> {
        let mut agents = self.store.agents().await.map_err(store_failed("listing agents"))?;
        let live = self.shared.agents.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        for agent in &mut agents {
            if let Some(report) = live.iter().find(|report| report.name == agent.report.name) {
                agent.report = report.clone();
            }
        }
        Ok(agents)
    }

    /// Asks the engine for its machines. What changes by the second stays in memory; what seldom does is kept.
    pub(crate) async fn refresh_agents(&self) -> Result<()> {
        let reports = self.engine.agents().await.map_err(internal("asking the engine for its machines"))?;
        let stored = self.store.agents().await.map_err(store_failed("listing agents"))?;
        let lasting = |r: &AgentReport| (r.engine.clone(), r.architecture.clone(), r.capacity.clone(), r.facts.clone());
        for report in &reports {
            let known = stored.iter().find(|agent| agent.report.name == report.name);
            if known.is_some_and(|agent| lasting(&agent.report) == lasting(report)) {
                continue;
            }
            let mut change = self.store.change().await.map_err(store_failed("keeping an agent"))?;
            change.save_agent(report, FIRST_GROUP).await.map_err(store_failed("keeping an agent"))?;
            let nobody = Audience { owner: None, domain: None };
            change.tell(Topic::Agent, &report.name, nobody, None, now()).await.map_err(store_failed("keeping an agent"))?;
            change.commit().await.map_err(store_failed("keeping an agent"))?;
        }
        *self.shared.agents.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = reports;
        Ok(())
    }
}
