//! Bringing what is held in line with what really runs (`admin-menus.md`, Server management). Occupancy is no counter: it is the sum
//! of what living sessions hold. What can be wrong is that a session counts as living and nothing of it runs, or that something
//! runs which belongs to no session.

use crate::sessions::places;
use crate::{Caller, Control, Result, engine_failed, internal};
use engine::{Place, Stop};
use std::collections::HashSet;
use store::Audit;
use types::cluster::agents::Recalculated;
use types::id::SessionId;
use types::people::permissions::Permission;
use types::sessions::Status;
use types::system::events::{Audience, Topic};

/// Names that the answer spells out.
const MOST_NAMED: usize = 50;

impl Control {
    /// Looks at every session and every container now, and says what was put right.
    pub async fn recalculate_usage(&self, caller: &Caller) -> Result<Recalculated> {
        let (me, _) = caller.need(Permission::Maintain)?;
        let before: Vec<(SessionId, String)> = {
            self.refresh_mirror().await?;
            let mirror = self.mirror();
            mirror.all().filter(|s| s.status.occupies()).map(|s| (s.id, s.name.clone())).collect()
        };
        // A round that has begun is finished, even if whoever asked goes away.
        let control = self.clone();
        tokio::spawn(async move { control.round().await }).await.map_err(internal("looking at every session"))??;
        let strays = self.stop_strays().await?;
        self.refresh_mirror().await?;
        let over: Vec<SessionId> = {
            let mirror = self.mirror();
            before.iter().map(|(id, _)| *id).filter(|id| mirror.get(*id).is_none()).collect()
        };
        // One that ended as it should have is no correction.
        let lost = self.store.failed_among(&over).await?;
        let lost: HashSet<SessionId> = lost.into_iter().collect();
        let mut corrected: Vec<String> = before
            .iter()
            .filter(|(id, _)| lost.contains(id))
            .map(|(_, name)| format!("Session {name} no longer ran; what it held is free."))
            .collect();
        corrected.extend(strays.iter().map(|place| format!("Container {place} belonged to no session; it was ended.")));
        let result = Recalculated {
            sessions: u32::try_from(self.mirror().all().filter(|s| s.status.occupies()).count()).unwrap_or(u32::MAX),
            corrections: u32::try_from(corrected.len()).unwrap_or(u32::MAX),
            first: corrected.into_iter().take(MOST_NAMED).collect(),
        };
        let at = self.now();
        let detail = serde_json::json!({ "corrections": result.first }).to_string();
        let mut change = self.store.change().await?;
        let audit = Audit {
            at,
            actor: Some(me.id),
            address: &caller.address,
            action: "recalculate usage",
            subject: "cluster",
            detail: &detail,
        };
        change.audit(&audit).await?;
        let notice = match result.corrections {
            0 => "Recalculation finished: everything was right.".to_owned(),
            1 => "Recalculation finished: 1 thing was put right.".to_owned(),
            n => format!("Recalculation finished: {n} things were put right."),
        };
        let mine = Audience { owner: Some(me.id), domain: Some(me.domain) };
        change.tell(Topic::Agent, "usage", mine, Some(&notice), at).await?;
        change.commit().await?;
        Ok(result)
    }

    /// Ends containers that belong to no living session, such as those on a machine that was away when their session was given
    /// up.
    pub(crate) async fn stop_strays(&self) -> Result<Vec<Place>> {
        // Asked before the database is looked at: what is started meanwhile has its session written down first.
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
