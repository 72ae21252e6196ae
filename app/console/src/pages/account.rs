//! One's own account: who one is, and the browsers in which one is signed in.

use crate::api::account::{end_sign_in, sign_ins};
use crate::frame::{PageHead, use_me};
use crate::problem_view::problem_view;
use crate::table::load;
use leptos::prelude::*;
use types::user::SignIn;
use ui::{Time, use_toaster};

pub fn page() -> AnyView {
    let key = Memo::new(|_| ());
    let list = load(key, &[], |()| sign_ins());
    let me = use_me();
    let who = move || {
        let me = me.clone();
        view! {
            <PageHead title="My account"/>
            <section class="card">
                <h2>"Who you are"</h2>
                <dl class="key-values">
                    <dt>"Email"</dt><dd>{me.email.clone()}</dd>
                    <dt>"Username"</dt><dd>{me.username.clone()}</dd>
                    <dt>"Full name"</dt><dd>{if me.full_name.is_empty() { "—".to_owned() } else { me.full_name.clone() }}</dd>
                    <dt>"Role"</dt><dd>{me.role.label()}</dd>
                </dl>
            </section>
        }
        .into_any()
    };
    list.view(
        {
            let who = who.clone();
            move || who()
        },
        move || {
            view! {
                {who()}
                <section class="card" aria-labelledby="sign-ins-heading">
                    <h2 id="sign-ins-heading">"Where you are signed in"</h2>
                    <p class="hint">"A sign-in lasts 7 days after it was last used, and 30 days at most."</p>
                    {move || match list.shown.get() {
                        Some(Ok(all)) => {
                            let rows: Vec<_> = all.into_iter().map(|one| row(one, list.reload)).collect();
                            view! { <ul class="sign-ins">{rows}</ul> }.into_any()
                        }
                        Some(Err(problem)) => problem_view(&problem),
                        None => ().into_any(),
                    }}
                </section>
            }
            .into_any()
        },
    )
}

fn row(one: SignIn, reload: Callback<()>) -> AnyView {
    let toaster = use_toaster();
    let id = one.id;
    let end = Action::new(move |()| async move {
        match end_sign_in(id).await {
            Ok(()) => reload.run(()),
            Err(problem) => toaster.bad(problem.to_string()),
        }
    });
    let name = browser_name(&one.browser);
    let button = if one.current {
        view! { <span class="badge badge-good">"This browser"</span> }.into_any()
    } else {
        let label = format!("Sign out {name} at {}", one.address);
        view! {
            <button class="button" type="button" aria-label=label disabled=move || end.pending().get() on:click=move |_| drop(end.dispatch(()))>"Sign out"</button>
        }
        .into_any()
    };
    view! {
        <li>
            <div>
                <strong>{name}</strong>
                <span class="hint">{format!("from {}", one.address)}</span>
            </div>
            <div class="hint">"Last used "<Time at=one.last_used.0/>", ends "<Time at=one.expires_at.0/></div>
            {button}
        </li>
    }
    .into_any()
}

/// The browser and system in a user agent string, as far as they can be told.
fn browser_name(agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser =
        find(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")]);
    let system =
        find(&[("Android", "Android"), ("iPhone", "iPhone"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(only), None) | (None, Some(only)) => only.into(),
        (None, None) => "Unknown browser".into(),
    }
}
