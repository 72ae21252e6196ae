//! `/admin/gql`: the queries and mutations that Backend.AI's client uses for people, keypairs, domains, projects, limits, agents
//! and sessions, put together from the rooms.

use crate::graphql::cost::MOST_COST;
use async_graphql::{EmptySubscription, MergedObject};

/// The largest depth of a document; the client's own documents are far smaller.
const MOST_DEPTH: usize = 12;

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
        .limit_complexity(MOST_COST)
        // The cost of describing the schema follows from the schema, not from the document.
        .disable_introspection()
        .finish()
}
