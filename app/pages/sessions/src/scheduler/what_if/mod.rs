//! A trial of other rules: the current queue, run through the scheduler itself in the browser. Nothing is saved.

mod rules;
mod trial;

use console::api::sessions::queue_snapshot;
use console::choices::choices;
use console::chunk;
use console::slots::label;
use leptos::prelude::*;
use rules::Rules;
use trial::{Outcome, Row, Starts, Trial};
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::SessionId;
use types::time::Millis;
use ui::{Badge, Button, Dialog, Field, NumberInput, Select, TextInput, Tone};

/// The button, and the dialog behind it.
pub fn panel(group: Memo<String>) -> AnyView {
    let open = RwSignal::new(false);
    view! {
        <Button on_press=Callback::new(move |()| open.set(true))>"What if…"</Button>
        {dialog::later(open.into(), open, group)}
    }
    .into_any()
}

chunk!(what_if:
    /// The dialog.
    fn dialog(open: RwSignal<bool>, group: Memo<String>) {
        let problem = RwSignal::new(None::<String>);
        let trial = Trial::new();
        // The opening that an answer belongs to.
        let opening = StoredValue::new(0u32);
        Effect::new(move |_| {
            if !open.get() {
                return;
            }
            let group = group.get();
            // The previous queue is discarded, and an answer that is still on its way comes too late.
            opening.update_value(|n| *n += 1);
            let mine = opening.get_value();
            trial.empty();
            problem.set(None);
            leptos::task::spawn_local(async move {
                let answer = queue_snapshot(group).await;
                if opening.try_get_value() != Some(mine) {
                    return;
                }
                match answer {
                    Ok(sample) => trial.begin(sample),
                    Err(refused) => problem.set(Some(refused.to_string())),
                }
            });
        });
        let title = Signal::derive(move || format!("What if — resource group {}", group.get()));
        let close = Callback::new(move |()| {
            open.set(false);
            trial.empty();
        });
        let there = Memo::new(move |_| trial.sample.with(Option::is_some));
        view! {
            <Dialog open=open title=title wide=true on_close=close>
                {move || problem.get().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> })}
                {move || match (there.get(), problem.with(Option::is_some)) {
                    (true, _) => contents(trial, group),
                    (false, true) => ().into_any(),
                    (false, false) => view! { <ui::Skeleton lines=3/> }.into_any(),
                }}
            </Dialog>
        }
        .into_any()
    }
);

fn contents(trial: Trial, group: Memo<String>) -> AnyView {
    let Trial { rules, sample, .. } = trial;
    let policies = Signal::derive(move || {
        let names = sample.with(|now| {
            let names = now.as_ref().map(|now| now.snapshot.policies.keys().cloned().collect::<Vec<_>>());
            names.unwrap_or_default()
        });
        let none = ("".to_owned(), "as it is".to_owned());
        std::iter::once(none).chain(names.into_iter().map(|name| (name.clone(), name))).collect::<Vec<_>>()
    });
    // Start from the limits of the chosen policy.
    Effect::new(move |_| {
        rules.policy.track();
        sample.with_untracked(|now| now.iter().for_each(|now| rules.fill_limits(&now.snapshot)));
    });
    trial.follow();
    let link = move || format!("/resource-groups?group={}", types::list::encode(&group.get()));
    view! {
        <p class="hint">"The current queue, run through the scheduler itself in this browser. Nothing is saved."</p>
        <div class="form-row">
            <Field name="what-scheduler" label="Scheduler"><Select name="what-scheduler" value=rules.scheduler options=choices(SchedulerKind::CHOICES)/></Field>
            <Field name="what-placement" label="Placement"><Select name="what-placement" value=rules.placement options=choices(Placement::CHOICES)/></Field>
            <Field name="what-retries" label="Retries to skip" hint="0: nobody passes."><NumberInput name="what-retries" value=rules.retries min="0" max="1000" step="1"/></Field>
            <Field name="what-timeout" label="Pending timeout" hint="Seconds. Empty: none."><TextInput name="what-timeout" value=rules.timeout/></Field>
        </div>
        <div class="form-row">
            <Field name="what-policy" label="Keypair policy"><Select name="what-policy" value=rules.policy options=policies/></Field>
            <Show when=move || !rules.policy.with(String::is_empty)>
                <Field name="what-sessions" label="Concurrent jobs" hint="Empty: unlimited."><TextInput name="what-sessions" value=rules.max_sessions/></Field>
            </Show>
        </div>
        <Show when=move || !rules.policy.with(String::is_empty)>{limits(rules)}</Show>
        <p role="status">{move || trial.outcome.with(|outcome| outcome.as_ref().map(summary))}</p>
        {move || table(trial)}
        <p class="hint">"Estimates assume that each session runs to its time limit (or, without one, for the median of recent sessions here) and that no new sessions arrive. Room is reserved for waiting sessions; others use it only if their time limit ends before it is needed."</p>
        <p><a href=link>"Settings of this resource group"</a></p>
    }
    .into_any()
}

