//! Starting sessions: the launcher's choices, and the way of a request into the queue. Limits are checked here when a session is
//! requested, and again by the scheduler when its turn has come.

use crate::change::Change;
use crate::people::accounts::{Closed, closed_everywhere};
use crate::{Caller, Control, Result, engine_failed, internal, random_text};
use engine::Image;
use scheduler::Room;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use store::{LivingSession, NewSession, Taken};
use types::cluster::resource_groups::ResourceGroup;
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::limits::policies::KeypairPolicy;
use types::people::permissions::Permission;
use types::quantity::{CPU, MEM, Quantity, Slots};
use types::sessions::Status;
use types::sessions::launch::{
    DEFAULT_PRIORITY, DomainOffer, GroupOffer, MOST_PENDING, OwnUse, ProjectOffer, RECENT, StartOptions, StartSession, Started,
    against_policy, against_share,
};
use types::{FieldError, Problem};

/// Milliseconds by which a browser's clock may be behind when it names a start time.
const CLOCK_DRIFT: i64 = 60_000;

/// Milliseconds from now to the last start time that can be chosen.
const FARTHEST_START: i64 = 366 * 24 * 3_600_000;

/// The person a session is started for, and the main keypair that it counts against.
struct Owner {
    id: UserId,
    domain: DomainId,
    access_key: String,
    policy: KeypairPolicy,
}

/// The names of the slots in these capacities: always cores and memory, then the others by name.
pub(crate) fn slot_names_of<'a>(capacities: impl Iterator<Item = &'a Slots>) -> Vec<String> {
    let others: BTreeSet<&String> = capacities.flat_map(|slots| slots.0.keys()).collect();
    let others = others.into_iter().filter(|slot| *slot != CPU && *slot != MEM).cloned();
    [CPU.to_owned(), MEM.to_owned()].into_iter().chain(others).collect()
}

impl Control {
    /// The launcher's choices for the caller, or for `owner` (an email, a username or an access key) on whose behalf they ask.
    pub async fn start_options(&self, caller: &Caller, owner: &str) -> Result<StartOptions> {
        let owner = self.session_owner(caller, owner).await?;
        self.refresh_mirror().await?;
        let rooms = self.rooms().await?;
        // While the engine is away, the launcher offers everything but images.
        let images = self.images().await.unwrap_or_default().into_iter().map(|image| image.offer).collect();
        let projects = self.store.projects_of(owner.id).await?;
        let groups = self.store.resource_groups_for(owner.id).await?;
        let mut presets = self.store.every_preset().await?;
        let usable: HashSet<&str> = groups.iter().map(|(group, _)| group.name.as_str()).collect();
        presets.retain(|preset| preset.resource_group.as_deref().is_none_or(|group| usable.contains(group)));
        let recent = self.store.recent_requests(owner.id, RECENT).await?;
        let mirror = self.mirror();
        let (shares, of_domains) = mirror.shares();
        let domain = of_domains.get(&owner.domain).cloned().unwrap_or_default();
        let projects = projects.into_iter().map(|project| {
            let share = shares.get(&project.id).cloned().unwrap_or_default();
            ProjectOffer { id: project.id, name: project.name, limit: share.limit, using: share.used }
        });
        let mut pending: HashMap<&str, u32> = HashMap::new();
        // One whose start time has not come is in nobody's way.
        let now = self.now();
        let in_line = |session: &LivingSession| session.status == Status::Pending && session.starts_at.is_none_or(|at| at <= now);
        for session in mirror.all().filter(|session| in_line(session)) {
            *pending.entry(&session.resource_group).or_default() += 1;
        }
        let offer = |(group, projects): (ResourceGroup, Vec<ProjectId>)| {
            let here = |room: &&Room| room.schedulable && room.resource_group == group.name;
            let in_all = |amounts: fn(&Room) -> &Slots| {
                rooms.iter().filter(here).fold(Slots::default(), |mut sum, room| {
                    sum.add(amounts(room));
                    sum
                })
            };
            GroupOffer {
                free_in_all: in_all(|room| &room.free),
                in_all: in_all(|room| &room.capacity),
                free: without_covered(rooms.iter().filter(here).map(|room| &room.free)),
                capacity: without_covered(rooms.iter().filter(here).map(|room| &room.capacity)),
                pending: pending.get(group.name.as_str()).copied().unwrap_or_default(),
                name: group.name,
                description: group.description,
                session_types: group.session_types,
                projects,
            }
        };
        let using = mirror.in_use(owner.id);
        // Groups with agents come first, because the first one is the default.
        let mut groups: Vec<GroupOffer> = groups.into_iter().filter(|(group, _)| group.public).map(offer).collect();
        groups.sort_by_key(|group| group.capacity.is_empty());
        Ok(StartOptions {
            projects: projects.collect(),
            domain: DomainOffer { name: domain.name, limit: domain.limit, using: domain.used },
            groups,
            images,
            presets,
            slots: slot_names_of(rooms.iter().map(|room| &room.capacity)),
            policy: owner.policy,
            using,
            recent,
        })
    }

