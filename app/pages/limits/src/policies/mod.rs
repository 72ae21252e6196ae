//! Resource policies: the limits that follow a keypair, a person and a project, each kind on a tab with an address of its own.
//!
//! Shared by the three tabs: the place, the table's last columns, and how a policy is described. The fields of each kind are in
//! its own file.

mod delete;
mod effect;
mod hosts;
mod info;
pub mod keypair;
pub mod project;
mod tools;
pub mod user;

use console::columns::time;
use console::dialog::Asked;
use console::dialog::edit::{Words, by_name};
use console::frame::{PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::table::Loaded;
use leptos::prelude::*;
use types::Problem;
use types::limits::policies::{Followers, KeypairPolicy, PolicyKind, PolicyRow, ProjectPolicy, UserPolicy};
use types::list::{ListQuery, ListSpec, Page};
use types::people::permissions::Permission;
use types::revision::Fields;
use ui::{Button, Column, EmptyState, Icon, IconName, Tab, Tabs, Variant};

const TITLE: &str = "Resource policies";
const GROUP: &str = "Administration";

/// The largest number of a field without a limit of its own.
const ANY: &str = "2147483647";

const WORDS: Words = Words {
    titles: ("Create Resource Policy", "Update Resource Policy"),
    done: ("Resource policy successfully created.", "Resource policy successfully updated."),
};

/// One of the three kinds of policy.
pub trait Policy: Fields + Clone + PartialEq + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static {
    /// Its name, which its followers refer to.
    fn name(&self) -> &str;

    /// Its fields as text, given the slots that agents offer.
    fn readable_fields(&self, _known: &[String]) -> Vec<(&'static str, String)> {
        self.fields()
    }
}

impl Policy for KeypairPolicy {
    fn name(&self) -> &str {
        &self.name
    }

    fn readable_fields(&self, known: &[String]) -> Vec<(&'static str, String)> {
        self.fields_among(known)
    }
}

impl Policy for UserPolicy {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Policy for ProjectPolicy {
    fn name(&self) -> &str {
        &self.name
    }
}

/// The actions of a row.
struct Actions<P: 'static> {
    edit: RwSignal<Asked<(P, i64)>>,
    /// Opens the details by their address.
    info: Callback<String>,
    delete: RwSignal<Asked<String>>,
    may_change: bool,
}

impl<P> Clone for Actions<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Actions<P> {}

/// The dialogs of one tab: when they are asked for, its actions, the slots that agents offer, and what is called after a change.
type Dialogs<P> = fn(Signal<bool>, Actions<P>, Signal<Vec<String>>, Callback<()>) -> AnyView;

/// Whether a dialog of a tab is asked for.
fn asks<P: Policy>(actions: Actions<P>) -> Signal<bool> {
    Signal::derive(move || Asked::asks(actions.edit).get() || Asked::asks(actions.delete).get())
}

/// One tab: tools above the table of one kind, and its dialogs. `known` are the slots that agents offer.
fn tab<P: Policy>(
    kind: PolicyKind,
    spec: &'static ListSpec,
    list: List<PolicyRow<P>>,
    detail: Loaded<Option<(String, PolicyRow<P>)>>,
    mut columns: Vec<Column<PolicyRow<P>>>,
    dialogs: Dialogs<P>,
    known: Signal<Vec<String>>,
) -> AnyView {
    let actions: Actions<P> = Actions {
        edit: RwSignal::new(Asked::Nothing),
        info: list.opener(),
        delete: RwSignal::new(Asked::Nothing),
        may_change: use_me().may(Permission::ChangePolicies),
    };
    columns.extend(last_columns(kind, actions));
    let reload = list.rows.reload;
    let rows = list.rows.good();
    let nothing = Signal::derive(move || rows.with(|page| page.as_ref().is_some_and(|page| page.total == 0)));
    let shown = Shown {
        caption: caption(kind),
        columns,
        row_key: |row: &PolicyRow<P>| row.policy.name().to_owned(),
        row_label: |row: &PolicyRow<P>| row.policy.name().to_owned(),
        export: tools::export(kind),
        empty: ViewFn::from(|| {
            view! {
                <EmptyState icon=IconName::Gauge title="No Resource Policies to display" text="A policy limits what its users may use. Create one to set limits."/>
            }
        }),
        selection: None,
        alike: None,
    };
    let create = actions.may_change.then(|| {
        let create = Callback::new(move |()| actions.edit.set(Asked::New));
        view! { <Button variant=Variant::Primary on_press=create><Icon name=IconName::Plus/>"Create"</Button> }
    });
    let dialogs = actions.may_change.then(|| dialogs(asks(actions), actions, known, reload));
    view! {
        <PageHead title=TITLE group=GROUP/>
        {tabs(kind)}
        <div class="tab-tools">{tools::menu(kind, spec, list.query, nothing)}{create}</div>
        {list.table(shown)}
        {list.drawer(info::title(list.open), move || info::drawer(kind, list.open, detail, known))}
        {dialogs}
    }
    .into_any()
}

/// Placeholder while a tab loads.
fn waiting(kind: PolicyKind) -> AnyView {
    view! { <PageHead title=TITLE group=GROUP waiting=true/>{tabs(kind)}<ui::Skeleton/> }.into_any()
}

/// Returns the refusal if the caller may not see any of the tabs.
fn access_refusal() -> Option<AnyView> {
    let may = use_me().may_beyond_own(Permission::ReadPolicies);
    (!may).then(|| console::problem_view::problem_view(&Problem::Forbidden(Permission::ReadPolicies.verb().into())))
}

fn tabs(here: PolicyKind) -> AnyView {
    let tab = |kind: &PolicyKind| {
        let href = match kind {
            PolicyKind::Keypair => paths::KEYPAIR_POLICIES,
            PolicyKind::User => paths::USER_POLICIES,
            PolicyKind::Project => paths::PROJECT_POLICIES,
        };
        Tab { label: kind.label(), href: Signal::stored(href.to_owned()), here: Signal::stored(*kind == here) }
    };
    let tabs: Vec<_> = PolicyKind::ALL.iter().map(tab).collect();
    view! { <div class="page-tabs"><Tabs label="Kinds of policy" tabs=tabs/></div> }.into_any()
}

fn caption(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Keypair => "Keypair policies",
        PolicyKind::User => "User policies",
        PolicyKind::Project => "Project policies",
    }
}

