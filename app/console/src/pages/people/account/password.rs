//! Changing one's own password.

use crate::api::people::account::change_password;
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::Problem;
use types::people::users::ChangePassword;
use ui::{Button, Dialog, Field, PasswordInput, use_toaster};

/// The button and its dialog.
pub fn button() -> AnyView {
    let open = RwSignal::new(false);
    let text = || RwSignal::new(String::new());
    let (old, new, again) = (text(), text(), text());
    let refused = Refused::new();
    let toaster = use_toaster();
    let save = Action::new(move |change: &ChangePassword| {
        let change = change.clone();
        async move {
            match change_password(change).await {
                Ok(()) => {
                    [old, new, again].into_iter().for_each(|field| field.set(String::new()));
                    open.set(false);
                    toaster.good("Your password was changed. Your other sign-ins have ended.");
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let read = move || {
        let change = ChangePassword { old: old.get_untracked(), new: new.get_untracked() };
        change.check()?;
        if change.new != again.get_untracked() {
            return Err(Problem::field("again", "The two passwords differ. Type the same one twice."));
        }
        Ok(change)
    };
    let submit = on_submit(refused, read, move |change| drop(save.dispatch(change)));
    view! {
        <p><Button on_press=Callback::new(move |()| open.set(true))>"Change password"</Button></p>
        <Dialog open=open title="Change password" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Field name="password-old" label="Password now" required=true error=refused.of("old")><PasswordInput name="password-old" value=old/></Field>
                <Field name="password-new" label="New password" required=true hint="At least 8 characters, with a letter, a digit and a special character." error=refused.of("new")>
                    <PasswordInput name="password-new" value=new/>
                </Field>
                <Field name="password-again" label="New password again" required=true error=refused.of("again")><PasswordInput name="password-again" value=again/></Field>
                {form_end(refused, open, "Change", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
