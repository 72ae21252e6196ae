//! One trial of other rules: decided once a person has stopped typing, and the waits worked out behind it, a step at a time, so that
//! the page answers meanwhile.

use super::rules::Rules;
use leptos::prelude::*;
use scheduler::{Decided, Decision, Forecast, Sample, Snapshot, schedule};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use types::id::SessionId;
use types::time::Millis;

/// Rows that are shown; the first of a long queue are what a change is judged by.
pub const SHOWN: usize = 200;
/// The pause after which what was typed is tried.
const AFTER: Duration = Duration::from_millis(300);

/// What becomes of the queue under the rules.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The first of the queue, as it would be.
    pub rows: Vec<Row>,
    /// Sessions that were tried, and that wait in all.
    pub tried: usize,
    pub total: usize,
    /// Sessions that would start at once as it is, and under the rules.
    pub start_now: usize,
    pub start_then: usize,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub id: SessionId,
    pub name: String,
    /// Its place as it is.
    pub was: u32,
    /// Its place under the rules.
    pub position: u32,
    pub what: String,
}

/// When the shown sessions would start, as far as that has been worked out.
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
    /// As it is, and under the rules.
    pub starts_now: RwSignal<Starts>,
    pub starts_then: RwSignal<Starts>,
    /// What the scheduler decides as it is.
    before: StoredValue<Arc<Vec<Decided>>>,
    /// The waits as it is do not change with the rules, so what was worked out of them is kept.
    now: StoredValue<Option<Forecast>>,
    /// Grows whenever what is being worked out is not asked for any more.
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

    /// Ends what is being worked out; gives the number of what comes next.
    fn renew(self) -> u32 {
        self.generation
            .try_update_value(|n| {
                *n += 1;
                *n
            })
            .unwrap_or_default()
    }

    /// Nothing is there, and nothing is being worked out.
    pub fn empty(self) {
        self.renew();
        self.sample.set(None);
        self.outcome.set(None);
    }

    /// Starts from the queue as it is.
    pub fn begin(self, sample: Sample) {
        self.rules.fill(&sample.snapshot);
        self.before.set_value(Arc::new(schedule(&sample.snapshot)));
        self.now.set_value(Some(Forecast::new(&sample, sample.snapshot.clone())));
        self.starts_now.set(Starts::default());
        self.sample.set(Some(Arc::new(sample)));
    }

    /// Tries the rules at once, and again whenever they have changed, for as long as the dialog's contents are there.
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
        leptos::task::spawn_local(self.work_out(mine, sample, changed, ids));
    }

    /// Works the waits out until all that are shown are known, or another trial is asked for.
    async fn work_out(self, mine: u32, sample: Arc<Sample>, changed: Snapshot, ids: Vec<SessionId>) {
        let mut then = Forecast::new(&sample, changed);
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

/// One step further, and what is known then of these sessions.
fn step(forecast: &mut Forecast, ids: &[SessionId]) -> Starts {
    let more = forecast.step();
    let found: HashMap<_, _> = ids.iter().filter_map(|id| Some((*id, *forecast.starts().get(id)?))).collect();
    let done = !more || found.len() == ids.len();
    Starts { found, done }
}

/// Only what is new is drawn anew.
fn show(shown: RwSignal<Starts>, starts: Starts) {
    if shown.try_with_untracked(|before| *before != starts) == Some(true) {
        shown.try_set(starts);
    }
}

/// The browser's turn.
async fn breathe() {
    #[cfg(not(feature = "ssr"))]
    gloo_timers::future::TimeoutFuture::new(0).await;
}

fn starts(decided: &[Decided]) -> usize {
    decided.iter().filter(|one| matches!(one.decision, Decision::Place(_))).count()
}

fn look(sample: &Sample, before: &[Decided], then: &[Decided]) -> Outcome {
    // Of a long queue only the rows that are shown are looked up.
    let shown = &then[..then.len().min(SHOWN)];
    let mut names: HashMap<SessionId, (String, u32)> = shown.iter().map(|one| (one.id, Default::default())).collect();
    for waiting in &sample.snapshot.queue {
        if let Some((name, _)) = names.get_mut(&waiting.id) {
            name.clone_from(&waiting.name);
        }
    }
    for one in before {
        if let Some((_, was)) = names.get_mut(&one.id) {
            *was = one.position;
        }
    }
    let row = |one: &Decided| {
        let (name, was) = names.remove(&one.id).unwrap_or_default();
        let what = match &one.decision {
            Decision::Place(agents) => format!("Starts now on {}.", agents.join(", ")),
            Decision::Wait(reason) | Decision::Cancel(reason) => reason.describe(),
        };
        Row { id: one.id, name, was, position: one.position, what }
    };
    Outcome {
        rows: shown.iter().map(row).collect(),
        tried: then.len(),
        total: sample.total as usize,
        start_now: starts(before),
        start_then: starts(then),
    }
}
