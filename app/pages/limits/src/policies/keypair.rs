//! Keypair policies: limits on the resources, number, lifetime and disk of a keypair's sessions.

use super::effect::effect;
use super::hosts::HostsField;
use super::{ANY, Actions, WORDS, access_refusal, as_saved, delete, row, tab, waiting};
use console::api::limits::policies::{keypair_policies, policy_effect, save_keypair_policy, slot_names};
use console::chunk;
use console::columns::text;
use console::dialog::Opening;
use console::dialog::edit::{EditForm, dialog, name_field};
use console::form::{Refused, checked, whole_limit};
use console::list_page::List;
use console::paths;
use console::slots::{SlotAmounts, bytes_limit, exact_bytes, limits_in_short};
use console::table::{load, load_open, settled_with};
use leptos::prelude::*;
use types::Problem;
use types::folders::host_names;
use types::limits::policies::{
    KEYPAIR_POLICIES, KeypairPolicy, MAX_CLUSTER, MAX_IDLE, MAX_KEYPAIR_FOLDERS, MAX_SESSIONS, PolicyEffect, PolicyKind,
    PolicyRow, SavePolicy,
};
use types::quantity::bytes;
use types::revision::or_unlimited;
use types::system::events::Topic;
use ui::{Checkbox, Column, Field, Limit, LimitField, NumberInput};

#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    total: SlotAmounts,
    others_unlimited: RwSignal<bool>,
    max_sessions: Limit,
    max_pending: Limit,
    max_cluster: RwSignal<String>,
    lifetime: Limit,
    idle_timeout: Limit,
    session_disk: Limit,
    max_transfers: Limit,
    max_folders: Limit,
    hosts: HostsField,
    effect: RwSignal<Option<PolicyEffect>>,
}

impl Form {
    fn new(reported: Signal<Vec<String>>) -> Self {
        let form = Self {
            name: RwSignal::new(String::new()),
            total: SlotAmounts::limits("policy", reported),
            others_unlimited: RwSignal::new(true),
            max_sessions: Limit::unlimited(),
            max_pending: Limit::unlimited(),
            max_cluster: RwSignal::new(String::new()),
            lifetime: Limit::unlimited(),
            idle_timeout: Limit::unlimited(),
            session_disk: Limit::unlimited(),
            max_transfers: Limit::unlimited(),
            max_folders: Limit::unlimited(),
            hosts: HostsField::new(),
            effect: RwSignal::new(None),
        };
        form.fill(None);
        form
    }
}

impl EditForm for Form {
    type Thing = KeypairPolicy;

    fn fill(self, policy: Option<&KeypairPolicy>) {
        let plain = KeypairPolicy::new("");
        let policy = policy.unwrap_or(&plain);
        let text = |limit: Option<u32>| limit.map(|limit| limit.to_string());
        self.name.set(policy.name.clone());
        self.total.fill(&policy.total);
        self.others_unlimited.set(policy.others_unlimited);
        self.max_sessions.set(text(policy.max_sessions));
        self.max_pending.set(text(policy.max_pending));
        self.max_cluster.set(policy.max_cluster.to_string());
        self.lifetime.set(text(policy.lifetime));
        self.idle_timeout.set(text(policy.idle_timeout));
        self.session_disk.set(policy.session_disk.map(exact_bytes));
        self.max_transfers.set(text(policy.max_transfers));
        self.max_folders.set(text(policy.max_folders));
        self.hosts.fill(&policy.hosts);
        self.effect.set(None);
    }

