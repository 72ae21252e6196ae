//! The tab's single event stream: changes since the page was rendered, and new ones as they happen.
//!
//! The stream carries no contents. A page that shows sessions follows [`Live::changes`] of their topic and loads again when it
//! grows.

use leptos::prelude::*;
use types::system::events::{Event, Topic};
use types::system::tasks::Task;
#[cfg(not(feature = "ssr"))]
use types::system::tasks::TaskState;

/// The beginning of the build ids of a server whose sources are watched: a page then reloads without asking.
pub const WATCHED: &str = "watched-";

/// The tab's connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Connected, or not yet known to be cut off.
    Up,
    /// The stream has ended and is being opened again.
    Down,
}

/// Signals that every page can follow.
#[derive(Clone, Copy)]
pub struct Live {
    versions: [RwSignal<u64>; Topic::ALL.len()],
    watched: StoredValue<Vec<Watched>>,
    /// Whether the tab is in the background.
    pub hidden: RwSignal<bool>,
    pub line: RwSignal<Line>,
    /// Whether the server now runs another build than the one that rendered this page.
    pub outdated: RwSignal<bool>,
    /// Sentences for this person of the last day, oldest first, with the thing they are about.
    pub notices: RwSignal<Vec<Event>>,
    /// Those among them that came while the page was open.
    pub news: RwSignal<Vec<Event>>,
    /// The person's background tasks of the last day, oldest first.
    pub tasks: RwSignal<Vec<Task>>,
    /// The sessions that wait in the cluster; only for people who may see them all.
    pub waiting: RwSignal<Option<u32>>,
    /// Tasks that have ended since the page was opened.
    pub tasks_ended: RwSignal<usize>,
}

/// One thing that is open, and how often it has changed.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "ssr", allow(dead_code, reason = "nothing changes while the server renders"))]
struct Watched {
    topic: Topic,
    id: Memo<Option<String>>,
    changes: RwSignal<u64>,
}

/// Subjects of events that concern everything of their topic, beside events that name no subject.
#[cfg(not(feature = "ssr"))]
const EVERYTHING: [&str; 4] = ["", "queue", "usage", "many"];

#[cfg(not(feature = "ssr"))]
impl Watched {
    fn is_about(&self, event: &Event) -> bool {
        let mine = || self.id.try_get_untracked().flatten().is_some_and(|id| id.eq_ignore_ascii_case(&event.subject));
        self.topic == event.topic && (EVERYTHING.contains(&event.subject.as_str()) || mine())
    }
}

/// Notices that a tab keeps.
#[cfg(not(feature = "ssr"))]
const MOST_NOTICES: usize = 50;

/// Milliseconds between two checks that the stream is still open.
#[cfg(not(feature = "ssr"))]
const LOOK_EVERY: u32 = 1_000;

/// Milliseconds before the first attempt to open a broken stream again.
#[cfg(not(feature = "ssr"))]
const STEP: u32 = 250;

/// Whether the browser believes that it has a network.
#[cfg(not(feature = "ssr"))]
fn online() -> bool {
    window().navigator().on_line()
}

impl Default for Live {
    fn default() -> Self {
        Self {
            versions: std::array::from_fn(|_| RwSignal::new(0)),
            watched: StoredValue::new(Vec::new()),
            hidden: RwSignal::new(false),
            line: RwSignal::new(Line::Up),
            outdated: RwSignal::new(false),
            notices: RwSignal::new(Vec::new()),
            news: RwSignal::new(Vec::new()),
            waiting: RwSignal::new(None),
            tasks: RwSignal::new(Vec::new()),
            tasks_ended: RwSignal::new(0),
        }
    }
}

impl Live {
    /// Grows whenever something of these topics has changed.
    pub fn changes(self, topics: &[Topic]) -> u64 {
        topics.iter().map(|topic| self.versions[*topic as usize].get()).sum()
    }

