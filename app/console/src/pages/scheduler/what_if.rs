//! What if another rule held: the queue as it is now, decided once more in the browser by the scheduler itself. Nothing is saved.

use crate::api::sessions::queue_snapshot;
use leptos::prelude::*;
use scheduler::{Decided, Decision, Snapshot, schedule};
use std::collections::{BTreeSet, HashMap};
use types::id::SessionId;
use types::quantity::{CPU, MEM, Quantity, bytes, parse_bytes};
use types::resource_group::{Placement, SchedulerKind};
use ui::{Badge, Button, Dialog, Field, NumberInput, Select, TextInput, Tone};

/// Rows that are shown; the first of a long queue are what a change is judged by.
const SHOWN: usize = 200;

#[derive(Clone, Copy)]
struct Rules {
    scheduler: RwSignal<String>,
    placement: RwSignal<String>,
    retries: RwSignal<String>,
    /// Seconds; empty is no timeout.
    timeout: RwSignal<String>,
    policy: RwSignal<String>,
    max_sessions: RwSignal<String>,
    /// What the policy's sessions may hold of each slot, as typed; empty is no limit.
    limits: RwSignal<Vec<(String, String)>>,
}

impl Rules {
    fn new() -> Self {
        let text = || RwSignal::new(String::new());
        let limits = RwSignal::new(Vec::new());
        Self {
            scheduler: text(),
            placement: text(),
            retries: text(),
            timeout: text(),
            policy: text(),
            max_sessions: text(),
            limits,
        }
    }

    /// What holds now.
    fn fill(self, snapshot: &Snapshot) {
        if let Some(group) = snapshot.groups.values().next() {
            self.scheduler.set(group.scheduler.key().into());
            self.placement.set(group.placement.key().into());
            self.retries.set(group.retries_to_skip.to_string());
            self.timeout.set(group.pending_timeout.map(|seconds| seconds.to_string()).unwrap_or_default());
        }
        self.policy.set(String::new());
    }

    /// The limits of the policy that was chosen, to start from: of every slot that it names or that is asked for.
    fn fill_limits(self, snapshot: &Snapshot) {
        let Some(policy) = self.policy.with_untracked(|name| snapshot.policies.get(name).cloned()) else { return };
        let asked = snapshot.queue.iter().flat_map(|waiting| waiting.slots.0.keys());
        let slots: BTreeSet<&String> = policy.total.0.keys().chain(asked).collect();
        let typed = |slot: &String| policy.total.0.get(slot).map(|limit| write(slot, *limit)).unwrap_or_default();
        self.max_sessions.set(policy.max_sessions.map(|n| n.to_string()).unwrap_or_default());
        self.limits.set(slots.into_iter().map(|slot| (slot.clone(), typed(slot))).collect());
    }

    /// The snapshot under these rules.
    fn applied(self, snapshot: &Snapshot) -> Snapshot {
        let mut changed = snapshot.clone();
        for group in changed.groups.values_mut() {
            group.scheduler = SchedulerKind::from_key(&self.scheduler.get()).unwrap_or(group.scheduler);
            group.placement = Placement::from_key(&self.placement.get()).unwrap_or(group.placement);
            group.retries_to_skip = self.retries.get().trim().parse().unwrap_or(group.retries_to_skip);
            group.pending_timeout = number(&self.timeout.get(), group.pending_timeout);
        }
        if let Some(policy) = changed.policies.get_mut(&self.policy.get()) {
            policy.max_sessions = number(&self.max_sessions.get(), policy.max_sessions);
            for (slot, text) in self.limits.get() {
                match read(&slot, &text) {
                    Some(limit) => drop(policy.total.0.insert(slot, limit)),
                    // Without a limit, whatever holds for slots that the policy does not name.
                    None if text.trim().is_empty() => drop(policy.total.0.remove(&slot)),
                    None => {}
                }
            }
        }
        changed
    }
}

/// A number, nothing for no limit, or what there was before while it cannot be read.
fn number(text: &str, before: Option<u32>) -> Option<u32> {
    match text.trim() {
        "" => None,
        text => text.parse().ok().or(before),
    }
}

