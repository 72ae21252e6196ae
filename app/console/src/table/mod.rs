//! Loading for pages with data: a first load that the server renders, later loads when the address or the cluster changes, and
//! the address itself as a list query.

mod answer;
mod asker;

use crate::frame::{Head, PageHead};
use crate::live::{Line, use_live};
use answer::{Answer, Asked, InPage, Question};
use asker::{Asker, Ended};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use std::pin::Pin;
use std::sync::Arc;
use types::Problem;
use types::address::{parameter, parameters};
use types::list::{ColumnLayout, ListQuery, ListSpec};
use types::system::events::Topic;

/// The last answer to a load; nothing before the first.
type RwAnswer<T> = RwSignal<Option<Result<T, Problem>>>;

/// Data that is kept fresh. Old data stays in view while new data is on its way.
pub struct Loaded<T: Send + Sync + 'static> {
    /// The last answer; nothing before the first.
    pub shown: RwAnswer<T>,
    /// Whether the person is waiting for an answer, because the address changed or they asked again. Automatic updates do not
    /// count.
    pub loading: RwSignal<bool>,
    /// Asks again now.
    pub reload: Callback<()>,
    followed: Followed,
}

/// The part of a load that is the same for all types.
#[derive(Clone, Copy)]
struct Followed {
    /// Whether the present question is answered, not only one that the address asked before.
    current: Signal<bool>,
    alive: RwSignal<bool>,
    first: Resource<Answer, InPage>,
    question: StoredValue<Arc<dyn Question>>,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

/// Loads `key`'s data with `fetch`: on the server for the first paint, then in the browser whenever the key or a topic changes.
pub fn load<K, T, F>(key: Memo<K>, topics: &'static [Topic], fetch: impl Fn(K) -> F + Copy + Send + Sync + 'static) -> Loaded<T>
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let live = use_live();
    load_when(key, Signal::derive(move || live.changes(topics)), Old::Stays, fetch)
}

/// The fate of an answer when the key changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    /// It stays in view until the next one arrives: rows of a list.
    Stays,
    /// It goes at once: another thing is open now.
    Goes,
}

/// Like [`load`], but loads again whenever the key or `changes` changes.
fn load_when<K, T, F>(
    key: Memo<K>,
    changes: Signal<u64>,
    old: Old,
    fetch: impl Fn(K) -> F + Copy + Send + Sync + 'static,
) -> Loaded<T>
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let shown = RwSignal::new(None);
    let loading = RwSignal::new(false);
    let turn = Memo::new(move |turn: Option<&u32>| {
        key.track();
        turn.map_or(0, |turn| turn.wrapping_add(1))
    });
    let (followed, reload) = follow(Arc::new(Asked { key, shown, fetch }), turn, changes, old, loading);
    Loaded { shown, loading, reload, followed }
}

/// Asks the question for the first time, and again whenever its turn or `changes` changes.
fn follow(
    question: Arc<dyn Question>,
    turn: Memo<u32>,
    changes: Signal<u64>,
    old: Old,
    loading: RwSignal<bool>,
) -> (Followed, Callback<()>) {
    let live = use_live();
    let asked = question.clone();
    let first = Resource::<Answer, InPage>::new_with_options(
        || (),
        move |()| {
            let asking = asked.ask();
            async move {
                match asking {
                    Some(asking) => asking.await,
                    None => Answer::Failed(Problem::Outdated),
                }
            }
        },
        true,
    );
    // The turn that what is shown answers.
    let of = RwSignal::new(turn.get_untracked());
    let current = Signal::derive(move || turn.get() == of.get());
    let again = RwSignal::new(0u32);
    // Nothing is loaded until the page is interactive: a change must not reach a page that is only half hydrated.
    let alive = RwSignal::new(false);

    crate::frame::progress::follow(loading);
    let asks = question.clone();
    let asker = Asker::new(live, loading, move || {
        let question = asks.clone();
        async move {
            let (Some(now), Some(asking)) = (turn.try_get_untracked(), question.ask()) else { return Ended::Gone };
            let answer = asking.await;
            // The address has moved on meanwhile, and the asker knows: this answers a question that nobody asks any more.
            if turn.try_get_untracked() != Some(now) {
                return Ended::Answered;
            }
            // The page may be gone.
            let _ = of.try_set(now);
            match answer {
                Answer::Failed(Problem::SignInRequired) => {
                    crate::live::sign_in_again();
                    Ended::Gone
                }
                Answer::Failed(Problem::Offline) => {
                    // Old data stays readable; the banner says that the connection is down.
                    if !matches!(question.shown(), Some(Ok(()))) {
                        question.show(Some(Answer::Failed(Problem::Offline)));
                    }
                    Ended::Offline
                }
                answer => {
                    question.show(Some(answer));
                    Ended::Answered
                }
            }
        }
    });
    let shows = question.clone();
    Effect::new(move |before: Option<(u32, u32, u64)>| {
        let is_alive = alive.get();
        let now = (turn.get(), again.get(), changes.get());
        let Some(before) = before else { return now };
        if !is_alive {
            return before;
        }
        if (before.0, before.1) != (now.0, now.1) {
            if old == Old::Goes && before.0 != now.0 {
                shows.show(None);
            }
            asker.now();
        } else if before.2 != now.2 {
            asker.changed();
        }
        now
    });
    let shows = question.clone();
    Effect::new(move |_| {
        if live.line.get() != Line::Up || live.hidden.get() {
            return;
        }
        // The first request of a page is not the asker's.
        if matches!(shows.shown(), Some(Err(Problem::Offline))) {
            asker.now();
        } else {
            asker.resume();
        }
    });
    let followed = Followed { current, alive, first, question: StoredValue::new(question) };
    (followed, Callback::new(move |()| again.update(|n| *n += 1)))
}

