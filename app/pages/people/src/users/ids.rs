//! The fields for the numbers that a person's processes have in containers: user, group, more groups.

use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::people::users::{EditUser, UnixIds};
use ui::{Field, TextInput};

/// The typed values.
#[derive(Clone, Copy)]
pub struct IdFields {
    uid: RwSignal<String>,
    gid: RwSignal<String>,
    gids: RwSignal<String>,
}

fn number(field: &str, text: &str) -> Result<Option<u32>, Problem> {
    match text.trim() {
        "" => Ok(None),
        digits => {
            digits.parse().map(Some).map_err(|_| Problem::field(field, "A whole number from 1 to 2147483647, or leave it empty."))
        }
    }
}

impl IdFields {
    /// Empty fields.
    pub fn new() -> Self {
        let text = || RwSignal::new(String::new());
        Self { uid: text(), gid: text(), gids: text() }
    }

    /// Fills the fields with these numbers.
    pub fn fill(self, ids: &UnixIds) {
        let text = |id: Option<u32>| id.map(|id| id.to_string()).unwrap_or_default();
        self.uid.set(text(ids.uid));
        self.gid.set(text(ids.gid));
        self.gids.set(ids.gids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }

    /// Whether none is typed.
    pub fn are_empty(self) -> bool {
        [self.uid, self.gid, self.gids].iter().all(|text| text.with(String::is_empty))
    }

    /// Writes the changes to `before` into `edit`. For an emptied number, the engine's own applies again.
    pub fn changed(self, before: &UnixIds, edit: &mut EditUser) -> Result<(), Problem> {
        let now = self.read()?;
        edit.uid = (now.uid != before.uid).then(|| now.uid.unwrap_or(0));
        edit.gid = (now.gid != before.gid).then(|| now.gid.unwrap_or(0));
        edit.gids = (now.gids != before.gids).then_some(now.gids);
        Ok(())
    }

    /// Returns the numbers; text that is not a number is an error of its field.
    pub fn read(self) -> Result<UnixIds, Problem> {
        let groups = self.gids.get_untracked();
        let mut gids = Vec::new();
        for word in groups.split([',', ' ']).filter(|word| !word.is_empty()) {
            let wrong =
                || Problem::field("gids", format!("“{word}” is not a valid group. Type whole numbers, separated by commas."));
            gids.push(word.parse().map_err(|_| wrong())?);
        }
        let uid = number("uid", &self.uid.get_untracked())?;
        Ok(UnixIds { uid, gid: number("gid", &self.gid.get_untracked())?, gids })
    }

    /// The fields; `form` is the prefix of their ids.
    pub fn fields(self, form: &'static str, refused: Refused) -> AnyView {
        let id = move |field: &str| format!("{form}-{field}");
        view! {
            <div class="form-row form-row-small">
                <Field name=id("uid") label="Container UID" error=refused.field_error("uid")><TextInput name=id("uid") value=self.uid/></Field>
                <Field name=id("gid") label="Container GID" error=refused.field_error("gid")><TextInput name=id("gid") value=self.gid/></Field>
                <Field name=id("gids") label="Supplementary GIDs" error=refused.field_error("gids")><TextInput name=id("gids") value=self.gids/></Field>
            </div>
        }
        .into_any()
    }
}
