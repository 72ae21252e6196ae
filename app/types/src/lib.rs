//! The vocabulary that the browser and the server share: ids, entities, commands with their rules, list queries, limits,
//! permissions, problems.
//!
//! Deliberately absent: any I/O, any clock, any randomness. Everything here compiles to WASM and can be tested as plain Rust.

pub mod agent;
pub mod audit;
pub mod event;
pub mod id;
pub mod keypair;
pub mod launch;
pub mod list;
pub mod many;
pub mod permission;
pub mod policy;
pub mod preset;
pub mod problem;
pub mod project;
pub mod quantity;
pub mod resource_group;
pub mod revision;
pub mod rules;
pub mod security;
pub mod session;
pub mod slot;
pub mod time;
pub mod user;

pub use problem::{FieldError, Problem};
