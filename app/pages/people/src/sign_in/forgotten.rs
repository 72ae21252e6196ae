//! Asking for a link to choose a new password (`docs/spec/people.md`, "Forgotten password").

use super::{message, standalone_page};
use console::paths::SIGN_IN;
use console::sign_in::{Flash, Says};
use leptos::prelude::*;

pub fn page() -> AnyView {
    standalone_page("Forgotten password", |flash| async move { form(flash) })
}

fn form(flash: Flash) -> AnyView {
    let text = message(&flash);
    if flash.says == Says::Done && text.is_some() {
        return view! {
            <section class="sign-in-card">
                <h1>"Forgotten password"</h1>
                {text}
                <p><a href=SIGN_IN rel="external">"Back to sign in"</a></p>
            </section>
        }
        .into_any();
    }
    view! {
        <form class="sign-in-card" method="post" action="/forgotten-password">
            <img src="/logo.svg" alt="" width="40" height="40"/>
            <h1>"Forgotten password"</h1>
            <p>"Type your email or username to get a link for choosing a new password."</p>
            {text}
            <div class="field">
                <label class="field-label" for="login">"Email or username"</label>
                <input class="input" id="login" name="login" type="text" autocomplete="username" required autocapitalize="none" spellcheck="false" autofocus value=flash.login/>
            </div>
            <button class="button button-primary" type="submit">"Ask for a link"</button>
            <p><a href=SIGN_IN rel="external">"Back to sign in"</a></p>
        </form>
    }
    .into_any()
}
