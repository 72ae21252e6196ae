//! What a changed keypair policy would mean for those who follow it, looked at before it is saved.

use super::followers_told;
use leptos::prelude::*;
use types::policy::{OverLimit, PolicyEffect, PolicyKind};

/// The effect, while there is one to look at.
pub fn effect(effect: RwSignal<Option<PolicyEffect>>) -> AnyView {
    view! { <div role="status">{move || effect.get().map(told)}</div> }.into_any()
}

fn told(effect: PolicyEffect) -> AnyView {
    let over = (!effect.over.is_empty()).then(|| {
        let more = (effect.more > 0).then(|| view! { <li>{format!("and {} more keypairs", effect.more)}</li> });
        let each: Vec<_> = effect.over.into_iter().map(over_limit).collect();
        view! {
            <p>"These running sessions would be over the new limits. They go on running; nothing is ended, and new ones wait or are refused until there is room."</p>
            <ul class="effect-over">{each}{more}</ul>
        }
    });
    view! {
        <div class="notice notice-warn effect">
            <p>{followers_told(PolicyKind::Keypair, &effect.followers)}</p>
            {over}
            <p>"Nothing is saved yet. Save anyway to change it for them."</p>
        </div>
    }
    .into_any()
}

fn over_limit(over: OverLimit) -> AnyView {
    let OverLimit { owner, access_key, sessions, why } = over;
    view! { <li><strong>{sessions.join(", ")}</strong>" of "{owner}" ("<code>{access_key}</code>"): "{why}</li> }.into_any()
}