fn read(slot: &str, text: &str) -> Option<Quantity> {
    if slot == MEM { parse_bytes(text).map(Quantity::whole) } else { text.trim().parse().ok() }
}

fn write(slot: &str, amount: Quantity) -> String {
    if slot == MEM { bytes(amount.floor()) } else { amount.to_string() }
}

fn name_of(slot: &str) -> String {
    match slot {
        CPU => "CPU cores in all".into(),
        MEM => "Memory in all".into(),
        other => format!("{other} in all"),
    }
}

/// The button, and the dialog behind it.
pub fn panel(group: Memo<String>) -> AnyView {
    let open = RwSignal::new(false);
    let snapshot = RwSignal::new(None::<Snapshot>);
    let problem = RwSignal::new(None::<String>);
    let rules = Rules::new();
    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        let group = group.get();
        leptos::task::spawn_local(async move {
            match queue_snapshot(group).await {
                Ok(found) => {
                    rules.fill(&found.snapshot);
                    problem.set(None);
                    snapshot.set(Some(found.snapshot));
                }
                Err(refused) => problem.set(Some(refused.to_string())),
            }
        });
    });
    let title = Signal::derive(move || format!("What if — resource group {}", group.get()));
    view! {
        <Button on_press=Callback::new(move |()| open.set(true))>"What if…"</Button>
        <Dialog open=open title=title on_close=Callback::new(move |()| open.set(false))>
            {move || problem.get().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> })}
            {move || snapshot.with(Option::is_some).then(|| contents(rules, snapshot, group))}
        </Dialog>
    }
    .into_any()
}

fn words(choices: &[(&str, &str)]) -> Signal<Vec<(String, String)>> {
    Signal::stored(choices.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect())
}

fn contents(rules: Rules, snapshot: RwSignal<Option<Snapshot>>, group: Memo<String>) -> AnyView {
    let policies = Signal::derive(move || {
        let names =
            snapshot.with(|now| now.as_ref().map(|now| now.policies.keys().cloned().collect::<Vec<_>>()).unwrap_or_default());
        let none = ("".to_owned(), "as it is".to_owned());
        std::iter::once(none).chain(names.into_iter().map(|name| (name.clone(), name))).collect::<Vec<_>>()
    });
    // The limits of the policy that was chosen, to start from.
    Effect::new(move |_| {
        rules.policy.track();
        snapshot.with_untracked(|now| now.iter().for_each(|now| rules.fill_limits(now)));
    });
    let before = Memo::new(move |_| snapshot.with(|now| now.as_ref().map(schedule).unwrap_or_default()));
    let then = Memo::new(move |_| snapshot.with(|now| now.as_ref().map(|now| schedule(&rules.applied(now))).unwrap_or_default()));
    let link = move || format!("/resource-groups?group={}", types::list::encode(&group.get()));
    view! {
        <p class="hint">"The queue as it is now, decided in this browser by the scheduler itself. Nothing is saved by it."</p>
        <div class="form-row">
            <Field name="what-scheduler" label="Scheduler"><Select name="what-scheduler" value=rules.scheduler options=words(SchedulerKind::CHOICES)/></Field>
            <Field name="what-placement" label="Placement"><Select name="what-placement" value=rules.placement options=words(Placement::CHOICES)/></Field>
            <Field name="what-retries" label="Retries to skip"><NumberInput name="what-retries" value=rules.retries min="0" max="1000" step="1"/></Field>
            <Field name="what-timeout" label="Pending timeout" hint="Seconds. Empty: none."><TextInput name="what-timeout" value=rules.timeout/></Field>
        </div>
        <div class="form-row">
            <Field name="what-policy" label="Keypair policy"><Select name="what-policy" value=rules.policy options=policies/></Field>
            <Show when=move || !rules.policy.with(String::is_empty)>
                <Field name="what-sessions" label="Concurrent sessions" hint="Empty: unlimited."><TextInput name="what-sessions" value=rules.max_sessions/></Field>
            </Show>
        </div>
        <Show when=move || !rules.policy.with(String::is_empty)>{limits(rules)}</Show>
        {move || outcome(snapshot, before, then)}
        <p><a href=link>"To the settings of this resource group"</a></p>
    }
    .into_any()
}

