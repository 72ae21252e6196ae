//! Agents: their last reports, the slots that sessions hold on them, and which of them are gone.

use crate::change::Change;
use crate::{Caller, Control, Result, engine_failed};
use engine::Agents;
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::PoisonError;
use types::Problem;
use types::bulk::BulkResult;
use types::cluster::agents::{AGENTS, Agent, AgentDetail, AgentReport, AgentUsage, SESSIONS_SHOWN, SetSchedulable};
use types::list::{ListQuery, Page};
use types::people::permissions::Permission;
use types::sessions::{CheckKind, IdleCheck};
use types::system::events::{Audience, Topic};
use types::time::Millis;

/// The resource group of an agent whose engine names none.
pub(crate) const FIRST_GROUP: &str = "default";
/// Milliseconds without an answer after which an agent counts as gone, as in the incumbent.
const GONE_AFTER: i64 = 40_000;
/// The most agents in one bulk action.
const MOST_AT_ONCE: usize = 1_000;
/// Measurements kept for each agent.
const MOST_USAGE: usize = 180;
/// Milliseconds between two of them.
const USAGE_EVERY: i64 = 10_000;

/// The agents' last reports.
#[derive(Default)]
pub(crate) struct Heard {
    reports: BTreeMap<String, AgentReport>,
    /// Agents that do not answer, and since when.
    silent: HashMap<String, Millis>,
    usage: HashMap<String, VecDeque<AgentUsage>>,
}

impl Control {
    /// A page of agents, with live usage.
    pub async fn agents(&self, caller: &Caller, query: &ListQuery) -> Result<Page<Agent>> {
        caller.need(Permission::ReadAgents)?;
        query.check(&AGENTS)?;
        let mut page = self.store.agents(query).await?;
        self.add_live_state(&mut page.rows);
        Ok(page)
    }

    /// One agent with its usage over time and the sessions on it.
    pub async fn agent(&self, caller: &Caller, name: &str) -> Result<AgentDetail> {
        caller.need(Permission::ReadAgents)?;
        let agents = self.known_agents().await?;
        let agent = agents.into_iter().find(|agent| agent.report.name == name);
        let agent = agent.ok_or_else(|| Problem::NotFound("agent".into()))?;
        let sessions = self.store.sessions_on(name, SESSIONS_SHOWN).await?;
        let (last_end, endless) = self.ends_on(name);
        let heard = self.shared.agents.read().unwrap_or_else(PoisonError::into_inner);
        let usage = heard.usage.get(name).map(|usage| usage.iter().cloned().collect()).unwrap_or_default();
        Ok(AgentDetail { agent, usage, sessions, last_end, endless })
    }

    /// Sets whether agents get new sessions; sessions on them keep running. Each agent has its own result.
    pub async fn set_schedulable(&self, caller: &Caller, set: &SetSchedulable) -> Result<Vec<BulkResult>> {
        caller.need(Permission::ChangeAgents)?;
        set.check()?;
        let SetSchedulable { names, schedulable, reason, tell } = set;
        if names.len() > MOST_AT_ONCE {
            return Err(Problem::Limit(format!("At most {MOST_AT_ONCE} agents can be changed at once.")));
        }
        let reason = reason.trim();
        if *tell {
            // Before the change: a session that was placed a moment ago has an owner to be told as well.
            self.refresh_mirror().await?;
        }
        let mut results = Vec::with_capacity(names.len());
        let mut change = self.change_by(caller).await?;
        for name in names {
            let Some((before, before_reason)) = change.is_schedulable(name).await? else {
                results.push(BulkResult { name: name.clone(), problem: Some(Problem::Conflict("No such agent.".into())) });
                continue;
            };
            let at = change.at;
            change.set_schedulable(name, *schedulable, reason, at).await?;
            let detail = json!({
                "before": { "schedulable": before, "reason": before_reason },
                "after": { "schedulable": schedulable, "reason": if *schedulable { "" } else { reason } },
            });
            change.record("edit agent", name, detail).await?;
            change.tell(Topic::Agent, name, Audience::ADMINISTRATORS).await?;
            if *tell && !schedulable {
                self.tell_of_closing(&mut change, name, reason).await?;
            }
            results.push(BulkResult { name: name.clone(), problem: None });
        }
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(results)
    }

