//! User policies: limits on a person's folders, model services and images.

use super::{ANY, Actions, WORDS, access_refusal, as_saved, delete, row, tab, waiting, warning};
use console::api::limits::policies::{save_user_policy, user_policies};
use console::chunk;
use console::columns::text;
use console::dialog::edit::{EditForm, dialog, name_field};
use console::form::{Refused, checked, whole_limit, whole_number};
use console::list_page::List;
use console::paths;
use console::slots::{bytes_limit, exact_bytes};
use console::table::{load_open, settled_with};
use leptos::prelude::*;
use types::Problem;
use types::limits::policies::{PolicyKind, PolicyRow, SavePolicy, USER_POLICIES, UserPolicy};
use types::quantity::bytes;
use types::revision::or_unlimited;
use types::system::events::Topic;
use ui::{Column, Field, Limit, LimitField, NumberInput};

#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    max_folders: Limit,
    max_folder_bytes: Limit,
    max_service_sessions: RwSignal<String>,
    max_images: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        let text = || RwSignal::new(String::new());
        let form = Self {
            name: text(),
            max_folders: Limit::unlimited(),
            max_folder_bytes: Limit::unlimited(),
            max_service_sessions: text(),
            max_images: text(),
        };
        form.fill(None);
        form
    }
}

impl EditForm for Form {
    type Thing = UserPolicy;

    fn fill(self, policy: Option<&UserPolicy>) {
        let plain = UserPolicy::new("");
        let policy = policy.unwrap_or(&plain);
        self.name.set(policy.name.clone());
        self.max_folders.set(policy.max_folders.map(|n| n.to_string()));
        self.max_folder_bytes.set(policy.max_folder_bytes.map(exact_bytes));
        self.max_service_sessions.set(policy.max_service_sessions.to_string());
        self.max_images.set(policy.max_images.to_string());
    }

    fn read(self) -> Result<UserPolicy, Problem> {
        let mut mistakes = Vec::new();
        let policy = UserPolicy {
            name: self.name.get_untracked().trim().to_owned(),
            max_folders: whole_limit("max_folders", self.max_folders, &mut mistakes),
            max_folder_bytes: bytes_limit("max_folder_bytes", self.max_folder_bytes, &mut mistakes),
            max_service_sessions: self
                .max_service_sessions
                .with_untracked(|text| whole_number("max_service_sessions", text, &mut mistakes)),
            max_images: self.max_images.with_untracked(|text| whole_number("max_images", text, &mut mistakes)),
        };
        checked(policy, mistakes, UserPolicy::check)
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        view! {
            {warning()}
            {name_field("policy-name", "Name", self.name, refused, new)}
            <div class="form-row">
                <LimitField name="policy-folders" label="Max folder count" limit=self.max_folders error=refused.field_error("max_folders") max=ANY/>
                <LimitField name="policy-size" label="Max folder size" limit=self.max_folder_bytes hint="For all folders together, such as 100 GiB." error=refused.field_error("max_folder_bytes")/>
                <Field name="policy-services" label="Max session count per model session" hint="A large number can overload the scheduler." error=refused.field_error("max_service_sessions")>
                    <NumberInput name="policy-services" value=self.max_service_sessions min="0" max=ANY step="1"/>
                </Field>
                <Field name="policy-images" label="Max customized image count" error=refused.field_error("max_images")>
                    <NumberInput name="policy-images" value=self.max_images min="0" max=ANY step="1"/>
                </Field>
            </div>
        }
        .into_any()
    }

    fn name(policy: &UserPolicy) -> String {
        policy.name.clone()
    }

    async fn saved(name: String) -> Result<(UserPolicy, i64), Problem> {
        as_saved(&USER_POLICIES, name, user_policies).await
    }

    async fn save(policy: UserPolicy, revision: Option<i64>) -> Result<(), Problem> {
        save_user_policy(SavePolicy { policy, revision }).await
    }
}

type Row = PolicyRow<UserPolicy>;

fn columns() -> Vec<Column<Row>> {
    vec![
        text("name", "Name", |row: &Row| row.policy.name.clone()).sortable().required().opens(),
        text("max_folders", "Max folder count", |row: &Row| or_unlimited(row.policy.max_folders)).sortable().number(),
        Column::new("max_folder_bytes", "Max folder size", |row: &Row| {
            or_unlimited(row.policy.max_folder_bytes.map(bytes)).into_any()
        })
        .sortable()
        .number(),
        Column::new("max_service_sessions", "Max session count per model session", |row: &Row| {
            row.policy.max_service_sessions.to_string().into_any()
        })
        .sortable()
        .number(),
        text("max_images", "Max customized image count", |row: &Row| row.policy.max_images.to_string()).sortable().number(),
    ]
}

chunk!(parts:
    /// The dialogs that create, change and delete policies.
    fn changes(actions: Actions<UserPolicy>, _known: Signal<Vec<String>>, changed: Callback<()>) {
        view! { {dialog(Form::new(), actions.edit, WORDS, changed)}{delete::dialog(PolicyKind::User, actions.delete, changed)} }.into_any()
    }
);

pub fn page() -> AnyView {
    if let Some(refusal) = access_refusal() {
        return refusal;
    }
    const FOLLOWED: &[Topic] = &[Topic::Policy, Topic::User];
    let list = List::new(&USER_POLICIES, paths::USER_POLICIES, "policy", FOLLOWED, user_policies);
    let detail = load_open(list.open, FOLLOWED, "resource policy", |name| Some(row(&USER_POLICIES, name, user_policies)));
    let loads = list.pending().into_iter().chain([detail.pending()]).collect();
    let known = Signal::stored(Vec::new());
    let view = move || tab(PolicyKind::User, &USER_POLICIES, list, detail, columns(), changes::later, known);
    settled_with(loads, || waiting(PolicyKind::User), view)
}
