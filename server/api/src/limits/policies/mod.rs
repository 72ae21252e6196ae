//! Resource policies, each kind in a file of its own.
//!
//! Backend.AI writes "no limit" as 0, and as −1 for the size of folders. A limit of 0 that was set in the console therefore reads
//! as no limit here.

mod keypair;
mod project;
mod user;

use async_graphql::MergedObject;
use types::Problem;

#[derive(MergedObject, Default)]
pub struct PolicyQuery(keypair::KeypairPolicyQuery, user::UserPolicyQuery, project::ProjectPolicyQuery);

#[derive(MergedObject, Default)]
pub struct PolicyMutation(keypair::KeypairPolicyMutation, user::UserPolicyMutation, project::ProjectPolicyMutation);

fn policy_not_found() -> Problem {
    Problem::NotFound("resource policy".into())
}
