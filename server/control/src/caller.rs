//! Who asks. Every method of `Control` takes one, and cannot do anything without asking it first.

use crate::Result;
use std::sync::{Arc, Mutex, PoisonError};
use store::Scope;
use types::Problem;
use types::id::{DomainId, SignInId, UserId};
use types::people::permissions::{Me, Permission, Reach};

/// Something that was refused: to whom, and what.
pub(crate) type Refusal = (Option<UserId>, String);

/// The person (or nobody) behind a request, and where it came from.
#[derive(Clone, Debug)]
pub struct Caller {
    me: Option<(Me, SignInId)>,
    /// The address that the request came from, for the audit trail and limits.
    pub address: String,
    /// The browser's own description of itself.
    pub browser: String,
    /// What was refused while the request was answered, for the audit trail. All clones share it.
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

impl Caller {
    /// A request that came with no sign-in, or with one that has ended.
    pub fn nobody(address: impl Into<String>, browser: impl Into<String>) -> Self {
        Self { me: None, address: address.into(), browser: browser.into(), refusals: Arc::default() }
    }

    pub(crate) fn without_person(self) -> Self {
        Self { me: None, ..self }
    }

    pub(crate) fn signed_in(self, me: Me, sign_in: SignInId) -> Self {
        Self { me: Some((me, sign_in)), ..self }
    }

    /// The person, if one is signed in.
    pub fn me(&self) -> Option<&Me> {
        self.me.as_ref().map(|(me, _)| me)
    }

    /// The person and the sign-in they came with, or a refusal.
    pub(crate) fn person(&self) -> Result<(&Me, SignInId)> {
        self.me.as_ref().map(|(me, id)| (me, *id)).ok_or(Problem::SignInRequired)
    }

    /// The person and how far this permission reaches for them; a refusal when that is nowhere.
    pub(crate) fn need(&self, permission: Permission) -> Result<(&Me, Reach)> {
        let (me, _) = self.person()?;
        match me.reach(permission) {
            Reach::Nothing => Err(self.refuse(permission.verb())),
            reach => Ok((me, reach)),
        }
    }

    /// The person, when the permission reaches beyond what is their own.
    pub(crate) fn need_beyond_own(&self, permission: Permission) -> Result<&Me> {
        match self.need(permission)? {
            (_, Reach::Own | Reach::Nothing) => Err(self.refuse(permission.verb())),
            (me, _) => Ok(me),
        }
    }

    /// The person, and what of a kind of thing this permission lets them see or change.
    pub(crate) fn scope(&self, permission: Permission) -> Result<(&Me, Scope)> {
        let (me, reach) = self.need(permission)?;
        let scope = match reach {
            Reach::Everything => Scope::Everything,
            Reach::Domain => Scope::Domain(me.domain),
            Reach::Projects => Scope::Projects(me.id),
            Reach::Own | Reach::Nothing => Scope::Own(me.id),
        };
        Ok((me, scope))
    }

    /// For permissions that reach a domain at least: the domain that the caller is confined to, if any.
    pub(crate) fn need_domain(&self, permission: Permission) -> Result<(&Me, Option<DomainId>)> {
        match self.need(permission)? {
            (me, Reach::Everything) => Ok((me, None)),
            (me, Reach::Domain) => Ok((me, Some(me.domain))),
            _ => Err(self.refuse(permission.verb())),
        }
    }

    /// A refusal, which will stand in the audit trail; `what` are the words after “You may not …”.
    pub fn refuse(&self, what: impl Into<String>) -> Problem {
        let what = what.into();
        self.note_refusal(what.clone());
        Problem::Forbidden(what)
    }

    /// Something was refused and is not written down yet.
    pub fn was_refused(&self) -> bool {
        !self.refusals.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(crate) fn note_refusal(&self, what: String) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.push((self.me().map(|me| me.id), what));
    }

    pub(crate) fn take_refusals(&self) -> Vec<Refusal> {
        std::mem::take(&mut *self.refusals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
