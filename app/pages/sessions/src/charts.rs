//! A session's use over time, compared with its request.

use console::api::sessions::session_usage;
use console::chunk;
use leptos::prelude::*;
use types::id::SessionId;
use types::quantity::bytes;
use types::sessions::{SessionDetail, Usage};
use types::time::Millis;
use ui::{Series, TimeChart};

/// Milliseconds between two loads; the supervisor measures once a second.
const REFRESH: u64 = 2_000;
/// Measurements kept in the page: ten minutes of them.
const MOST: usize = 600;

chunk!(parts:
    /// Charts of one session's processor and memory. Loaded in the browser.
    pub fn panel(id: SessionId, session: Signal<Option<SessionDetail>>) {
        let usage = RwSignal::new(Vec::<Usage>::new());
        let asked_once = RwSignal::new(false);
        let asked = Memo::new(move |_| session.with(|s| s.as_ref().map(|s| (s.row.cpu(), s.row.mem()))));
        let ended = move || session.with_untracked(|s| s.as_ref().is_some_and(|s| s.row.status.is_final()));
        Effect::new(move |_| {
            let look = move || {
                if (ended() && asked_once.get_untracked()) || document().hidden() {
                    return;
                }
                leptos::task::spawn_local(async move {
                    let Some(after) = usage.try_with_untracked(|all| all.last().map_or(Millis(0), |last| last.at)) else { return };
                    // The next load makes up for a failed one.
                    if let Ok(more) = session_usage(id, after).await {
                        asked_once.try_set(true);
                        usage.try_update(|all| {
                            all.extend(more.into_iter().filter(|one| one.at > after));
                            let extra = all.len().saturating_sub(MOST);
                            all.drain(..extra);
                        });
                    }
                });
            };
            look();
            if let Ok(timer) = set_interval_with_handle(look, std::time::Duration::from_millis(REFRESH)) {
                on_cleanup(move || timer.clear());
            }
        });
        let cpu = Signal::derive(move || vec![Series::new("CPU in use", usage.with(|all| cores(all)))]);
        let mem = Signal::derive(move || {
            vec![Series::new("Memory in use", usage.with(|all| all.iter().map(|one| (one.at.0, one.mem as f64)).collect()))]
        });
        // The last value of an ended session is not current.
        let running = move || session.with(|s| s.as_ref().is_some_and(|s| !s.row.status.is_final()));
        let now = move || {
            let last = usage.with(|all| all.last().copied()).filter(|_| running());
            last.map(|one| format!("{} now, {} processes", bytes(one.mem.try_into().unwrap_or(i64::MAX)), one.processes))
        };
        let limit_cpu = Signal::derive(move || asked.get().map(|(cpu, _)| cpu.as_thousandths() as f64 / 1000.0));
        let limit_mem = Signal::derive(move || asked.get().map(|(_, mem)| mem as f64));
        view! {
            <div class="charts">
                <Show when=move || asked_once.get() && usage.with(Vec::is_empty)>
                    <p class="hint">"Nothing has been measured yet. Measurements appear a second after the session starts."</p>
                </Show>
                <TimeChart title="CPU cores" series=cpu limit=limit_cpu format=|value| format!("{value:.2}")/>
                <TimeChart title="Memory" bytes=true series=mem limit=limit_mem format=|value| bytes(value as i64)/>
                <p class="hint">{now}</p>
            </div>
        }
        .into_any()
    }
);

/// Cores in use between each two measurements.
fn cores(usage: &[Usage]) -> Vec<(i64, f64)> {
    usage
        .windows(2)
        .filter_map(|pair| {
            let (wall, cpu) = (pair[1].at.since(pair[0].at), pair[1].cpu_ms.saturating_sub(pair[0].cpu_ms));
            (wall > 0).then(|| (pair[1].at.0, cpu as f64 / wall as f64))
        })
        .collect()
}
