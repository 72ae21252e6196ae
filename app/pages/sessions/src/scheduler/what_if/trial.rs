//! One trial of other rules, decided once the person stops typing. The waits are computed step by step afterwards, so that the
//! page stays responsive.

use super::rules::Rules;
use leptos::prelude::*;
use scheduler::{Decided, Decision, Forecast, Sample, Snapshot, schedule};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use types::id::SessionId;
use types::time::Millis;

/// Maximum rows shown; a change is judged by the first of a long queue.
pub const SHOWN: usize = 200;
/// The pause after typing before the rules are tried.
const AFTER: Duration = Duration::from_millis(300);

/// The queue under the rules.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The first sessions of the queue, as it would be.
    pub rows: Vec<Row>,
    /// The number of sessions tried, and of all waiting sessions.
    pub tried: usize,
    pub total: usize,
    /// The number of sessions that would start at once under the current rules, and under the tried ones.
    pub start_now: usize,
    pub start_then: usize,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub id: SessionId,
    pub name: String,
    /// Its current place.
    pub was: Place,
    /// Its place under the rules.
    pub then: Place,
    pub what: String,
}

/// A session's place in the queue; the earlier is the smaller.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    StartsNow,
    InLine(u32),
    #[default]
    NotInLine,
}

impl Place {
    fn of(decided: &Decided) -> Self {
        match (&decided.decision, decided.position) {
            (Decision::Place(_), _) => Self::StartsNow,
            (_, Some(position)) => Self::InLine(position),
            (_, None) => Self::NotInLine,
        }
    }

    pub fn describe(self) -> String {
        match self {
            Self::StartsNow => "starts".into(),
            Self::InLine(position) => position.to_string(),
            Self::NotInLine => "—".into(),
        }
    }
}

/// The expected starts of the shown sessions, as far as they have been computed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Starts {
    pub found: HashMap<SessionId, Millis>,
    /// Nothing more will be found.
    pub done: bool,
}

#[derive(Clone, Copy)]
pub struct Trial {
    pub rules: Rules,
    /// The queue as it was when the dialog was opened.
    pub sample: RwSignal<Option<Arc<Sample>>>,
    pub outcome: RwSignal<Option<Outcome>>,
    /// Under the current rules, and under the tried ones.
    pub starts_now: RwSignal<Starts>,
    pub starts_then: RwSignal<Starts>,
    /// The scheduler's decisions under the current rules.
    before: StoredValue<Arc<Vec<Decided>>>,
    /// The waits under the current rules do not depend on the tried rules, so the computed part is kept.
    now: StoredValue<Option<Forecast>>,
    /// Grows whenever the running computation is no longer needed.
    generation: StoredValue<u32>,
}

impl Trial {
    pub fn new() -> Self {
        Self {
            rules: Rules::new(),
            sample: RwSignal::new(None),
            outcome: RwSignal::new(None),
            starts_now: RwSignal::new(Starts::default()),
            starts_then: RwSignal::new(Starts::default()),
            before: StoredValue::new(Arc::default()),
            now: StoredValue::new(None),
            generation: StoredValue::new(0),
        }
    }

    /// Ends the running computation and returns the number of the next.
    fn renew(self) -> u32 {
        self.generation
            .try_update_value(|n| {
                *n += 1;
                *n
            })
            .unwrap_or_default()
    }

    /// Clears the trial and ends its computation.
    pub fn empty(self) {
        self.renew();
        self.sample.set(None);
        self.outcome.set(None);
    }

    /// Starts from the current queue.
    pub fn begin(self, sample: Sample) {
        self.rules.fill(&sample.snapshot);
        self.before.set_value(Arc::new(schedule(&sample.snapshot)));
        self.now.set_value(Some(Forecast::new(sample.snapshot.clone())));
        self.starts_now.set(Starts::default());
        self.sample.set(Some(Arc::new(sample)));
    }

