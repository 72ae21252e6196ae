//! People: accounts, sign-in, two-factor, password links, keypairs.

pub(crate) mod accounts;
pub(crate) mod attempts;
pub(crate) mod edit_user;
pub(crate) mod keypairs;
pub(crate) mod known;
pub(crate) mod many_users;
pub(crate) mod password;
pub(crate) mod password_link;
pub(crate) mod preferences;
pub(crate) mod sign_in;
pub(crate) mod signed;
pub(crate) mod two_factor;
pub(crate) mod users;