/// A field for each slot of the chosen policy.
fn limits(rules: Rules) -> AnyView {
    let slots = Memo::new(move |_| rules.limits.with(|all| all.iter().map(|(slot, _)| slot.clone()).collect::<Vec<_>>()));
    let field = move |slot: String| {
        let id = format!("what-{}", slot.replace('.', "-"));
        let (shown, typed) = (slot.clone(), slot.clone());
        let of = |all: &[(String, String)], slot: &str| all.iter().find(|(one, _)| one == slot).map(|(_, text)| text.clone());
        let value = move || rules.limits.with(|all| of(all, &shown).unwrap_or_default());
        let change = move |event| {
            let text = event_target_value(&event);
            rules.limits.update(|all| all.iter_mut().filter(|(one, _)| *one == typed).for_each(|(_, old)| old.clone_from(&text)));
        };
        view! {
            <Field name=id.clone() label=format!("{} limit", label(&slot))>
                <input class="input" id=id.clone() name=id autocomplete="off" placeholder="Unlimited" prop:value=value on:input=change/>
            </Field>
        }
    };
    view! { <div class="form-row form-row-small">{move || slots.get().into_iter().map(field).collect::<Vec<_>>()}</div> }
        .into_any()
}

fn summary(outcome: &Outcome) -> String {
    let Outcome { tried, total, start_now, start_then, .. } = outcome;
    let wait = if *total == 1 { "1 session waits.".to_owned() } else { format!("{total} sessions wait.") };
    let cut = if tried < total { format!(" The first {tried} of {total} are tried.") } else { String::new() };
    format!("{wait}{cut} {start_now} would start at once under the current rules; {start_then} under these rules.")
}

fn table(trial: Trial) -> AnyView {
    let Some((rows, more)) = trial
        .outcome
        .with(|outcome| outcome.as_ref().map(|outcome| (outcome.rows.clone(), outcome.tried.saturating_sub(outcome.rows.len()))))
    else {
        return ().into_any();
    };
    let now = trial.sample.with_untracked(|sample| sample.as_ref().map(|sample| sample.snapshot.now).unwrap_or_default());
    let row = move |row: Row| {
        let Row { id, name, was, then, what } = row;
        let moved = match was.cmp(&then) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some((Tone::Good, "earlier")),
            std::cmp::Ordering::Less => Some((Tone::Warn, "later")),
        };
        view! {
            <tr>
                <td class="number">{then.describe()}</td>
                <td class="number">{was.describe()}</td>
                <td>{moved.map(|(tone, text)| view! { <Badge tone=tone text=text/> })}</td>
                <th scope="row">{name}</th>
                <td>{move || trial.starts_now.with(|starts| expected(starts, id, now))}</td>
                <td>{move || trial.starts_then.with(|starts| expected(starts, id, now))}</td>
                <td>{what}</td>
            </tr>
        }
    };
    view! {
        <div class="what-if" tabindex="0" role="region" aria-label="The queue under these rules">
            <table>
                <caption class="visually-hidden">"The queue under these rules"</caption>
                <thead><tr>
                    <th scope="col">"New place"</th><th scope="col">"Place now"</th><th scope="col">"Change"</th><th scope="col">"Session"</th>
                    <th scope="col">"Expected wait now"</th><th scope="col">"Expected wait under these rules"</th><th scope="col">"Outcome"</th>
                </tr></thead>
                <tbody>{rows.into_iter().map(row).collect::<Vec<_>>()}</tbody>
            </table>
        </div>
        {(more > 0).then(|| view! { <p class="hint">{format!("{more} more follow.")}</p> })}
    }
    .into_any()
}

/// The expected wait of a session, as far as it is known.
fn expected(starts: &Starts, id: SessionId, now: Millis) -> String {
    match starts.found.get(&id) {
        Some(at) => in_words(at.since(now)),
        None if starts.done => "unknown".into(),
        None => "…".into(),
    }
}

/// Formats a duration to the minute, since more would suggest a false precision.
fn in_words(millis: i64) -> String {
    if millis <= 0 {
        return "at once".into();
    }
    let minutes = (millis + 59_999) / 60_000;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_shown_to_the_minute_or_as_unknown_when_done() {
        let id = SessionId(Default::default());
        let found = |at: i64| Starts { found: [(id, Millis(at))].into(), done: true };
        assert_eq!(expected(&found(500), id, Millis(1_000)), "at once");
        assert_eq!(expected(&found(721_000), id, Millis(1_000)), "12 min");
        assert_eq!(expected(&found(3_600_000), id, Millis(0)), "1 h");
        assert_eq!(expected(&found(93_600_000), id, Millis(0)), "1 d 2 h");
        assert_eq!(expected(&Starts { done: true, ..Starts::default() }, id, Millis(0)), "unknown");
        assert_eq!(expected(&Starts::default(), id, Millis(0)), "…");
    }
}
