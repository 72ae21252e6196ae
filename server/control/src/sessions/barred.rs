//! Waiting sessions that may not start, because their owner, project, domain or keypair has lost the right since they were
//! requested. They wait outside the queue, hold nobody up, and go on waiting once the right is back.

use crate::Control;
use crate::sessions::mirror::Mirror;
use std::collections::HashSet;
use std::sync::PoisonError;
use store::{Barred, LivingSession};
use types::id::SessionId;
use types::sessions::Status;
use types::system::events::Audience;

/// Why a session may not start, and what would help.
fn causes(barred: Barred) -> (&'static str, &'static str) {
    match barred {
        Barred::Owner => ("Its owner's account is not active.", "It can start once an administrator activates the account."),
        Barred::Domain => ("Its owner's domain is deactivated.", "It can start once an administrator activates the domain."),
        Barred::Project => ("Its project is deactivated.", "It can start once an administrator activates the project."),
        Barred::Member => ("Its owner is no longer a member of its project.", "It can start once they are a member again."),
        Barred::Keypair => {
            ("The keypair that it counts against is not active.", "It can start once its owner has an active main one.")
        }
    }
}

/// Why a session that was about to start did not.
pub(crate) fn not_started(barred: Barred) -> String {
    format!("It was not started: {}", causes(barred).0)
}

fn waits_barred(session: &LivingSession) -> bool {
    session.status == Status::Pending && session.barred.is_some()
}

fn audience(mirror: &Mirror, id: SessionId) -> Option<Audience> {
    mirror.get(id).map(|session| Audience::person(session.owner, session.domain))
}

impl Control {
    /// Why a waiting session may not start; `None` if it may.
    pub(crate) fn bar_of(&self, id: SessionId) -> Option<String> {
        let mirror = self.mirror();
        mirror
            .get(id)
            .filter(|session| waits_barred(session))?
            .barred
            .map(|barred| [causes(barred).0, causes(barred).1].join(" "))
    }

    /// Those to tell of sessions that were barred, or are no longer, since the last call.
    pub(crate) fn barred_since(&self) -> Vec<Audience> {
        let mirror = self.mirror();
        let now: HashSet<SessionId> = mirror.all().filter(|session| waits_barred(session)).map(|session| session.id).collect();
        let mut before = self.shared.barred.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tell: Vec<Audience> = now.symmetric_difference(&before).filter_map(|id| audience(&mirror, *id)).collect();
        tell.sort_unstable_by_key(|audience| audience.owner);
        tell.dedup();
        *before = now;
        tell
    }
}
