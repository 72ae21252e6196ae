//! The author of a request. Every method of `Control` takes a [`Caller`] and must ask it for permission before doing anything.

use crate::Result;
use std::sync::{Arc, Mutex, PoisonError};
use store::Scope;
use types::Problem;
use types::id::{DomainId, SignInId, UserId};
use types::people::permissions::{Me, Permission, Reach};

/// A refusal: the person it was given to, and what was refused.
pub(crate) type Refusal = (Option<UserId>, String);

/// The proof of who somebody is. It can end on its own, whatever becomes of the account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Credential {
    SignIn(SignInId),
    /// The access key of the keypair that signed the request.
    Keypair(String),
    /// None is needed: the server itself goes on with work that the person began.
    Server,
}

/// The person behind a request, if anyone is signed in, and where the request came from.
#[derive(Clone, Debug)]
pub struct Caller {
    me: Option<(Me, Credential)>,
    /// Why a person who has proved who they are is nobody here.
    shut_out: Option<Problem>,
    /// The address that the request came from, for the audit trail and limits.
    pub address: String,
    /// The browser's `User-Agent`.
    pub browser: String,
    /// Refusals given while the request was answered, for the audit trail. All clones share them.
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

impl Caller {
    /// A caller without a sign-in, or with one that has ended.
    pub fn nobody(address: impl Into<String>, browser: impl Into<String>) -> Self {
        Self { me: None, shut_out: None, address: address.into(), browser: browser.into(), refusals: Arc::default() }
    }

    pub(crate) fn without_person(self) -> Self {
        Self { me: None, shut_out: None, ..self }
    }

    /// The same caller without a person, with the reason that every refusal then gives.
    pub(crate) fn shut_out(self, why: Problem) -> Self {
        Self { me: None, shut_out: Some(why), ..self }
    }

    pub(crate) fn signed_in(self, me: Me, credential: Credential) -> Self {
        Self { me: Some((me, credential)), shut_out: None, ..self }
    }

    /// The person, if one is signed in.
    pub fn me(&self) -> Option<&Me> {
        self.me.as_ref().map(|(me, _)| me)
    }

    /// The person, or the refusal of everybody who is not one.
    pub fn who(&self) -> Result<&Me> {
        self.proven().map(|(me, _)| me)
    }

    /// The person and their proof of it, or a refusal.
    pub(crate) fn proven(&self) -> Result<(&Me, &Credential)> {
        let refusal = || self.shut_out.clone().unwrap_or(Problem::SignInRequired);
        self.me.as_ref().map(|(me, credential)| (me, credential)).ok_or_else(refusal)
    }

    /// The person and their sign-in, or a refusal. A person without a sign-in gets the id that none has.
    pub(crate) fn person(&self) -> Result<(&Me, SignInId)> {
        let (me, credential) = self.proven()?;
        let none = SignInId(uuid::Uuid::nil());
        Ok((me, if let Credential::SignIn(id) = credential { *id } else { none }))
    }

    /// The person and how far this permission reaches for them; a refusal when they do not have it at all.
    pub(crate) fn need(&self, permission: Permission) -> Result<(&Me, Reach)> {
        let (me, _) = self.person()?;
        match me.reach(permission) {
            Reach::Nothing => Err(self.refuse(permission.verb())),
            reach => Ok((me, reach)),
        }
    }

    /// The person, if the permission reaches beyond what is their own.
    pub(crate) fn need_beyond_own(&self, permission: Permission) -> Result<&Me> {
        match self.need(permission)? {
            (_, Reach::Own | Reach::Nothing) => Err(self.refuse(permission.verb())),
            (me, _) => Ok(me),
        }
    }

    /// The person, and the scope in which this permission lets them see or change things.
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

    /// The person and the domain that the permission confines them to, if any. Refuses permissions that do not reach a whole
    /// domain.
    pub(crate) fn need_domain(&self, permission: Permission) -> Result<(&Me, Option<DomainId>)> {
        match self.need(permission)? {
            (me, Reach::Everything) => Ok((me, None)),
            (me, Reach::Domain) => Ok((me, Some(me.domain))),
            _ => Err(self.refuse(permission.verb())),
        }
    }

    /// Refuses something, and keeps the refusal for the audit trail. `what` completes the sentence “You may not …”.
    pub fn refuse(&self, what: impl Into<String>) -> Problem {
        let what = what.into();
        self.note_refusal(what.clone());
        Problem::Forbidden(what)
    }

    /// Whether something was refused that is not in the audit trail yet.
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
