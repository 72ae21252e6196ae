//! Access for the person's own programs: the official client's settings, with the person's keys filled in.

use console::act::ask;
use console::api::people::keypairs::keypair_secret;
use console::table::Loaded;
use leptos::prelude::*;
use types::people::keypairs::KeypairRow;
use ui::{Button, CodeBlock};

/// Placeholder for the secret key until its owner asks for it.
const HIDDEN: &str = "<your secret key>";

/// The section's contents. A monitor reads no secrets, not even here.
pub fn settings(keypairs: Loaded<Vec<KeypairRow>>, may_read_secret: bool) -> AnyView {
    let secret = RwSignal::new(None::<(String, String)>);
    let endpoint = RwSignal::new(String::new());
    // The address that this page came from; the server may have others.
    Effect::new(move |_| endpoint.set(window().location().origin().unwrap_or_default()));
    let main = Memo::new(move |_| {
        let all = keypairs.shown.get().and_then(Result::ok).unwrap_or_default();
        all.into_iter().find(|keypair| keypair.main).map(|keypair| keypair.access_key)
    });
    let fill = ask(
        move || {
            let key = main.get_untracked().unwrap_or_default();
            async move { keypair_secret(key.clone()).await.map(|found| (key, found)) }
        },
        move |found| drop(secret.try_set(Some(found))),
    );
    let text = move || {
        let key = main.get().unwrap_or_default();
        // The secret of the current main keypair, not of an earlier one.
        let shown = secret.get().filter(|(of, _)| *of == key).map_or(HIDDEN.to_owned(), |(_, secret)| secret);
        let endpoint = endpoint.get();
        format!(
            "export BACKEND_ENDPOINT_TYPE=api\nexport BACKEND_ENDPOINT={endpoint}\nexport BACKEND_ACCESS_KEY={key}\nexport BACKEND_SECRET_KEY={shown}"
        )
    };
    view! {
        <p class="hint">"Backend.AI's command line and Python package work with this cluster unchanged: pip install backend.ai-client, then use these settings."</p>
        {move || view! { <CodeBlock text=text() label="Settings of the client"/> }}
        {may_read_secret.then(|| view! { <p><Button on_press=fill>"Fill in the secret key"</Button></p> })}
        <p class="hint">"Then, for example:"</p>
        <CodeBlock text="backend.ai admin user list" label="An example"/>
    }
    .into_any()
}