    /// The images that engines offer.
    pub(crate) async fn images(&self) -> Result<Vec<Image>> {
        self.engine.images().await.map_err(engine_failed("asking the engine for its environments"))
    }

    /// The resources that the caller's sessions hold, and the policy that limits them.
    pub async fn own_use(&self, caller: &Caller) -> Result<OwnUse> {
        let owner = self.session_owner(caller, "").await?;
        self.refresh_mirror().await?;
        let mut slots = slot_names_of(self.rooms().await?.iter().map(|room| &room.capacity));
        slots.retain(|slot| owner.policy.limit(slot) != Some(Quantity::ZERO));
        let using = self.mirror().in_use(owner.id);
        Ok(OwnUse { policy: owner.policy, using, slots })
    }

    /// The resources that the caller's sessions hold in each resource group.
    pub async fn own_use_by_group(&self, caller: &Caller) -> Result<BTreeMap<String, Slots>> {
        let (me, _) = caller.person()?;
        self.refresh_mirror().await?;
        let mut held: BTreeMap<String, Slots> = BTreeMap::new();
        let mirror = self.mirror();
        for session in mirror.of_owner(me.id).filter(|session| session.status.occupies()) {
            held.entry(session.resource_group.clone()).or_default().add(&session.all_slots());
        }
        Ok(held)
    }

    /// The owner of a session: the caller if `login` is empty or theirs, otherwise the person with this email, username or access
    /// key.
    async fn session_owner(&self, caller: &Caller, login: &str) -> Result<Owner> {
        let (me, _) = caller.need(Permission::StartSessions)?;
        let login = login.trim();
        let (id, domain) = if login.is_empty() || login.eq_ignore_ascii_case(&me.email) {
            (me.id, me.domain)
        } else {
            let account = self.store.account_by_login(login).await?;
            let account = match account {
                Some(account) => Some((account.id, account.domain)),
                None => self.store.keypair_owner(login).await?,
            };
            // Naming oneself is not starting for somebody else. Everyone else gets the same answer whether or not the account
            // exists.
            if account.is_none_or(|(id, _)| id != me.id) {
                caller.need(Permission::StartForOthers)?;
            }
            account
                .ok_or_else(|| Problem::field("owner", format!("No account has the email, username or access key {login}.")))?
        };
        if id != me.id {
            self.check_can_own(id).await?;
        }
        let keypair = self.store.main_keypair(id).await?;
        let (access_key, policy) = keypair.ok_or_else(|| {
            Problem::Conflict("The account has no main keypair, which sessions count against. Ask an administrator.".into())
        })?;
        Ok(Owner { id, domain, access_key, policy })
    }

    /// Refuses sessions that the queue of the whole cluster has no place for.
    async fn check_ceiling(&self, count: u32) -> Result<()> {
        self.refresh_mirror().await?;
        let waiting = self.mirror().pending();
        if waiting + count as usize > MOST_PENDING {
            return Err(Problem::Limit(format!(
                "{waiting} sessions are waiting in this cluster; the maximum is {MOST_PENDING}. Try again when some have started."
            )));
        }
        Ok(())
    }

    /// Refuses a session for somebody who could not start it themselves.
    async fn check_can_own(&self, owner: UserId) -> Result<()> {
        let account = self.store.account(owner).await?;
        let Some(account) = account else { return Err(Problem::NotFound("person".into())) };
        let why = match closed_everywhere(&account) {
            None => return Ok(()),
            Some(Closed::Domain(name)) => format!("The domain {name} of {} is deactivated. Activate it first.", account.email),
            Some(_) => format!("The account of {} is not active. Activate it first.", account.email),
        };
        Err(Problem::field("owner", why))
    }

