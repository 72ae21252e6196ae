//! Resource policies, each kind in a file of its own.
//!
//! The incumbent writes no limit as 0, a limit of folders' size as −1. A limit of 0 that was set in the console therefore
//! reads as none here.

mod keypair;
mod project;
mod user;

use async_graphql::MergedObject;
use types::Problem;

#[derive(MergedObject, Default)]
pub struct PolicyQuery(keypair::KeypairPolicyQuery, user::UserPolicyQuery, project::ProjectPolicyQuery);

#[derive(MergedObject, Default)]
pub struct PolicyMutation(keypair::KeypairPolicyMutation, user::UserPolicyMutation, project::ProjectPolicyMutation);

fn missing() -> Problem {
    Problem::NotFound("resource policy".into())
}
