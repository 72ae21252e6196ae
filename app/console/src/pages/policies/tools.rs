//! The Tools menu at the top left of each tab: the tab's policies as a file of a chosen name.

use leptos::prelude::*;
use types::list::{ListQuery, ListSpec, encode};
use types::policy::PolicyKind;
use ui::{Button, Dialog, Field, Menu, TextInput};

/// Characters of a file's name.
const MAX_FILE_NAME: usize = 255;

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

/// What is wrong with a file's name, if anything is.
fn mistake(name: &str) -> Option<String> {
    let length = name.trim().chars().count();
    let fits = (1..=MAX_FILE_NAME).contains(&length) && !name.contains(['/', '\\', '"']) && !name.chars().any(char::is_control);
    (!fits).then(|| format!("1 to {MAX_FILE_NAME} characters, without slashes and quotation marks."))
}

/// The menu and its dialog. The file holds what the list's filter selects.
pub fn menu(kind: PolicyKind, spec: &'static ListSpec, query: Memo<ListQuery>) -> AnyView {
    let open = RwSignal::new(false);
    let name = RwSignal::new(usual_name(kind).to_owned());
    let error = Signal::derive(move || name.with(|name| mistake(name)));
    let address = move || {
        let query = query.with(|query| query.at_page(1).to_query_string(spec));
        let more = if query.is_empty() { query } else { format!("&{query}") };
        format!("{}?name={}{more}", export(kind), name.with(|name| encode(name.trim())))
    };
    let download = move |event: leptos::ev::MouseEvent| {
        if error.with_untracked(Option::is_some) {
            event.prevent_default();
        } else {
            open.set(false);
        }
    };
    let close = Callback::new(move |()| open.set(false));
    // Enter does what the link does.
    let link = NodeRef::<leptos::html::A>::new();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(link) = link.get_untracked() {
            link.click();
        }
    };
    let items = vec![("Export CSV".to_owned(), Callback::new(move |()| open.set(true)))];
    view! {
        <div class="tools"><Menu name="policy-tools" label="Tools" items=items/></div>
        <Dialog open=open title="Export CSV File" on_close=close>
            <form class="form" novalidate on:submit=submit>
                <Field name="export-name" label="File name" required=true hint="Without .csv at its end. The file holds every policy that the filter selects." error=error>
                    <TextInput name="export-name" value=name max=MAX_FILE_NAME/>
                </Field>
                <div class="dialog-actions">
                    <Button on_press=close>"Cancel"</Button>
                    <a class="button button-primary" node_ref=link href=address rel="external" download on:click=download>"Download"</a>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_of_at_most_255_characters_without_slashes() {
        assert_eq!(mistake("keypair_resource_policies"), None);
        assert_eq!(mistake(&"n".repeat(255)), None);
        for bad in ["", "  ", "a/b", "a\"b", "a\nb"] {
            assert!(mistake(bad).is_some(), "{bad}");
        }
        assert!(mistake(&"n".repeat(256)).is_some());
    }
}
