//! Terminating one or several sessions: always confirmed first, and by force only after a warning.

use super::log;
use console::api::sessions::terminate_sessions;
use console::chunk;
use console::dialog::{Asked, Saved, Shell};
use console::paths;
use leptos::prelude::*;
use types::Problem;
use types::id::SessionId;
use types::sessions::SessionDetail;
use ui::{Button, Icon, IconName, Variant, use_toaster};

/// The buttons of the drawer.
pub fn buttons(id: SessionId, session: Signal<Option<SessionDetail>>, reload: Callback<()>) -> AnyView {
    let asked = RwSignal::new(Asked::Nothing);
    let may = move || session.with(|s| s.as_ref().is_some_and(|s| s.may_control && !s.row.status.is_final()));
    let ask = Callback::new(move |()| {
        let name = session.with_untracked(|s| s.as_ref().map(|s| s.row.name.clone()).unwrap_or_default());
        asked.set(Asked::edit(Ending { ids: vec![id], title: format!("Terminate session {name}?") }));
    });
    let container = log::chosen(session);
    // The log that is being read, if it is one of several.
    let file = move || match container.get() {
        0 => paths::session_log(id),
        number => format!("{}?container={number}", paths::session_log(id)),
    };
    view! {
        <a class="button" href=file rel="external" download><Icon name=IconName::Download/>"Download log"</a>
        <Show when=may>
            <Button variant=Variant::Outlined on_press=ask><Icon name=IconName::Power/>"Terminate"</Button>
        </Show>
        {question::later(Asked::asks(asked), asked, reload)}
    }
    .into_any()
}

/// The sessions to be terminated.
#[derive(Clone)]
pub struct Ending {
    pub ids: Vec<SessionId>,
    /// The question, as the dialog's title.
    pub title: String,
}

/// Requests the dialog for the sessions `ids`, which are one or more.
pub fn asked_for(ids: &[String]) -> Asked<Ending> {
    let title = match ids.len() {
        1 => "Terminate 1 session?".to_owned(),
        many => format!("Terminate {many} sessions?"),
    };
    Asked::edit(Ending { ids: ids.iter().filter_map(|id| id.parse().ok()).collect(), title })
}

chunk!(parts:
    /// The dialog that asks before sessions are terminated. `done` is called after all were asked to end.
    pub fn question(asked: RwSignal<Asked<Ending>>, done: Callback<()>) {
        let (shell, toaster) = (Shell::new(), use_toaster());
        let (ids, title) = (RwSignal::new(Vec::<SessionId>::new()), RwSignal::new(String::new()));
        let force = RwSignal::new(false);
        let fill = move |ending: Option<Ending>| {
            let Some(ending) = ending else { return };
            ids.set(ending.ids);
            title.set(ending.title);
            force.set(false);
        };
        shell.open_when(asked, fill, |_| ());
        let submit = Callback::new(move |()| {
            shell.refused.clear();
            let asking = terminate_sessions(ids.get_untracked(), force.get_untracked());
            let ending = async move {
                let results = asking.await?;
                let failed: Vec<_> = results.iter().filter_map(|r| r.problem.as_ref().map(|p| format!("{}: {p}", r.name))).collect();
                let done_text = match results.len() - failed.len() {
                    0 => None,
                    1 => Some("Terminating the session.".to_owned()),
                    many => Some(format!("Terminating {many} sessions.")),
                };
                if failed.is_empty() {
                    return Ok(done_text.map_or(Saved::Silently, Saved::WithMessage));
                }
                done_text.into_iter().for_each(|text| toaster.good(text));
                Err(Problem::Conflict(failed.join(" ")))
            };
            shell.send(ending, || (), done);
        });
        let label = Signal::derive(move || if force.get() { "Force terminate" } else { "Terminate" }.to_owned());
        let contents = ViewFn::from(move || {
            view! {
                <p>"All processes stop and unsaved work is lost. This cannot be undone."</p>
                <label class="checkbox"><input type="checkbox" prop:checked=force on:change=move |event| force.set(event_target_checked(&event))/>"Force terminate"</label>
                <Show when=move || force.get()>
                    <p class="notice notice-warn">"Its processes are killed at once, without time to save or clean up. Use it only for a session that does not end otherwise."</p>
                </Show>
                {shell.end(label, Variant::Danger)}
            }
        });
        shell.view(title.into(), submit, Callback::new(|()| ()), contents)
    }
);
