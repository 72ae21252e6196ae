//! Pages for people who are not signed in: plain forms, which work before scripts have loaded and without them.

pub mod forgotten;
pub mod new_password;

use console::paths::FORGOTTEN;
use console::sign_in::{Flash, Says, local_path};
use console::table::use_parameter;
use leptos::prelude::*;

/// The message that the server left for this form in a cookie.
fn flash() -> Resource<Flash> {
    // Read on the server alone: the cookie is hidden from scripts.
    Resource::new_blocking(
        || (),
        |()| async {
            #[cfg(feature = "ssr")]
            return console::request::cookie(console::sign_in::FLASH).as_deref().and_then(Flash::from_cookie).unwrap_or_default();
            #[cfg(not(feature = "ssr"))]
            return Flash::default();
        },
    )
}

/// The page around a form, which is built from the server's message.
fn standalone_page<F>(title: &'static str, form: impl FnOnce(Flash) -> F + Send + 'static) -> AnyView
where
    F: Future<Output = AnyView> + Send,
{
    let flash = flash();
    let whole = Suspend::new(async move {
        let form = form(flash.await).await;
        console::live::when_alive(|| ());
        form
    });
    view! {
        <leptos_meta::Title text=title/>
        <main class="sign-in"><Suspense>{whole}</Suspense></main>
    }
    .into_any()
}

/// The message of the last form.
fn message(flash: &Flash) -> Option<AnyView> {
    let text = flash.message.clone();
    (!text.is_empty()).then(|| match flash.says {
        Says::Done => view! { <p class="notice" role="status" id="message">{text}</p> }.into_any(),
        Says::Refused | Says::Code => view! { <p class="notice notice-bad" role="alert" id="message">{text}</p> }.into_any(),
    })
}

pub fn page() -> AnyView {
    let next = use_parameter("next").with_untracked(|next| local_path(next.as_deref().unwrap_or_default()).to_owned());
    // Somebody else wants to sign in, so the request for a code, which stays valid for a minute, is not shown again.
    let again = use_parameter("again").with_untracked(Option::is_some);
    let form = move |flash: Flash| match flash.says {
        Says::Code if again => password(Flash::default(), next),
        Says::Code => code(flash, next),
        Says::Done | Says::Refused => password(flash, next),
    };
    standalone_page("Sign in", |flash| async move { form(flash) })
}

fn password(flash: Flash, next: String) -> AnyView {
    let refused = flash.says == Says::Refused && !flash.message.is_empty();
    view! {
        <form class="sign-in-card" method="post" action="/sign-in">
            <img src="/logo.svg" alt="" width="40" height="40"/>
            <h1>"Sign in to Yardmaster"</h1>
            {message(&flash)}
            <input type="hidden" name="next" value=next/>
            <div class="field">
                <label class="field-label" for="login">"Email or username"</label>
                <input class="input" id="login" name="login" type="text" autocomplete="username" required autocapitalize="none" spellcheck="false"
                    autofocus=!refused value=flash.login aria-describedby=refused.then_some("message")/>
            </div>
            <div class="field">
                <label class="field-label" for="password">"Password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="current-password" required autofocus=refused/>
            </div>
            <button class="button button-primary" type="submit">"Sign in"</button>
            <p><a href=FORGOTTEN rel="external">"Forgot your password?"</a></p>
            <p class="hint">"No account? An administrator of this cluster can help."</p>
        </form>
    }
    .into_any()
}

fn code(flash: Flash, next: String) -> AnyView {
    let refused = !flash.message.is_empty();
    view! {
        <form class="sign-in-card" method="post" action="/sign-in">
            <img src="/logo.svg" alt="" width="40" height="40"/>
            <h1>"One-time code"</h1>
            <p>"The password for "<strong>{flash.login.clone()}</strong>" is correct. Type the six digits that your authenticator shows, or one of your recovery codes."</p>
            {message(&flash)}
            <input type="hidden" name="next" value=next.clone()/>
            <input type="hidden" name="login" value=flash.login/>
            <div class="field">
                <label class="field-label" for="code">"Code"</label>
                <input class="input" id="code" name="code" type="text" inputmode="text" autocomplete="one-time-code" required autofocus maxlength="40"
                    autocapitalize="characters" spellcheck="false" aria-describedby=refused.then_some("message") aria-invalid=refused.then_some("true")/>
            </div>
            <button class="button button-primary" type="submit">"Sign in"</button>
            <p><a href="/sign-in?again=yes" rel="external">"Sign in as somebody else"</a></p>
        </form>
    }
    .into_any()
}
