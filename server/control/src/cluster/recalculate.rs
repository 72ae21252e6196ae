//! Brings usage in line with what really runs (`docs/spec/cluster.md`, "Recalculating usage"). Occupancy is not a counter but the
//! sum of what living sessions hold. It can still be wrong in two ways: a session counts as living but has no container left, or
//! a container runs that belongs to no session.

use crate::sessions::places;
use crate::system::tasks::{Progress, Work};
use crate::{Caller, Control, Needs, Result, engine_failed};
use engine::{Place, Stop};
use std::collections::HashSet;
use types::cluster::agents::Recalculated;
use types::id::SessionId;
use types::people::permissions::Permission;
use types::sessions::Status;
use types::system::events::{Audience, Topic};

/// Steps of the task's progress.
const STEPS: u64 = 3;
/// The most corrections listed in the answer.
const MOST_NAMED: usize = 50;

impl Control {
    /// Checks every session and every container now, and returns what was corrected. Runs as a background task, which continues
    /// even if the caller goes away.
    pub async fn recalculate_usage(&self, caller: &Caller) -> Result<Recalculated> {
        caller.need(Permission::Maintain)?;
        let permit = self.permit(caller, Needs::Nothing)?;
        let task = self.start_task(caller, Work::RecalculateUsage).await?;
        self.task_answer(caller, permit, task).await
    }

    /// The work of that task. Returns its result as a sentence.
    pub(crate) async fn recalculate_usage_now(&self, caller: &Caller, progress: &Progress) -> Result<String> {
        let (me, _) = caller.need(Permission::Maintain)?;
        progress.report("Checking every session.", 0, STEPS);
        let before: Vec<(SessionId, String)> = {
            self.refresh_mirror().await?;
            let mirror = self.mirror();
            mirror.placed().map(|s| (s.id, s.name.clone())).collect()
        };
        self.round().await?;
        progress.report("Looking for containers that belong to no session.", 1, STEPS);
        let strays = self.stop_strays().await?;
        progress.report("Adding up usage.", 2, STEPS);
        self.refresh_mirror().await?;
        let over: Vec<SessionId> = {
            let mirror = self.mirror();
            before.iter().map(|(id, _)| *id).filter(|id| mirror.get(*id).is_none()).collect()
        };
        // A session that ended normally is not a correction.
        let lost = self.store.failed_among(&over).await?;
        let lost: HashSet<SessionId> = lost.into_iter().collect();
        let mut corrected: Vec<String> = before
            .iter()
            .filter(|(id, _)| lost.contains(id))
            .map(|(_, name)| format!("Session {name} was no longer running; what it held was freed."))
            .collect();
        corrected.extend(strays.iter().map(|place| format!("Container {place} belonged to no session and was ended.")));
        let result = Recalculated {
            sessions: u32::try_from(self.mirror().placed().count()).unwrap_or(u32::MAX),
            corrections: u32::try_from(corrected.len()).unwrap_or(u32::MAX),
            first: corrected.into_iter().take(MOST_NAMED).collect(),
        };
        let mut change = self.change_by(caller).await?;
        change.record("recalculate usage", "cluster", serde_json::json!({ "corrections": result.first })).await?;
        let notice = match result.corrections {
            0 => "Recalculation finished: no corrections were needed.".to_owned(),
            1 => "Recalculation finished: 1 correction was made.".to_owned(),
            n => format!("Recalculation finished: {n} corrections were made."),
        };
        change.notify(Topic::Agent, "usage", Audience::person(me.id, me.domain), &notice).await?;
        progress.finish(caller, &mut change, &notice, &result).await?;
        change.commit().await?;
        Ok(notice)
    }

    /// Ends containers that belong to no living session, such as those on an agent that was away when their session was given up.
    pub(crate) async fn stop_strays(&self) -> Result<Vec<Place>> {
        // The engine is asked before the database is read: a container started meanwhile has its session in the database already.
        let there = self.engine.containers().await.map_err(engine_failed("asking the engine for its containers"))?;
        self.refresh_mirror().await?;
        let known: HashSet<Place> = {
            let mirror = self.mirror();
            let placed = mirror.all().filter(|session| session.status != Status::Pending);
            placed.flat_map(|session| places(session.id, &session.agents)).collect()
        };
        let strays: Vec<_> = there.into_iter().filter(|place| !known.contains(place)).collect();
        let mut ended = Vec::with_capacity(strays.len());
        for place in strays {
            tracing::warn!(container = %place, "a container that belongs to no session is ended");
            match self.engine.stop(&place, Stop::Now).await {
                Ok(()) => ended.push(place),
                Err(error) => {
                    let error = error.with_causes();
                    tracing::warn!(container = %place, error, "it could not be ended; it is tried again");
                }
            }
        }
        Ok(ended)
    }
}
