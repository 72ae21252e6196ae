//! The dialog that renames a session.

use console::api::sessions::rename_session;
use console::chunk;
use console::dialog::{Asked, DialogForm, Saved, dialog};
use console::form::Refused;
use leptos::prelude::*;
use types::id::SessionId;
use types::sessions::SessionDetail;
use types::{Problem, rules};
use ui::{Button, Field, TextInput};

#[derive(Clone, Copy)]
struct Form {
    id: SessionId,
    name: RwSignal<String>,
}

impl DialogForm for Form {
    type Thing = String;
    type Command = String;

    fn titles(self) -> (&'static str, &'static str) {
        ("Rename session", "Rename session")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Rename", "Rename")
    }

    fn fill(self, name: Option<&String>) {
        self.name.set(name.cloned().unwrap_or_default());
    }

    fn read(self) -> Result<String, Problem> {
        let name = self.name.get_untracked().trim().to_owned();
        let mut errors = Vec::new();
        rules::session_name("name", &name, &mut errors);
        if errors.is_empty() { Ok(name) } else { Err(Problem::Invalid(errors)) }
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        view! {
            <Field name="session-name" label="Session name" error=refused.field_error("name")><TextInput name="session-name" value=self.name/></Field>
        }
        .into_any()
    }

    async fn save(self, name: String) -> Result<Saved, Problem> {
        rename_session(self.id, name).await?;
        Ok("Session renamed.".into())
    }
}

chunk!(parts:
    /// The dialog.
    fn question(id: SessionId, asked: RwSignal<Asked<String>>, changed: Callback<()>) {
        dialog(Form { id, name: RwSignal::new(String::new()) }, asked, changed)
    }
);

/// The button of the drawer, and its dialog.
pub fn button(id: SessionId, session: Signal<Option<SessionDetail>>, reload: Callback<()>) -> AnyView {
    let asked = RwSignal::new(Asked::Nothing);
    let may = move || session.with(|s| s.as_ref().is_some_and(|s| s.may_control && !s.row.status.is_final()));
    let ask = Callback::new(move |()| {
        asked.set(Asked::edit(session.with_untracked(|s| s.as_ref().map(|s| s.row.name.clone()).unwrap_or_default())));
    });
    view! {
        <Show when=may><Button on_press=ask>"Rename"</Button></Show>
        {question::later(Asked::asks(asked), id, asked, reload)}
    }
    .into_any()
}
