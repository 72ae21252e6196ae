//! Resource policies, presets and resource groups as CSV, with a column for each field of their forms.

use super::{Asked, Csv, export};
use crate::App;
use api::Route;
use control::Result;
use futures::{Stream, TryStreamExt};
use types::cluster::resource_groups::{GroupRow, RESOURCE_GROUPS, ResourceGroup};
use types::limits::policies::{
    KEYPAIR_POLICIES, KeypairPolicy, PROJECT_POLICIES, PolicyRow, ProjectPolicy, USER_POLICIES, UserPolicy,
};
use types::limits::presets::{PRESETS, Preset, PresetRow};
use types::quantity::Slots;
use types::revision::Fields;

/// The columns for the domains and projects that may use a resource group: numbers among its fields, names in the file.
const COUNTED: [&str; 2] = ["Domains", "Projects"];

pub(super) fn routes() -> Vec<Route<App>> {
    vec![
        export("keypair_policies", &KEYPAIR_POLICIES, async |asked: Asked| {
            // Slots that agents offer have a column even if a policy does not limit them.
            let known = asked.control.slot_names(&asked.caller).await?;
            let cells = move |policy: &KeypairPolicy| values(policy.fields_among(&known));
            Ok(policies(KeypairPolicy::new(""), asked.control.all_policies(&asked.caller, asked.query)?, cells))
        }),
        export("user_policies", &USER_POLICIES, async |asked: Asked| {
            let rows = asked.control.all_policies(&asked.caller, asked.query)?;
            Ok(policies(UserPolicy::new(""), rows, |policy| values(policy.fields())))
        }),
        export("project_policies", &PROJECT_POLICIES, async |asked: Asked| {
            let rows = asked.control.all_policies(&asked.caller, asked.query)?;
            Ok(policies(ProjectPolicy::new(""), rows, |policy| values(policy.fields())))
        }),
        export("resource_presets", &PRESETS, async |asked: Asked| {
            let any = Preset { name: String::new(), slots: Slots::default(), shared_memory: None, resource_group: None };
            let rows = asked.control.all_presets(&asked.caller, asked.query)?;
            Ok(Csv { titles: labels(&any), rows: rows.map_ok(|row: PresetRow| values(row.preset.fields())) })
        }),
        export("resource_groups", &RESOURCE_GROUPS, async |asked: Asked| {
            let mut titles = labels(&ResourceGroup::new(""));
            titles.retain(|label| !COUNTED.contains(label));
            titles.extend(COUNTED);
            let rows = asked.control.all_resource_groups(&asked.caller, asked.query).await?;
            Ok(Csv { titles, rows: rows.map_ok(group) })
        }),
    ]
}

fn labels(thing: &impl Fields) -> Vec<&'static str> {
    thing.fields().into_iter().map(|(label, _)| label).collect()
}

fn values<L>(fields: Vec<(L, String)>) -> Vec<String> {
    fields.into_iter().map(|(_, value)| value).collect()
}

/// The file of policies with their number of followers; `cells` reads the fields of one policy.
fn policies<P: Fields + 'static>(
    any: P,
    rows: impl Stream<Item = Result<PolicyRow<P>>> + Send + 'static,
    cells: impl Fn(&P) -> Vec<String> + Send + 'static,
) -> Csv<impl Stream<Item = Result<Vec<String>>> + Send + 'static> {
    let mut titles = labels(&any);
    titles.extend(["Used by", "Created"]);
    let rows = rows.map_ok(move |row| {
        let mut cells = cells(&row.policy);
        cells.extend([row.followers.to_string(), row.created_at.iso()]);
        cells
    });
    Csv { titles, rows }
}

fn group(row: GroupRow) -> Vec<String> {
    let mut fields = row.group.fields();
    fields.retain(|(label, _)| !COUNTED.contains(label));
    let mut cells = values(fields);
    cells.extend([row.domain_names.join(", "), row.project_names.join(", ")]);
    cells
}
