//! Events for open pages: those that a caller may hear of, after any given one.

use crate::{Caller, Control, Result};
use std::collections::VecDeque;
use std::time::Duration;
use store::StoredEvent;
use tokio::sync::watch;
use types::people::permissions::{Me, Permission, Reach};
use types::system::events::Event;
use types::time::Millis;

/// The number of events kept in memory for pages that follow them.
const RECENT: usize = 2_000;
/// The most events in one answer.
const MOST: usize = 500;
/// Milliseconds for which a person's notices are shown, and the most of them.
const NOTICES_LAST: i64 = 24 * 60 * 60 * 1000;
const MOST_NOTICES: u32 = 50;
/// The time between two looks for events of other processes, such as a command on the server's machine.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The newest events in memory: whichever stream wakes first reads them, and all others take them from here.
#[derive(Default)]
pub(crate) struct Recent {
    events: VecDeque<StoredEvent>,
    /// Every event after `since` and up to `last` is here.
    since: i64,
    last: i64,
}

impl Recent {
    fn starting_after(id: i64) -> Self {
        Self { events: VecDeque::new(), since: id, last: id }
    }

    fn extend(&mut self, new: Vec<StoredEvent>, last: i64) {
        self.last = last;
        self.events.extend(new);
        while self.events.len() > RECENT {
            self.since = self.events.pop_front().map_or(self.since, |event| event.event.id);
        }
    }

    /// The events after `after`; `None` if not all of them are here.
    fn after(&self, after: i64) -> Option<impl Iterator<Item = &StoredEvent>> {
        let here = (self.since..=self.last).contains(&after);
        let first = self.events.partition_point(|event| event.event.id <= after);
        here.then(|| self.events.range(first..).take(MOST))
    }
}

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
        let recent = self.recent_events().await?;
        if let Some(events) = recent.after(after) {
            return Ok(Some(heard(me, events, after)));
        }
        drop(recent);
        let stored = self.store.events_after(after).await?;
        Ok(stored.map(|(stored, last)| (heard(me, stored.iter(), after).0, last)))
    }

    /// The caller's notices of the last day, oldest first.
    pub async fn notices(&self, caller: &Caller) -> Result<Vec<Event>> {
        let (me, _) = caller.person()?;
        Ok(self.store.notices(me.id, Millis(self.now().0 - NOTICES_LAST), MOST_NOTICES).await?)
    }

    /// The newest events in memory, up to the newest one that is known of.
    async fn recent_events(&self) -> Result<tokio::sync::MutexGuard<'_, Recent>> {
        let newest = *self.store.events_grew().borrow();
        let mut recent = self.shared.recent.lock().await;
        if recent.last == 0 || newest - recent.last > RECENT as i64 {
            *recent = Recent::starting_after(newest);
        }
        while recent.last < newest {
            match self.store.events_after(recent.last).await? {
                Some((new, last)) if last > recent.last => recent.extend(new, last),
                _ => *recent = Recent::starting_after(newest),
            }
        }
        Ok(recent)
    }

    /// Follows what other processes write into the database, for as long as the server runs: open pages, the mirror and the
    /// rights of open connections are then as up to date as if this process had written it.
    pub async fn follow_other_processes(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.log_failure(self.store.look_for_events().await.map_err(Into::into));
        }
    }
}

/// The events that a person may hear of, with the number to continue from.
fn heard<'e>(me: &Me, events: impl Iterator<Item = &'e StoredEvent>, after: i64) -> (Vec<Event>, i64) {
    let (mut heard, mut last) = (Vec::new(), after);
    for stored in events {
        last = stored.event.id;
        if may_hear(me, stored) {
            let notice = stored.event.notice.clone().filter(|_| stored.owner == Some(me.id));
            heard.push(Event { notice, ..stored.event.clone() });
        }
    }
    (heard, last)
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