/// A field for each slot of the policy that was chosen.
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
            <Field name=id.clone() label=name_of(&slot)>
                <input class="input" id=id.clone() name=id autocomplete="off" placeholder="Unlimited" prop:value=value on:input=change/>
            </Field>
        }
    };
    view! { <div class="form-row form-row-small">{move || slots.get().into_iter().map(field).collect::<Vec<_>>()}</div> }
        .into_any()
}

fn starts(decided: &[Decided]) -> usize {
    decided.iter().filter(|one| matches!(one.decision, Decision::Place(_))).count()
}

fn outcome(snapshot: RwSignal<Option<Snapshot>>, before: Memo<Vec<Decided>>, then: Memo<Vec<Decided>>) -> AnyView {
    let names: HashMap<SessionId, String> = snapshot.with(|now| {
        let pairs = |now: &Snapshot| now.queue.iter().map(|waiting| (waiting.id, waiting.name.clone())).collect();
        now.as_ref().map(pairs).unwrap_or_default()
    });
    let places: HashMap<SessionId, u32> = before.with(|all| all.iter().map(|one| (one.id, one.position)).collect());
    let (all, now) = (then.get(), before.with(|all| starts(all)));
    let summary = format!("{} sessions wait. {now} would start at once as it is; {} under these rules.", all.len(), starts(&all));
    let more = all.len().saturating_sub(SHOWN);
    let row = |one: &Decided| {
        let was = places.get(&one.id).copied().unwrap_or_default();
        let moved = match was.cmp(&one.position) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some((Tone::Good, "earlier")),
            std::cmp::Ordering::Less => Some((Tone::Warn, "later")),
        };
        let (name, position) = (names.get(&one.id).cloned().unwrap_or_default(), one.position);
        let what = match &one.decision {
            Decision::Place(agents) => format!("Starts now on {}.", agents.join(", ")),
            Decision::Wait(reason) | Decision::Cancel(reason) => reason.describe(),
        };
        view! {
            <tr>
                <td class="number">{position}</td>
                <td class="number">{was}</td>
                <td>{moved.map(|(tone, text)| view! { <Badge tone=tone text=text/> })}</td>
                <th scope="row">{name}</th>
                <td>{what}</td>
            </tr>
        }
    };
    view! {
        <p role="status">{summary}</p>
        <div class="what-if">
            <table>
                <caption class="visually-hidden">"The queue under these rules"</caption>
                <thead><tr><th scope="col">"Then"</th><th scope="col">"Now"</th><th scope="col">"Moves"</th><th scope="col">"Session"</th><th scope="col">"What becomes of it"</th></tr></thead>
                <tbody>{all.iter().take(SHOWN).map(row).collect::<Vec<_>>()}</tbody>
            </table>
        </div>
        {(more > 0).then(|| view! { <p class="hint">{format!("{more} more follow.")}</p> })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::policy::KeypairPolicy;
    use types::quantity::Slots;

    #[test]
    fn what_cannot_be_read_changes_nothing_and_nothing_is_no_limit() {
        let total = Slots::cpu_mem(Quantity::whole(4), 8 << 30);
        let policy = KeypairPolicy { max_sessions: Some(2), total, ..KeypairPolicy::new("student") };
        let snapshot = Snapshot { policies: [("student".to_owned(), policy)].into(), ..Snapshot::default() };
        let owner = Owner::new();
        owner.with(|| {
            let rules = Rules::new();
            rules.fill(&snapshot);
            rules.policy.set("student".into());
            rules.fill_limits(&snapshot);
            assert_eq!(rules.applied(&snapshot), snapshot);
            rules.max_sessions.set("many".into());
            rules.limits.set(vec![("cpu".into(), "".into()), ("mem".into(), "16 GiB".into())]);
            let changed = &rules.applied(&snapshot).policies["student"];
            assert_eq!(changed.max_sessions, Some(2));
            assert_eq!(changed.total, Slots([("mem".to_owned(), Quantity::whole(16 << 30))].into()));
        });
    }
}
