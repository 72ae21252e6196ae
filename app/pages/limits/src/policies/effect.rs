//! The effect of a changed keypair policy on its followers, shown before it is saved.

use super::describe_followers;
use leptos::prelude::*;
use types::limits::policies::{OverLimit, PolicyEffect, PolicyKind};

/// The effect, while there is one to look at.
pub fn effect(effect: RwSignal<Option<PolicyEffect>>) -> AnyView {
    view! { <div role="status">{move || effect.get().map(effect_notice)}</div> }.into_any()
}

fn effect_notice(effect: PolicyEffect) -> AnyView {
    let ended = over_limit_list("These sessions would end at once:", effect.ended, effect.ended_more);
    let over = over_limit_list(
        "These running sessions would exceed the new limits. They keep running; new ones wait or are refused until there is room:",
        effect.over,
        effect.more,
    );
    view! {
        <div class="notice notice-warn effect">
            <p>{describe_followers(PolicyKind::Keypair, &effect.followers)}</p>
            {ended}
            {over}
            <p>"Nothing has been saved yet. Save anyway to apply the change."</p>
        </div>
    }
    .into_any()
}

/// The heading and the list of these keypairs; empty when there are none.
fn over_limit_list(what: &'static str, each: Vec<OverLimit>, more: u32) -> AnyView {
    if each.is_empty() {
        return ().into_any();
    }
    let each: Vec<_> = each.into_iter().map(over_limit).collect();
    let more = (more > 0).then(|| view! { <li>{format!("and {more} more keypairs")}</li> });
    view! {
        <p>{what}</p>
        <ul class="effect-over">{each}{more}</ul>
    }
    .into_any()
}

fn over_limit(over: OverLimit) -> AnyView {
    let OverLimit { owner, access_key, sessions, why } = over;
    view! { <li><strong>{sessions.join(", ")}</strong>" of "{owner}" ("<code>{access_key}</code>"): "{why}</li> }.into_any()
}
