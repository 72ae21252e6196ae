//! People: users, their keypairs, the person's own account, signing in.

pub mod account;
pub mod keypairs;
pub mod sign_in;
pub mod users;
