//! Resource policies, presets and groups as files: the columns are the fields of their forms.

use super::{csv_file, file_name, query};
use crate::App;
use crate::refusal::Refusal;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use control::{Caller, Result};
use futures::Stream;
use types::policy::{KEYPAIR_POLICIES, KeypairPolicy, PROJECT_POLICIES, PolicyRow, ProjectPolicy, USER_POLICIES, UserPolicy};
use types::preset::{PRESETS, PresetRow};
use types::quantity::Slots;
use types::resource_group::{GroupRow, RESOURCE_GROUPS, ResourceGroup};
use types::revision::Fields;

/// The labels of a thing's fields.
fn header(example: &impl Fields) -> Vec<&'static str> {
    example.fields().into_iter().map(|(label, _)| label).collect()
}

fn values(thing: &impl Fields) -> Vec<String> {
    thing.fields().into_iter().map(|(_, value)| value).collect()
}

fn file<T: Send + 'static>(
    (raw, plain): (Option<&str>, &str),
    header: &[&str],
    rows: Result<impl Stream<Item = Result<T>> + Send + 'static>,
    row: impl Fn(T) -> Vec<String> + Send + 'static,
) -> Response {
    match rows {
        Ok(rows) => csv_file(&file_name(raw, plain), header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/keypair_policies.csv`
pub async fn keypair_policies(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let raw = raw.as_deref();
    let rows = app.control.all_keypair_policies(&caller, query(&KEYPAIR_POLICIES, raw));
    let row = |row: PolicyRow<KeypairPolicy>| values(&row.policy);
    file((raw, "keypair_resource_policies"), &header(&KeypairPolicy::new("")), rows, row)
}

/// `GET /export/user_policies.csv`
pub async fn user_policies(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let raw = raw.as_deref();
    let rows = app.control.all_user_policies(&caller, query(&USER_POLICIES, raw));
    file((raw, "user_resource_policies"), &header(&UserPolicy::new("")), rows, |row: PolicyRow<UserPolicy>| values(&row.policy))
}

/// `GET /export/project_policies.csv`
pub async fn project_policies(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let raw = raw.as_deref();
    let rows = app.control.all_project_policies(&caller, query(&PROJECT_POLICIES, raw));
    let row = |row: PolicyRow<ProjectPolicy>| values(&row.policy);
    file((raw, "project_resource_policies"), &header(&ProjectPolicy::new("")), rows, row)
}

/// `GET /export/resource_presets.csv`
pub async fn resource_presets(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let raw = raw.as_deref();
    let example =
        types::preset::Preset { name: String::new(), slots: Slots::default(), shared_memory: None, resource_group: None };
    let rows = app.control.all_presets(&caller, query(&PRESETS, raw));
    file((raw, "resource_presets"), &header(&example), rows, |row: PresetRow| values(&row.preset))
}

/// `GET /export/resource_groups.csv`
pub async fn resource_groups(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let raw = raw.as_deref();
    let rows = app.control.all_resource_groups(&caller, query(&RESOURCE_GROUPS, raw)).await;
    file((raw, "resource_groups"), &header(&ResourceGroup::new("")), rows, |row: GroupRow| values(&row.group))
}
