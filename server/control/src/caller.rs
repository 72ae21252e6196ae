//! Who asks. Every method of `Control` takes one, and cannot do anything without asking it first.

use crate::Result;
use types::Problem;
use types::id::{DomainId, SignInId};
use types::permission::{Me, Permission, Reach};

/// The person (or nobody) behind a request, and where it came from.
#[derive(Clone, Debug)]
pub struct Caller {
    me: Option<(Me, SignInId)>,
    /// The address that the request came from, for the audit trail and limits.
    pub address: String,
    /// The browser's own description of itself.
    pub browser: String,
}

impl Caller {
    /// A request that came with no sign-in, or with one that has ended.
    pub fn nobody(address: impl Into<String>, browser: impl Into<String>) -> Self {
        Self { me: None, address: address.into(), browser: browser.into() }
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
            Reach::Nothing => Err(Problem::Forbidden(permission.verb().into())),
            reach => Ok((me, reach)),
        }
    }

    /// For lists of people and things in domains: the domain that the caller is confined to, if any.
    pub(crate) fn need_domain(&self, permission: Permission) -> Result<(&Me, Option<DomainId>)> {
        match self.need(permission)? {
            (me, Reach::Everything) => Ok((me, None)),
            (me, _) => Ok((me, Some(me.domain))),
        }
    }
}
