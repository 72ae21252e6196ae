//! The choices that the launcher offers, and the answer to a request.

use super::{InUse, StartSession};
use crate::id::{ProjectId, SessionId};
use crate::limits::policies::KeypairPolicy;
use crate::limits::presets::Preset;
use crate::quantity::{Quantity, Slots};
use crate::sessions::SessionType;
use serde::{Deserialize, Serialize};

/// An environment that sessions run in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOffer {
    pub name: String,
    pub label: String,
    /// The least that it needs to run.
    pub minimum: Slots,
}

/// A resource group that the caller may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOffer {
    pub name: String,
    pub description: String,
    pub session_types: Vec<SessionType>,
    /// The caller's projects that may use it.
    pub projects: Vec<ProjectId>,
    /// The free amounts on its agents now, without agents that have less of everything than another one.
    pub free: Vec<Slots>,
    /// The capacities of its agents, reduced in the same way.
    pub capacity: Vec<Slots>,
    /// The free amounts on all its agents together.
    pub free_in_all: Slots,
    /// The capacities of all its agents together.
    pub in_all: Slots,
    /// The number of sessions that wait in it and whose start time, if they have one, has come.
    pub pending: u32,
}

/// A project with the limit on what its sessions hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectOffer {
    pub id: ProjectId,
    pub name: String,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Slots,
    /// The amounts that its sessions hold now.
    pub using: Slots,
}

/// The person's domain, with the limit on what its sessions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainOffer {
    pub name: String,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Slots,
    /// The amounts that its sessions hold now.
    pub using: Slots,
}

/// Everything that the launcher offers to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOptions {
    pub projects: Vec<ProjectOffer>,
    pub domain: DomainOffer,
    pub groups: Vec<GroupOffer>,
    pub images: Vec<ImageOffer>,
    pub presets: Vec<Preset>,
    /// The slots that agents have.
    pub slots: Vec<String>,
    /// The policy of the keypair that the session counts against.
    pub policy: KeypairPolicy,
    pub using: InUse,
    /// The latest requests, newest first, without hidden values.
    pub recent: Vec<StartSession>,
}

/// The resources that a person's sessions hold, and the policy that limits them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnUse {
    /// The policy of their main keypair.
    pub policy: KeypairPolicy,
    pub using: InUse,
    /// Cores, memory, and the other slots of agents that they may hold.
    pub slots: Vec<String>,
}

/// The most earlier requests that the launcher offers again.
pub const RECENT: usize = 5;

/// A session that was put into the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub id: SessionId,
    pub name: String,
    /// A sentence for each amount that was raised to the image's minimum.
    pub raised: Vec<String>,
}

/// Whether a session with a preset's amounts could start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresetFit {
    /// One agent of the group has room, and the policy, the project and the domain have enough left.
    Now,
    /// That would be so if nothing else ran.
    Waits,
    Never,
}

/// Returns whether a session with a preset's amounts could start in this group.
pub fn preset_fit(preset: &Preset, group: &GroupOffer, options: &StartOptions, project: Option<&ProjectOffer>) -> PresetFit {
    let here = preset.resource_group.as_ref().is_none_or(|name| *name == group.name);
    let room = |rooms: &[Slots]| rooms.iter().any(|room| preset.slots.beyond(room).next().is_none());
    let left = |now: bool, (slot, amount): (&String, &Quantity)| {
        let share = |limit: &Slots, using: &Slots| Some((*limit.0.get(slot)?, using.get(slot)));
        let of_policy = options.policy.limit(slot).map(|limit| (limit, options.using.slots.get(slot)));
        let of_project = project.and_then(|project| share(&project.limit, &project.using));
        let limits = [of_policy, of_project, share(&options.domain.limit, &options.domain.using)];
        limits.into_iter().flatten().all(|(limit, used)| if now { used.plus(*amount) <= limit } else { *amount <= limit })
    };
    let all_left = |now: bool| preset.slots.0.iter().all(|one| left(now, one));
    match here && room(&group.capacity) && all_left(false) {
        true if room(&group.free) && all_left(true) => PresetFit::Now,
        true => PresetFit::Waits,
        false => PresetFit::Never,
    }
}
