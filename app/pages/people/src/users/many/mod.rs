//! The dialog that creates many people, by a pattern or from a CSV file, with a preview first (`docs/spec/people.md`, "Many new
//! people").

mod preview;
mod result;

use super::place::{Place, choices};
use console::api::people::users::{create_users, created_people, preview_users};
use console::dialog::{Asked, Saved, Shell};
use console::form::Refused;
use console::table::use_parameter;
use leptos::prelude::*;
use leptos::task::spawn_local;
use types::Problem;
use types::list::encode;
use types::people::many_users::{
    Batch, COLUMNS, CreateMany, CreatedPerson, Defaults, LARGEST_FILE, MOST_BY_PATTERN, Pattern, Preview, created_text,
};
use types::people::users::UserStatus;
use types::rules::MAX_DESCRIPTION;
use ui::{Checkbox, Field, Icon, IconName, NumberInput, RadioGroup, TextArea, TextInput, Variant, use_toaster};
use wasm_bindgen::JsCast;

/// One example line for the columns in `COLUMNS`.
const EXAMPLE: &str = "ann@example.org,ann,Ann Ek,,user,active,default,default,default,default,yes,the new analyst";

/// The typed values.
#[derive(Clone, Copy)]
struct Form {
    /// `pattern` or `file`.
    source: RwSignal<String>,
    prefix: RwSignal<String>,
    suffix: RwSignal<String>,
    count: RwSignal<String>,
    host: RwSignal<String>,
    lines: RwSignal<String>,
    place: Place,
    must_change_password: RwSignal<bool>,
    description: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        let text = |value: &str| RwSignal::new(value.to_owned());
        Self {
            source: text("pattern"),
            prefix: text(""),
            suffix: text(""),
            count: text("10"),
            host: text(""),
            lines: text(""),
            place: Place::new("many"),
            must_change_password: RwSignal::new(true),
            description: text(""),
        }
    }

    fn clear(self) {
        let Self { source: _, prefix, suffix, count, host, lines, place: _, must_change_password, description } = self;
        [prefix, suffix, host, lines, description].into_iter().for_each(|field| field.set(String::new()));
        count.set("10".into());
        must_change_password.set(true);
    }

    fn pattern(self) -> Pattern {
        let text = |field: RwSignal<String>| field.with(|text| text.trim().to_owned());
        let count = self.count.with(|text| text.trim().parse().unwrap_or(0));
        Pattern { prefix: text(self.prefix), suffix: text(self.suffix), count, host: text(self.host) }
    }

    fn read(self) -> Result<CreateMany, Problem> {
        let batch = if self.source.with_untracked(|source| source == "file") {
            let lines = self.lines.get_untracked();
            if lines.trim().is_empty() {
                return Err(Problem::field("file", "Choose a file or enter its lines here."));
            }
            if lines.len() > LARGEST_FILE {
                return Err(Problem::field("file", "The file is too large. Split it: 1.5 MB at most."));
            }
            Batch::File(lines)
        } else {
            let pattern = untrack(|| self.pattern());
            pattern.check()?;
            Batch::Pattern(pattern)
        };
        let defaults = Defaults {
            role: self.place.role(),
            status: self.place.status().unwrap_or(UserStatus::Active),
            domain: self.place.need_domain()?,
            projects: self.place.project_ids(),
            policy: self.place.policy.get_untracked(),
            keypair_policy: if self.place.may_limit { self.place.keypair_policy.get_untracked() } else { String::new() },
            must_change_password: self.must_change_password.get_untracked(),
            description: self.description.get_untracked(),
        };
        Ok(CreateMany { batch, defaults })
    }

    /// Follows every field, so that a change requires a new preview.
    fn track(self) {
        let texts = [self.source, self.prefix, self.suffix, self.count, self.host, self.lines, self.description];
        texts.into_iter().for_each(|field| field.track());
        self.place.track();
        self.must_change_password.track();
    }
}

/// The dialog; `changed` is called when people were created.
pub fn dialog(asked: RwSignal<Asked<()>>, changed: Callback<()>) -> AnyView {
    let (form, shell) = (Form::new(), Shell::new());
    let planned = RwSignal::new(None::<(CreateMany, Preview)>);
    let created = RwSignal::new(Vec::<CreatedPerson>::new());
    let (of_task, toaster) = (use_parameter("created"), use_toaster());
    // A notification links here, to the people that a background task created.
    Effect::new(move |_| {
        let Some(task) = of_task.get().and_then(|id| id.parse().ok()) else { return };
        spawn_local(async move {
            match created_people(task).await {
                Ok(people) => drop(created.try_set(people)),
                Err(problem) => toaster.bad(problem.to_string()),
            }
        });
    });
    let offer = move |choices| {
        form.place.offer(choices);
        form.place.choose_default();
    };
    shell.open_when(asked, move |_: Option<()>| form.clear(), move |opening| opening.ask(choices(form.place.may_limit), offer));
    Effect::new(move |_| {
        form.track();
        planned.set(None);
    });
    // Only the previewed people are created, no matter what was changed while the preview was loading.
    let ready = move |many: &CreateMany| {
        planned.with_untracked(|plan| plan.as_ref().is_some_and(|(looked_at, plan)| plan.errors.is_empty() && looked_at == many))
    };
    let submit = Callback::new(move |()| {
        let Some(many) = shell.refused.accept(form.read()) else { return };
        let (ready, opening) = (ready(&many), shell.opening());
        let saving = async move {
            if ready {
                let people = create_users(many).await?;
                let text = created_text(people.len());
                // Added to any that are still shown: their passwords are nowhere else.
                created.try_update(|all| all.extend(people));
                return Ok(text.into());
            }
            let plan = preview_users(many.clone()).await?;
            if opening.is_current() {
                planned.set(Some((many, plan)));
            }
            Ok(Saved::NotYet)
        };
        shell.send(saving, move || form.lines.set(String::new()), changed);
    });
    let label =
        Signal::derive(move || match planned.with(|plan| plan.as_ref().map(|(_, plan)| (plan.count, plan.errors.len()))) {
            None => "Preview".to_owned(),
            Some((1, 0)) => "Create 1 user".to_owned(),
            Some((count, 0)) => format!("Create {count} users"),
            Some(_) => "Check again".to_owned(),
        });
    let contents = ViewFn::from(move || {
        view! {
            {fields(form, shell)}
            {move || planned.get().map(|(_, plan)| preview::view(plan))}
            {shell.end(label, Variant::Primary)}
        }
    });
    view! {
        {shell.view(Signal::stored("Create many users".to_owned()), submit, Callback::new(|()| ()), contents)}
        {result::shown_once(created)}
    }
    .into_any()
}