    /// Grows whenever the thing of the first topic with this id has changed, or anything of the others.
    pub fn changes_of(self, topics: &'static [Topic], id: Memo<Option<String>>) -> Signal<u64> {
        match topics {
            // Keypair events name the owner, not the keypair.
            [] | [Topic::Keypair, ..] => Signal::derive(move || self.changes(topics)),
            [own, others @ ..] => {
                let changes = RwSignal::new(0);
                self.watched.update_value(|all| all.push(Watched { topic: *own, id, changes }));
                Signal::derive(move || changes.get() + self.changes(others))
            }
        }
    }

    #[cfg(not(feature = "ssr"))]
    fn bump(&self, topic: Topic) {
        self.versions[topic as usize].update(|n| *n += 1);
    }

    /// Counts a change of the open things that `concerned` selects.
    #[cfg(not(feature = "ssr"))]
    fn bump_watched(&self, concerned: impl Fn(&Watched) -> bool) {
        // Things whose drawer is gone are forgotten.
        self.watched.update_value(|all| all.retain(|one| !one.changes.is_disposed()));
        for one in self.watched.get_value() {
            if concerned(&one) {
                one.changes.update(|n| *n += 1);
            }
        }
    }

    /// Opens the stream after event `last`, for as long as the page lives.
    #[cfg(not(feature = "ssr"))]
    pub fn follow(self, mut last: i64, build: String) {
        use gloo_timers::future::TimeoutFuture;
        let look = move || self.hidden.set(document().hidden());
        look();
        // Kept for as long as the page lives, like everything here.
        drop(window_event_listener_untyped("visibilitychange", move |_| look()));
        // A browser that goes offline cuts nothing: its open stream says no more, and no less.
        drop(window_event_listener_untyped("offline", move |_| self.line.set(Line::Down)));
        leptos::task::spawn_local(async move {
            let mut wait = STEP;
            loop {
                if self.read_stream(&mut last, &build).await {
                    wait = STEP;
                }
                self.line.set(Line::Down);
                let mut waited = 0;
                let was_offline = !online();
                // A browser that is online again waits no longer.
                while waited < wait && !(was_offline && online()) {
                    TimeoutFuture::new(STEP).await;
                    waited += STEP;
                }
                wait = (wait * 2).min(5_000);
            }
        });
    }

    /// Reads one stream to its end. Returns whether it ever answered.
    #[cfg(not(feature = "ssr"))]
    async fn read_stream(&self, last: &mut i64, build: &str) -> bool {
        use futures::future::{Either, select};
        use futures::{StreamExt, stream::select_all};
        use gloo_net::eventsource::{State, futures::EventSource};
        use gloo_timers::future::TimeoutFuture;
        let Ok(mut source) = EventSource::new(&format!("/events?after={last}")) else { return false };
        let mut streams = Vec::new();
        for name in ["hello", "notices", "waiting", "change", "task", "reload", "ended"] {
            let Ok(stream) = source.subscribe(name) else { return false };
            streams.push(stream);
        }
        let mut messages = select_all(streams);
        let mut answered = false;
        loop {
            // The browser reports a broken stream only when it gives up on it, so its state is checked as well.
            let next = match select(messages.next(), TimeoutFuture::new(LOOK_EVERY)).await {
                Either::Left((next, _)) => next,
                Either::Right(_) if source.state() == State::Open && online() => {
                    // A browser that was offline for a moment kept it.
                    if answered && self.line.get_untracked() != Line::Up {
                        self.line.set(Line::Up);
                    }
                    continue;
                }
                Either::Right(_) => None,
            };
            // An error ends this stream; the next one goes on after the last event that was read here.
            let Some(Ok((name, message))) = next else { return answered };
            answered = true;
            self.line.set(Line::Up);
            let data = message.data().as_string().unwrap_or_default();
            if let Ok(id) = message.last_event_id().parse() {
                *last = id;
            }
            match name.as_str() {
                // Debug builds alone: no server of a release may say so.
                "hello" if cfg!(debug_assertions) && data != build && data.starts_with(WATCHED) => {
                    // Where it fails the page stays as it is.
                    let _ = window().location().reload();
                }
                "hello" if data != build => self.outdated.set(true),
                "notices" => self.take_notices(&data),
                "waiting" => self.waiting.set(data.parse().ok()),
                "change" => self.take(&data),
                "task" => self.take_task(&data),
                // Ended from another browser or by an administrator: the page is no longer this person's.
                "ended" => sign_in_again(),
                "reload" => {
                    Topic::ALL.iter().for_each(|topic| self.bump(*topic));
                    self.bump_watched(|_| true);
                }
                _ => {}
            }
        }
    }

