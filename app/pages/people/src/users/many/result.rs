//! The people just created, with passwords and keypairs that are shown once and can be downloaded.

use console::download::{csv, save};
use leptos::prelude::*;
use types::people::many_users::CreatedPerson;
use ui::{Button, CloseButton, Dialog, Icon, IconName, Loss, Variant};

/// Maximum people in the dialog; the file has all.
const SHOWN: usize = 50;

/// The question before passwords are closed that nobody has downloaded.
const UNSAVED: Loss = Loss {
    question: "Close without downloading? The passwords are in the notifications for a day, then nowhere.",
    stay: "Stay",
    leave: "Close",
};

/// The dialog, open while there is somebody to show.
pub fn shown_once(people: RwSignal<Vec<CreatedPerson>>) -> AnyView {
    let open = Signal::derive(move || people.with(|all| !all.is_empty()));
    // The number of people that the last file had.
    let saved = RwSignal::new(0);
    let loss = Signal::derive(move || (people.with(Vec::len) > saved.get()).then_some(UNSAVED));
    let close = Callback::new(move |()| {
        people.set(Vec::new());
        saved.set(0);
    });
    let rows = move || people.with(|all| all.iter().take(SHOWN).map(row).collect::<Vec<_>>());
    let more = move || people.with(|all| all.len().saturating_sub(SHOWN));
    let download = Callback::new(move |()| {
        save("users.csv", "text/csv", &people.with_untracked(|all| file(all)));
        saved.set(people.with_untracked(Vec::len));
    });
    view! {
        <Dialog open=open title="New users" wide=true loss=loss on_close=close>
            <p class="notice">"Download this now: generated passwords and secret keys are shown only once."</p>
            <div class="table-scroll table-scroll-low" tabindex="0" role="region" aria-label="New users">
                <table class="table">
                    <caption class="visually-hidden">"New users"</caption>
                    <thead><tr><th scope="col">"User ID"</th><th scope="col">"Password"</th><th scope="col">"Access key"</th><th scope="col">"Secret key"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <Show when=move || { more() > 0 }><p class="hint">{move || format!("And {} more in the file.", more())}</p></Show>
            <div class="dialog-actions">
                <Button variant=Variant::Primary on_press=download><Icon name=IconName::Download/>"Download"</Button>
                <CloseButton>"Close"</CloseButton>
            </div>
        </Dialog>
    }
    .into_any()
}

fn row(one: &CreatedPerson) -> AnyView {
    let password = one.password.clone().unwrap_or_else(|| "As given".into());
    let keypair = one.keypair.clone();
    view! {
        <tr>
            <td>{keypair.owner}</td><td><code>{password}</code></td><td><code>{keypair.access_key}</code></td><td><code>{keypair.secret_key}</code></td>
        </tr>
    }
    .into_any()
}

fn file(people: &[CreatedPerson]) -> String {
    let row = |CreatedPerson { username, password, keypair, .. }: &CreatedPerson| {
        let password = password.clone().unwrap_or_default();
        [keypair.owner.clone(), username.clone(), password, keypair.access_key.clone(), keypair.secret_key.clone()]
    };
    csv(["email", "username", "password", "access_key", "secret_key"], people.iter().map(row))
}
