//! A session's log: its end first, followed while it grows, and older lines on scrolling up. If the session has several
//! containers, the address names the one whose log is shown. A reader who scrolls up is left where they are.

use super::log_text::{Printer, Run};
use super::log_window::{Before, MOST_READ, Older, Window};
use console::api::sessions::{session_log, session_log_before};
use console::chunk;
use console::paths;
use console::table::use_parameter;
use gloo_timers::future::TimeoutFuture;
use leptos::html::Pre;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use types::Problem;
use types::id::SessionId;
use types::quantity::bytes;
use types::sessions::Cluster;
use types::sessions::{LogChunk, SessionDetail};
use ui::{Button, Variant};

/// Bytes behind the log's end after which the page goes there at once.
const FAR_BEHIND: u64 = 1 << 20;
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

chunk!(parts:
    /// The log of one session. Loaded in the browser; without scripts there is the file for download.
    pub fn panel(id: SessionId, session: Signal<Option<SessionDetail>>, link: Callback<Option<String>, String>) {
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
);

/// Lines of the log that stand in a failed session's overview.
const LAST_LINES: usize = 8;

chunk!(parts:
    /// The last lines of the main container's log, for a session that has failed. Loaded in the browser.
    pub fn last_lines(id: SessionId) {
        let text = RwSignal::new(None::<String>);
        Effect::new(move |_| {
            leptos::task::spawn_local(async move {
                // Without them, the log itself is one tab away.
                let Ok(chunk) = session_log_before(id, 0, None).await else { return };
                let mut printer = Printer::default();
                printer.print(&chunk.text, 0);
                let whole: String = printer.take_all().into_iter().flat_map(|(_, runs)| runs).map(|run: Run| run.text).collect();
                let lines: Vec<&str> = whole.lines().filter(|line| !line.trim().is_empty()).collect();
                let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
                text.try_set((!last.is_empty()).then_some(last));
            });
        });
        view! { {move || text.get().map(|text| view! { <h3>"Last lines of its log"</h3><ui::CodeBlock text=text label="Last lines of its log"/> })} }.into_any()
    }
);

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
    let paper = Paper::new(id, container);
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            let mut next = None;
            while let Some(wait) = paper.step(&mut next).await {
                TimeoutFuture::new(wait).await;
            }
        });
    });
    let Paper { pre, empty, state, before, .. } = paper;
    let loaded = move || state.get() != "Loading…";
    let waiting = move || session.with(|s| s.as_ref().is_some_and(|s| s.row.started_at.is_none()));
    let older = Callback::new(move |()| paper.load_older());
    view! {
        <p class="hint" role="status">{move || state.get()}</p>
        <Show when=move || empty.get() && loaded()>
            <p class="hint">{move || if waiting() { "Nothing yet: the session has not started." } else { "The session has not written anything." }}</p>
        </Show>
        {move || gone(before.get().gone)}
        {move || match before.get().older {
            Older::None => ().into_any(),
            Older::Some => view! { <div><Button variant=Variant::Quiet on_press=older>"Older lines"</Button></div> }.into_any(),
            Older::TooMany => view! { <p class="hint">"Older lines are in the downloaded file."</p> }.into_any(),
        }}
        <pre class="log-text" node_ref=pre tabindex="0" role="log" aria-label="Log" hidden=move || empty.get() on:scroll=move |_| paper.scrolled()></pre>
    }
    .into_any()
}

fn gone(missing: u64) -> Option<AnyView> {
    let amount = bytes(i64::try_from(missing).unwrap_or(i64::MAX));
    (missing > 0).then(|| {
        view! { <p class="log-gap">{format!("The first {amount} are missing: a log keeps only its newest part.")}</p> }.into_any()
    })
}

/// The log's element and what is known of its reader.
#[derive(Clone, Copy)]
struct Paper {
    id: SessionId,
    container: u32,
    pre: NodeRef<Pre>,
    /// Only in a browser: on the server another thread may drop what this page made.
    window: Option<StoredValue<Option<Window>, LocalStorage>>,
    state: RwSignal<&'static str>,
    before: RwSignal<Before>,
    empty: RwSignal<bool>,
    /// Whether the reader is at the end. Recorded before a piece is added, since the end then moves.
    at_end: StoredValue<bool>,
    loading_older: StoredValue<bool>,
}

