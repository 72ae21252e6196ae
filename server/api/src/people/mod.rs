//! People: accounts, keypairs, signing in with a password.

pub(crate) mod keypairs;
pub(crate) mod users;
pub(crate) mod with_password;