/// The columns that every kind ends with.
fn last_columns<P: Policy>(kind: PolicyKind, actions: Actions<P>) -> [Column<PolicyRow<P>>; 3] {
    [
        Column::new("followers", "Used by", move |row: &PolicyRow<P>| followed_by(kind, row)).number(),
        time("created_at", "Created", |row: &PolicyRow<P>| row.created_at)
            .sortable()
            // Keypair policies have enough columns already.
            .shown_if(kind != PolicyKind::Keypair),
        Column::new("control", "Control", move |row: &PolicyRow<P>| row_actions(row, actions)).required(),
    ]
}

/// The number of a policy's followers, linked to their list.
fn followed_by<P: Policy>(kind: PolicyKind, row: &PolicyRow<P>) -> AnyView {
    let (count, name) = (row.followers, row.policy.name());
    if count == 0 {
        return "0".into_any();
    }
    let (one, many) = kind.followers();
    let label = if count == 1 { format!("1 {one} that uses {name}") } else { format!("{count} {many} that use {name}") };
    view! { <a href=paths::followers(kind, name) aria-label=label>{count.to_string()}</a> }.into_any()
}

fn row_actions<P: Policy>(row: &PolicyRow<P>, actions: Actions<P>) -> AnyView {
    let name = row.policy.name().to_owned();
    let shown = name.clone();
    let info = Callback::new(move |()| actions.info.run(shown.clone()));
    let change = actions.may_change.then(|| {
        let (policy, revision, deleted) = (row.policy.clone(), row.revision, name.clone());
        let edit = Callback::new(move |()| actions.edit.set(Asked::edit((policy.clone(), revision))));
        let delete = Callback::new(move |()| actions.delete.set(Asked::edit(deleted.clone())));
        view! {
            <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
            <Button variant=Variant::Quiet label=format!("Delete {name}") on_press=delete><Icon name=IconName::Trash/></Button>
        }
    });
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Info of {name}") on_press=info><Icon name=IconName::Info/></Button>
            {change}
        </div>
    }
    .into_any()
}

/// Returns the row of the policy with that name.
async fn row<P: Policy, F>(
    spec: &'static ListSpec,
    name: String,
    fetch: impl FnOnce(ListQuery) -> F,
) -> Result<PolicyRow<P>, Problem>
where
    F: Future<Output = Result<Page<PolicyRow<P>>, Problem>>,
{
    let row = by_name(ListQuery::new(spec), &name, |row: &PolicyRow<P>| row.policy.name(), fetch).await?;
    row.ok_or_else(|| Problem::NotFound("resource policy".into()))
}

/// Returns the policy with that name as it is saved now, with its revision.
async fn as_saved<P: Policy, F>(
    spec: &'static ListSpec,
    name: String,
    fetch: impl FnOnce(ListQuery) -> F,
) -> Result<(P, i64), Problem>
where
    F: Future<Output = Result<Page<PolicyRow<P>>, Problem>>,
{
    row(spec, name, fetch).await.map(|row| (row.policy, row.revision))
}

/// Describes the followers of a policy: `3 keypairs use this policy: a, b and 1 more.`
fn describe_followers(kind: PolicyKind, followers: &Followers) -> String {
    let (one, many) = kind.followers();
    let (what, verb) = if followers.count == 1 { (one, "uses") } else { (many, "use") };
    let more = (followers.count as usize).saturating_sub(followers.first.len());
    let names = match (followers.first.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", followers.first.join(", ")),
        (false, more) => format!(": {} and {more} more", followers.first.join(", ")),
    };
    format!("{} {what} {verb} this policy{names}.", followers.count)
}

/// The warning above the fields of policies that many follow.
fn warning() -> AnyView {
    view! {
        <ui::Notice tone=ui::Tone::Warn>"Changing a resource policy may affect all users who use it, so use it with caution."</ui::Notice>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(count: u32, first: &[&str]) -> String {
        let first = first.iter().map(|name| (*name).to_owned()).collect();
        describe_followers(PolicyKind::Keypair, &Followers { count, first })
    }

    #[test]
    fn followers_of_a_policy_are_named_up_to_the_known_names() {
        assert_eq!(description(1, &["a@x.y"]), "1 keypair uses this policy: a@x.y.");
        assert_eq!(description(2, &["a@x.y", "b@x.y"]), "2 keypairs use this policy: a@x.y, b@x.y.");
        assert_eq!(description(5, &["a@x.y", "b@x.y"]), "5 keypairs use this policy: a@x.y, b@x.y and 3 more.");
    }
}
