//! People: accounts, sign-in, roles and permissions, keypairs.

pub mod keypairs;
pub mod many_users;
pub mod permissions;
pub mod two_factor;
pub mod users;
