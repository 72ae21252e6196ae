//! Rules shared by the ways to change an account: who may change it, which policy it starts with, how keys are made.

use crate::{Result, internal, random_text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use types::id::{DomainId, UserId};
use types::people::permissions::{Me, Role, may_grant};

/// Errors of a form whose email or username is taken.
pub(crate) const EMAIL_TAKEN: &str = "An account with this email already exists. Use another one.";
pub(crate) const USERNAME_TAKEN: &str = "An account with this username already exists. Use another one.";

/// The user and keypair policy of accounts for which none was chosen.
pub(crate) const DEFAULT_POLICY: &str = "default";

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
