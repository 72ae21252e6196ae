//! The fields of a resource group.

use super::users::Users;
use console::api::cluster::resource_groups::{resource_groups, save_resource_group};
use console::choices::choices;
use console::dialog::Opening;
use console::dialog::edit::{EditForm, Words, by_name, name_field};
use console::form::{Refused, checked, whole_limit};
use leptos::prelude::*;
use types::Problem;
use types::cluster::resource_groups::{
    DEFAULT_RETRIES, GROUP_SCHEDULERS, GroupRow, MAX_RETRIES, Placement, RESOURCE_GROUPS, ResourceGroup, SaveGroup,
    SchedulerKind, SchedulerSettings, group_scheduler,
};
use types::id::DomainId;
use types::list::ListQuery;
use types::revision::Difference;
use types::rules::MAX_DESCRIPTION;
use types::sessions::SessionType;
use ui::{CheckboxGroup, Field, Limit, LimitField, Select, Switch, TextArea, TextInput};

pub const WORDS: Words = Words {
    titles: ("Create resource group", "Edit resource group"),
    done: ("Resource group successfully created.", "Resource group successfully modified."),
};

/// Maximum pending timeout in its field, in seconds.
const MOST_SECONDS: &str = "315360000";

#[derive(Clone, Copy)]
pub struct Form {
    name: RwSignal<String>,
    description: RwSignal<String>,
    active: RwSignal<bool>,
    public: RwSignal<bool>,
    scheduler: RwSignal<String>,
    placement: RwSignal<String>,
    session_types: RwSignal<Vec<String>>,
    pending_timeout: Limit,
    retries: Limit,
    app_proxy: RwSignal<String>,
    users: Users,
    /// The domain of the person using the form: the default for a new group.
    own: DomainId,
    /// The system's settings: defaults for a new group, and for fields without a value of their own.
    usual: Signal<SchedulerSettings>,
}

impl Form {
    /// A form that shows the system's current values. A new group is for the domain `own`.
    pub fn new(usual: Signal<SchedulerSettings>, own: DomainId) -> Self {
        let text = || RwSignal::new(String::new());
        let form = Self {
            name: text(),
            description: text(),
            active: RwSignal::new(true),
            public: RwSignal::new(true),
            scheduler: text(),
            placement: text(),
            session_types: RwSignal::new(Vec::new()),
            pending_timeout: Limit::unlimited(),
            retries: Limit::unlimited(),
            app_proxy: text(),
            users: Users::new(),
            own,
            usual,
        };
        form.fill(None);
        form
    }
}

impl EditForm for Form {
    type Thing = ResourceGroup;

    fn fill(self, group: Option<&ResourceGroup>) {
        let new = group.is_none();
        let plain = ResourceGroup::new("");
        let group = group.unwrap_or(&plain);
        self.name.set(group.name.clone());
        self.description.set(group.description.clone());
        self.active.set(group.active);
        self.public.set(group.public);
        self.scheduler.set(group.scheduler_word().into());
        self.placement.set(group.placement.key().into());
        self.session_types.set(group.session_types.iter().map(|kind| kind.key().to_owned()).collect());
        self.pending_timeout.set(group.pending_timeout.filter(|seconds| *seconds > 0).map(|n| n.to_string()));
        self.retries.set(group.retries_to_skip.map(|n| n.to_string()));
        self.app_proxy.set(group.app_proxy.clone());
        let domains = if new { vec![self.own] } else { group.domains.clone() };
        self.users.domains.set(domains.iter().map(ToString::to_string).collect());
        self.users.projects.set(group.projects.iter().map(ToString::to_string).collect());
    }

    fn read(self) -> Result<ResourceGroup, Problem> {
        let mut mistakes = Vec::new();
        let kinds = self.session_types.get_untracked();
        let group = ResourceGroup {
            name: self.name.get_untracked().trim().to_owned(),
            description: self.description.get_untracked(),
            active: self.active.get_untracked(),
            public: self.public.get_untracked(),
            scheduler: group_scheduler(&self.scheduler.get_untracked()).flatten(),
            placement: Placement::from_key(&self.placement.get_untracked()).unwrap_or_default(),
            // In the order of the types, so that the same choice always reads the same.
            session_types: SessionType::ALL.iter().copied().filter(|kind| kinds.iter().any(|key| key == kind.key())).collect(),
            pending_timeout: whole_limit("pending_timeout", self.pending_timeout, &mut mistakes).filter(|seconds| *seconds > 0),
            retries_to_skip: whole_limit("retries_to_skip", self.retries, &mut mistakes),
            app_proxy: self.app_proxy.get_untracked().trim().to_owned(),
            domains: self.users.domains.get_untracked().iter().filter_map(|id| id.parse().ok()).collect(),
            projects: self.users.projects.get_untracked().iter().filter_map(|id| id.parse().ok()).collect(),
        };
        checked(group, mistakes, ResourceGroup::check)
    }