    fn read(self) -> Result<KeypairPolicy, Problem> {
        let mut mistakes = Vec::new();
        let policy = KeypairPolicy {
            name: self.name.get_untracked().trim().to_owned(),
            total: self.total.read(&mut mistakes),
            others_unlimited: self.others_unlimited.get_untracked(),
            max_sessions: whole_limit("max_sessions", self.max_sessions, &mut mistakes).filter(|n| *n > 0),
            max_pending: whole_limit("max_pending", self.max_pending, &mut mistakes),
            // Text that is not a number becomes 0, which `check` refuses.
            max_cluster: self.max_cluster.with_untracked(|text| text.trim().parse().unwrap_or(0)),
            // A lifetime or idle time of 0 makes no sense, so 0 means unlimited here and in the counts, as in files of other
            // clusters.
            lifetime: whole_limit("lifetime", self.lifetime, &mut mistakes).filter(|seconds| *seconds > 0),
            idle_timeout: whole_limit("idle_timeout", self.idle_timeout, &mut mistakes).filter(|seconds| *seconds > 0),
            session_disk: bytes_limit("session_disk", self.session_disk, &mut mistakes).filter(|bytes| *bytes > 0),
            max_transfers: whole_limit("max_transfers", self.max_transfers, &mut mistakes).filter(|n| *n > 0),
            max_folders: whole_limit("max_folders", self.max_folders, &mut mistakes).filter(|n| *n > 0),
            hosts: self.hosts.read(),
        };
        checked(policy, mistakes, KeypairPolicy::check)
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        let unlimited = Signal::derive(move || if self.others_unlimited.get() { "Unlimited" } else { "Not allowed" });
        view! {
            {name_field("policy-name", "Name", self.name, refused, new)}
            <p class="hint">"All of a person's sessions count against the policy of their main keypair."</p>
            <h3>"Resource policy"</h3>
            {self.total.view(refused, unlimited)}
            <Checkbox name="policy-others" label="Allow unlisted resources without limit" value=self.others_unlimited/>
            <h3>"Sessions"</h3>
            <div class="form-row">
                <Field name="policy-cluster" label="Cluster size" hint=format!("Containers in one session, 1 to {MAX_CLUSTER}.") error=refused.field_error("max_cluster")>
                    <NumberInput name="policy-cluster" value=self.max_cluster min="1" max=MAX_CLUSTER.to_string() step="1"/>
                </Field>
                <LimitField name="policy-lifetime" label="Session lifetime (sec.)" limit=self.lifetime hint="Counted from the request; the session is then terminated. 0: no limit." error=refused.field_error("lifetime") max=ANY/>
                <LimitField name="policy-pending" label="Max pending session count" limit=self.max_pending hint="Sessions in the queue at the same time. 0: none may wait, so none can be started." error=refused.field_error("max_pending") max=ANY/>
                <LimitField name="policy-sessions" label="Concurrent jobs" limit=self.max_sessions hint=format!("Sessions at the same time, up to {MAX_SESSIONS}; 0 is unlimited.") error=refused.field_error("max_sessions") max=MAX_SESSIONS.to_string()/>
                <LimitField name="policy-idle" label="Idle timeout (sec.)" limit=self.idle_timeout hint="Interactive sessions only: how long a session may go without input while using almost no processor time (the threshold is set in Configurations); up to 180 days. A batch session ends with its command or its own timeout." error=refused.field_error("idle_timeout") max=MAX_IDLE.to_string()/>
                <LimitField name="policy-disk" label="Disk per session" limit=self.session_disk hint="Everything that one session keeps in its home and in /tmp, such as 10 GiB; at least 64 MiB. A session that holds more is terminated. 0: no limit." error=refused.field_error("session_disk")/>
                <LimitField name="policy-sftp" label="Max concurrent SFTP sessions" limit=self.max_transfers error=refused.field_error("max_transfers") max=ANY/>
            </div>
            <h3>"Folders"</h3>
            {self.hosts.view(refused)}
            <LimitField name="policy-folders" label="Max folders (deprecated)" limit=self.max_folders hint=format!("Kept for programs that read it, up to {MAX_KEYPAIR_FOLDERS}. Folders are limited by user and project policies.") error=refused.field_error("max_folders") max=MAX_KEYPAIR_FOLDERS.to_string()/>
            {effect(self.effect)}
        }
        .into_any()
    }

    fn name(policy: &KeypairPolicy) -> String {
        policy.name.clone()
    }