    /// Tells the owners of an agent's sessions that it is going out of service.
    async fn tell_of_closing(&self, change: &mut Change, agent: &str, reason: &str) -> Result<()> {
        let why = if reason.is_empty() { String::new() } else { format!(": {}", reason.trim_end_matches('.')) };
        let there: Vec<_> =
            self.mirror().placed().filter(|session| session.agents.iter().any(|one| one == agent)).cloned().collect();
        for session in there {
            let notice = format!("{agent} is going out of service{why}. Your session {} still runs there.", session.name);
            let audience = Audience::person(session.owner, session.domain);
            change.notify(Topic::Session, session.id, audience, &notice).await?;
        }
        Ok(())
    }

    /// When an agent's sessions end, as far as limits on their time say: the last end, and the number of those without one.
    fn ends_on(&self, agent: &str) -> (Option<Millis>, u32) {
        let there: Vec<_> = {
            let mirror = self.mirror();
            mirror.placed().filter(|session| session.agents.iter().any(|one| one == agent)).map(|session| session.id).collect()
        };
        let ends = there.into_iter().map(|id| {
            let checks = self.idle_checks_of(id);
            let fixed = |check: &IdleCheck| matches!(check.kind, CheckKind::BatchTimeout | CheckKind::SessionLifetime);
            checks.into_iter().filter(fixed).map(|check| check.at).min()
        });
        let ends: Vec<Option<Millis>> = ends.collect();
        (ends.iter().flatten().max().copied(), ends.iter().filter(|end| end.is_none()).count() as u32)
    }

    /// Every agent ever seen, with its newest report.
    pub(crate) async fn known_agents(&self) -> Result<Vec<Agent>> {
        let mut agents = self.store.every_agent().await?;
        self.add_live_state(&mut agents);
        Ok(agents)
    }

    /// Adds the state that is not stored: live usage, and the slots that sessions hold.
    fn add_live_state(&self, agents: &mut [Agent]) {
        let heard = self.shared.agents.read().unwrap_or_else(PoisonError::into_inner);
        let mirror = self.mirror();
        let on = mirror.on_agents();
        for agent in agents {
            if let Some(report) = heard.reports.get(&agent.report.name) {
                agent.report = report.clone();
            }
            if let Some(held) = on.get(agent.report.name.as_str()) {
                agent.occupied = held.slots.clone();
                agent.sessions = held.sessions;
            }
        }
    }

    /// Agents that did not answer last time, and may be gone.
    pub(crate) fn silent_agents(&self) -> HashSet<String> {
        let heard = self.shared.agents.read().unwrap_or_else(PoisonError::into_inner);
        heard.silent.keys().cloned().collect()
    }

    /// Asks the engine for its agents. Values that change every second stay in memory; those that rarely change are stored. If an
    /// engine does not answer, its agents count as silent, but none of them is given up because of that.
    pub(crate) async fn refresh_agents(&self) -> Result<()> {
        let answer = self.engine.agents().await;
        let stored = self.store.every_agent().await?;
        let (Agents { reports, away }, failure) = match answer {
            Ok(agents) => (agents, None),
            Err(error) => {
                let away = stored.iter().map(|agent| agent.report.engine.clone()).collect();
                (Agents { reports: Vec::new(), away }, Some(engine_failed("asking the engine for its machines")(error)))
            }
        };
        let stored: HashMap<&str, &Agent> = stored.iter().map(|agent| (agent.report.name.as_str(), agent)).collect();
        let now = self.now();
        let lasting = |r: &AgentReport| {
            let AgentReport { address, engine, version, architecture, resource_group, capacity, facts, .. } = r.clone();
            (address, engine, version, architecture, resource_group, capacity, facts)
        };
        let is_new = |report: &&AgentReport| {
            let known = stored.get(report.name.as_str());
            known.is_none_or(|agent| agent.lost_at.is_some() || lasting(&agent.report) != lasting(report))
        };
        let news: Vec<&AgentReport> = reports.iter().filter(is_new).collect();
        let answers: HashSet<&str> = reports.iter().map(|report| report.name.as_str()).collect();
        let missing = stored.values().filter(|agent| agent.lost_at.is_none() && !answers.contains(agent.report.name.as_str()));
        let missing = missing.map(|agent| (agent.report.name.as_str(), away.contains(&agent.report.engine)));
        let lost = self.find_lost_agents(missing, self.steady());
        if !news.is_empty() || !lost.is_empty() {
            self.write_agents(&news, &lost, now).await?;
        }
        let gone = stored.values().filter(|agent| agent.lost_at.is_some()).map(|agent| agent.report.name.clone());
        let gone: HashSet<String> = gone.chain(lost.iter().cloned()).filter(|name| !answers.contains(name.as_str())).collect();
        *self.shared.gone.write().unwrap_or_else(PoisonError::into_inner) = gone;
        let changed = !lost.is_empty() || !news.is_empty();
        // An agent that was given up and is back may still run containers that no session has any more; their slots are needed.
        let returned = news.iter().any(|report| stored.get(report.name.as_str()).is_some_and(|agent| agent.lost_at.is_some()));
        self.keep_reports(reports, now);
        if returned {
            self.stop_strays().await?;
        }
        if changed {
            self.look_at_sessions_of(&lost).await?;
            self.shared.work.notify_one();
        }
        failure.map_or(Ok(()), Err)
    }

