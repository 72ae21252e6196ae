//! A session's log, followed while it grows. If the session has several containers, the address names the one whose log is shown.
//! A reader who scrolls up is left where they are.

use console::api::sessions::session_log;
use console::paths;
use console::table::use_parameter;
use gloo_timers::future::TimeoutFuture;
use leptos::html::Pre;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use types::Problem;
use types::id::SessionId;
use types::sessions::Cluster;
use types::sessions::{LogChunk, SessionDetail};

/// Maximum bytes kept in the page, plus up to one piece; the file for download is complete.
const MOST: usize = 1 << 20;

/// Milliseconds between two pieces that are added to the page.
const PAUSE: u32 = 300;

/// The container that the address names, or the first.
pub fn chosen(session: Signal<Option<SessionDetail>>) -> Memo<u32> {
    let named = use_parameter("container");
    Memo::new(move |_| {
        let size = size_of(session);
        named
            .with(|named| named.as_ref().and_then(|named| named.parse::<u32>().ok()))
            .filter(|number| *number < size)
            .unwrap_or(0)
    })
}

fn size_of(session: Signal<Option<SessionDetail>>) -> u32 {
    session.with(|session| session.as_ref().map_or(1, |session| session.row.cluster.size))
}

/// The log of one session. Loaded in the browser; without scripts there is the file for download.
pub fn log(id: SessionId, session: Signal<Option<SessionDetail>>, link: Callback<Option<String>, String>) -> AnyView {
    let size = Memo::new(move |_| size_of(session));
    let container = chosen(session);
    view! {
        <div class="log">
            {move || (size.get() > 1).then(|| choose(size.get(), container, link))}
            {move || follow(id, container.get(), session)}
        </div>
    }
    .into_any()
}

fn choose(size: u32, container: Memo<u32>, link: Callback<Option<String>, String>) -> AnyView {
    let go = use_navigate();
    let change = move |event| {
        let address = paths::with_parameter(&link.run(Some("log".into())), "container", &event_target_value(&event));
        go(&address, NavigateOptions { scroll: false, replace: true, ..Default::default() });
    };
    let option = |number: u32| {
        let here = move || container.get() == number;
        view! { <option value=number.to_string() selected=here prop:selected=here>{Cluster::host_name(number)}</option> }
    };
    let options: Vec<_> = (0..size).map(option).collect();
    view! {
        <p class="log-container">
            <label for="log-container">"Container"</label>
            <select class="select" id="log-container" on:change=change>{options}</select>
        </p>
    }
    .into_any()
}

fn follow(id: SessionId, container: u32, session: Signal<Option<SessionDetail>>) -> AnyView {
    let state = RwSignal::new("Loading…");
    let paper = Paper::new();
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            let mut next = 0;
            // The first piece is returned at once, later ones when there are any.
            let mut wait = false;
            loop {
                match session_log(id, container, next, wait).await {
                    Ok(chunk) => {
                        (next, wait) = (chunk.next, true);
                        if paper.add(&with_gap(&chunk)).await.is_none() {
                            return;
                        }
                        state.try_set(if chunk.end { "The log is complete." } else { "Following…" });
                        if chunk.end {
                            return;
                        }
                        TimeoutFuture::new(PAUSE).await;
                    }
                    Err(_) if state.is_disposed() => return,
                    Err(Problem::SignInRequired) => return console::live::sign_in_again(),
                    Err(problem @ Problem::NotFound(_)) => {
                        paper.add(&problem.to_string()).await;
                        return;
                    }
                    Err(_) => {
                        state.set("The log cannot be reached right now; trying again…");
                        TimeoutFuture::new(2_000).await;
                    }
                }
            }
        });
    });
    let Paper { pre, empty, .. } = paper;
    let loaded = move || state.get() != "Loading…";
    let waiting = move || session.with(|s| s.as_ref().is_some_and(|s| s.row.started_at.is_none()));
    view! {
        <p class="hint" role="status">{move || state.get()}</p>
        <Show when=move || empty.get() && loaded()>
            <p class="hint">{move || if waiting() { "Nothing yet: the session has not started." } else { "The session has not written anything." }}</p>
        </Show>
        <pre class="log-text" node_ref=pre tabindex="0" role="log" aria-label="Log" hidden=move || empty.get() on:scroll=move |_| paper.scrolled()></pre>
    }
    .into_any()
}

/// The log's element: pieces are added at its end, and existing text is never written again.
#[derive(Clone, Copy)]
struct Paper {
    pre: NodeRef<Pre>,
    empty: RwSignal<bool>,
    bytes: StoredValue<usize>,
    /// Whether the reader is at the end. Recorded before a piece is added, since the end then moves.
    at_end: StoredValue<bool>,
}

impl Paper {
    fn new() -> Self {
        Self { pre: NodeRef::new(), empty: RwSignal::new(true), bytes: StoredValue::new(0), at_end: StoredValue::new(true) }
    }

    fn scrolled(self) {
        if let Some(pre) = self.pre.get_untracked() {
            self.at_end.set_value(pre.scroll_height() - pre.scroll_top() - pre.client_height() < 40);
        }
    }

    /// Adds a piece, and removes the oldest when there are too many. Returns `None` if the page is gone.
    async fn add(self, text: &str) -> Option<()> {
        let pre = self.pre.try_get_untracked()??;
        if text.is_empty() {
            return Some(());
        }
        pre.append_child(&document().create_text_node(text)).ok()?;
        let mut bytes = self.bytes.try_get_value()? + text.len();
        while let Some(oldest) = pre.first_child() {
            let rest = bytes.saturating_sub(oldest.text_content().map_or(0, |text| text.len()));
            if rest < MOST {
                break;
            }
            pre.remove_child(&oldest).ok()?;
            bytes = rest;
        }
        self.bytes.try_set_value(bytes);
        self.empty.try_set(false);
        // It is hidden while it is empty, and hidden elements do not scroll.
        leptos::task::tick().await;
        if self.at_end.try_get_value()? {
            pre.set_scroll_top(pre.scroll_height());
        }
        Some(())
    }
}

fn with_gap(chunk: &LogChunk) -> String {
    match chunk.skipped {
        0 => chunk.text.clone(),
        n => format!("[{n} bytes before this are no longer kept]\n{}", chunk.text),
    }
}
