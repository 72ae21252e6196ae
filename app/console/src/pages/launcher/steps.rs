//! The fields of each step.

use super::form::{Form, UNITS, Variable};
use crate::form::Refused;
use crate::frame::use_me;
use leptos::prelude::*;
use types::launch::{ClusterMode, GroupOffer, MAX_COMMAND, StartOptions, is_secret, preset_fits};
use types::permission::Permission;
use types::preset::Preset;
use types::quantity::{CPU, MEM, describe};
use ui::{Button, Field, Icon, IconName, NumberInput, RadioGroup, Select, TextArea, TextInput, Variant};

/// What the steps share.
#[derive(Clone, Copy)]
pub struct Shared {
    pub form: Form,
    pub refused: Refused,
    pub options: Signal<Option<StartOptions>>,
    /// Why the owner who was named is nobody.
    pub nobody: Signal<Option<String>>,
}

fn choices(
    options: Signal<Option<StartOptions>>,
    pick: impl Fn(&StartOptions) -> Vec<(String, String)> + Send + Sync + 'static,
) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || options.with(|options| options.as_ref().map(&pick).unwrap_or_default()))
}

/// Step 1: what for.
pub fn session_type(shared: Shared) -> AnyView {
    let Shared { form, refused, .. } = shared;
    let is_batch = move || form.kind.with(|kind| kind == "batch");
    let for_others = use_me().may(Permission::StartForOthers);
    let owner = refused.of("owner");
    let owner = Signal::derive(move || owner.get().or_else(|| shared.nobody.get()));
    let units = Signal::stored(UNITS.iter().map(|(key, label, _)| ((*key).to_owned(), (*label).to_owned())).collect::<Vec<_>>());
    view! {
        <RadioGroup name="start-kind" label="Type" value=form.kind options=vec![
            ("interactive".into(), "Interactive — a terminal until you end it".into()),
            ("batch".into(), "Batch — one command, ends with it".into()),
        ]/>
        <Field name="start-name" label="Name" hint="4 to 64 letters, digits, “-”, “_”, “.”. Empty: one is made up." error=refused.of("name")>
            <TextInput name="start-name" value=form.name/>
        </Field>
        <Show when=is_batch>
            <Field name="start-command" label="Start-up command" required=true hint="Given to a shell. The session ends when it does." error=refused.of("command")>
                <TextArea name="start-command" value=form.command rows=4 max=MAX_COMMAND mono=true/>
            </Field>
            <div class="form-row">
                <Field name="start-at" label="Start time" hint="In UTC. Empty: as soon as possible." error=refused.of("starts_at")>
                    <TextInput name="start-at" value=form.starts_at input_type="datetime-local"/>
                </Field>
                <Field name="start-timeout" label="Batch job timeout" hint="Empty: no limit of its own." error=refused.of("timeout")>
                    <TextInput name="start-timeout" value=form.timeout/>
                </Field>
                <Field name="start-timeout-unit" label="Unit of the timeout">
                    <Select name="start-timeout-unit" value=form.timeout_unit options=units/>
                </Field>
            </div>
        </Show>
        <div class="form-row">
            <Field name="start-count" label="Number of sessions" hint="Several alike; each has a number after its name." error=refused.of("count")>
                <NumberInput name="start-count" value=form.count min="1" max="50" step="1"/>
            </Field>
            <Field name="start-depends" label="Starts after" hint="Names of own sessions that must have ended well, with commas." error=refused.of("depends_on")>
                <TextInput name="start-depends" value=form.depends_on/>
            </Field>
        </div>
        {for_others.then(|| view! {
            <Field name="start-owner" label="On behalf of" hint="Somebody's email or access key. Empty: for yourself." error=owner>
                <TextInput name="start-owner" value=form.owner/>
            </Field>
        })}
    }
    .into_any()
}

