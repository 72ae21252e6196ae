//! The dialog that creates a person. Typed values stay until the account exists; then the keypair is shown once.

use super::form::{Form, fields};
use super::place::choices;
use crate::keypairs::shown_once;
use console::api::people::users::create_user;
use console::dialog::{self, Asked, DialogForm, Opening, Saved};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::people::keypairs::NewKeypair;
use types::people::users::CreateUser;

#[derive(Clone, Copy)]
struct Create {
    form: Form,
    /// New keypairs, which are shown once.
    fresh: RwSignal<Vec<NewKeypair>>,
}

impl DialogForm for Create {
    type Thing = ();
    type Command = CreateUser;

    fn titles(self) -> (&'static str, &'static str) {
        ("Create user", "Create user")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Create", "Create")
    }

    fn fill(self, _: Option<&()>) {
        self.form.clear();
    }

    fn opened(self, opening: Opening) {
        opening.ask(choices(self.form.place.may_limit), move |choices| {
            self.form.place.offer(choices);
            self.form.place.choose_default();
        });
    }

    fn read(self) -> Result<CreateUser, Problem> {
        self.form.read_new()
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        fields(self.form, refused)
    }

    async fn save(self, new: CreateUser) -> Result<Saved, Problem> {
        let email = new.email.clone();
        let made = create_user(new).await?;
        // Added to any that are still shown, since their secret keys are not shown here again.
        self.fresh.try_update(|all| all.push(made.keypair));
        Ok(format!("{email} was created, with a keypair of their own.").into())
    }
}

/// The dialog; `created` is called after somebody is created.
pub fn dialog(asked: RwSignal<Asked<()>>, created: Callback<()>) -> AnyView {
    let create = Create { form: Form::new("user", false), fresh: RwSignal::new(Vec::new()) };
    view! { {dialog::dialog(create, asked, created)}{shown_once(create.fresh)} }.into_any()
}
