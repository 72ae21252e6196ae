//! One keypair, with its secret key for people who may read it.

use super::permission;
use console::act::ask;
use console::api::people::keypairs::keypair_secret;
use console::dialog::Asked;
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::people::keypairs::KeypairRow;
use ui::{Badge, Button, CopyButton, Icon, IconName, Time, Tone, Variant};

/// The drawer's contents for the keypair in the address.
pub fn drawer(
    id: Memo<Option<String>>,
    detail: Loaded<Option<(String, KeypairRow)>>,
    editing: Option<RwSignal<Asked<KeypairRow>>>,
) -> AnyView {
    let state = opened(id, detail);
    view! {
        {move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, keypair))) => contents(keypair, editing),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn contents(keypair: KeypairRow, editing: Option<RwSignal<Asked<KeypairRow>>>) -> AnyView {
    let key = keypair.access_key.clone();
    let main = keypair.main.then(|| view! { <Badge tone=Tone::Info text="Main access key"/> });
    let edit = editing.map(|editing| {
        let row = keypair.clone();
        let press = Callback::new(move |()| editing.set(Asked::edit(row.clone())));
        view! { <div class="session-actions"><Button variant=Variant::Primary on_press=press><Icon name=IconName::Gear/>"Edit"</Button></div> }
    });
    let secret = editing.is_some().then(|| view! { <dt>"Secret key"</dt><dd>{secret(key.clone())}</dd> });
    let permission = permission(&keypair);
    let last = match keypair.last_used {
        Some(at) => view! { <Time at=at.0/> }.into_any(),
        None => "Never".into_any(),
    };
    view! {
        <p class="session-status"><Badge tone=if keypair.active { Tone::Good } else { Tone::Neutral } text=if keypair.active { "Active" } else { "Inactive" }/>{main}</p>
        {edit}
        <h3>"Information"</h3>
        <dl class="key-values">
            <dt>"User ID"</dt><dd><A href=paths::user(keypair.user)>{keypair.owner.clone()}</A></dd>
            <dt>"Access key"</dt><dd><code>{key.clone()}</code>" "<CopyButton text=key.clone() label="Copy the access key"/></dd>
            {secret}
            <dt>"Permission"</dt><dd>{permission}</dd>
            <dt>"Created"</dt><dd><Time at=keypair.created_at.0/></dd>
            <dt>"Last used"</dt><dd>{last}</dd>
        </dl>
        <h3>"Allocation"</h3>
        <dl class="key-values">
            <dt>"Keypair policy"</dt><dd>{keypair.policy.clone()}</dd>
            <dt>"Total requests"</dt><dd>{keypair.queries}</dd>
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
