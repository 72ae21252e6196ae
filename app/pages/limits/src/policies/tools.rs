//! The Tools menu at the top left of each tab: the tab's policies as a file of a chosen name.

use console::chunk;
use console::download::file_dialog;
use leptos::prelude::*;
use types::limits::policies::PolicyKind;
use types::list::{ListQuery, ListSpec};
use ui::Menu;

/// The address of a kind's policies as CSV.
pub fn export(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Keypair => "/export/keypair_policies.csv",
        PolicyKind::User => "/export/user_policies.csv",
        PolicyKind::Project => "/export/project_policies.csv",
    }
}

fn usual_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Keypair => "keypair_resource_policies",
        PolicyKind::User => "user-resource-policies",
        PolicyKind::Project => "project_resource_policies",
    }
}

chunk!(parts:
    /// The dialog that asks for the file's name.
    fn file(open: RwSignal<bool>, address: Signal<String>, name: &'static str, nothing: Signal<bool>) {
        file_dialog(open, "Export CSV File", address, name, nothing)
    }
);

/// The menu and its dialog. The file holds what the list's filter selects, which may be `nothing`.
pub fn menu(kind: PolicyKind, spec: &'static ListSpec, query: Memo<ListQuery>, nothing: Signal<bool>) -> AnyView {
    let open = RwSignal::new(false);
    let address = Signal::derive(move || {
        let query = query.with(|query| query.at_page(1).to_query_string(spec));
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", export(kind))
    });
    let items = vec![("Export CSV".to_owned(), Callback::new(move |()| open.set(true)))];
    view! {
        <div class="tools"><Menu name="policy-tools" label="Tools" items=items/></div>
        {file::later(open.into(), open, address, usual_name(kind), nothing)}
    }
    .into_any()
}