    /// Notes which agents are missing, and returns those that have been missing for too long. Each comes with whether its engine
    /// is away: while the engine cannot be asked, no time counts against its agents. `now` is a time of the steady clock.
    fn find_lost_agents<'a>(&self, missing: impl Iterator<Item = (&'a str, bool)>, now: Millis) -> Vec<String> {
        let mut heard = self.shared.agents.write().unwrap_or_else(PoisonError::into_inner);
        let since = |name, away: bool| heard.silent.get(name).copied().filter(|_| !away).unwrap_or(now);
        let silent: HashMap<String, Millis> = missing.map(|(name, away)| (name.to_owned(), since(name, away))).collect();
        let lost = silent.iter().filter(|(_, since)| now.since(**since) >= GONE_AFTER).map(|(name, _)| name.clone()).collect();
        heard.silent = silent;
        lost
    }

    async fn write_agents(&self, news: &[&AgentReport], lost: &[String], now: Millis) -> Result<()> {
        let mut change = self.change_from("engine").await?;
        for report in news {
            let group = report.resource_group.as_deref().unwrap_or(FIRST_GROUP);
            if change.ensure_group(group, now).await? {
                change.record("create resource group", group, json!({ "agent": report.name })).await?;
                change.tell(Topic::Group, group, Audience::ADMINISTRATORS).await?;
            }
            change.save_agent(report, group).await?;
            change.tell(Topic::Agent, &report.name, Audience::ADMINISTRATORS).await?;
        }
        for name in lost {
            change.lose_agent(name, now).await?;
            change.tell(Topic::Agent, name, Audience::ADMINISTRATORS).await?;
        }
        change.commit().await
    }

    fn keep_reports(&self, reports: Vec<AgentReport>, now: Millis) {
        let mut heard = self.shared.agents.write().unwrap_or_else(PoisonError::into_inner);
        for report in &reports {
            let usage = heard.usage.entry(report.name.clone()).or_default();
            if usage.back().is_none_or(|last| now.apart(last.at) >= USAGE_EVERY) {
                usage.push_back(AgentUsage { at: now, used: report.used.clone() });
                if usage.len() > MOST_USAGE {
                    usage.pop_front();
                }
            }
        }
        heard.reports = reports.into_iter().map(|report| (report.name.clone(), report)).collect();
    }

    /// Looks at the sessions on agents that have just gone, so that they are found lost at once.
    async fn look_at_sessions_of(&self, lost: &[String]) -> Result<()> {
        if lost.is_empty() {
            return Ok(());
        }
        self.refresh_mirror().await?;
        let there = {
            let mirror = self.mirror();
            let on = mirror.placed().filter(|session| session.agents.iter().any(|agent| lost.contains(agent)));
            on.cloned().collect()
        };
        self.reconcile(there).await.map(drop)
    }
}
