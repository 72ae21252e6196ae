//! The disk that sessions hold: measured again and again, and a session that holds more than its policy allows is ended.
//!
//! Watched rather than enforced, because most file systems cannot limit a folder: a session can exceed its limit for as long as
//! one look takes. The disk of the whole machine is in `disk.rs`.

use super::places;
use crate::{Control, Result, engine_failed};
use engine::DiskSize;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::LivingSession;
use types::id::SessionId;
use types::limits::policies::KeypairPolicy;
use types::quantity::bytes;
use types::sessions::{DiskUse, Status, StopCause};
use types::system::events::{Audience, Topic};

/// The least time between two looks at all sessions.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A look is followed by a pause of this many times its length, so that looking takes a tenth of a core at most.
const PAUSE: u32 = 9;
/// A session may be closing and opening folders while it is looked at; this often in a row is no chance.
const TRIES: u32 = 3;

/// The last measurement of each session.
pub(crate) type Measured = HashMap<SessionId, One>;

#[derive(Clone, Copy, Default)]
pub(crate) struct One {
    used: i64,
    /// The amount that open pages show: they are told of a difference of a hundredth of the limit.
    told: i64,
    /// Whether its owner was told that little is left.
    warned: bool,
}

fn too_much(used: i64, limit: i64, policy: &str) -> String {
    format!("It held {} of disk: policy {policy} allows {}.", bytes(used), bytes(limit))
}

impl Control {
    /// Looks at the disk of the sessions whose policies limit it, for as long as the process lives.
    pub async fn watch_sessions_disks(self) {
        loop {
            let begun = Instant::now();
            self.look_at_disks().await;
            tokio::time::sleep(LOOK_EVERY.max(begun.elapsed() * PAUSE)).await;
        }
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.shared.disk_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk that a session holds, if its policy limits that and it was measured.
    pub(crate) fn disk_use_of(&self, id: SessionId) -> Option<DiskUse> {
        let used = self.measured().get(&id)?.used;
        let mirror = self.mirror();
        let policy = mirror.policies.get(&mirror.get(id)?.policy)?;
        Some(DiskUse { used, limit: policy.session_disk?, policy: policy.name.clone() })
    }

    /// Why a session would be ended under another policy, if it held more at the last look.
    pub(crate) fn over_disk_under(&self, id: SessionId, policy: &KeypairPolicy) -> Option<String> {
        let (used, limit) = (self.measured().get(&id)?.used, policy.session_disk?);
        (used > limit).then(|| too_much(used, limit, &policy.name))
    }

    /// Looks at each session once.
    async fn look_at_disks(&self) {
        let limited: Vec<(Arc<LivingSession>, i64)> = {
            let mirror = self.mirror();
            let running = mirror.placed().filter(|session| session.status == Status::Running && session.stop_asked == 0);
            running.filter_map(|session| Some((session.clone(), mirror.policies.get(&session.policy)?.session_disk?))).collect()
        };
        let ids: HashSet<_> = limited.iter().map(|(session, _)| session.id).collect();
        self.measured().retain(|id, _| ids.contains(id));
        for (session, limit) in limited {
            // One that cannot be read must not keep the others from being looked at.
            if let Err(problem) = self.look_at_disk(&session, limit).await {
                tracing::warn!(session = %session.id, %problem, "the disk of a session could not be measured");
            }
        }
    }

    async fn look_at_disk(&self, session: &Arc<LivingSession>, limit: i64) -> Result<()> {
        let mut used = 0_i64;
        for place in places(session.id, &session.agents) {
            let left = u64::try_from(limit - used).unwrap_or(0);
            let measure = || async { self.engine.disk(&place, left).await.map_err(engine_failed("measuring a session's disk")) };
            let mut found = measure().await?;
            for _ in 1..TRIES {
                if found != Some(DiskSize::Closed) {
                    break;
                }
                found = measure().await?;
            }
            let why = match found {
                None => continue,
                Some(DiskSize::Bytes(more)) => {
                    used = used.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
                    None
                }
                Some(DiskSize::TooDeep(most)) => {
                    Some(format!("Its folders are nested more than {most} deep, so its disk use cannot be measured."))
                }
                Some(DiskSize::Closed) => Some("It has a folder that cannot be read, so its disk use cannot be measured.".into()),
            };
            if let Some(why) = why {
                return self.end_automatically(&[(session.clone(), why)], StopCause::Limit, self.now()).await;
            }
            if used > limit {
                break;
            }
        }
        let before = {
            let mut measured = self.measured();
            let one = measured.entry(session.id).or_default();
            one.used = used;
            *one
        };
        if used > limit {
            return self
                .end_automatically(&[(session.clone(), too_much(used, limit, &session.policy))], StopCause::Limit, self.now())
                .await;
        }
        let nearly = used > limit / 10 * 9;
        let warn = nearly && !before.warned;
        let tell = warn || (used - before.told).abs() > limit / 100;
        if tell {
            self.tell_of_disk(session, used, limit, warn).await?;
        }
        // Only now: if it could not be written, it is told at the next look.
        self.measured().insert(session.id, One { used, told: if tell { used } else { before.told }, warned: nearly });
        Ok(())
    }

    /// Has open pages read the session again, and warns its owner.
    async fn tell_of_disk(&self, session: &LivingSession, used: i64, limit: i64, warn: bool) -> Result<()> {
        let notice = format!(
            "Session {} uses {} of disk and will be terminated above {}, the limit of policy {}. Delete files to keep it running.",
            session.name,
            bytes(used),
            bytes(limit),
            session.policy,
        );
        let audience = Audience { owner: Some(session.owner), domain: Some(session.domain) };
        let mut change = self.store.change().await?;
        change.tell(Topic::Session, &session.id.to_string(), audience, warn.then_some(notice.as_str()), self.now()).await?;
        Ok(change.commit().await?)
    }
}
