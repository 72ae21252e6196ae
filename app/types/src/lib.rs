//! The vocabulary shared by the browser and the server: ids, entities, commands with their rules, list queries, limits,
//! permissions, problems.
//!
//! Deliberately absent: any I/O, any clock, any randomness. Everything here compiles to WASM and can be tested as plain Rust.

pub mod address;
pub mod bulk;
pub mod cluster;
pub mod cookies;
pub mod csv;
pub mod folders;
pub mod id;
pub mod limits;
pub mod list;
pub mod lists;
pub mod people;
pub mod problem;
pub mod projects;
pub mod quantity;
pub mod revision;
pub mod rules;
pub mod sessions;
pub mod system;
pub mod time;
mod words;

pub use problem::{FieldError, Problem};