impl Followed {
    fn pending(self) -> Pending {
        let settle = async move {
            let first = self.first.await;
            if let Some(question) = self.question.try_get_value()
                && question.shown().is_none()
            {
                question.show(Some(first));
            }
        };
        Pending { settle: Box::pin(settle), alive: self.alive }
    }
}

impl<T: Clone + Send + Sync + 'static> Loaded<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    /// The load as something that a page waits for.
    pub fn pending(self) -> Pending {
        self.followed.pending()
    }

    /// Shows `view` once the first answer has arrived, and the page's head until then. For pages with one load.
    pub fn view(self, head: Head, view: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
        settled(vec![self.pending()], head, view)
    }

    /// The last good answer.
    pub fn good(self) -> Signal<Option<T>> {
        Signal::derive(move || self.shown.get().and_then(Result::ok))
    }
}

/// A load that has not yet had its first answer.
pub struct Pending {
    settle: Pin<Box<dyn Future<Output = ()> + Send>>,
    alive: RwSignal<bool>,
}

/// Shows `view` once all of a page's loads have their first answer, and the page's head until then.
///
/// Every load of a page is created before this: one created inside `view` would get another number in the browser than on the
/// server, and the page would not hydrate.
pub fn settled(loads: Vec<Pending>, head: Head, view: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    let waiting = move || view! { <PageHead title=head.title group=head.group waiting=true/><ui::Skeleton/> }.into_any();
    settled_with(loads, waiting, view)
}

/// Like [`settled`], with a chosen placeholder in place of the head.
pub fn settled_with(
    loads: Vec<Pending>,
    waiting: impl Fn() -> AnyView + Send + Sync + 'static,
    view: impl FnOnce() -> AnyView + Send + 'static,
) -> AnyView {
    // Not inside a closure: the server would run that once to find what it waits for and once more to render.
    let whole = Suspend::new(async move {
        let mut asleep = Vec::new();
        for load in loads {
            load.settle.await;
            asleep.push(load.alive);
        }
        let view = view();
        // Only once all of it exists: a page must hydrate with the data that the server rendered.
        crate::live::when_alive(move || {
            for alive in asleep {
                alive.try_set(true);
            }
        });
        view
    });
    view! { <Suspense fallback=waiting>{whole}</Suspense> }.into_any()
}

/// The address as this list's query, and a sentence about each part of it that is not in the query.
pub fn use_list_query(spec: &'static ListSpec) -> (Memo<ListQuery>, Memo<Vec<String>>) {
    let search = use_location().search;
    let read = Memo::new(move |_| search.with(|search| ListQuery::parse(spec, &parameters(search))));
    (Memo::new(move |_| read.with(|(query, _)| query.clone())), Memo::new(move |_| read.with(|(_, ignored)| ignored.clone())))
}

/// One parameter of the address, such as the open drawer's id.
pub fn use_parameter(name: &'static str) -> Memo<Option<String>> {
    // Not the router's own map, which decodes values twice.
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| parameter(search, name)).filter(|value| !value.is_empty()))
}

/// Loads the thing in the open drawer; `None` while none is open. The first of `topics` is its own: of that topic, only its own
/// changes are followed, not those of the rest of the list behind.
pub fn load_open<T, F>(
    id: Memo<Option<String>>,
    topics: &'static [Topic],
    what: &'static str,
    fetch: impl Fn(String) -> Option<F> + Copy + Send + Sync + 'static,
) -> Loaded<Option<(String, T)>>
where
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    load_when(id, use_live().changes_of(topics, id), Old::Goes, move |id: Option<String>| async move {
        let Some(id) = id else { return Ok(None) };
        match fetch(id.clone()) {
            Some(found) => Ok(Some((id, found.await?))),
            None => Err(Problem::NotFound(what.into())),
        }
    })
}

/// A drawer's state: that of the thing open now, never of the one open before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    Waiting,
    There,
    Failed(Problem),
}

/// The state of the open thing's load.
pub fn opened<T: Clone + Send + Sync + 'static>(id: Memo<Option<String>>, detail: Loaded<Option<(String, T)>>) -> Memo<Opened> {
    Memo::new(move |_| {
        let id = id.get();
        detail.shown.with(|shown| match shown {
            Some(Ok(Some((of, _)))) if Some(of) == id.as_ref() => Opened::There,
            Some(Err(problem)) if detail.followed.current.get() => Opened::Failed(problem.clone()),
            _ => Opened::Waiting,
        })
    })
}

/// The person's columns for a table: loaded with the page, saved when they change.
pub fn use_columns(table: &'static str) -> (Loaded<ColumnLayout>, Callback<ColumnLayout>) {
    let key = Memo::new(move |_| table);
    let layout = load(key, &[], |table: &'static str| crate::api::people::account::columns(table.to_owned()));
    // One at a time, and then only the newest: two requests could arrive in the other order.
    let (unsaved, saving) = (StoredValue::new(None::<ColumnLayout>), StoredValue::new(false));
    let keep = Callback::new(move |columns: ColumnLayout| {
        layout.shown.set(Some(Ok(columns.clone())));
        unsaved.set_value(Some(columns));
        if saving.get_value() {
            return;
        }
        saving.set_value(true);
        leptos::task::spawn_local(async move {
            while let Some(columns) = unsaved.try_update_value(Option::take).flatten() {
                // Kept in this tab even if the server could not keep it; the next change tries again.
                if let Err(problem) = crate::api::people::account::set_columns(table.to_owned(), columns).await {
                    leptos::logging::warn!("columns were not kept: {problem}");
                }
            }
            saving.try_set_value(false);
        });
    });
    (layout, keep)
}
