//! The shared part of all GraphQL queries and mutations: filters, amounts, answers and refusals. The rooms have the queries, and
//! `schema.rs` puts them together.
//!
//! A refused mutation is `ok: false` with the reason; a refused query is an error. Names and shapes are Backend.AI's.

pub(crate) mod amounts;
pub(crate) mod cost;
pub(crate) mod filter;

use crate::problem::problem_text;
use async_graphql::{Context, InputObject, MaybeUndefined, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;

/// The answer of a mutation that returns nothing else.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct Done {
    ok: bool,
    msg: String,
}

/// Options of a purge. Accepted and ignored, since nothing is ever purged.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct PurgeUserInput {
    purge_shared_vfolders: Option<bool>,
    delegate_endpoint_ownership: Option<bool>,
}

pub(crate) fn control_and_caller<'c>(context: &Context<'c>) -> Result<(&'c Control, &'c Caller)> {
    Ok((context.data::<Control>()?, context.data::<Caller>()?))
}

/// The change to a field that may be empty: a missing one leaves it as it is, null clears it.
pub(crate) fn clearable<T: Default>(given: MaybeUndefined<T>) -> Option<T> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(T::default()),
        MaybeUndefined::Value(value) => Some(value),
    }
}

/// The change to a field that always has a value: a missing one leaves it as it is, and so does null, which the official client
/// sends for every option that was not given.
pub(crate) fn kept<T>(given: MaybeUndefined<T>) -> Option<T> {
    match given {
        MaybeUndefined::Value(value) => Some(value),
        MaybeUndefined::Undefined | MaybeUndefined::Null => None,
    }
}

/// A field of something new as a change to the plain one. Null means the default there, as if it were missing.
pub(crate) fn of_new<T>(given: Option<T>) -> MaybeUndefined<T> {
    given.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}

/// Turns a problem into a query's error.
pub(crate) fn refuse(problem: Problem) -> async_graphql::Error {
    async_graphql::Error::new(problem_text(&problem))
}

/// The result of a mutation: success, or the reason for the refusal.
pub(crate) fn outcome<T>(name: &str, result: std::result::Result<T, Problem>) -> (bool, String, Option<T>) {
    match result {
        Ok(value) => (true, "success".into(), Some(value)),
        Err(Problem::Forbidden(_)) => (false, format!("no permission to execute {name}"), None),
        Err(problem) => (false, problem_text(&problem), None),
    }
}

pub(crate) fn done<T>(name: &str, result: std::result::Result<T, Problem>) -> Done {
    let (ok, msg, _) = outcome(name, result);
    Done { ok, msg }
}

/// Refuses a purge, which deliberately does not exist.
pub(crate) fn never(what: &str) -> Done {
    Done { ok: false, msg: format!("{what} are never deleted, so that their history stays known. Deactivate them instead.") }
}
