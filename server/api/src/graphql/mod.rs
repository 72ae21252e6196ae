//! `/admin/gql`: the queries and mutations that Backend.AI's client uses for people, keypairs, domains, projects, limits, agents
//! and sessions.
//!
//! A refused mutation is `ok: false` with the reason; a refused query is an error. Names and shapes are Backend.AI's.

pub(crate) mod amounts;
pub(crate) mod filter;

pub(crate) use crate::limits::presets::id as preset_id;

use crate::problem::problem_text;
use async_graphql::{Context, EmptySubscription, InputObject, MergedObject, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;

/// The largest depth and complexity of a document; the client's own documents are far smaller.
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
