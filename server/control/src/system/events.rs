//! Events for open pages: those that a caller may hear of, after any given one.

use crate::{Caller, Control, Result};
use tokio::sync::watch;
use types::people::permissions::{Me, Permission, Reach};
use types::system::events::Event;

impl Control {
    /// The newest event's id. The receiver is notified whenever it grows.
    pub fn events_grew(&self, caller: &Caller) -> Result<watch::Receiver<i64>> {
        caller.person()?;
        Ok(self.store.events_grew())
    }

    /// The events after number `after` that the caller may hear of, with the number to continue from.
    /// `None` if some of them are no longer kept: the page must reload.
    pub async fn events(&self, caller: &Caller, after: i64) -> Result<Option<(Vec<Event>, i64)>> {
        let (me, _) = caller.person()?;
        let Some((stored, last)) = self.store.events_after(after).await? else { return Ok(None) };
        let heard = stored.into_iter().filter(|event| may_hear(me, event)).map(|stored| {
            let notice = stored.event.notice.filter(|_| stored.owner == Some(me.id));
            Event { notice, ..stored.event }
        });
        Ok(Some((heard.collect(), last)))
    }
}

fn may_hear(me: &Me, event: &store::StoredEvent) -> bool {
    use types::system::events::Topic;
    let permission = match event.event.topic {
        Topic::Session => Permission::ReadSessions,
        Topic::User => Permission::ReadUsers,
        Topic::Agent => Permission::ReadAgents,
        Topic::Project => Permission::ReadProjects,
        Topic::Keypair => Permission::ReadKeypairs,
        // Policies and presets have no owner, so a change of one may affect anyone who may read them.
        Topic::Policy => return me.may(Permission::ReadPolicies) || me.may(Permission::ReadPresets),
        Topic::Group => return me.may(Permission::ReadGroups) || me.may(Permission::ReadSettings),
    };
    match me.reach(permission) {
        Reach::Everything => true,
        // A project administrator learns only that something in the domain changed; the page then asks for what they may see.
        Reach::Domain | Reach::Projects => event.domain == Some(me.domain) || event.owner == Some(me.id),
        Reach::Own => event.owner == Some(me.id),
        Reach::Nothing => false,
    }
}
