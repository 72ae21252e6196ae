//! Fields that few sessions need: several of them, an order, a start time, containers, variables, ports. Folded until something is used.

use super::Shared;
use super::form::{UNITS, Variable};
use console::choices::choices;
use console::form::advanced;
use console::frame::use_me;
use leptos::prelude::*;
use types::people::permissions::Permission;
use types::sessions::ClusterMode;
use types::sessions::launch::{DEFAULT_PRIORITY, StartSession};
use ui::{Button, Field, Icon, IconName, NumberInput, Select, TextInput, Variant};

/// Names of the fields here, as a refusal names them.
const FIELDS: [&str; 11] = [
    "starts_at",
    "timeout",
    "count",
    "depends_on",
    "owner",
    "shared_memory",
    "cluster_mode",
    "cluster_size",
    "priority",
    "env",
    "ports",
];

/// Whether a request uses one of the fields here.
fn uses(asked: &StartSession) -> bool {
    let plain = StartSession::default();
    asked.starts_at.is_some()
        || asked.timeout.is_some()
        || asked.count != plain.count
        || !asked.depends_on.is_empty()
        || !asked.owner.is_empty()
        || asked.shared_memory.is_some()
        || asked.cluster != plain.cluster
        || asked.priority != DEFAULT_PRIORITY
        || !asked.env.is_empty()
        || !asked.ports.is_empty()
}

pub fn rare(shared: Shared) -> AnyView {
    let Shared { form, refused, look, .. } = shared;
    let is_batch = move || form.kind.with(|kind| kind == "batch");
    let for_others = use_me().may(Permission::StartForOthers);
    let owner = refused.field_error("owner");
    let owner = Signal::derive(move || owner.get().or_else(|| shared.nobody.get()));
    let units = choices(&UNITS.map(|(key, label, _)| (key, label)));
    let used = Memo::new(move |_| look.with(|(asked, _)| uses(asked)));
    let fields = view! {
        <Show when=is_batch>
            <div class="form-row">
                <Field name="start-at" label="Start time" hint="In your time zone. Empty: as soon as possible." error=refused.field_error("starts_at")>
                    <TextInput name="start-at" value=form.starts_at input_type="datetime-local"/>
                </Field>
                <Field name="start-timeout" label="Batch job timeout" hint="Empty: only the policy's limits apply." error=refused.field_error("timeout")>
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
            <Field name="start-priority" label="Priority" hint="0 to 100. Only administrators can set more than 10." error=refused.field_error("priority")>
                <NumberInput name="start-priority" value=form.priority min="0" max="100" step="1"/>
            </Field>
        </div>
        <div class="form-row">
            <Field name="start-mode" label="Cluster mode" error=refused.field_error("cluster_mode")>
                <Select name="start-mode" value=form.cluster_mode options=choices(ClusterMode::CHOICES)/>
            </Field>
            <Field name="start-size" label="Cluster size" hint="Containers, each with these amounts." error=refused.field_error("cluster_size")>
                <NumberInput name="start-size" value=form.cluster_size min="1" max="1000" step="1"/>
            </Field>
            <Field name="start-shared" label="Shared memory" hint="Part of the memory. Empty: the environment's own value." error=refused.field_error("shared_memory")>
                <TextInput name="start-shared" value=form.shared_memory/>
            </Field>
        </div>
        {for_others.then(|| view! {
            <Field name="start-owner" label="On behalf of" hint="Email or access key of another user. Empty: yourself." error=owner>
                <TextInput name="start-owner" value=form.owner/>
            </Field>
        })}
        {variables(shared)}
        <Field name="start-ports" label="Preopen ports" hint="Ports from 1024 to 65535 that programs in the session will listen on, separated by commas, or ranges such as 8000-8003. The session gets them as BACKENDAI_PREOPEN_PORTS." error=refused.field_error("ports")>
            <TextInput name="start-ports" value=form.ports/>
        </Field>
    }
    .into_any();
    advanced(refused, &FIELDS, used.into(), fields)
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
