//! The dialog that sets the priority of waiting sessions.

use console::api::sessions::set_priority;
use console::chunk;
use console::dialog::{self, Asked, DialogForm, Saved};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::id::SessionId;
use types::list::Page;
use types::sessions::SessionRow;
use types::sessions::launch::MAX_PRIORITY;
use ui::{Field, NumberInput};

/// The initial priority for several sessions, whose own priorities may differ.
const HALF: u8 = 50;

/// The sessions of the dialog, and its initial priority.
pub type Ordered = (Vec<SessionId>, u8);

/// Requests the dialog for the sessions `ids`. For a single session that is visible on `page`, it starts with the session's own
/// priority.
pub fn asked_for(ids: &[String], page: Option<&Page<SessionRow>>) -> Asked<Ordered> {
    let alone = match ids {
        [one] => page.and_then(|page| page.rows.iter().find(|row| row.id.to_string() == *one)),
        _ => None,
    };
    Asked::edit((ids.iter().filter_map(|id| id.parse().ok()).collect(), alone.map_or(HALF, |row| row.priority)))
}

#[derive(Clone, Copy)]
struct Form {
    ids: RwSignal<Vec<SessionId>>,
    priority: RwSignal<String>,
}

impl DialogForm for Form {
    type Thing = Ordered;
    type Command = Ordered;

    fn titles(self) -> (&'static str, &'static str) {
        ("Set priority", "Set priority")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Set priority", "Set priority")
    }

    fn fill(self, ordered: Option<&Ordered>) {
        let (ids, priority) = ordered.cloned().unwrap_or_else(|| (Vec::new(), HALF));
        self.ids.set(ids);
        self.priority.set(priority.to_string());
    }

    fn read(self) -> Result<Ordered, Problem> {
        let wrong = || Problem::field("priority", format!("A whole number from 0 to {MAX_PRIORITY}."));
        let read = self.priority.with_untracked(|text| text.trim().parse::<u8>().ok());
        Ok((self.ids.get_untracked(), read.filter(|n| *n <= MAX_PRIORITY).ok_or_else(wrong)?))
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        let hint = format!("0 to {MAX_PRIORITY}; higher goes first. Sessions start with 10. Only waiting sessions are changed.");
        view! {
            <Field name="queue-priority" label="Priority" hint=hint error=refused.field_error("priority")>
                <NumberInput name="queue-priority" value=self.priority min="0" max=MAX_PRIORITY.to_string() step="1"/>
            </Field>
        }
        .into_any()
    }

    async fn save(self, (ids, priority): Ordered) -> Result<Saved, Problem> {
        let results = set_priority(ids, priority).await?;
        let failed: Vec<_> =
            results.iter().filter_map(|one| one.problem.as_ref().map(|text| format!("{}: {text}", one.name))).collect();
        if failed.is_empty() { Ok("The priority was changed.".into()) } else { Err(Problem::Conflict(failed.join(" "))) }
    }
}

chunk!(parts:
    /// The dialog; `done` is called after all sessions are changed.
    pub fn question(asked: RwSignal<Asked<Ordered>>, done: Callback<()>) {
        let form = Form { ids: RwSignal::new(Vec::new()), priority: RwSignal::new(HALF.to_string()) };
        dialog::dialog(form, asked, done)
    }
);
