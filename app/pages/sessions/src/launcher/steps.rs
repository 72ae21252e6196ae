//! The fields of each step.

use super::form::{Form, UNITS, Variable, not_offered};
use console::choices::choices;
use console::form::Refused;
use console::frame::use_me;
use console::slots::label;
use leptos::prelude::*;
use types::id::ProjectId;
use types::limits::presets::Preset;
use types::people::permissions::Permission;
use types::quantity::{CPU, MEM, describe};
use types::sessions::ClusterMode;
use types::sessions::SessionType;
use types::sessions::launch::{GroupOffer, MAX_COMMAND, StartOptions, preset_fits};
use ui::{Button, Field, Icon, IconName, NumberInput, Select, TextArea, TextInput, Variant};

/// Shared by the steps.
#[derive(Clone, Copy)]
pub struct Shared {
    pub form: Form,
    pub refused: Refused,
    pub options: Signal<Option<StartOptions>>,
    /// The problem with the named owner, if there is no such person.
    pub nobody: Signal<Option<String>>,
}

fn offered(
    options: Signal<Option<StartOptions>>,
    pick: impl Fn(&StartOptions) -> Vec<(String, String)> + Send + Sync + 'static,
) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || options.with(|options| options.as_ref().map(&pick).unwrap_or_default()))
}

/// Step 1: the session's type and purpose.
pub fn session_type(shared: Shared) -> AnyView {
    let Shared { form, refused, .. } = shared;
    let is_batch = move || form.kind.with(|kind| kind == "batch");
    let for_others = use_me().may(Permission::StartForOthers);
    let owner = refused.field_error("owner");
    let owner = Signal::derive(move || owner.get().or_else(|| shared.nobody.get()));
    let units = choices(&UNITS.map(|(key, label, _)| (key, label)));
    view! {
        {kinds(shared)}
        <Field name="start-name" label="Name" hint="4 to 64 letters, digits, “-”, “_”, “.”. Empty: one is generated." error=refused.field_error("name")>
            <TextInput name="start-name" value=form.name/>
        </Field>
        <Show when=is_batch>
            <Field name="start-command" label="Start-up command" required=true hint="Run by a shell. The session ends when the command does. The command is part of this page's address: put secrets in hidden variables." error=refused.field_error("command")>
                <TextArea name="start-command" value=form.command rows=4 max=MAX_COMMAND mono=true/>
            </Field>
            <div class="form-row">
                <Field name="start-at" label="Start time" hint="In your time zone. Empty: as soon as possible." error=refused.field_error("starts_at")>
                    <TextInput name="start-at" value=form.starts_at input_type="datetime-local"/>
                </Field>
                <Field name="start-timeout" label="Batch job timeout" hint="Empty: no limit of its own." error=refused.field_error("timeout")>
                    <TextInput name="start-timeout" value=form.timeout/>
                </Field>
                <Field name="start-timeout-unit" label="Unit of the timeout">
                    <Select name="start-timeout-unit" value=form.timeout_unit options=units/>
                </Field>
            </div>
        </Show>
        <div class="form-row">
            <Field name="start-count" label="Number of sessions" hint="Identical sessions; each has a number after its name." error=refused.field_error("count")>
                <NumberInput name="start-count" value=form.count min="1" max="50" step="1"/>
            </Field>
            <Field name="start-depends" label="Starts after" hint="Your sessions that must finish successfully first, separated by commas." error=refused.field_error("depends_on")>
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

/// The session types. Those that the resource group refuses are disabled.
fn kinds(shared: Shared) -> AnyView {
    let Shared { form, options, .. } = shared;
    let radio = |kind: SessionType, text: &'static str| {
        let refused =
            Memo::new(move |_| group(form, options).filter(|group| !group.session_types.contains(&kind)).map(|group| group.name));
        let why = move || {
            let what = kind.label().to_lowercase();
            refused.get().map(|group| format!(" (resource group {group} takes no {what} sessions)"))
        };
        view! {
            <label class="choice">
                <input type="radio" name="start-kind" value=kind.key() prop:checked=move || form.kind.with(|chosen| chosen == kind.key())
                    disabled=move || refused.with(Option::is_some) on:change=move |_| form.kind.set(kind.key().into())/>
                <span>{text}{why}</span>
            </label>
        }
    };
    view! {
        <fieldset class="fieldset">
            <legend class="field-label">"Type"</legend>
            <div class="choices">
                {radio(SessionType::Interactive, "Interactive — a terminal until you end it")}
                {radio(SessionType::Batch, "Batch — one command; ends when it does")}
            </div>
        </fieldset>
    }
    .into_any()
}

/// The error of a choice: its refusal, or that it is no longer offered.
fn choice_error(shared: Shared, field: &'static str) -> Signal<Option<String>> {
    let Shared { form, refused, options, .. } = shared;
    let refused = refused.field_error(field);
    let gone = Memo::new(move |_| {
        let (asked, _) = form.read();
        let errors = options.with(|options| options.as_ref().map(|options| not_offered(&asked, options)).unwrap_or_default());
        errors.into_iter().find(|error| error.field == field).map(|error| error.message)
    });
    Signal::derive(move || gone.get().or_else(|| refused.get()))
}

/// The options of a choice, plus the chosen value if it is not among them: otherwise the list would show another value.
fn with_chosen(all: Signal<Vec<(String, String)>>, chosen: RwSignal<String>) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let (mut all, chosen) = (all.get(), chosen.get());
        if !chosen.is_empty() && !all.iter().any(|(key, _)| *key == chosen) {
            // A project is known only by its id.
            let name = if chosen.parse::<ProjectId>().is_ok() { "A project".to_owned() } else { chosen.clone() };
            all.push((chosen, format!("{name} (not offered)")));
        }
        all
    })
}

