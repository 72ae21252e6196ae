//! `/admin/gql`: the queries and mutations that the incumbent's client uses for people, keypairs, domains,
//! projects, limits, machines and sessions.
//!
//! A refused mutation is `ok: false` with the reason; a refused query is an error. Names and shapes are the incumbent's.

pub(crate) mod amounts;
pub(crate) mod filter;

pub(crate) use crate::limits::presets::id as preset_id;

use crate::problem::said;
use async_graphql::{Context, EmptySubscription, InputObject, MergedObject, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;

/// Depth and size of a document that is still read: the client's own are far smaller.
const MOST_DEPTH: usize = 12;
const MOST_COMPLEXITY: usize = 2_000;

#[derive(MergedObject, Default)]
pub struct Query(
    crate::people::users::UserQuery,
    crate::people::keypairs::KeypairQuery,
    crate::projects::ProjectQuery,
    crate::cluster::agents::AgentQuery,
    crate::sessions::graphql::SessionQuery,
    crate::limits::policies::PolicyQuery,
    crate::cluster::resource_groups::GroupQuery,
    crate::limits::presets::PresetQuery,
);

#[derive(MergedObject, Default)]
pub struct Mutation(
    crate::people::users::UserMutation,
    crate::people::keypairs::KeypairMutation,
    crate::projects::ProjectMutation,
    crate::limits::policies::PolicyMutation,
    crate::cluster::resource_groups::GroupMutation,
    crate::limits::presets::PresetMutation,
);

pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema, made once.
pub fn schema() -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(MOST_DEPTH)
        .limit_complexity(MOST_COMPLEXITY)
        .finish()
}

/// A mutation without anything more to tell.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct Done {
    ok: bool,
    msg: String,
}

/// What a purge would take with it; nothing here is ever purged, so it is read and not looked at.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct PurgeUserInput {
    purge_shared_vfolders: Option<bool>,
    delegate_endpoint_ownership: Option<bool>,
}

pub(crate) fn control_and_caller<'c>(context: &Context<'c>) -> Result<(&'c Control, &'c Caller)> {
    Ok((context.data::<Control>()?, context.data::<Caller>()?))
}

/// A query's refusal.
pub(crate) fn refuse(problem: Problem) -> async_graphql::Error {
    async_graphql::Error::new(said(&problem))
}

/// What became of a mutation: whether it was done, and in which words not.
pub(crate) fn outcome<T>(name: &str, result: std::result::Result<T, Problem>) -> (bool, String, Option<T>) {
    match result {
        Ok(value) => (true, "success".into(), Some(value)),
        Err(Problem::Forbidden(_)) => (false, format!("no permission to execute {name}"), None),
        Err(problem) => (false, said(&problem), None),
    }
}

pub(crate) fn done<T>(name: &str, result: std::result::Result<T, Problem>) -> Done {
    let (ok, msg, _) = outcome(name, result);
    Done { ok, msg }
}

/// What is deliberately not done here.
pub(crate) fn never(what: &str) -> Done {
    Done { ok: false, msg: format!("{what} are never deleted, so that what they used stays known. Deactivate them instead.") }
}
