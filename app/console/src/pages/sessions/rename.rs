//! The dialog that gives a session another name.

use crate::api::sessions::rename_session;
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::id::SessionId;
use types::sessions::SessionDetail;
use types::{Problem, rules};
use ui::{Button, Dialog, Field, TextInput, use_toaster};

/// The button of the drawer, and its dialog.
pub fn button(id: SessionId, session: Signal<Option<SessionDetail>>, reload: Callback<()>) -> AnyView {
    let (open, name) = (RwSignal::new(false), RwSignal::new(String::new()));
    let refused = Refused::new();
    let toaster = use_toaster();
    let may = move || session.with(|s| s.as_ref().is_some_and(|s| s.may_control && !s.row.status.is_final()));
    let ask = Callback::new(move |()| {
        name.set(session.with_untracked(|s| s.as_ref().map(|s| s.row.name.clone()).unwrap_or_default()));
        refused.clear();
        open.set(true);
    });
    let rename = Action::new(move |name: &String| {
        let name = name.clone();
        async move {
            match rename_session(id, name).await {
                Ok(()) => {
                    open.set(false);
                    toaster.good("Session renamed.");
                    reload.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let read = move || {
        let name = name.get_untracked().trim().to_owned();
        let mut errors = Vec::new();
        rules::session_name("name", &name, &mut errors);
        if errors.is_empty() { Ok(name) } else { Err(Problem::Invalid(errors)) }
    };
    let submit = on_submit(refused, read, move |name| drop(rename.dispatch(name)));
    view! {
        <Show when=may><Button on_press=ask>"Rename"</Button></Show>
        <Dialog open=open title="Rename session" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Field name="session-name" label="Session name" error=refused.of("name")><TextInput name="session-name" value=name/></Field>
                {form_end(refused, open, "Rename", rename.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
