//! A change: one transaction with its author, its audit record and the events that tell open pages about it.
//!
//! Deliberately absent: how things are written. That is done by the methods of [`store::Change`], which this dereferences to.

use crate::{Caller, Control, Result};
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use store::{Audit, StoreError};
use tokio::sync::watch;
use types::Problem;
use types::id::UserId;
use types::system::audit::wording;
use types::system::events::{Audience, Topic};
use types::time::Millis;

/// An open transaction and its author. Nothing in it is visible until [`Change::commit`].
pub(crate) struct Change {
    inner: store::Change,
    actor: Option<UserId>,
    address: String,
    /// When the change was begun. Everything it writes carries this time.
    pub at: Millis,
    /// Whether open connections must be looked at again, because somebody's rights may have changed.
    touches_rights: bool,
    rights: watch::Sender<()>,
}

impl Control {
    /// Begins a change made by the caller. Nobody else can write until it ends, so what is read in it does not change meanwhile.
    pub(crate) async fn change_by(&self, caller: &Caller) -> Result<Change> {
        let change = self.change_from(&caller.address).await?;
        Ok(Change { actor: caller.me().map(|me| me.id), ..change })
    }

    /// Begins a change made by no account. The audit trail shows `origin`, such as `command line`, in place of an address.
    pub(crate) async fn change_from(&self, origin: &str) -> Result<Change> {
        let (inner, rights) = (self.store.change().await?, self.shared.rights.clone());
        Ok(Change { inner, actor: None, address: origin.to_owned(), at: self.now(), touches_rights: false, rights })
    }
}

impl Change {
    /// The same change with this person as its author, for example somebody who is just signing in.
    pub fn made_by(self, actor: Option<UserId>) -> Self {
        Self { actor, ..self }
    }

    /// Writes the audit record. `detail` must hold no secret. For an edit it holds the complete thing before and after.
    #[track_caller]
    pub fn record(
        &mut self,
        action: &str,
        subject: impl ToString,
        detail: serde_json::Value,
    ) -> impl Future<Output = Result<()>> + Send {
        debug_assert!(wording(action).is_some(), "types::system::audit has no words for {action:?}");
        let (place, subject, detail) = (Location::caller(), subject.to_string(), detail.to_string());
        async move {
            let audit =
                Audit { at: self.at, actor: self.actor, address: &self.address, action, subject: &subject, detail: &detail };
            self.inner.audit(&audit).await.map_err(with_place(place))
        }
    }

    /// Tells open pages that `subject` changed.
    #[track_caller]
    pub fn tell(&mut self, topic: Topic, subject: impl ToString, audience: Audience) -> impl Future<Output = Result<()>> + Send {
        let (place, subject) = (Location::caller(), subject.to_string());
        self.touches_rights |= decides_rights(topic);
        async move { self.inner.tell(topic, &subject, audience, None, self.at).await.map_err(with_place(place)) }
    }

    /// Tells open pages that `subject` changed, and adds the sentence `notice` to the notifications of the audience's owner.
    #[track_caller]
    pub fn notify(
        &mut self,
        topic: Topic,
        subject: impl ToString,
        audience: Audience,
        notice: &str,
    ) -> impl Future<Output = Result<()>> + Send {
        let (place, subject) = (Location::caller(), subject.to_string());
        self.touches_rights |= decides_rights(topic);
        async move { self.inner.tell(topic, &subject, audience, Some(notice), self.at).await.map_err(with_place(place)) }
    }

    /// Has open connections looked at again once the change is committed, for changes of rights that no page shows.
    pub fn touch_rights(&mut self) {
        self.touches_rights = true;
    }

    /// Commits the change, then wakes everyone who follows events, and has the rights of open connections looked at if it touched
    /// any.
    #[track_caller]
    pub fn commit(self) -> impl Future<Output = Result<()>> + Send {
        let place = Location::caller();
        async move {
            self.inner.commit().await.map_err(with_place(place))?;
            if self.touches_rights {
                self.rights.send_replace(());
            }
            Ok(())
        }
    }
}

/// Whether a change of such a thing may change what somebody may do.
fn decides_rights(topic: Topic) -> bool {
    matches!(topic, Topic::User | Topic::Keypair | Topic::Project)
}

/// Logs an error with the caller's place in the rules, which helps more than the place in this file.
fn with_place(place: &'static Location<'static>) -> impl FnOnce(StoreError) -> Problem {
    move |error| error.problem("writing a change", place)
}

impl Deref for Change {
    type Target = store::Change;

    fn deref(&self) -> &store::Change {
        &self.inner
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut store::Change {
        &mut self.inner
    }
}
