//! One keypair, with its secret key for people who may read it.

use super::permission;
use console::act::ask;
use console::api::people::keypairs::keypair_secret;
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::people::keypairs::KeypairRow;
use ui::{Badge, CopyButton, Icon, IconName, Time, Tone};

/// The drawer's contents for the keypair in the address.
pub fn drawer(id: Memo<Option<String>>, detail: Loaded<Option<(String, KeypairRow)>>, may_read_secret: bool) -> AnyView {
    let state = opened(id, detail);
    view! {
        {move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, keypair))) => contents(keypair, may_read_secret),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn contents(keypair: KeypairRow, may_read_secret: bool) -> AnyView {
    let key = keypair.access_key.clone();
    let main = keypair.main.then(|| view! { <p><Badge tone=Tone::Bad text="Main access key"/></p> });
    let secret = may_read_secret.then(|| view! { <dt>"Secret key"</dt><dd>{secret(key.clone())}</dd> });
    let permission = permission(&keypair);
    let last = match keypair.last_used {
        Some(at) => view! { <Time at=at.0/> }.into_any(),
        None => "Never".into_any(),
    };
    view! {
        {main}
        <h3>"Information"</h3>
        <dl class="key-values">
            <dt>"User ID"</dt><dd><A href=paths::user(keypair.user)>{keypair.owner.clone()}</A></dd>
            <dt>"Access key"</dt><dd><code>{key.clone()}</code>" "<CopyButton text=key.clone() label="Copy the access key"/></dd>
            {secret}
            <dt>"Permission"</dt><dd>{permission}</dd>
            <dt>"Status"</dt><dd>{if keypair.active { "Active" } else { "Inactive" }}</dd>
            <dt>"Created"</dt><dd><Time at=keypair.created_at.0/></dd>
            <dt>"Last used"</dt><dd>{last}</dd>
        </dl>
        <h3>"Allocation"</h3>
        <dl class="key-values">
            <dt>"Resource policy"</dt><dd>{keypair.policy.clone()}</dd>
            <dt>"Requests ever"</dt><dd>{keypair.queries}</dd>
            <dt>"Sessions now"</dt><dd>{keypair.sessions}</dd>
            <dt>"Rate limit"</dt><dd>{format!("{} requests in 15 minutes", keypair.rate_limit)}</dd>
        </dl>
    }
    .into_any()
}

/// A secret key, hidden until it is requested.
pub fn secret(access_key: String) -> AnyView {
    let shown = RwSignal::new(None::<String>);
    let show = ask(move || keypair_secret(access_key.clone()), move |secret| drop(shown.try_set(Some(secret))));
    view! {
        {move || match shown.get() {
            Some(secret) => view! { <code>{secret.clone()}</code>" "<CopyButton text=secret label="Copy the secret key"/> }.into_any(),
            None => view! {
                <button class="button button-quiet" type="button" on:click=move |_| show.run(())><Icon name=IconName::Eye/>"Show the secret key"</button>
            }
            .into_any(),
        }}
    }
    .into_any()
}
