//! The person's own keypairs: copying, adding, choosing the main one, deactivating, deleting.

use crate::keypairs::{secret, shown_once, switch};
use console::act::{act, ask};
use console::api::people::keypairs::{create_keypair, edit_keypair};
use console::problem_view::problem_view;
use console::table::Loaded;
use leptos::prelude::*;
use types::people::keypairs::{CreateKeypair, DEFAULT_RATE_LIMIT, EditKeypair, KeypairRow, NewKeypair};
use types::quantity::grouped;
use ui::{Badge, Button, CopyButton, Icon, IconName, Tone};

/// The list with its button; a monitor only looks.
pub fn list(keypairs: Loaded<Vec<KeypairRow>>, may_add: bool) -> AnyView {
    let fresh = RwSignal::new(Vec::<NewKeypair>::new());
    // The server gives a person's own keypair the standard limits.
    let new = || CreateKeypair { owner: String::new(), policy: "default".into(), rate_limit: DEFAULT_RATE_LIMIT };
    let add = ask(
        move || create_keypair(new()),
        move |made| {
            fresh.try_update(|all| all.push(made));
            keypairs.reload.try_run(());
        },
    );
    let rows = move || match keypairs.shown.get() {
        Some(Ok(all)) => {
            let rows: Vec<_> = all.into_iter().map(|one| row(one, may_add, keypairs.reload)).collect();
            view! { <ul class="sign-ins">{rows}</ul> }.into_any()
        }
        Some(Err(problem)) => problem_view(&problem),
        None => ().into_any(),
    };
    view! {
        {rows}
        {may_add.then(|| view! { <p><Button on_press=add><Icon name=IconName::Plus/>"Add keypair"</Button></p> })}
        {shown_once(fresh)}
    }
    .into_any()
}

fn row(keypair: KeypairRow, may_change: bool, changed: Callback<()>) -> AnyView {
    let key = keypair.access_key.clone();
    let chosen = key.clone();
    let choose = move || edit_keypair(chosen.clone(), EditKeypair { main: Some(true), ..EditKeypair::default() }, None);
    let choose = act(choose, "This is your main keypair now.", changed);
    let status = match (keypair.main, keypair.active) {
        (true, _) => view! { <Badge tone=Tone::Info text="Main"/> }.into_any(),
        (false, true) => view! { <Badge tone=Tone::Good text="Active"/> }.into_any(),
        (false, false) => view! { <Badge tone=Tone::Neutral text="Inactive"/> }.into_any(),
    };
    let limits = format!("{}, {} requests in 15 minutes", keypair.policy, grouped(keypair.rate_limit.into()));
    let controls = may_change.then(|| {
        let main = (!keypair.main && keypair.active).then(|| view! { <Button on_press=choose>"Make main"</Button> });
        view! { <div class="row-actions">{main}{switch(&keypair, changed)}</div> }
    });
    let secret = may_change.then(|| secret(key.clone()));
    view! {
        <li>
            <div><p><code>{key.clone()}</code>" "<CopyButton text=key.clone() label=format!("Copy {key}")/></p><p>{status}</p></div>
            <div class="hint">{limits}" "{secret}</div>
            {controls}
        </li>
    }
    .into_any()
}