/// Step 2: where and how much.
pub fn resources(shared: Shared) -> AnyView {
    let Shared { form, refused, options, .. } = shared;
    let projects =
        choices(options, |o| o.projects.iter().map(|project| (project.id.to_string(), project.name.clone())).collect());
    let groups = choices(options, move |o| {
        let project = form.project.get();
        let usable = o.groups.iter().filter(|group| group.projects.iter().any(|id| id.to_string() == project));
        usable.map(|group| (group.name.clone(), group.name.clone())).collect()
    });
    let images = choices(options, |o| o.images.iter().map(|image| (image.name.clone(), image.label.clone())).collect());
    let modes: Vec<_> = ClusterMode::CHOICES.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect();
    let largest = move || {
        let group = group(form, options)?;
        let most = |slot: &str| group.capacity.iter().map(|room| room.get(slot)).max();
        Some(format!("The largest agent there has {} and {}.", describe(CPU, most(CPU)?), describe(MEM, most(MEM)?)))
    };
    view! {
        <div class="form-row">
            <Field name="start-project" label="Project" error=refused.of("project")>
                <Select name="start-project" value=form.project options=projects/>
            </Field>
            <Field name="start-group" label="Resource group" error=refused.of("resource_group")>
                <Select name="start-group" value=form.resource_group options=groups/>
            </Field>
            <Field name="start-image" label="Environment" error=refused.of("image")>
                <Select name="start-image" value=form.image options=images/>
            </Field>
        </div>
        {presets(shared)}
        <div class="form-row">
            <Field name="start-cpu" label="CPU cores" error=refused.of("cpu")><TextInput name="start-cpu" value=form.cpu/></Field>
            <Field name="start-mem" label="Memory" error=refused.of("mem")><TextInput name="start-mem" value=form.mem/></Field>
            <Field name="start-shared" label="Shared memory" hint="A part of the memory. Empty: what the environment has." error=refused.of("shared_memory")>
                <TextInput name="start-shared" value=form.shared_memory/>
            </Field>
        </div>
        {move || accelerators(shared)}
        <p class="hint">{largest}</p>
        <div class="form-row">
            <Field name="start-mode" label="Cluster mode" error=refused.of("cluster_mode")>
                <Select name="start-mode" value=form.cluster_mode options=Signal::stored(modes)/>
            </Field>
            <Field name="start-size" label="Cluster size" hint="Containers, each with these amounts." error=refused.of("cluster_size")>
                <NumberInput name="start-size" value=form.cluster_size min="1" max="1000" step="1"/>
            </Field>
            <Field name="start-priority" label="Priority" hint="0 to 100. More than 10 is given by administrators." error=refused.of("priority")>
                <NumberInput name="start-priority" value=form.priority min="0" max="100" step="1"/>
            </Field>
        </div>
        {variables(shared)}
    }
    .into_any()
}

/// The group that is chosen.
fn group(form: Form, options: Signal<Option<StartOptions>>) -> Option<GroupOffer> {
    let name = form.resource_group.get();
    options.with(|options| options.as_ref()?.groups.iter().find(|group| group.name == name).cloned())
}

/// Presets that fit: one agent has room for them and the policy has as much left.
fn fitting(form: Form, options: Signal<Option<StartOptions>>) -> Vec<Preset> {
    let Some(group) = group(form, options) else { return Vec::new() };
    let fits = |o: &StartOptions| {
        let fits = |preset: &&Preset| preset_fits(preset, &group, &o.policy, &o.using);
        o.presets.iter().filter(fits).cloned().collect()
    };
    options.with(|options| options.as_ref().map(fits).unwrap_or_default())
}

fn presets(shared: Shared) -> AnyView {
    let Shared { form, options, .. } = shared;
    let all = Memo::new(move |_| fitting(form, options));
    let one = move |preset: Preset| {
        let amounts: Vec<_> = preset.slots.0.iter().map(|(slot, amount)| describe(slot, *amount)).collect();
        let label = format!("{}: {}", preset.name, amounts.join(", "));
        view! { <Button on_press=Callback::new(move |()| form.take(&preset))>{label}</Button> }
    };
    let there = move || options.with(|options| options.as_ref().is_some_and(|options| !options.presets.is_empty()));
    view! {
        <Show when=there>
            <fieldset class="fieldset">
                <legend class="field-label">"Resource presets"</legend>
                <div class="choices">{move || all.get().into_iter().map(one).collect::<Vec<_>>()}</div>
                <p class="field-hint" hidden=move || all.with(|all| !all.is_empty())>"None fits now: agents or your policy have less left than each of them."</p>
            </fieldset>
        </Show>
    }
    .into_any()
}

