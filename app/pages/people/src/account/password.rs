//! Changing the person's own password.

use console::api::people::account::change_password;
use console::chunk;
use console::dialog::{Asked, DialogForm, Saved, dialog};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::people::users::ChangePassword;
use ui::{Button, Field, PasswordInput};

#[derive(Clone, Copy)]
struct Form {
    old: RwSignal<String>,
    new: RwSignal<String>,
    again: RwSignal<String>,
}

impl DialogForm for Form {
    type Thing = ();
    type Command = ChangePassword;

    fn titles(self) -> (&'static str, &'static str) {
        ("Change password", "Change password")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Change", "Change")
    }

    fn fill(self, _: Option<&()>) {
        [self.old, self.new, self.again].into_iter().for_each(|field| field.set(String::new()));
    }

    fn read(self) -> Result<ChangePassword, Problem> {
        let change = ChangePassword { old: self.old.get_untracked(), new: self.new.get_untracked() };
        change.check()?;
        if change.new != self.again.get_untracked() {
            return Err(Problem::field("again", "The two passwords differ. Type the same one twice."));
        }
        Ok(change)
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        view! {
            <Field name="password-old" label="Current password" required=true error=refused.field_error("old")><PasswordInput name="password-old" value=self.old/></Field>
            <Field name="password-new" label="New password" required=true hint="At least 8 characters, with a letter, a digit and a special character." error=refused.field_error("new")>
                <PasswordInput name="password-new" value=self.new/>
            </Field>
            <Field name="password-again" label="New password again" required=true error=refused.field_error("again")><PasswordInput name="password-again" value=self.again/></Field>
        }
        .into_any()
    }

    async fn save(self, change: ChangePassword) -> Result<Saved, Problem> {
        change_password(change).await?;
        Ok("Your password was changed. Your other sign-ins have ended.".into())
    }
}

chunk!(parts:
    /// The dialog.
    fn change(asked: RwSignal<Asked<()>>) {
        let text = || RwSignal::new(String::new());
        dialog(Form { old: text(), new: text(), again: text() }, asked, Callback::new(|()| ()))
    }
);

/// The button and its dialog.
pub fn button() -> AnyView {
    let asked = RwSignal::new(Asked::Nothing);
    view! {
        <p><Button on_press=Callback::new(move |()| asked.set(Asked::New))>"Change password"</Button></p>
        {change::later(Asked::asks(asked), asked)}
    }
    .into_any()
}