    /// Puts the requested number of sessions into the queue, all or none.
    pub async fn start_session(&self, caller: &Caller, asked: &StartSession) -> Result<Vec<Started>> {
        let (me, _) = caller.need(Permission::StartSessions)?;
        asked.check()?;
        if asked.starts_at.is_some_and(|at| at.0 < self.now().0 - CLOCK_DRIFT) {
            return Err(Problem::field("starts_at", "The start time is in the past. Choose a later one, or none."));
        }
        if asked.starts_at.is_some_and(|at| at.0 > self.now().0 + FARTHEST_START) {
            return Err(Problem::field("starts_at", "At most a year from now."));
        }
        let owner = self.session_owner(caller, &asked.owner).await?;
        let mut asked = asked.clone();
        asked.slots.0.retain(|slot, amount| slot == CPU || slot == MEM || *amount > Quantity::ZERO);
        let image = self.images().await?.into_iter().find(|image| image.offer.name == asked.image);
        let raised = image.as_ref().map(|image| asked.raise_to(&image.offer.minimum)).unwrap_or_default();
        let group = self.check_group_usable(&owner, &asked).await;
        let mut errors = Vec::new();
        let engines = image.map(|image| image.engines);
        if engines.is_none() {
            errors.push(FieldError::new("image", "Choose one of the environments."));
        }
        match group {
            Ok(()) => {}
            Err(Problem::Invalid(more)) => errors.extend(more),
            Err(other) => return Err(other),
        }
        if asked.priority > DEFAULT_PRIORITY && !me.may(Permission::ChangePriorities) {
            errors.push(FieldError::new(
                "priority",
                format!("At most {DEFAULT_PRIORITY}; only administrators can set a higher one."),
            ));
        }
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        self.check_ceiling(asked.count).await?;
        self.check_shares(&owner, &asked).await?;
        self.check_agents_can_run(&asked, &engines.unwrap_or_default()).await?;

        let mut change = self.change_by(caller).await?;
        // In the transaction that writes them, so that of two simultaneous requests the second sees the first one's sessions.
        let using = change.in_use(owner.id).await?;
        if let Some(refusal) = against_policy(&asked, &owner.policy, &using).refusals.first() {
            return Err(Problem::Limit(format!("{refusal} Ask for less, or ask an administrator for another policy.")));
        }
        if !change.is_group_open(&asked.resource_group).await? {
            return Err(Problem::field(
                "resource_group",
                "This resource group was just deleted or deactivated. Choose another one.",
            ));
        }
        let depends_on = find_dependencies(&mut change, &owner, &asked.depends_on).await?;
        let mut started = Vec::new();
        for name in asked.names() {
            let id = SessionId(uuid::Uuid::now_v7());
            let name = if name.is_empty() { format!("session-{}", random_text(6)?.to_lowercase()) } else { name };
            self.write_session(&mut change, &owner, &asked, (id, &name, &depends_on, &raised)).await?;
            started.push(Started { id, name, raised: raised.clone() });
        }
        change.commit().await?;
        tracing::debug!(sessions = started.len(), "put into the queue");
        self.shared.work.notify_one();
        Ok(started)
    }