    #[cfg(not(feature = "ssr"))]
    fn take_task(&self, data: &str) {
        let Ok(task) = serde_json::from_str::<Task>(data) else { return };
        let ended = task.state != TaskState::Running;
        let was_running = self.tasks.try_update(|tasks| match tasks.iter_mut().find(|one| one.id == task.id) {
            Some(one) => std::mem::replace(one, task).state == TaskState::Running,
            None => {
                tasks.push(task);
                false
            }
        });
        if ended && was_running == Some(true) {
            self.tasks_ended.update(|n| *n += 1);
        }
    }

    #[cfg(not(feature = "ssr"))]
    fn take(&self, data: &str) {
        let Ok(event) = serde_json::from_str::<Event>(data) else { return };
        self.bump(event.topic);
        self.bump_watched(|one| one.is_about(&event));
        if event.notice.is_none() {
            return;
        }
        // Each by itself: one that came with the list at the stream's beginning is still news if it is newer than the page.
        for list in [self.notices, self.news] {
            let is_new = |notices: &Vec<Event>| notices.last().is_none_or(|last| last.id < event.id);
            if list.with_untracked(is_new) {
                list.update(|notices| {
                    notices.push(event.clone());
                    let extra = notices.len().saturating_sub(MOST_NOTICES);
                    notices.drain(..extra);
                });
            }
        }
    }

    #[cfg(not(feature = "ssr"))]
    fn take_notices(&self, data: &str) {
        if let Ok(notices) = serde_json::from_str::<Vec<Event>>(data) {
            self.notices.set(notices);
        }
    }
}

/// Leaves for the sign-in page, which leads back to this one. A full page load, so that nothing of the person stays in the tab.
/// Does nothing on the server, which sends such a request there itself.
pub fn sign_in_again() {
    if cfg!(feature = "ssr") {
        return;
    }
    let here = window().location();
    let path = format!("{}{}", here.pathname().unwrap_or_default(), here.search().unwrap_or_default());
    // If the browser refuses, the page stays; its next request leads here again.
    let _ = here.set_href(&crate::paths::sign_in(&path));
}

/// Returns the live state of this tab. Outside the frame there is none, and nothing is updated.
pub fn use_live() -> Live {
    use_context::<Live>().unwrap_or_default()
}

/// The mark of an interactive document, as an attribute of its root.
#[cfg(not(feature = "ssr"))]
const ALIVE: &str = "data-hydrated";

/// Whether the document is interactive. Never on the server.
pub fn is_alive() -> bool {
    #[cfg(not(feature = "ssr"))]
    return document().document_element().is_some_and(|root| root.has_attribute(ALIVE));
    #[cfg(feature = "ssr")]
    return false;
}

/// Runs `then` once the part of the page that is being created now is interactive, and marks the document as such: tests and
/// scripts wait for that mark. Never runs on the server.
pub fn when_alive(then: impl FnOnce() + 'static) {
    #[cfg(not(feature = "ssr"))]
    set_timeout(
        move || {
            crate::typed::restore();
            if let Some(root) = document().document_element() {
                // A page without the mark still works.
                let _ = root.set_attribute(ALIVE, "");
            }
            then();
        },
        std::time::Duration::ZERO,
    );
    #[cfg(feature = "ssr")]
    drop(then);
}