fn accelerators(shared: Shared) -> AnyView {
    let Shared { form, refused, options, .. } = shared;
    let slots = options.with(|options| options.as_ref().map(|options| options.slots.clone()).unwrap_or_default());
    let field = move |slot: String| {
        let value = RwSignal::new(form.others.with_untracked(|others| others.get(&slot).cloned().unwrap_or_default()));
        let (key, shown) = (slot.clone(), slot.clone());
        // One way each: what is typed goes into the form, and what a preset puts into the form is shown.
        Effect::new(move |_| {
            let typed = value.get();
            let differs = form.others.with_untracked(|others| others.get(&key).map_or("", String::as_str) != typed);
            if differs {
                form.others.update(|others| drop(others.insert(key.clone(), typed)));
            }
        });
        Effect::new(move |_| {
            let now = form.others.with(|others| others.get(&shown).cloned().unwrap_or_default());
            if value.get_untracked() != now {
                value.set(now);
            }
        });
        let error = {
            let slot = slot.clone();
            Signal::derive(move || refused.of_named(&slot))
        };
        let name = format!("start-{}", slot.replace('.', "-"));
        view! { <Field name=name.clone() label=slot error=error><TextInput name=name value=value/></Field> }
    };
    let others: Vec<_> = slots.into_iter().filter(|slot| slot != CPU && slot != MEM).map(field).collect();
    if others.is_empty() {
        return ().into_any();
    }
    view! {
        <fieldset class="fieldset"><legend class="field-label">"AI accelerators"</legend><div class="form-row">{others}</div></fieldset>
    }
    .into_any()
}

fn variables(shared: Shared) -> AnyView {
    let Shared { form, refused, .. } = shared;
    let error = refused.of("env");
    let row = move |variable: Variable| {
        let Variable { number, name, value } = variable;
        let (name_id, value_id) = (format!("env-name-{number}"), format!("env-value-{number}"));
        let remove = Callback::new(move |()| form.env.update(|env| env.retain(|one| one.number != number)));
        let kind = move || if name.with(|name| is_secret(name)) { "password" } else { "text" };
        view! {
            <div class="variable">
                <input class="input mono" id=name_id aria-label="Variable name" placeholder="NAME" autocomplete="off" prop:value=name on:input=move |event| name.set(event_target_value(&event))/>
                <input class="input mono" id=value_id aria-label=move || format!("Value of {}", name.get()) placeholder="value" autocomplete="off" type=kind prop:value=value on:input=move |event| value.set(event_target_value(&event))/>
                <Button variant=Variant::Quiet label="Remove the variable" on_press=remove><Icon name=IconName::Close/></Button>
            </div>
        }
    };
    view! {
        <fieldset class="fieldset">
            <legend class="field-label">"Environment variables"</legend>
            <For each=move || form.env.get() key=|variable| variable.number children=row/>
            <p class="field-error" hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
            <div><Button on_press=Callback::new(move |()| form.add_variable("", ""))><Icon name=IconName::Plus/>"Add variable"</Button></div>
        </fieldset>
    }
    .into_any()
}

/// Step 3: how it is reached.
pub fn network(shared: Shared) -> AnyView {
    let Shared { form, refused, .. } = shared;
    view! {
        <Field name="start-ports" label="Preopen ports" hint="Ports from 1024 to 65535 that programs in it will listen on, with commas, or ranges such as 8000-8003. They are given to it as BACKENDAI_PREOPEN_PORTS." error=refused.of("ports")>
            <TextInput name="start-ports" value=form.ports/>
        </Field>
    }
    .into_any()
}
