//! What the launcher is offered to choose from, and what it is answered.

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
    /// The least that it runs with.
    pub minimum: Slots,
}

/// A resource group that the caller may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOffer {
    pub name: String,
    pub description: String,
    pub session_types: Vec<SessionType>,
    /// Those of the caller's projects that may use it.
    pub projects: Vec<ProjectId>,
    /// What is free on its agents now, without those that have less of everything than another one.
    pub free: Vec<Slots>,
    /// The same of what they have in all.
    pub capacity: Vec<Slots>,
    /// Sessions that wait there.
    pub pending: u32,
}

/// A project with its own limit on what its sessions hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectOffer {
    pub id: ProjectId,
    pub name: String,
    /// What its sessions may hold together, where that is limited, and what they hold.
    pub limit: Slots,
    pub using: Slots,
}

/// The person's domain, with its own limit on what its sessions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainOffer {
    pub name: String,
    /// What its sessions may hold together, where that is limited, and what they hold.
    pub limit: Slots,
    pub using: Slots,
}

/// What the launcher offers, as far as the person may use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOptions {
    pub projects: Vec<ProjectOffer>,
    pub domain: DomainOffer,
    pub groups: Vec<GroupOffer>,
    pub images: Vec<ImageOffer>,
    pub presets: Vec<Preset>,
    /// The slots that agents have.
    pub slots: Vec<String>,
    /// The policy of the keypair that the session is counted by.
    pub policy: KeypairPolicy,
    pub using: InUse,
    /// What was last asked for, newest first, without the values of secrets.
    pub recent: Vec<StartSession>,
}

/// What a person holds, and what their policy lets them hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnUse {
    /// Followed by their main keypair.
    pub policy: KeypairPolicy,
    pub using: InUse,
    /// Cores, memory, and whatever else agents have that they may hold.
    pub slots: Vec<String>,
}

/// Requests that the launcher offers again.
pub const RECENT: usize = 5;

/// A session that was put into the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub id: SessionId,
    pub name: String,
    /// What was raised to the image's minimum.
    pub raised: Vec<String>,
}

/// A preset fits when one agent of the group has room for it, and the policy, the project and the domain have as much left.
pub fn preset_fits(preset: &Preset, group: &GroupOffer, options: &StartOptions, project: Option<&ProjectOffer>) -> bool {
    let here = preset.resource_group.as_ref().is_none_or(|name| *name == group.name);
    let room = group.free.iter().any(|free| preset.slots.beyond(free).next().is_none());
    let left = |(slot, amount): (&String, &Quantity)| {
        let share = |limit: &Slots, using: &Slots| Some((*limit.0.get(slot)?, using.get(slot)));
        let of_policy = options.policy.limit(slot).map(|limit| (limit, options.using.slots.get(slot)));
        let of_project = project.and_then(|project| share(&project.limit, &project.using));
        let limits = [of_policy, of_project, share(&options.domain.limit, &options.domain.using)];
        limits.into_iter().flatten().all(|(limit, used)| used.plus(*amount) <= limit)
    };
    here && room && preset.slots.0.iter().all(left)
}
