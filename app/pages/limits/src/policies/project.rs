//! Project policies: limits on a project's folders and networks.

use super::{ANY, Actions, WORDS, access_refusal, as_saved, delete, row, tab, waiting, warning};
use console::api::limits::policies::{project_policies, save_project_policy};
use console::chunk;
use console::columns::text;
use console::dialog::edit::{EditForm, dialog, name_field};
use console::form::{Refused, checked, whole_limit};
use console::list_page::List;
use console::paths;
use console::slots::{bytes_limit, exact_bytes};
use console::table::{load_open, settled_with};
use leptos::prelude::*;
use types::Problem;
use types::limits::policies::{PROJECT_POLICIES, PolicyKind, PolicyRow, ProjectPolicy, SavePolicy};
use types::quantity::bytes;
use types::revision::or_unlimited;
use types::system::events::Topic;
use ui::{Column, Limit, LimitField};

#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    max_folders: Limit,
    max_folder_bytes: Limit,
    max_networks: Limit,
}

impl Form {
    fn new() -> Self {
        let form = Self {
            name: RwSignal::new(String::new()),
            max_folders: Limit::unlimited(),
            max_folder_bytes: Limit::unlimited(),
            max_networks: Limit::unlimited(),
        };
        form.fill(None);
        form
    }
}

impl EditForm for Form {
    type Thing = ProjectPolicy;

    fn fill(self, policy: Option<&ProjectPolicy>) {
        let plain = ProjectPolicy::new("");
        let policy = policy.unwrap_or(&plain);
        self.name.set(policy.name.clone());
        self.max_folders.set(policy.max_folders.map(|n| n.to_string()));
        self.max_folder_bytes.set(policy.max_folder_bytes.map(exact_bytes));
        self.max_networks.set(policy.max_networks.map(|n| n.to_string()));
    }

    fn read(self) -> Result<ProjectPolicy, Problem> {
        let mut mistakes = Vec::new();
        let policy = ProjectPolicy {
            name: self.name.get_untracked().trim().to_owned(),
            max_folders: whole_limit("max_folders", self.max_folders, &mut mistakes),
            max_folder_bytes: bytes_limit("max_folder_bytes", self.max_folder_bytes, &mut mistakes),
            max_networks: whole_limit("max_networks", self.max_networks, &mut mistakes),
        };
        checked(policy, mistakes, ProjectPolicy::check)
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        view! {
            {warning()}
            {name_field("policy-name", "Name", self.name, refused, new)}
            <div class="form-row">
                <LimitField name="policy-folders" label="Max folder count" limit=self.max_folders error=refused.field_error("max_folders") max=ANY/>
                <LimitField name="policy-size" label="Max folder size" limit=self.max_folder_bytes hint="For all folders together, such as 100 GiB." error=refused.field_error("max_folder_bytes")/>
                <LimitField name="policy-networks" label="Max network count" limit=self.max_networks error=refused.field_error("max_networks") max=ANY/>
            </div>
        }
        .into_any()
    }

    fn name(policy: &ProjectPolicy) -> String {
        policy.name.clone()
    }

    async fn saved(name: String) -> Result<(ProjectPolicy, i64), Problem> {
        as_saved(&PROJECT_POLICIES, name, project_policies).await
    }

    async fn save(policy: ProjectPolicy, revision: Option<i64>) -> Result<(), Problem> {
        save_project_policy(SavePolicy { policy, revision }).await
    }
}

type Row = PolicyRow<ProjectPolicy>;

fn columns() -> Vec<Column<Row>> {
    vec![
        text("name", "Name", |row: &Row| row.policy.name.clone()).sortable().required().opens(),
        text("max_folders", "Max folder count", |row: &Row| or_unlimited(row.policy.max_folders)).sortable().number(),
        Column::new("max_folder_bytes", "Max folder size", |row: &Row| {
            or_unlimited(row.policy.max_folder_bytes.map(bytes)).into_any()
        })
        .sortable()
        .number(),
        text("max_networks", "Max network count", |row: &Row| or_unlimited(row.policy.max_networks)).sortable().number(),
    ]
}

chunk!(parts:
    /// The dialogs that create, change and delete policies.
    fn changes(actions: Actions<ProjectPolicy>, _known: Signal<Vec<String>>, changed: Callback<()>) {
        view! { {dialog(Form::new(), actions.edit, WORDS, changed)}{delete::dialog(PolicyKind::Project, actions.delete, changed)} }.into_any()
    }
);

pub fn page() -> AnyView {
    if let Some(refusal) = access_refusal() {
        return refusal;
    }
    const FOLLOWED: &[Topic] = &[Topic::Policy, Topic::Project];
    let list = List::new(&PROJECT_POLICIES, paths::PROJECT_POLICIES, "policy", FOLLOWED, project_policies);
    let detail = load_open(list.open, FOLLOWED, "resource policy", |name| Some(row(&PROJECT_POLICIES, name, project_policies)));
    let loads = list.pending().into_iter().chain([detail.pending()]).collect();
    let known = Signal::stored(Vec::new());
    let view = move || tab(PolicyKind::Project, &PROJECT_POLICIES, list, detail, columns(), changes::later, known);
    settled_with(loads, || waiting(PolicyKind::Project), view)
}