    /// Tries the rules at once, and again after each change, for as long as the dialog's contents exist.
    pub fn follow(self) {
        let timer = StoredValue::new(None::<TimeoutHandle>);
        let stop = move || {
            if let Some(timer) = timer.try_get_value().flatten() {
                timer.clear();
            }
        };
        Effect::new(move |before: Option<Vec<String>>| {
            let now = self.rules.typed();
            match before {
                None => self.decide(),
                Some(before) if before != now => {
                    stop();
                    timer.set_value(set_timeout_with_handle(move || self.decide(), AFTER).ok());
                }
                Some(_) => {}
            }
            now
        });
        on_cleanup(move || {
            stop();
            self.renew();
        });
    }

    fn decide(self) {
        let Some(sample) = self.sample.get_untracked() else { return };
        let (mine, before) = (self.renew(), self.before.get_value());
        let changed = self.rules.applied(&sample.snapshot);
        let then = if changed == sample.snapshot { before.clone() } else { Arc::new(schedule(&changed)) };
        let outcome = look(&sample, &before, &then);
        let ids = outcome.rows.iter().map(|row| row.id).collect();
        self.outcome.set(Some(outcome));
        self.starts_then.set(Starts::default());
        leptos::task::spawn_local(self.work_out(mine, changed, ids));
    }

    /// Computes the waits until all shown ones are known or another trial starts.
    async fn work_out(self, mine: u32, changed: Snapshot, ids: Vec<SessionId>) {
        let mut then = Forecast::new(changed);
        let (mut now_done, mut then_done) = (false, false);
        while !(now_done && then_done) {
            breathe().await;
            if self.generation.try_get_value() != Some(mine) {
                return;
            }
            if !now_done {
                let Some(Some(starts)) = self.now.try_update_value(|now| now.as_mut().map(|now| step(now, &ids))) else { return };
                now_done = starts.done;
                show(self.starts_now, starts);
            }
            if !then_done {
                let starts = step(&mut then, &ids);
                then_done = starts.done;
                show(self.starts_then, starts);
            }
        }
    }
}

/// Advances the computation by one step and returns the known starts of these sessions.
fn step(forecast: &mut Forecast, ids: &[SessionId]) -> Starts {
    let more = forecast.step();
    let found: HashMap<_, _> = ids.iter().filter_map(|id| Some((*id, *forecast.starts().get(id)?))).collect();
    let done = !more || found.len() == ids.len();
    Starts { found, done }
}

/// Updates the signal only if something is new.
fn show(shown: RwSignal<Starts>, starts: Starts) {
    if shown.try_with_untracked(|before| *before != starts) == Some(true) {
        shown.try_set(starts);
    }
}

/// Lets the browser do other work.
async fn breathe() {
    #[cfg(not(feature = "ssr"))]
    gloo_timers::future::TimeoutFuture::new(0).await;
}

fn starts(decided: &[Decided]) -> usize {
    decided.iter().filter(|one| matches!(one.decision, Decision::Place(_))).count()
}

fn look(sample: &Sample, before: &[Decided], then: &[Decided]) -> Outcome {
    // Only the shown rows of a long queue are looked up.
    let shown = &then[..then.len().min(SHOWN)];
    let mut names: HashMap<SessionId, (String, Place)> = shown.iter().map(|one| (one.id, Default::default())).collect();
    for waiting in &sample.snapshot.queue {
        if let Some((name, _)) = names.get_mut(&waiting.id) {
            name.clone_from(&waiting.name);
        }
    }
    for one in before {
        if let Some((_, was)) = names.get_mut(&one.id) {
            *was = Place::of(one);
        }
    }
    let row = |one: &Decided| {
        let (name, was) = names.remove(&one.id).unwrap_or_default();
        let what = match &one.decision {
            Decision::Place(agents) => format!("Starts now on {}.", agents.join(", ")),
            Decision::Wait(reason) | Decision::Cancel(reason) => reason.describe(),
        };
        Row { id: one.id, name, was, then: Place::of(one), what }
    };
    Outcome {
        rows: shown.iter().map(row).collect(),
        tried: then.len(),
        total: sample.total as usize,
        start_now: starts(before),
        start_then: starts(then),
    }
}
