//! The bell: what happened to one's own sessions while this page was open. Each also shows as a toast when it comes.

use crate::live::use_live;
use crate::paths;
use leptos::prelude::*;
use types::event::Event;
use ui::{Icon, IconName, use_toaster};

/// The bell with its list.
pub fn bell() -> AnyView {
    let live = use_live();
    let toaster = use_toaster();
    let read = RwSignal::new(0i64);
    let count = move || live.notices.with(|notices| notices.iter().filter(|event| event.id > read.get()).count());
    Effect::new(move |shown: Option<i64>| {
        let last = live.notices.with(|notices| notices.last().map_or(0, |event| event.id));
        let shown = shown.unwrap_or(0);
        live.notices.with_untracked(|notices| {
            for event in notices.iter().filter(|event| event.id > shown) {
                toaster.info(event.notice.clone().unwrap_or_default());
            }
        });
        last
    });
    let entry = |event: Event| {
        let address = event.subject.parse().map(paths::session).unwrap_or_else(|_| paths::SESSIONS.into());
        view! { <li><a href=address>{event.notice.unwrap_or_default()}</a></li> }
    };
    let open = move |_| read.set(live.notices.with_untracked(|notices| notices.last().map_or(0, |event| event.id)));
    view! {
        <button class="button button-quiet button-icon bell" type="button" popovertarget="notices" on:click=open aria-label=move || {
            match count() {
                0 => "Notifications".to_owned(),
                n => format!("Notifications, {n} new"),
            }
        }>
            <Icon name=IconName::Bell/>
            {move || (count() > 0).then(|| view! { <span class="bell-count" aria-hidden="true">{count()}</span> })}
        </button>
        <div id="notices" class="menu-popover notices" popover="auto" aria-label="Notifications" role="region">
            <h2>"Notifications"</h2>
            <ul>
                <For each=move || live.notices.get().into_iter().rev() key=|event| event.id children=entry/>
            </ul>
            <Show when=move || live.notices.with(Vec::is_empty)>
                <p class="hint">"Nothing yet. What happens to your sessions while this page is open appears here."</p>
            </Show>
        </div>
    }
    .into_any()
}
