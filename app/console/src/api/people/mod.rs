//! People: accounts, sign-in, keypairs.

pub mod account;
pub mod keypairs;
pub mod two_factor;
pub mod users;
