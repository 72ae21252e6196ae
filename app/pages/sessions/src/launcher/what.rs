//! The thing to start: a terminal or a command, in which environment and under which name.

use super::Shared;
use super::place::{choice_error, group, offered, with_chosen};
use leptos::prelude::*;
use types::sessions::SessionType;
use types::sessions::launch::MAX_COMMAND;
use ui::{Field, Select, TextArea, TextInput};

pub fn what(shared: Shared) -> AnyView {
    let Shared { form, refused, options, .. } = shared;
    let is_batch = move || form.kind.with(|kind| kind == "batch");
    let images = offered(options, |o| o.images.iter().map(|image| (image.name.clone(), image.label.clone())).collect());
    let images = with_chosen(images, form.image);
    // One environment is no choice.
    let several = Memo::new(move |_| images.with(|images| images.len() > 1));
    view! {
        {kinds(shared)}
        <div class="form-row">
            <Field name="start-name" label="Name" hint="4 to 64 letters, digits, “-”, “_”, “.”. Empty: one is generated." error=refused.field_error("name")>
                <TextInput name="start-name" value=form.name/>
            </Field>
            <Show when=move || several.get()>
                <Field name="start-image" label="Environment" error=choice_error(shared, "image")>
                    <Select name="start-image" value=form.image options=images/>
                </Field>
            </Show>
        </div>
        <Show when=is_batch>
            <Field name="start-command" label="Start-up command" required=true hint="Run by a shell. The session ends when the command does. The command is part of this page's address: put secrets in hidden variables." error=refused.field_error("command")>
                <TextArea name="start-command" value=form.command rows=4 max=MAX_COMMAND mono=true/>
            </Field>
        </Show>
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
            refused.get().map(|group| format!(" (resource group {group} does not accept {what} sessions)"))
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