fn fields(form: Form, shell: Shell) -> AnyView {
    let refused = shell.refused;
    view! {
        <RadioGroup name="many-source" label="Source" value=form.source options=vec![
            ("pattern".into(), "Numbered usernames".into()),
            ("file".into(), "From a CSV file".into()),
        ]/>
        <Show when=move || form.source.with(|source| source == "file") fallback=move || pattern_fields(form, refused)>
            {file_fields(form, shell)}
        </Show>
        {default_fields(form, refused)}
    }
    .into_any()
}

fn pattern_fields(form: Form, refused: Refused) -> AnyView {
    let example = move || {
        let people = form.pattern().people();
        match (people.first(), people.last()) {
            (Some((first, email)), Some((last, _))) if people.len() > 1 => {
                format!("{first} to {last}, with emails such as {email}")
            }
            (Some((first, email)), _) => format!("{first}, with the email {email}"),
            _ => "Nobody yet".to_owned(),
        }
    };
    view! {
        <div class="form-row form-row-small">
            <Field name="many-prefix" label="Before the number" error=refused.field_error("prefix")><TextInput name="many-prefix" value=form.prefix max=60/></Field>
            <Field name="many-suffix" label="After the number" error=refused.field_error("suffix")><TextInput name="many-suffix" value=form.suffix max=60/></Field>
            <Field name="many-count" label="How many" required=true error=refused.field_error("count")>
                <NumberInput name="many-count" value=form.count min="1" max=MOST_BY_PATTERN.to_string() step="1"/>
            </Field>
        </div>
        <Field name="many-host" label="Email, after the @" required=true error=refused.field_error("host")><TextInput name="many-host" value=form.host max=60/></Field>
        <p class="hint" aria-live="polite">{example}". Each gets a generated password, shown only once."</p>
    }
    .into_any()
}

fn file_fields(form: Form, shell: Shell) -> AnyView {
    let refused = shell.refused;
    let read = move |event: web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some(file) = input.and_then(|input| input.files()).and_then(|files| files.get(0)) else { return };
        if file.size() > LARGEST_FILE as f64 {
            refused.set(Problem::field("file", "The file is too large. Split it: 1.5 MB at most."));
            return;
        }
        let unreadable = |_| Problem::field("file", "The browser could not read this file. Choose it again.");
        let reading = async move { wasm_bindgen_futures::JsFuture::from(file.text()).await.map_err(unreadable) };
        shell.opening().ask(reading, move |text| {
            refused.clear();
            form.lines.set(text.as_string().unwrap_or_default());
        });
    };
    let example = format!("data:text/csv;charset=utf-8,{}", encode(&format!("{}\n{EXAMPLE}\n", COLUMNS.join(","))));
    view! {
        <div class="field">
            <label class="field-label" for="many-file">"CSV file"</label>
            <input class="input" id="many-file" type="file" accept=".csv,text/csv" on:change=read/>
            <p class="field-hint">"Its first line names the columns: email and username, and any of "{COLUMNS[2..].join(", ")}". Separate projects with semicolons. Without a password, one is generated."</p>
            <p><a class="button button-quiet" download="people.csv" href=example><Icon name=IconName::Download/>"An example to fill in"</a></p>
        </div>
        <Field name="many-lines" label="CSV text" required=true hint="Edit here if needed." error=refused.field_error("file")>
            <TextArea name="many-lines" value=form.lines rows=6 mono=true/>
        </Field>
    }
    .into_any()
}

fn default_fields(form: Form, refused: Refused) -> AnyView {
    view! {
        <h3>{move || form.source.with(|source| if source == "file" { "Defaults for lines that do not say otherwise" } else { "Applied to all" })}</h3>
        {form.place.role_and_status(refused)}
        {form.place.fields(refused, false)}
        <Checkbox name="many-must-change" label="Require password change (reminder banner only)" value=form.must_change_password/>
        <Field name="many-description" label="Description" error=refused.field_error("description")>
            <TextInput name="many-description" value=form.description max=MAX_DESCRIPTION/>
        </Field>
    }
    .into_any()
}
