//! Rules shared by the ways to change an account: who may change it, which policy it starts with, how keys are made.

use crate::{Result, internal, random_text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use store::Account;
use types::Problem;
use types::id::{DomainId, UserId};
use types::people::permissions::{Me, Role, may_grant};
use types::people::users::UserStatus;

/// Errors of a form whose email or username is taken.
pub(crate) const EMAIL_TAKEN: &str = "An account with this email already exists. Use another one.";
pub(crate) const USERNAME_TAKEN: &str = "An account with this username already exists. Use another one.";

/// The user and keypair policy of accounts for which none was chosen.
pub(crate) const DEFAULT_POLICY: &str = "default";

/// Why an account lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is not active.
    Account,
    /// Its domain, named here, is deactivated.
    Domain(String),
    /// It may not be used from the caller's address.
    Address,
}

/// Why the account cannot be used now, or not from this address; `None` if it can. Everything that lets somebody in, or goes on
/// with something in their name, asks this.
pub(crate) fn closed(account: &Account, address: &str) -> Option<Closed> {
    if account.status != UserStatus::Active {
        Some(Closed::Account)
    } else if !account.domain_active {
        Some(Closed::Domain(account.domain_name.clone()))
    } else if !types::rules::may_come_from(&account.addresses, address) {
        Some(Closed::Address)
    } else {
        None
    }
}

/// The same wherever the person is.
pub(crate) fn closed_everywhere(account: &Account) -> Option<Closed> {
    closed(account, "").filter(|closed| *closed != Closed::Address)
}

/// The sentence for people whose domain is deactivated.
pub(crate) fn domain_closed(name: &str) -> String {
    format!("The domain {name} is deactivated, and nobody in it can sign in. Ask an administrator to activate it.")
}

/// The refusal to put somebody or something new into a domain that is deactivated.
pub(crate) fn domain_not_open(name: &str) -> String {
    format!("The domain {name} is deactivated. Choose another one, or activate it first.")
}

impl Closed {
    /// The refusal of a request by somebody who has proved who they are.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Domain(name) => Problem::Forbidden(format!("use this account while its domain {name} is deactivated")),
            Self::Account | Self::Address => Problem::SignInRequired,
        }
    }
}

/// Whether `me` may change the account: their own, or one in their reach whose role they may grant.
pub(crate) fn may_change(me: &Me, reach_all: bool, account: UserId, domain: DomainId, role: Role) -> bool {
    let in_reach = reach_all || me.domain == domain;
    in_reach && (me.id == account || may_grant(me.role).contains(&role))
}

/// Random bytes in a secret key: 40 characters in base64, the form that the incumbent's clients expect.
const SECRET_BYTES: usize = 30;

/// Makes a new access key and its secret key.
pub(crate) fn make_keypair() -> Result<(String, String)> {
    let mut bytes = [0u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(internal("asking for randomness"))?;
    Ok((format!("AKIA{}", random_text(16)?), URL_SAFE.encode(bytes)))
}
