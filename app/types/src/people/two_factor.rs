//! Ways into an account besides its password: two-factor authentication, and links for choosing a new password.

use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// The state of an account's two-factor authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoFactorState {
    pub on: bool,
    /// The number of unused recovery codes.
    pub codes_left: u32,
}

/// The setup of an authenticator app, shown once and only to the account's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoFactorSetup {
    /// The secret, for typing it by hand.
    pub secret: String,
    /// The secret as an `otpauth://` address.
    pub address: String,
    /// That address as a QR code: an SVG document.
    pub picture: String,
}

/// A link for choosing a new password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordLink {
    /// The path on this server, from the first `/`.
    pub path: String,
    pub expires_at: Millis,
    /// Whether it was also mailed to the person.
    pub mailed: bool,
}

/// Checks a new password that was typed twice. Refuses with [`Problem::Invalid`].
pub fn check_new_password(new: &str, again: &str) -> Result<(), Problem> {
    let mut errors = Vec::new();
    rules::password("password", new, &mut errors);
    if errors.is_empty() && new != again {
        errors.push(FieldError::new("again", "The two passwords differ. Type the same one twice."));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}