    async fn saved(name: String) -> Result<(KeypairPolicy, i64), Problem> {
        as_saved(&KEYPAIR_POLICIES, name, keypair_policies).await
    }

    async fn save(policy: KeypairPolicy, revision: Option<i64>) -> Result<(), Problem> {
        save_keypair_policy(SavePolicy { policy, revision }).await
    }

    async fn look_first(self, policy: KeypairPolicy, opening: Opening) -> Result<bool, Problem> {
        let found = policy_effect(policy).await?;
        let anybody = found.followers.count > 0;
        if opening.is_current() {
            self.effect.set(anybody.then_some(found));
        }
        Ok(anybody)
    }
}

type Row = PolicyRow<KeypairPolicy>;

fn columns(reported: Signal<Vec<String>>) -> Vec<Column<Row>> {
    let limit = |limit: Option<u32>| or_unlimited(limit).into_any();
    vec![
        text("name", "Name", |row: &Row| row.policy.name.clone()).sortable().required().opens(),
        Column::new("total", "Resource policy", move |row: &Row| {
            reported.with(|known| limits_in_short(&row.policy.total, row.policy.others_unlimited, known)).into_any()
        }),
        Column::new("others", "Other resources", |row: &Row| if row.policy.others_unlimited { "∞" } else { "none" }.into_any())
            .hidden(),
        Column::new("max_sessions", "Concurrent jobs", move |row: &Row| limit(row.policy.max_sessions)).sortable().number(),
        text("max_cluster", "Cluster size", |row: &Row| row.policy.max_cluster.to_string()).sortable().number(),
        Column::new("idle_timeout", "Idle timeout (sec.)", move |row: &Row| limit(row.policy.idle_timeout)).sortable().number(),
        Column::new("lifetime", "Max session lifetime (sec.)", move |row: &Row| limit(row.policy.lifetime)).sortable().number(),
        Column::new("session_disk", "Disk per session", |row: &Row| or_unlimited(row.policy.session_disk.map(bytes)).into_any())
            .sortable()
            .number()
            .hidden(),
        Column::new("hosts", "Allowed hosts", |row: &Row| {
            if row.policy.hosts.is_empty() { "-".into_any() } else { host_names(&row.policy.hosts).into_any() }
        }),
        Column::new("max_pending", "Max pending sessions", move |row: &Row| limit(row.policy.max_pending)).sortable().number(),
        Column::new("max_transfers", "Max SFTP sessions", move |row: &Row| limit(row.policy.max_transfers)).sortable().number(),
    ]
}

chunk!(parts:
    /// The dialogs that create, change and delete policies.
    fn changes(actions: Actions<KeypairPolicy>, known: Signal<Vec<String>>, changed: Callback<()>) {
        view! { {dialog(Form::new(known), actions.edit, WORDS, changed)}{delete::dialog(PolicyKind::Keypair, actions.delete, changed)} }.into_any()
    }
);

pub fn page() -> AnyView {
    if let Some(refusal) = access_refusal() {
        return refusal;
    }
    const FOLLOWED: &[Topic] = &[Topic::Policy, Topic::Keypair];
    let list = List::new(&KEYPAIR_POLICIES, paths::KEYPAIR_POLICIES, "policy", FOLLOWED, keypair_policies);
    let slots = load(Memo::new(|_| ()), &[Topic::Agent], |()| slot_names());
    let detail = load_open(list.open, FOLLOWED, "resource policy", |name| Some(row(&KEYPAIR_POLICIES, name, keypair_policies)));
    let loads = list.pending().into_iter().chain([slots.pending(), detail.pending()]).collect();
    let view = move || {
        let slots = slots.good();
        let reported = Signal::derive(move || slots.get().unwrap_or_default());
        tab(PolicyKind::Keypair, &KEYPAIR_POLICIES, list, detail, columns(reported), changes::later, reported)
    };
    settled_with(loads, || waiting(PolicyKind::Keypair), view)
}
