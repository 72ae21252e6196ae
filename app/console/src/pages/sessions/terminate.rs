//! Ending one session or several: asked about first, and by force only after the warning.

use super::log;
use crate::api::sessions::terminate_sessions;
use crate::paths;
use leptos::prelude::*;
use types::id::SessionId;
use types::sessions::SessionDetail;
use ui::{Button, Dialog, Icon, IconName, Variant, use_toaster};

/// The buttons of the drawer.
pub fn buttons(id: SessionId, session: Signal<Option<SessionDetail>>, reload: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let may = move || session.with(|s| s.as_ref().is_some_and(|s| s.may_control && !s.row.status.is_final()));
    let name = Signal::derive(move || session.with(|s| s.as_ref().map(|s| s.row.name.clone()).unwrap_or_default()));
    let container = log::chosen(session);
    // The log that is being read, if it is one of several.
    let file = move || match container.get() {
        0 => paths::session_log(id),
        number => format!("{}?container={number}", paths::session_log(id)),
    };
    view! {
        <Show when=may>
            <Button variant=Variant::Danger on_press=Callback::new(move |()| open.set(true))><Icon name=IconName::Power/>"Terminate"</Button>
        </Show>
        <a class="button" href=file rel="external" download><Icon name=IconName::Download/>"Download log"</a>
        {dialog(open, Signal::derive(move || vec![id.to_string()]), Signal::derive(move || format!("Terminate session {}?", name.get())), reload)}
    }
    .into_any()
}

/// The dialog that asks before sessions end. `done` is called when all were asked to.
pub fn dialog(open: RwSignal<bool>, ids: Signal<Vec<String>>, title: Signal<String>, done: Callback<()>) -> AnyView {
    let force = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let toaster = use_toaster();
    let terminate = Action::new(move |(ids, force): &(Vec<String>, bool)| {
        let ids: Vec<SessionId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let force = *force;
        async move {
            match terminate_sessions(ids, force).await {
                Ok(results) => {
                    let failed: Vec<_> =
                        results.iter().filter_map(|r| r.problem.as_ref().map(|p| format!("{}: {p}", r.name))).collect();
                    let asked = results.len() - failed.len();
                    if asked > 0 {
                        toaster.good(if asked == 1 {
                            "The session was asked to end.".to_owned()
                        } else {
                            format!("{asked} sessions were asked to end.")
                        });
                    }
                    problem.set((!failed.is_empty()).then(|| failed.join(" ")));
                    if failed.is_empty() {
                        open.set(false);
                        done.run(());
                    }
                }
                Err(refused) => problem.set(Some(refused.to_string())),
            }
        }
    });
    let send = Callback::new(move |()| {
        problem.set(None);
        terminate.dispatch((ids.get_untracked(), force.get_untracked()));
    });
    let close = Callback::new(move |()| {
        open.set(false);
        force.set(false);
        problem.set(None);
    });
    view! {
        <Dialog open=open title=title on_close=close>
            <p>"Every process of it ends, and what it did not save is lost. This cannot be undone."</p>
            <label class="checkbox"><input type="checkbox" prop:checked=force on:change=move |event| force.set(event_target_checked(&event))/>"Force terminate"</label>
            <Show when=move || force.get()>
                <p class="notice notice-warn">"Its processes are killed at once, without time to save or clean up. Use it only for a session that does not end otherwise."</p>
            </Show>
            {move || problem.get().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> })}
            <div class="dialog-actions">
                <Button on_press=close>"Cancel"</Button>
                <Button variant=Variant::Danger busy=terminate.pending() on_press=send>
                    {move || if force.get() { "Force terminate" } else { "Terminate" }}
                </Button>
            </div>
        </Dialog>
    }
    .into_any()
}
