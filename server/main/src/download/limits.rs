//! Resource policies, presets and resource groups as CSV: a column for each field that their forms have.

use super::{csv_file, file_name, query};
use crate::App;
use crate::refusal::Refusal;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use control::{Caller, Result};
use futures::Stream;
use types::cluster::resource_groups::{GroupRow, RESOURCE_GROUPS, ResourceGroup};
use types::limits::policies::{
    KEYPAIR_POLICIES, KeypairPolicy, PROJECT_POLICIES, PolicyRow, ProjectPolicy, USER_POLICIES, UserPolicy,
};
use types::limits::presets::{PRESETS, Preset, PresetRow};
use types::quantity::Slots;
use types::revision::Fields;

fn labels(of: &impl Fields) -> Vec<&'static str> {
    of.fields().into_iter().map(|(label, _)| label).collect()
}

fn values(of: &impl Fields) -> Vec<String> {
    of.fields().into_iter().map(|(_, value)| value).collect()
}

/// Policies with who follows them; `told` are the fields of one.
fn policies<P: Fields + Send + 'static>(
    name: &str,
    any: &P,
    rows: Result<impl Stream<Item = Result<PolicyRow<P>>> + Send + 'static>,
    told: impl Fn(&P) -> Vec<String> + Send + 'static,
) -> Response {
    let mut header = labels(any);
    header.extend(["Followed by", "Created"]);
    let row = move |row: PolicyRow<P>| {
        let mut cells = told(&row.policy);
        cells.extend([row.followers.to_string(), row.created_at.iso()]);
        cells
    };
    match rows {
        Ok(rows) => csv_file(name, &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/keypair_policies.csv`
pub async fn keypair_policies(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    // What agents offer is told also where a policy does not limit it.
    let known = match app.control.slot_names(&caller).await {
        Ok(known) => known,
        Err(problem) => return Refusal(problem).into_response(),
    };
    let told = move |policy: &KeypairPolicy| policy.fields_among(&known).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    let rows = app.control.all_policies(&caller, query(&KEYPAIR_POLICIES, raw.as_deref()));
    policies(&file_name(raw.as_deref(), "keypair_policies"), &KeypairPolicy::new(""), rows, told)
}

/// `GET /export/user_policies.csv`
pub async fn user_policies(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let rows = app.control.all_policies(&caller, query(&USER_POLICIES, raw.as_deref()));
    policies(&file_name(raw.as_deref(), "user_policies"), &UserPolicy::new(""), rows, values)
}

/// `GET /export/project_policies.csv`
pub async fn project_policies(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let rows = app.control.all_policies(&caller, query(&PROJECT_POLICIES, raw.as_deref()));
    policies(&file_name(raw.as_deref(), "project_policies"), &ProjectPolicy::new(""), rows, values)
}

/// `GET /export/resource_presets.csv`
pub async fn resource_presets(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let any = Preset { name: String::new(), slots: Slots::default(), shared_memory: None, resource_group: None };
    let name = file_name(raw.as_deref(), "resource_presets");
    match app.control.all_presets(&caller, query(&PRESETS, raw.as_deref())) {
        Ok(rows) => csv_file(&name, &labels(&any), rows, |row: PresetRow| values(&row.preset)),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/resource_groups.csv`
pub async fn resource_groups(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    // Who may use a group is said by name in a file.
    const COUNTED: [&str; 2] = ["Domains", "Projects"];
    let row = |row: GroupRow| {
        let fields = row.group.fields().into_iter().filter(|(label, _)| !COUNTED.contains(label));
        let mut cells: Vec<String> = fields.map(|(_, value)| value).collect();
        cells.extend([row.domain_names.join(", "), row.project_names.join(", ")]);
        cells
    };
    let mut header = labels(&ResourceGroup::new(""));
    header.retain(|label| !COUNTED.contains(label));
    header.extend(COUNTED);
    let name = file_name(raw.as_deref(), "resource_groups");
    match app.control.all_resource_groups(&caller, query(&RESOURCE_GROUPS, raw.as_deref())).await {
        Ok(rows) => csv_file(&name, &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}
