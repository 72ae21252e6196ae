//! Resource policies, each kind in a file of its own.
//!
//! Backend.AI writes "no limit" as 0, and as −1 for the size of folders. A limit of 0 that was set in the console therefore reads
//! as no limit here.

mod keypair;
mod project;
mod user;

use crate::projects::{equals, query_without_pages};
use async_graphql::MergedObject;
use control::{Caller, Control, Result, StoredPolicy};
use types::Problem;
use types::limits::policies::PolicyRow;

#[derive(MergedObject, Default)]
pub struct PolicyQuery(keypair::KeypairPolicyQuery, user::UserPolicyQuery, project::ProjectPolicyQuery);

#[derive(MergedObject, Default)]
pub struct PolicyMutation(keypair::KeypairPolicyMutation, user::UserPolicyMutation, project::ProjectPolicyMutation);

fn policy_not_found() -> Problem {
    Problem::NotFound("resource policy".into())
}

async fn policy_named<P: StoredPolicy>(control: &Control, caller: &Caller, name: &str) -> Result<Option<PolicyRow<P>>> {
    let query = query_without_pages(P::list(), vec![equals("name", name)]);
    // Names that differ in case alone are names of different policies.
    Ok(control.policies::<P>(caller, &query).await?.rows.into_iter().find(|row| row.policy.name() == name))
}

async fn every_policy<P: StoredPolicy>(control: &Control, caller: &Caller) -> Result<Vec<PolicyRow<P>>> {
    Ok(control.policies(caller, &query_without_pages(P::list(), Vec::new())).await?.rows)
}