impl Paper {
    fn new(id: SessionId, container: u32) -> Self {
        Self {
            id,
            container,
            pre: NodeRef::new(),
            window: (!cfg!(feature = "ssr")).then(|| StoredValue::new_local(None)),
            state: RwSignal::new("Loading…"),
            before: RwSignal::new(Before::default()),
            empty: RwSignal::new(true),
            at_end: StoredValue::new(true),
            loading_older: StoredValue::new(false),
        }
    }

    /// Asks for one piece: the log's end at first, then what follows `next`. Returns the milliseconds until the next step, or
    /// `None` if there is none.
    async fn step(self, next: &mut Option<u64>) -> Option<u32> {
        let behind_reader = !self.at_end.try_get_value()?
            && self.window?.try_with_value(|window| window.as_ref().map_or(0, Window::bytes))? > MOST_READ;
        if behind_reader {
            self.state.try_set("Paused: scroll to the end to follow.");
            return Some(PAUSE);
        }
        let asked = match *next {
            None => session_log_before(self.id, self.container, None).await,
            Some(next) => session_log(self.id, self.container, next, true).await,
        };
        match asked {
            Ok(chunk) => {
                if next.is_none() {
                    self.window?.try_set_value(Window::new((*self.pre.try_get_untracked()??).clone().into()));
                } else if self.at_end.try_get_value()? && chunk.size.saturating_sub(chunk.next) > FAR_BEHIND {
                    // Older lines come back on scrolling up.
                    *next = None;
                    return Some(PAUSE);
                }
                *next = Some(chunk.next);
                self.add(&chunk).await?;
                self.state.try_set(if chunk.end { "The log is complete." } else { "Following…" });
                (!chunk.end).then_some(PAUSE)
            }
            Err(_) if self.state.is_disposed() => None,
            Err(Problem::SignInRequired) => {
                console::live::sign_in_again();
                None
            }
            Err(Problem::NotFound(_)) => {
                self.state.try_set("This session is no longer there, or you may no longer see it.");
                None
            }
            Err(_) => {
                self.state.try_set("The log cannot be reached right now; trying again…");
                Some(2_000)
            }
        }
    }

    fn scrolled(self) {
        let Some(pre) = self.pre.get_untracked() else { return };
        self.at_end.set_value(pre.scroll_height() - pre.scroll_top() - pre.client_height() < 40);
        if pre.scroll_top() < 200 {
            self.load_older();
        }
    }

    /// Adds a piece at the end. Returns `None` if the page is gone.
    async fn add(self, chunk: &LogChunk) -> Option<()> {
        let at_end = self.at_end.try_get_value()?;
        self.change(|window| {
            window.append(chunk)?;
            if at_end {
                window.trim();
            }
            Some(())
        })?;
        if chunk.text.is_empty() {
            return Some(());
        }
        self.empty.try_set(false);
        // It is hidden while it is empty, and hidden elements do not scroll.
        leptos::task::tick().await;
        let pre = self.pre.try_get_untracked()??;
        if self.at_end.try_get_value()? {
            pre.set_scroll_top(pre.scroll_height());
        }
        Some(())
    }

    /// Loads the lines before the first one, once at a time; the reader stays where they are.
    fn load_older(self) {
        if self.before.get_untracked().older != Older::Some || self.loading_older.get_value() {
            return;
        }
        self.loading_older.set_value(true);
        leptos::task::spawn_local(async move {
            let first = || self.window?.try_with_value(|window| window.as_ref().map(Window::from)).flatten();
            let before = first();
            let chunk = session_log_before(self.id, self.container, before).await;
            // The oldest piece may have been dropped meanwhile.
            let same = first() == before;
            if let (Ok(chunk), true, Some(Some(pre))) = (chunk, same, self.pre.try_get_untracked()) {
                let below = pre.scroll_height() - pre.scroll_top();
                self.change(|window| window.prepend(&chunk));
                pre.set_scroll_top(pre.scroll_height() - below);
            }
            self.loading_older.try_set_value(false);
        });
    }

    fn change(self, change: impl FnOnce(&mut Window) -> Option<()>) -> Option<()> {
        let before = self.window?.try_update_value(|window| {
            let window = window.as_mut()?;
            change(window)?;
            Some(window.before())
        })??;
        if self.before.try_get_untracked()? != before {
            self.before.try_set(before);
        }
        Some(())
    }
}
