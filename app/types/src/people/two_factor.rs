//! What besides a password opens an account: two-factor authentication, and links to choose another password.

use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// How an account stands with two-factor authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoFactorState {
    pub on: bool,
    /// Recovery codes that were not yet used.
    pub codes_left: u32,
}

/// What an authenticator needs to know; shown to its owner alone, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoFactorSetup {
    /// The secret, to be typed by hand.
    pub secret: String,
    /// The same as an `otpauth://` address.
    pub address: String,
    /// That address as a QR code: an SVG document.
    pub picture: String,
}

/// A link with which somebody chooses another password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordLink {
    /// The address on this server, from its `/` on.
    pub path: String,
    pub expires_at: Millis,
    /// It was also sent to the person by mail.
    pub mailed: bool,
}

/// Checks a password that was typed twice.
pub fn check_new_password(new: &str, again: &str) -> Result<(), Problem> {
    let mut errors = Vec::new();
    rules::password("password", new, &mut errors);
    if errors.is_empty() && new != again {
        errors.push(FieldError::new("again", "The two passwords differ. Type the same one twice."));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}
