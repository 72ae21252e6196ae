//! The dialog that creates a person. What was typed stays until the account is there; then the keypair is shown once.

use super::form::{Form, fields};
use crate::api::people::users::create_user;
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::people::keypairs::NewKeypair;
use types::people::users::CreateUser;
use ui::{Dialog, use_toaster};

/// The dialog; `created` is called when somebody was.
pub fn dialog(open: RwSignal<bool>, created: Callback<()>) -> AnyView {
    let form = Form::new("user", false);
    let refused = Refused::new();
    let keypairs = RwSignal::new(Vec::<NewKeypair>::new());
    let toaster = use_toaster();
    Effect::new(move |_| {
        if open.get() {
            leptos::task::spawn_local(async move {
                if let Err(problem) = form.load().await {
                    refused.set(problem);
                }
            });
        }
    });
    let create = Action::new(move |new: &CreateUser| {
        let new = new.clone();
        async move {
            let email = new.email.clone();
            match create_user(new).await {
                Ok(made) => {
                    refused.clear();
                    form.clear();
                    open.set(false);
                    keypairs.set(vec![made.keypair]);
                    toaster.good(format!("{email} was created, with a keypair of their own."));
                    created.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, move || form.read_new(), move |new| drop(create.dispatch(new)));
    view! {
        <Dialog open=open title="Create user" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                {fields(form, refused)}
                {form_end(refused, open, "Create", create.pending())}
            </form>
        </Dialog>
        {crate::pages::people::keypairs::shown_once(keypairs)}
    }
    .into_any()
}
