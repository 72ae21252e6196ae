//! Signing in: a plain form, so that it works before any script has arrived and without any.

use crate::sign_in::{Flash, local_path};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// What the server left for this form in a cookie.
fn flash() -> Resource<Flash> {
    // Read on the server alone: the cookie is hidden from scripts.
    Resource::new_blocking(
        || (),
        |()| async {
            #[cfg(feature = "ssr")]
            return crate::document::cookie(crate::sign_in::FLASH).as_deref().and_then(Flash::from_cookie).unwrap_or_default();
            #[cfg(not(feature = "ssr"))]
            return Flash::default();
        },
    )
}

pub fn page() -> AnyView {
    let flash = flash();
    let query = use_query_map();
    let next = query.with_untracked(|map| local_path(&map.get("next").unwrap_or_default()).to_owned());
    view! {
        <leptos_meta::Title text="Sign in"/>
        <main class="sign-in">
            <Suspense>
                {Suspend::new(async move { form(flash.await, next) })}
            </Suspense>
        </main>
    }
    .into_any()
}

fn form(flash: Flash, next: String) -> AnyView {
    crate::live::when_alive(|| ());
    let refused = !flash.message.is_empty();
    view! {
        <form class="sign-in-card" method="post" action="/sign-in">
            <img src="/logo.svg" alt="" width="40" height="40"/>
            <h1>"Sign in to Yardmaster"</h1>
            {refused.then(|| view! { <p class="notice notice-bad" role="alert" id="sign-in-problem">{flash.message.clone()}</p> })}
            <input type="hidden" name="next" value=next/>
            <div class="field">
                <label class="field-label" for="login">"Email or username"</label>
                <input class="input" id="login" name="login" type="text" autocomplete="username" required autocapitalize="none" spellcheck="false"
                    autofocus=!refused value=flash.login aria-describedby=refused.then_some("sign-in-problem")/>
            </div>
            <div class="field">
                <label class="field-label" for="password">"Password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="current-password" required autofocus=refused/>
            </div>
            <button class="button button-primary" type="submit">"Sign in"</button>
            <p class="hint">"No account, or a forgotten password? An administrator of this cluster can help."</p>
        </form>
    }
    .into_any()
}
