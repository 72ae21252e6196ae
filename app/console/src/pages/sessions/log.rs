//! A session's log, followed while it grows. A reader who scrolls up is left where they are.

use crate::api::sessions::session_log;
use leptos::html::Pre;
use leptos::prelude::*;
use types::Problem;
use types::id::SessionId;
use types::session::{LogChunk, SessionDetail};

/// Characters kept in the page; the file for download is whole.
const MOST: usize = 1 << 20;

/// The log of one session. Loaded in the browser; without scripts there is the file for download.
pub fn log(id: SessionId, session: Signal<Option<SessionDetail>>) -> AnyView {
    let text = RwSignal::new(String::new());
    let state = RwSignal::new("Loading…");
    let pre = NodeRef::<Pre>::new();
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            let mut next = 0;
            // The first piece at once, the later ones when there are any.
            let mut wait = false;
            loop {
                match session_log(id, 0, next, wait).await {
                    Ok(chunk) => {
                        (next, wait) = (chunk.next, true);
                        let piece = with_gap(&chunk);
                        let gone = text.try_update(|text| append(text, &piece)).is_none();
                        if gone {
                            return;
                        }
                        if chunk.end {
                            state.set("The log is complete.");
                            return;
                        }
                        state.set("Following…");
                    }
                    Err(_) if state.is_disposed() => return,
                    Err(problem @ (Problem::NotFound(_) | Problem::SignInRequired)) => return text.set(problem.to_string()),
                    Err(_) => {
                        state.set("The log cannot be reached right now; trying again…");
                        gloo_timers::future::TimeoutFuture::new(2_000).await;
                    }
                }
            }
        });
    });
    // After each piece: to the end, if the reader was there before.
    Effect::new(move |before: Option<bool>| {
        text.track();
        let Some(pre) = pre.get() else { return true };
        if before.unwrap_or(true) {
            pre.set_scroll_top(pre.scroll_height());
        }
        pre.scroll_height() - pre.scroll_top() - pre.client_height() < 40
    });
    let loaded = move || state.get() != "Loading…";
    let empty = move || text.with(String::is_empty);
    let waiting = move || session.with(|s| s.as_ref().is_some_and(|s| s.row.started_at.is_none()));
    view! {
        <div class="log">
            <p class="hint" role="status">{move || state.get()}</p>
            <Show when=move || empty() && loaded()>
                <p class="hint">{move || if waiting() { "Nothing yet: the session has not started." } else { "The session has not written anything." }}</p>
            </Show>
            <pre class="log-text" node_ref=pre tabindex="0" role="log" aria-label="Log" hidden=empty>{move || text.get()}</pre>
        </div>
    }
    .into_any()
}

fn with_gap(chunk: &LogChunk) -> String {
    match chunk.skipped {
        0 => chunk.text.clone(),
        n => format!("[{n} bytes before this are no longer kept]\n{}", chunk.text),
    }
}

fn append(text: &mut String, piece: &str) {
    text.push_str(piece);
    if text.len() > MOST {
        let mut cut = text.len() - MOST;
        while !text.is_char_boundary(cut) {
            cut += 1;
        }
        text.drain(..cut);
    }
}