    /// Checks that the person's project may use the group for this type of session.
    async fn check_group_usable(&self, owner: &Owner, asked: &StartSession) -> Result<()> {
        let projects = self.store.projects_of(owner.id).await?;
        let mut errors = Vec::new();
        let mine = projects.iter().any(|project| project.id == asked.project);
        if !mine {
            errors.push(FieldError::new("project", "Choose one of the person's projects."));
        }
        let groups = self.store.resource_groups_for(owner.id).await?;
        match groups.iter().find(|(group, _)| group.name == asked.resource_group) {
            None => errors.push(FieldError::new("resource_group", "Choose one of the resource groups.")),
            Some((group, projects)) => {
                if mine && !projects.contains(&asked.project) {
                    let name = &group.name;
                    errors.push(FieldError::new("resource_group", format!("This project may not use resource group {name}.")));
                }
                if !group.session_types.contains(&asked.kind) {
                    let allowed: Vec<_> = group.session_types.iter().map(|kind| kind.label().to_lowercase()).collect();
                    let (name, kind) = (&group.name, asked.kind.label().to_lowercase());
                    let text =
                        format!("Resource group {name} does not accept {kind} sessions. It accepts: {}.", allowed.join(", "));
                    errors.push(FieldError::new("resource_group", text));
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    /// Refuses slots and images that no agent in the group has ever had: such a request is a mistake, and would wait for ever. A
    /// group without agents is not checked, since it may get any. `engines` are those that have the image.
    async fn check_agents_can_run(&self, asked: &StartSession, engines: &[String]) -> Result<()> {
        let agents = self.known_agents().await?;
        let here: Vec<_> = agents.iter().filter(|agent| agent.resource_group == asked.resource_group).collect();
        let has = |slot: &String| here.iter().any(|agent| agent.report.capacity.0.contains_key(slot));
        let strange =
            asked.slots.0.iter().filter(|(slot, amount)| **amount > Quantity::ZERO && !has(slot)).map(|(slot, _)| {
                FieldError::new(slot, format!("No agent in resource group {} has {slot}.", asked.resource_group))
            });
        let mut errors: Vec<_> = if here.is_empty() { Vec::new() } else { strange.collect() };
        if !here.is_empty() && !here.iter().any(|agent| engines.contains(&agent.report.engine)) {
            let text = format!("No agent in resource group {} runs this environment.", asked.resource_group);
            errors.push(FieldError::new("image", text));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    /// Refuses a request that could never run within the limit of its project or domain. One that only has to wait goes into the
    /// queue.
    async fn check_shares(&self, owner: &Owner, asked: &StartSession) -> Result<()> {
        self.refresh_mirror().await?;
        let mirror = self.mirror();
        let over = |whose: String, limit| against_share(asked, &whose, limit, &Slots::default()).refusals.into_iter().next();
        if let Some((name, limit)) = mirror.projects.get(&asked.project)
            && let Some(over) = over(format!("Project {name}"), limit)
        {
            return Err(Problem::Limit(format!("{over} Ask for less, or use another project.")));
        }
        if let Some((name, limit)) = mirror.domains.get(&owner.domain)
            && let Some(over) = over(format!("Domain {name}"), limit)
        {
            return Err(Problem::Limit(format!("{over} Ask for less.")));
        }
        Ok(())
    }

    async fn write_session(
        &self,
        change: &mut Change,
        owner: &Owner,
        asked: &StartSession,
        (id, name, depends_on, raised): (SessionId, &str, &[SessionId], &[String]),
    ) -> Result<()> {
        let at = change.at;
        let env = serde_json::to_string(&asked.env).map_err(internal("keeping an environment"))?;
        let sealed = if asked.env.is_empty() { None } else { Some(self.shared.vault.seal(&env, &id.to_string())?) };
        let kept = asked.clone().without_hidden_values();
        let request = serde_json::to_string(&kept).map_err(internal("keeping a request"))?;
        let reason = [&["Requested.".to_owned()], raised].concat().join(" ");
        let new = NewSession {
            id,
            name,
            kind: asked.kind,
            owner: owner.id,
            access_key: &owner.access_key,
            domain: owner.domain,
            project: asked.project,
            resource_group: &asked.resource_group,
            image: &asked.image,
            command: &asked.command,
            slots: &asked.slots,
            cluster: asked.cluster,
            priority: asked.priority,
            request: &request,
            env: sealed.as_deref(),
            depends_on,
            reason: &reason,
            at,
        };
        if let Err(error) = change.insert_session(&new).await {
            return Err(match error.taken() {
                Some(Taken::SessionName) => Problem::field(
                    "name",
                    format!("You already have a session called {name}. Choose another name, or end that one."),
                ),
                _ => error.into(),
            });
        }
        // Without the environment: the trail is kept longer, and read by more people.
        let asked = StartSession { name: name.to_owned(), env: Vec::new(), visible_env: Vec::new(), ..kept };
        let detail = json!({ "access_key": owner.access_key, "after": asked });
        change.record("start session", id, detail).await
    }
}

/// Looks up the sessions that a new one waits for, by name or id.
async fn find_dependencies(change: &mut Change, owner: &Owner, names: &[String]) -> Result<Vec<SessionId>> {
    let mut found = Vec::new();
    for name in names {
        let session = change.session_of(owner.id, name.trim()).await?;
        let unknown = || Problem::field("depends_on", format!("This person has no session called {name}."));
        found.push(session.ok_or_else(unknown)?);
    }
    Ok(found)
}

/// The amounts that no other one covers in every slot, each once.
fn without_covered<'a>(all: impl Iterator<Item = &'a Slots>) -> Vec<Slots> {
    let mut kept: Vec<Slots> = Vec::new();
    for slots in all {
        let covered = |by: &Slots| slots.beyond(by).next().is_none();
        if kept.iter().any(covered) {
            continue;
        }
        kept.retain(|other| other.beyond(slots).next().is_some());
        kept.push(slots.clone());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_amounts_covered_by_another_agent_are_left_out() {
        let slots = |cpu: i64, mem: i64| Slots::cpu_mem(Quantity::whole(cpu), mem);
        let all = [slots(2, 2), slots(4, 1), slots(2, 1), slots(4, 1)];
        assert_eq!(without_covered(all.iter()), [slots(2, 2), slots(4, 1)]);
    }
}
