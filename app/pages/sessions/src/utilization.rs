//! Utilization of running sessions for a page of rows: loaded in one call, again every few seconds.

use console::api::sessions::session_utilization;
use leptos::prelude::*;
use std::collections::HashMap;
use types::id::SessionId;
use types::list::Page;
use types::sessions::{SessionRow, Status, Utilization};

/// Milliseconds between two loads.
const REFRESH: u64 = 5_000;

/// The last answer.
#[derive(Clone, Copy)]
pub struct Uses(RwSignal<HashMap<SessionId, Utilization>>);

impl Uses {
    /// Follows the running sessions of these rows while their column is `shown` and the page is visible.
    pub fn new(rows: Signal<Option<Page<SessionRow>>>, shown: Memo<bool>) -> Self {
        let uses = RwSignal::new(HashMap::<SessionId, Utilization>::new());
        let running = Memo::new(move |_| {
            let ids = |page: &Page<SessionRow>| {
                let running = page.rows.iter().filter(|row| row.status == Status::Running);
                running.map(|row| row.id).collect::<Vec<_>>()
            };
            rows.with(|page| page.as_ref().map(ids).unwrap_or_default())
        });
        let look = move || {
            let ids = running.try_get_untracked().unwrap_or_default();
            if ids.is_empty() || !shown.try_get_untracked().unwrap_or(false) || document().hidden() {
                return;
            }
            leptos::task::spawn_local(async move {
                // The next load makes up for a failed one.
                if let Ok(all) = session_utilization(ids).await {
                    uses.try_set(all.into_iter().map(|one| (one.id, one)).collect());
                }
            });
        };
        // At once only if nothing is known of the shown sessions: where sessions come and go all the time, the next load is soon
        // enough.
        Effect::new(move |_| {
            let known = running.with(|ids| uses.with_untracked(|uses| ids.iter().any(|id| uses.contains_key(id))));
            if shown.get() && !known {
                look();
            }
        });
        Effect::new(move |_| {
            if let Ok(timer) = set_interval_with_handle(look, std::time::Duration::from_millis(REFRESH)) {
                on_cleanup(move || timer.clear());
            }
        });
        Self(uses)
    }
}

/// Two small meters for a running session. They are there before their values, so that no row moves when these arrive.
pub fn meters(session: &SessionRow, uses: Uses) -> AnyView {
    if session.status != Status::Running {
        return "—".into_any();
    }
    let (id, name) = (session.id, session.name.clone());
    let meter = move |what: &'static str, read: fn(&Utilization) -> u32| {
        let used = move || uses.0.with(|uses| uses.get(&id).map(read));
        let share = move || format!("{:.3}", (f64::from(used().unwrap_or(0)) / 1000.0).min(1.0));
        let text = move || used().map_or_else(|| "…".to_owned(), |thousandths| format!("{:.0} %", f64::from(thousandths) / 10.0));
        view! {
            <span class="amount">
                <span class="use-name">{what}</span>
                <meter min="0" max="1" value=share aria-label=format!("{what} use of {name}")></meter>
                <span class="use">{text}</span>
            </span>
        }
    };
    view! { <span class="uses">{meter("CPU", |one| one.cpu)}{meter("Memory", |one| one.mem)}</span> }.into_any()
}
