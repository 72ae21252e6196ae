//! The dialog that starts a session. What was typed stays until a session has started.

use crate::api::sessions::{start_options, start_session};
use crate::form::{Refused, form_end, on_submit};
use crate::frame::ChosenProject;
use leptos::prelude::*;
use types::id::SessionId;
use types::quantity::{CPU, Quantity, bytes, parse_bytes};
use types::session::{MAX_COMMAND, SessionType, StartOptions, StartSession};
use types::{FieldError, Problem};
use ui::{Dialog, Field, RadioGroup, Select, TextArea, TextInput};

#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    project: RwSignal<String>,
    resource_group: RwSignal<String>,
    kind: RwSignal<String>,
    image: RwSignal<String>,
    command: RwSignal<String>,
    cpu: RwSignal<String>,
    mem: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        let text = |value: &str| RwSignal::new(value.to_owned());
        Self {
            name: text(""),
            project: text(""),
            resource_group: text(""),
            kind: text("interactive"),
            image: text(""),
            command: text(""),
            cpu: text("1"),
            mem: text("1 GiB"),
        }
    }

    /// What is chosen for somebody who chooses nothing.
    fn fill(self, options: &StartOptions, project: Option<String>) {
        let set = |field: RwSignal<String>, value: Option<String>| {
            if field.with_untracked(String::is_empty) {
                field.set(value.unwrap_or_default());
            }
        };
        // The project of the header wins over what was chosen here before; one that is not one's own cannot be started in.
        let of_header = project.filter(|id| options.projects.iter().any(|(own, _)| own.to_string() == *id));
        if let Some(id) = of_header {
            self.project.set(id);
        }
        set(self.project, options.projects.first().map(|(id, _)| id.to_string()));
        set(self.resource_group, options.resource_groups.first().cloned());
        set(self.image, options.images.first().map(|(name, _)| name.clone()));
    }

    /// The form as a request; what cannot be read is an error of its field.
    fn read(self) -> Result<StartSession, Problem> {
        let mut errors = Vec::new();
        let cpu = self.cpu.get_untracked().parse().unwrap_or_else(|_| {
            errors.push(FieldError::new("cpu", "Type a number of CPU cores, such as 2 or 0.5."));
            Quantity::whole(1)
        });
        let mem = parse_bytes(&self.mem.get_untracked()).unwrap_or_else(|| {
            errors.push(FieldError::new("mem", "Type an amount of memory with its unit, such as 2 GiB or 512m."));
            1 << 30
        });
        let project =
            self.project.get_untracked().parse().map_err(|_| Problem::field("project", "Choose one of your projects."))?;
        let kind = SessionType::from_key(&self.kind.get_untracked()).unwrap_or(SessionType::Interactive);
        let asked = StartSession {
            name: self.name.get_untracked().trim().to_owned(),
            project,
            resource_group: self.resource_group.get_untracked(),
            kind,
            image: self.image.get_untracked(),
            command: if kind == SessionType::Batch { self.command.get_untracked() } else { String::new() },
            cpu,
            mem,
        };
        if let Err(Problem::Invalid(more)) = asked.check() {
            errors.extend(more);
        }
        if errors.is_empty() { Ok(asked) } else { Err(Problem::Invalid(errors)) }
    }
}

/// The dialog; `started` is called with the new session.
pub fn dialog(open: RwSignal<bool>, started: Callback<SessionId>) -> AnyView {
    let form = Form::new();
    let refused = Refused::new();
    let options = RwSignal::new(None::<StartOptions>);
    let chosen = expect_context::<ChosenProject>().0;
    // Asked for when the dialog opens, so that what it offers is what there is.
    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        leptos::task::spawn_local(async move {
            match start_options().await {
                Ok(found) => {
                    form.fill(&found, chosen.get_untracked().map(|id| id.to_string()));
                    options.set(Some(found));
                }
                Err(problem) => refused.set(problem),
            }
        });
    });
    let start = Action::new(move |asked: &StartSession| {
        let asked = asked.clone();
        async move {
            match start_session(asked).await {
                Ok(id) => {
                    refused.clear();
                    form.name.set(String::new());
                    form.command.set(String::new());
                    started.run(id);
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, move || form.read(), move |asked| drop(start.dispatch(asked)));
    let is_batch = move || form.kind.with(|kind| kind == "batch");
    let choices = move |pick: fn(&StartOptions) -> Vec<(String, String)>| {
        Signal::derive(move || options.with(|o| o.as_ref().map(pick).unwrap_or_default()))
    };
    let largest = Signal::derive(move || {
        options
            .with(|o| {
                o.as_ref().map(|o| {
                    format!(
                        "The largest agent has {} cores and {}.",
                        o.largest_agent.get(CPU),
                        bytes(o.largest_agent.get("mem").floor())
                    )
                })
            })
            .unwrap_or_default()
    });
    view! {
        <Dialog open=open title="Start a session" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
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
                </Show>
                <div class="form-row">
                    <Field name="start-cpu" label="CPU cores" error=refused.of("cpu")><TextInput name="start-cpu" value=form.cpu/></Field>
                    <Field name="start-mem" label="Memory" error=refused.of("mem")><TextInput name="start-mem" value=form.mem/></Field>
                </div>
                <p class="hint">{largest}</p>
                <div class="form-row">
                    <Field name="start-project" label="Project" error=refused.of("project")>
                        <Select name="start-project" value=form.project options=choices(|o| o.projects.iter().map(|(id, name)| (id.to_string(), name.clone())).collect())/>
                    </Field>
                    <Field name="start-group" label="Resource group" error=refused.of("resource_group")>
                        <Select name="start-group" value=form.resource_group options=choices(|o| o.resource_groups.iter().map(|name| (name.clone(), name.clone())).collect())/>
                    </Field>
                </div>
                <Field name="start-image" label="Environment" error=refused.of("image")>
                    <Select name="start-image" value=form.image options=choices(|o| o.images.clone())/>
                </Field>
                {form_end(refused, open, "Start", start.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