    fn opened(self, opening: Opening) {
        self.users.ask(opening);
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        let kind_hint = move || {
            let own = group_scheduler(&self.scheduler.get()).flatten();
            let kind = own.unwrap_or_else(|| self.usual.with(|usual| usual.scheduler));
            let what = match kind {
                SchedulerKind::Fifo => "The session that was requested first starts first.",
                SchedulerKind::Lifo => "The session that was requested last starts first.",
                SchedulerKind::Drf => "The person with the smallest dominant share goes first.",
            };
            if own.is_some() { what.to_owned() } else { format!("Default: {}. {what}", kind.label()) }
        };
        let system_retries = move || self.usual.with(|usual| usual.retries_to_skip.unwrap_or(DEFAULT_RETRIES));
        view! {
            {name_field("group-name", "Name", self.name, refused, new)}
            <Field name="group-description" label="Description" error=refused.field_error("description")>
                <TextArea name="group-description" value=self.description rows=2 max=MAX_DESCRIPTION/>
            </Field>
            <div class="form-row">
                <Field name="group-scheduler" label="Scheduler" error=refused.field_error("scheduler")>
                    <Select name="group-scheduler" value=self.scheduler options=choices(GROUP_SCHEDULERS)/>
                </Field>
                <Field name="group-placement" label="Placement" error=refused.field_error("placement")>
                    <Select name="group-placement" value=self.placement options=choices(Placement::CHOICES)/>
                </Field>
            </div>
            <p class="hint">{kind_hint}</p>
            <CheckboxGroup name="group-types" label="Allowed session types" value=self.session_types options=choices(SessionType::CHOICES) error=refused.field_error("session_types")/>
            <div class="form-row">
                <LimitField name="group-timeout" label="Pending timeout (sec.)" limit=self.pending_timeout unlimited=Signal::stored("No timeout") hint="A session that is still pending after this time is cancelled. 0: no timeout." error=refused.field_error("pending_timeout") max=MOST_SECONDS/>
                <LimitField name="group-retries" label="Retries to skip pending session" limit=self.retries unlimited=Signal::stored("Use default") hint="After this many tries, a session that does not fit lets others pass if they do not delay it. 0: nobody passes." error=refused.field_error("retries_to_skip") max=MAX_RETRIES.to_string()/>
            </div>
            <p class="hint">{move || format!("Default: {} tries.", system_retries())}</p>
            <Field name="group-proxy" label="App proxy address" hint="Address for direct access to the agents' apps. Only stored for now: apps go through the manager." error=refused.field_error("app_proxy")>
                <TextInput name="group-proxy" value=self.app_proxy/>
            </Field>
            <div class="choices">
                <Switch name="group-active" label="Active" value=self.active/>
                <Switch name="group-public" label="Public" value=self.public/>
            </div>
            <p class="hint">"Active: it accepts new sessions. When off, it accepts none; running sessions continue."</p>
            <p class="hint">"Public: shown in the launcher. When off, it can be used only through the API."</p>
            {self.users.view(refused.field_error("domains"), refused.field_error("projects"))}
        }
        .into_any()
    }

    fn name(group: &ResourceGroup) -> String {
        group.name.clone()
    }

    fn in_form_words(self, difference: Difference) -> Difference {
        self.users.in_form_words(difference)
    }

    async fn saved(name: String) -> Result<(ResourceGroup, i64), Problem> {
        let row = find(name).await?;
        Ok((row.group, row.revision))
    }

    async fn save(group: ResourceGroup, revision: Option<i64>) -> Result<(), Problem> {
        save_resource_group(SaveGroup { group, revision }).await
    }
}

/// The group of this name, active or not.
pub async fn find(name: String) -> Result<GroupRow, Problem> {
    for tab in ["active", "inactive"] {
        let query = ListQuery { tab: tab.into(), ..ListQuery::new(&RESOURCE_GROUPS) };
        if let Some(row) = by_name(query, &name, |row: &GroupRow| &row.group.name, resource_groups).await? {
            return Ok(row);
        }
    }
    Err(Problem::NotFound("resource group".into()))
}
