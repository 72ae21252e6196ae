//! People: users, their keypairs, the person's own account, signing in.

pub(crate) mod account;
pub(crate) mod keypairs;
pub(crate) mod sign_in;
pub(crate) mod users;
