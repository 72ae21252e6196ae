//! The person's own account: details, password, keypairs, and the browsers they are signed in with.

mod client;
mod keypairs;
mod password;
mod two_factor;

use console::api::people::account::{end_sign_in, sign_ins};
use console::api::people::keypairs::my_keypairs;
use console::api::people::two_factor::two_factor;
use console::frame::{Head, PageHead, use_me};
use console::problem_view::problem_view;
use console::table::{load, settled};
use leptos::prelude::*;
use types::people::permissions::Permission;
use types::people::users::SignIn;
use types::system::events::Topic;
use ui::{Time, use_toaster};

const HEAD: Head = Head { title: "My account", group: "" };

pub fn page() -> AnyView {
    let key = Memo::new(|_| ());
    let sign_ins = load(key, &[], |()| sign_ins());
    let keypairs = load(key, &[Topic::Keypair], |()| my_keypairs());
    let two_factor = load(key, &[], |()| two_factor());
    let me = use_me();
    let may_add = me.may(Permission::ChangeKeypairs);
    let view = move || {
        view! {
            <PageHead title=HEAD.title/>
            <section class="card">
                <h2>"Profile"</h2>
                <dl class="key-values">
                    <dt>"Email"</dt><dd>{me.email.clone()}</dd>
                    <dt>"Username"</dt><dd>{me.username.clone()}</dd>
                    <dt>"Full name"</dt><dd>{if me.full_name.is_empty() { "—".to_owned() } else { me.full_name.clone() }}</dd>
                    <dt>"Role"</dt><dd>{me.role.label()}</dd>
                </dl>
                {password::button()}
            </section>
            <section class="card" aria-labelledby="two-factor-heading">
                <h2 id="two-factor-heading">"Two-factor authentication"</h2>
                {two_factor::section(two_factor)}
            </section>
            <section class="card" aria-labelledby="keypairs-heading">
                <h2 id="keypairs-heading">"Your keypairs"</h2>
                <p class="hint">"Programs sign their requests with a keypair. The console itself uses the main one."</p>
                {keypairs::list(keypairs, may_add)}
            </section>
            <section class="card" aria-labelledby="client-heading">
                <h2 id="client-heading">"From your own programs"</h2>
                {client::settings(keypairs, may_add)}
            </section>
            <section class="card" aria-labelledby="sign-ins-heading">
                <h2 id="sign-ins-heading">"Active sign-ins"</h2>
                <p class="hint">"A sign-in expires 7 days after its last use, and after 30 days at the latest."</p>
                {move || match sign_ins.shown.get() {
                    Some(Ok(all)) => {
                        let rows: Vec<_> = all.into_iter().map(|one| row(one, sign_ins.reload)).collect();
                        view! { <ul class="sign-ins">{rows}</ul> }.into_any()
                    }
                    Some(Err(problem)) => problem_view(&problem),
                    None => ().into_any(),
                }}
            </section>
        }
        .into_any()
    };
    settled(vec![sign_ins.pending(), keypairs.pending(), two_factor.pending()], HEAD, view)
}

fn row(one: SignIn, reload: Callback<()>) -> AnyView {
    let toaster = use_toaster();
    let id = one.id;
    let end = Action::new(move |()| async move {
        match end_sign_in(id).await {
            Ok(()) => drop(reload.try_run(())),
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

/// Returns the browser and system in a user agent string, as far as they are recognised.
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
