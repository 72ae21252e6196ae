//! New keypairs, shown once: the secret key can be copied and downloaded here, and read later only by people who may.

use console::download::csv;
use leptos::prelude::*;
use types::list::encode;
use types::people::keypairs::NewKeypair;
use ui::{Button, CopyButton, Dialog, Icon, IconName};

/// The dialog, open while there is something to show.
pub fn shown_once(keypairs: RwSignal<Vec<NewKeypair>>) -> AnyView {
    let open = Signal::derive(move || keypairs.with(|all| !all.is_empty()));
    let close = Callback::new(move |()| keypairs.set(Vec::new()));
    view! {
        <Dialog open=open title="Key pair for new users" on_close=close>
            <p class="notice">"The keypair was created. Save the secret key now: it signs requests in its owner's name."</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="New keypairs">
                <table class="table">
                    <caption class="visually-hidden">"New keypairs"</caption>
                    <thead><tr><th scope="col">"User ID"</th><th scope="col">"Access key"</th><th scope="col">"Secret key"</th></tr></thead>
                    <tbody>{move || keypairs.get().into_iter().map(row).collect::<Vec<_>>()}</tbody>
                </table>
            </div>
            <div class="dialog-actions">
                <a class="button" download="keypairs.csv" href=move || keypairs.with(|all| file(all))><Icon name=IconName::Download/>"Download"</a>
                <Button on_press=close>"Close"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

fn row(keypair: NewKeypair) -> AnyView {
    view! {
        <tr>
            <td>{keypair.owner}</td>
            <td><code>{keypair.access_key.clone()}</code>" "<CopyButton text=keypair.access_key label="Copy the access key"/></td>
            <td><code>{keypair.secret_key.clone()}</code>" "<CopyButton text=keypair.secret_key label="Copy the secret key"/></td>
        </tr>
    }
    .into_any()
}

/// The file as a `data:` address.
fn file(keypairs: &[NewKeypair]) -> String {
    let row = |one: &NewKeypair| [one.owner.clone(), one.access_key.clone(), one.secret_key.clone()];
    let text = csv(["email", "access_key", "secret_key"], keypairs.iter().map(row));
    format!("data:text/csv;charset=utf-8,{}", encode(&text))
}
