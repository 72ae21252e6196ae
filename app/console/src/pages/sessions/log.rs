//! A session's log, followed while it grows. A reader who scrolls up is left where they are.

use crate::api::sessions::session_log;
use leptos::html::Pre;
use leptos::prelude::*;
use types::Problem;
use types::id::SessionId;
use types::session::{LogChunk, SessionDetail};

/// Characters kept in the page; the file for download is whole.
const MOST: usize = 1 << 20;

/// The log of one session.
pub fn log(id: SessionId, session: Signal<Option<SessionDetail>>) -> AnyView {
    // The server renders the first piece, so that a log can be read without scripts.
    let first = Resource::new_blocking(|| (), move |()| session_log(id, 0, false));
    view! {
        <Suspense fallback=|| view! { <ui::Skeleton/> }>
            {move || Suspend::new(async move { follow(id, session, first.await) })}
        </Suspense>
    }
    .into_any()
}

fn follow(id: SessionId, session: Signal<Option<SessionDetail>>, first: Result<LogChunk, Problem>) -> AnyView {
    let (mut next, ended, start) = match first {
        Ok(chunk) => (chunk.next, chunk.end, with_gap(&chunk)),
        Err(problem) => return crate::problem_view::problem_view(&problem),
    };
    let text = RwSignal::new(start);
    let state = RwSignal::new(if ended { "The log is complete." } else { "Following…" });
    let pre = NodeRef::<Pre>::new();
    Effect::new(move |started: Option<()>| {
        if started.is_some() || ended {
            return;
        }
        leptos::task::spawn_local(async move {
            loop {
                match session_log(id, next, true).await {
                    Ok(chunk) => {
                        next = chunk.next;
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
    let empty = move || text.with(String::is_empty);
    let waiting = move || session.with(|s| s.as_ref().is_some_and(|s| s.row.started_at.is_none()));
    view! {
        <div class="log">
            <p class="hint" role="status">{move || state.get()}</p>
            <Show when=empty>
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
