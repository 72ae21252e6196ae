//! People: accounts, sign-ins, keypairs, and their preferences.

pub(crate) mod accounts;
pub(crate) mod keypairs;
pub(crate) mod preferences;
pub(crate) mod rights;
pub(crate) mod sign_ins;
pub(crate) mod two_factor;
pub(crate) mod users;
