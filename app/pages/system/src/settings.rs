//! Settings of the whole cluster: the scheduler's defaults and the idle threshold (`docs/spec/system.md`, "Scheduler settings").

use console::api::system::settings::{save_scheduler_settings, scheduler_settings};
use console::choices::choices;
use console::chunk;
use console::dialog::Asked;
use console::dialog::edit::{EditForm, Words, dialog};
use console::form::{Refused, checked, whole_limit, whole_number};
use console::frame::{Head, PageHead, use_me};
use console::problem_view::problem_view;
use console::table::load;
use leptos::prelude::*;
use types::Problem;
use types::cluster::resource_groups::{MAX_IDLE_BELOW, MAX_RETRIES, SchedulerKind, SchedulerSettings};
use types::people::permissions::Permission;
use types::revision::Fields;
use types::system::events::Topic;
use ui::{Button, Field, Limit, LimitField, NumberInput, Select};

const HEAD: Head = Head { title: "Configurations", group: "Administration" };

const WORDS: Words = Words { titles: ("Scheduler", "Scheduler"), done: ("Successfully Updated.", "Successfully Updated.") };
/// The reason why the retries cannot be changed (`docs/spec/system.md`, "Retries and FIFO").
const ONLY_FIFO: &str = "Currently, changes are only possible when the scheduler is FIFO.";

#[derive(Clone, Copy)]
struct Form {
    scheduler: RwSignal<String>,
    retries: Limit,
    idle_below: RwSignal<String>,
}

impl EditForm for Form {
    type Thing = SchedulerSettings;

    fn fill(self, settings: Option<&SchedulerSettings>) {
        let plain = SchedulerSettings::default();
        let settings = settings.unwrap_or(&plain);
        self.scheduler.set(settings.scheduler.key().into());
        self.retries.set(settings.retries_to_skip.map(|n| n.to_string()));
        self.idle_below.set(settings.idle_below.to_string());
    }

    fn read(self) -> Result<SchedulerSettings, Problem> {
        let mut mistakes = Vec::new();
        let scheduler = SchedulerKind::from_key(&self.scheduler.get_untracked()).unwrap_or_default();
        // A disabled field is not read, so the saved value stays.
        let fifo = scheduler == SchedulerKind::Fifo;
        let retries_to_skip = fifo.then(|| whole_limit("retries_to_skip", self.retries, &mut mistakes)).flatten();
        let idle_below = whole_number("idle_below", &self.idle_below.get_untracked(), &mut mistakes);
        let settings = SchedulerSettings { scheduler, retries_to_skip, idle_below, revision: 0 };
        checked(settings, mistakes, SchedulerSettings::check)
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        let other = Signal::derive(move || self.scheduler.with(|kind| kind != SchedulerKind::Fifo.key()));
        view! {
            <Field name="settings-scheduler" label="Scheduler" hint="For resource groups that do not set their own." error=refused.field_error("scheduler")>
                <Select name="settings-scheduler" value=self.scheduler options=choices(SchedulerKind::CHOICES)/>
            </Field>
            <LimitField name="settings-retries" label="Session creation retries" limit=self.retries unlimited=Signal::stored("Unset") hint="After this many tries, a session that does not fit lets others pass if they do not delay it. 0: nobody passes. A resource group's own number takes precedence." error=refused.field_error("retries_to_skip") max=MAX_RETRIES.to_string() disabled=other/>
            <p class="hint" hidden=move || !other.get()>{ONLY_FIFO}</p>
            <Field name="settings-idle" label="Idle below (% of a CPU core)" hint="An interactive session that nobody types into is idle while its processes use less than this. Its keypair's policy sets how long it may be idle." error=refused.field_error("idle_below")>
                <NumberInput name="settings-idle" value=self.idle_below min="1" max=MAX_IDLE_BELOW.to_string() step="1"/>
            </Field>
        }
        .into_any()
    }

    fn name(_: &SchedulerSettings) -> String {
        "scheduler".into()
    }

    async fn saved(_: String) -> Result<(SchedulerSettings, i64), Problem> {
        let settings = scheduler_settings().await?;
        let revision = settings.revision;
        Ok((SchedulerSettings { revision: 0, ..settings }, revision))
    }

    async fn save(settings: SchedulerSettings, revision: Option<i64>) -> Result<(), Problem> {
        save_scheduler_settings(SchedulerSettings { revision: revision.unwrap_or_default(), ..settings }).await
    }
}

chunk!(parts:
    /// The dialog that changes the scheduler's settings.
    fn changes(asked: RwSignal<Asked<(SchedulerSettings, i64)>>, changed: Callback<()>) {
        let text = || RwSignal::new(String::new());
        let form = Form { scheduler: text(), retries: Limit::unlimited(), idle_below: text() };
        form.fill(None);
        dialog(form, asked, WORDS, changed)
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadSettings) {
        return problem_view(&Problem::Forbidden(Permission::ReadSettings.verb().into()));
    }
    let may_change = me.may(Permission::ChangeSettings);
    let settings = load(Memo::new(|_| ()), &[Topic::Group], |()| scheduler_settings());
    let view = move || {
        let asked = RwSignal::new(Asked::Nothing);
        let ask = Callback::new(move |()| {
            if let Some(settings) = settings.good().get_untracked() {
                let revision = settings.revision;
                asked.set(Asked::edit((SchedulerSettings { revision: 0, ..settings }, revision)));
            }
        });
        let values = move || match settings.shown.get() {
            Some(Ok(settings)) => {
                let pairs = settings.fields().into_iter();
                let pairs: Vec<_> = pairs.map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect();
                view! { <dl class="key-values">{pairs}</dl> }.into_any()
            }
            Some(Err(problem)) => problem_view(&problem),
            None => view! { <ui::Skeleton lines=2/> }.into_any(),
        };
        let there = Memo::new(move |_| may_change && settings.shown.with(|shown| matches!(shown, Some(Ok(_)))));
        view! {
            <PageHead title=HEAD.title group=HEAD.group/>
            <section class="card" aria-labelledby="settings-of-scheduler">
                <header class="card-head">
                    <h2 id="settings-of-scheduler">"Scheduler"</h2>
                    <p class="hint">"Scheduler defaults (a resource group's own settings override them), and what counts as idle."</p>
                </header>
                {values}
                <Show when=move || there.get()><div><Button on_press=ask>"Config"</Button></div></Show>
            </section>
            {may_change.then(|| changes::later(Asked::asks(asked), asked, settings.reload))}
        }
        .into_any()
    };
    settings.view(HEAD, view)
}
