//! Choosing a new password with a link.

use super::{message, standalone_page};
use console::paths::FORGOTTEN;
use console::sign_in::Flash;
use console::table::use_parameter;
use leptos::prelude::*;
use types::Problem;

/// The owner of the link, found while the server renders the page. The browser never creates this page on its own.
fn owner(token: String) -> Resource<Result<String, Problem>> {
    Resource::new_blocking(
        || (),
        move |()| {
            #[cfg_attr(not(feature = "ssr"), expect(unused_variables, reason = "the server alone asks"))]
            let token = token.clone();
            async move {
                #[cfg(feature = "ssr")]
                if let Some(control) = use_context::<control::Control>() {
                    return control.password_link(&token).await;
                }
                Err(Problem::Outdated)
            }
        },
    )
}

pub fn page() -> AnyView {
    let token = use_parameter("token").get_untracked().unwrap_or_default();
    let owner = owner(token.clone());
    standalone_page("New password", move |flash| async move { form(owner.await, token, &flash) })
}

fn form(owner: Result<String, Problem>, token: String, flash: &Flash) -> AnyView {
    let email = match owner {
        Ok(email) => email,
        Err(problem) => {
            console::request::set_status(problem.status());
            return view! {
                <section class="sign-in-card">
                    <h1>"This link does not work"</h1>
                    <p>{problem.to_string()}</p>
                    <p><a class="button" href=FORGOTTEN rel="external">"Ask for another link"</a></p>
                </section>
            }
            .into_any();
        }
    };
    view! {
        <form class="sign-in-card" method="post" action="/new-password">
            <img src="/logo.svg" alt="" width="40" height="40"/>
            <h1>"Choose a new password"</h1>
            <p>"For "<strong>{email.clone()}</strong>". You will be signed out everywhere."</p>
            {message(flash)}
            <input type="hidden" name="token" value=token/>
            // For password managers, which keep the password under it.
            <input type="hidden" name="username" autocomplete="username" value=email/>
            <div class="field">
                <label class="field-label" for="password">"New password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="new-password" required autofocus aria-describedby="password-hint"/>
                <p class="field-hint" id="password-hint">"At least 8 characters, with a letter, a digit and a special character."</p>
            </div>
            <div class="field">
                <label class="field-label" for="again">"New password again"</label>
                <input class="input" id="again" name="again" type="password" autocomplete="new-password" required/>
            </div>
            <button class="button button-primary" type="submit">"Change password"</button>
        </form>
    }
    .into_any()
}
