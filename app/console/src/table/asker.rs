//! The timing of a load's requests: at once for the person, delayed for changes in the cluster, and never while the tab is
//! hidden.

use crate::live::{Line, Live};
use leptos::prelude::*;
use std::pin::Pin;
use std::sync::Arc;

/// Milliseconds between an answer and the next request while changes keep coming: at first, and at most.
const FIRST: f64 = 400.0;
const MOST: f64 = 4_000.0;
/// Milliseconds without a change after which the next change is requested at once again.
const QUIET: f64 = 1_500.0;

/// The end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Answered,
    /// The server was not reached.
    Offline,
    /// The load no longer exists.
    Gone,
}

type Answer = Pin<Box<dyn Future<Output = Ended>>>;
type Question = Arc<dyn Fn() -> Answer + Send + Sync>;

/// One load's requests, one at a time.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    question: StoredValue<Question>,
    state: StoredValue<State>,
    /// Whether the person is waiting for an answer.
    loading: RwSignal<bool>,
    live: Live,
}

#[derive(Clone, Copy, Default)]
struct State {
    asking: bool,
    /// The person asked while another request was on its way.
    urgent: bool,
    /// Something has changed since the last request was sent, or that request was not answered.
    stale: bool,
    /// The next request is waiting for its time. A request sent in the meantime starts another turn, which ends that wait.
    waiting: bool,
    turn: u32,
    pace: Pace,
}

impl Asker {
    /// Creates an asker that sends `question`, which stores its own answer.
    pub fn new<F>(live: Live, loading: RwSignal<bool>, question: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Ended> + 'static,
    {
        let question: Question = Arc::new(move || -> Answer { Box::pin(question()) });
        Self { question: StoredValue::new(question), state: StoredValue::new(State::default()), loading, live }
    }

    /// The person is waiting: asks now, or as soon as the previous request is answered.
    pub fn now(self) {
        self.loading.set(true);
        let asking = self.state.try_update_value(|state| {
            state.urgent = state.asking;
            state.asking
        });
        if asking == Some(false) {
            self.put();
        }
    }

    /// Something in the cluster has changed.
    pub fn changed(self) {
        let idle = self.state.try_update_value(|state| {
            state.pace.changed(clock());
            state.stale = true;
            !state.asking && !state.waiting
        });
        if idle == Some(true) {
            self.soon();
        }
    }

    /// The tab is visible again, or the server is back: asks for missed changes.
    pub fn resume(self) {
        let missed = self.state.try_update_value(|state| state.stale && !state.asking);
        if missed == Some(true) {
            self.put();
        }
    }

    /// Asks when the pause is over. If the tab is hidden, [`Asker::resume`] asks later.
    fn soon(self) {
        if self.live.hidden.get_untracked() {
            return;
        }
        let begun = self.state.try_update_value(|state| {
            state.waiting = true;
            state.turn += 1;
            (state.turn, state.pace.wait(clock()))
        });
        let Some((turn, wait)) = begun else { return };
        leptos::task::spawn_local(async move {
            sleep(wait).await;
            let hidden = self.live.hidden.try_get_untracked().unwrap_or(true);
            let mine = self.state.try_update_value(|state| {
                if !state.waiting || state.turn != turn {
                    return false;
                }
                state.waiting = false;
                if !hidden {
                    state.pace.asked();
                }
                !hidden
            });
            if mine == Some(true) {
                self.put();
            }
        });
    }

    fn put(self) {
        let begun = self.state.try_update_value(|state| {
            state.asking = true;
            state.urgent = false;
            state.stale = false;
            state.waiting = false;
            state.turn += 1;
        });
        let Some(question) = begun.and_then(|()| self.question.try_get_value()) else { return };
        leptos::task::spawn_local(async move {
            let ended = question().await;
            if ended == Ended::Gone {
                return;
            }
            let next = self.state.try_update_value(|state| {
                state.asking = false;
                state.stale |= ended == Ended::Offline;
                state.pace.answered(clock());
                (state.urgent, state.stale)
            });
            match (next, ended) {
                (None, _) => {}
                (Some((true, _)), _) => self.put(),
                (Some((false, stale)), Ended::Answered) => {
                    self.loading.try_set(false);
                    if stale {
                        self.soon();
                    }
                }
                // Tried again here only if the connection is up; otherwise once it is. Nobody waits for it meanwhile: the banner says
                // that there is no connection.
                (Some(_), _) => {
                    self.loading.try_set(false);
                    if self.live.line.try_get_untracked() == Some(Line::Up) {
                        self.soon();
                    }
                }
            }
        });
    }
}

/// The pause between requests. It grows while changes keep coming, so that a page of a busy cluster asks no more often than
/// somebody can read it.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    pause: f64,
    changed_at: f64,
    answered_at: f64,
}

impl Pace {
    fn changed(&mut self, now: f64) {
        if now - self.changed_at > QUIET {
            self.pause = 0.0;
        }
        self.changed_at = now;
    }

    fn asked(&mut self) {
        self.pause = (self.pause * 2.0).clamp(FIRST, MOST);
    }

    fn answered(&mut self, now: f64) {
        self.answered_at = now;
    }

    /// Milliseconds until the next request.
    fn wait(&self, now: f64) -> u32 {
        // A clock that was set back must not make anybody wait longer.
        (self.answered_at + self.pause - now).clamp(0.0, self.pause) as u32
    }
}

/// The time in milliseconds. Only used in the browser, like everything here.
fn clock() -> f64 {
    js_sys::Date::now()
}

async fn sleep(milliseconds: u32) {
    #[cfg(not(feature = "ssr"))]
    if milliseconds > 0 {
        gloo_timers::future::TimeoutFuture::new(milliseconds).await;
    }
    #[cfg(feature = "ssr")]
    let _ = milliseconds;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change, its request and an immediate answer; returns how long the request waited.
    fn round(pace: &mut Pace, now: f64) -> u32 {
        pace.changed(now);
        let wait = pace.wait(now);
        pace.asked();
        pace.answered(now + f64::from(wait));
        wait
    }

    #[test]
    fn constant_changes_are_requested_less_and_less_often() {
        let mut pace = Pace::default();
        let mut now = 10_000.0;
        let waits: Vec<u32> = (0..7)
            .map(|_| {
                let wait = round(&mut pace, now);
                // The next change comes right after the answer, and others came in between.
                now += f64::from(wait);
                pace.changed_at = now;
                wait
            })
            .collect();
        assert_eq!(waits, [0, 400, 800, 1600, 3200, 4000, 4000]);
    }

    #[test]
    fn the_first_change_after_a_rest_is_requested_at_once() {
        let mut pace = Pace { pause: MOST, changed_at: 10_000.0, answered_at: 11_900.0 };
        assert_eq!(round(&mut pace, 12_000.0), 0);
        assert_eq!(round(&mut pace, 12_100.0), 300);
    }
}