/// Step 2: where and how much.
pub fn resources(shared: Shared) -> AnyView {
    let Shared { form, refused, options, .. } = shared;
    let projects =
        offered(options, |o| o.projects.iter().map(|project| (project.id.to_string(), project.name.clone())).collect());
    let groups = offered(options, move |o| {
        let project = form.project.get();
        let usable = o.groups.iter().filter(|group| group.projects.iter().any(|id| id.to_string() == project));
        usable.map(|group| (group.name.clone(), group.name.clone())).collect()
    });
    let images = offered(options, |o| o.images.iter().map(|image| (image.name.clone(), image.label.clone())).collect());
    let (projects, groups) = (with_chosen(projects, form.project), with_chosen(groups, form.resource_group));
    let images = with_chosen(images, form.image);
    let largest = move || {
        let group = group(form, options)?;
        let most = |slot: &str| group.capacity.iter().map(|room| room.get(slot)).max();
        Some(format!("The largest agent there has {} and {}.", describe(CPU, most(CPU)?), describe(MEM, most(MEM)?)))
    };
    view! {
        <div class="form-row">
            <Field name="start-project" label="Project" error=choice_error(shared, "project")>
                <Select name="start-project" value=form.project options=projects/>
            </Field>
            <Field name="start-group" label="Resource group" error=choice_error(shared, "resource_group")>
                <Select name="start-group" value=form.resource_group options=groups/>
            </Field>
            <Field name="start-image" label="Environment" error=choice_error(shared, "image")>
                <Select name="start-image" value=form.image options=images/>
            </Field>
        </div>
        {presets(shared)}
        <div class="form-row">
            <Field name="start-cpu" label="CPU cores" error=refused.field_error("cpu")><TextInput name="start-cpu" value=form.cpu/></Field>
            <Field name="start-mem" label="Memory" hint="Such as 2 GiB; a number alone is GiB." error=refused.field_error("mem")><TextInput name="start-mem" value=form.mem/></Field>
            <Field name="start-shared" label="Shared memory" hint="Part of the memory. Empty: the environment's own value." error=refused.field_error("shared_memory")>
                <TextInput name="start-shared" value=form.shared_memory/>
            </Field>
        </div>
        {move || accelerators(shared)}
        <p class="hint">{largest}</p>
        <div class="form-row">
            <Field name="start-mode" label="Cluster mode" error=refused.field_error("cluster_mode")>
                <Select name="start-mode" value=form.cluster_mode options=choices(ClusterMode::CHOICES)/>
            </Field>
            <Field name="start-size" label="Cluster size" hint="Containers, each with these amounts." error=refused.field_error("cluster_size")>
                <NumberInput name="start-size" value=form.cluster_size min="1" max="1000" step="1"/>
            </Field>
            <Field name="start-priority" label="Priority" hint="0 to 100. Only administrators can set more than 10." error=refused.field_error("priority")>
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

/// Presets that fit: one agent has room for them, and the policy and the project have enough left.
fn fitting(form: Form, options: Signal<Option<StartOptions>>) -> Vec<Preset> {
    let Some(group) = group(form, options) else { return Vec::new() };
    let project = form.project.get();
    let fits = |o: &StartOptions| {
        let project = o.projects.iter().find(|one| one.id.to_string() == project);
        let fits = |preset: &&Preset| preset_fits(preset, &group, o, project);
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
                <p class="field-hint" hidden=move || all.with(|all| !all.is_empty())>"No preset fits: each asks for more than the agents, your policy or the project have left."</p>
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
        // One direction each: typed text goes into the form, and amounts that a preset puts into the form are shown.
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
            Signal::derive(move || refused.named_field_error(&slot))
        };
        let name = format!("start-{}", slot.replace('.', "-"));
        view! { <Field name=name.clone() label=label(&slot) error=error><TextInput name=name value=value/></Field> }
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
    let error = refused.field_error("env");
    let row = move |variable: Variable| {
        let Variable { number, name, value, visible } = variable;
        let (name_id, value_id) = (format!("env-name-{number}"), format!("env-value-{number}"));
        let remove = Callback::new(move |()| form.env.update(|env| env.retain(|one| one.number != number)));
        let kind = move || if visible.get() { "text" } else { "password" };
        view! {
            <div class="variable">
                <input class="input mono" id=name_id aria-label="Variable name" placeholder="NAME" autocomplete="off" prop:value=name on:input=move |event| name.set(event_target_value(&event))/>
                <input class="input mono" id=value_id aria-label=move || format!("Value of {}", name.get()) placeholder="value" autocomplete="off" type=kind prop:value=value on:input=move |event| value.set(event_target_value(&event))/>
                <label class="choice"><input type="checkbox" aria-label=move || format!("Others may see the value of {}", name.get()) prop:checked=visible on:change=move |event| visible.set(event_target_checked(&event))/><span>"Visible"</span></label>
                <Button variant=Variant::Quiet label="Remove the variable" on_press=remove><Icon name=IconName::Close/></Button>
            </div>
        }
    };
    view! {
        <fieldset class="fieldset">
            <legend class="field-label">"Environment variables"</legend>
            <p class="hint">"Values are hidden from everybody, and from this page's address, unless you make them visible."</p>
            <For each=move || form.env.get() key=|variable| variable.number children=row/>
            <p class="field-error" hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
            <div><Button on_press=Callback::new(move |()| form.add_variable("", "", false))><Icon name=IconName::Plus/>"Add variable"</Button></div>
        </fieldset>
    }
    .into_any()
}

/// Step 3: how it is reached.
pub fn network(shared: Shared) -> AnyView {
    let Shared { form, refused, .. } = shared;
    view! {
        <Field name="start-ports" label="Preopen ports" hint="Ports from 1024 to 65535 that programs in the session will listen on, separated by commas, or ranges such as 8000-8003. The session gets them as BACKENDAI_PREOPEN_PORTS." error=refused.field_error("ports")>
            <TextInput name="start-ports" value=form.ports/>
        </Field>
    }
    .into_any()
}
