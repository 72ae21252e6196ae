//! Domains: the outermost border between groups of people.

use crate::api::projects::{create_domain, domain_rows, edit_domain};
use crate::form::{Refused, checked, form_end, on_submit};
use crate::frame::{PageHead, use_me};
use crate::list_page::{List, Shown};
use crate::pages::projects::{host_names, read_hosts};
use crate::paths;
use crate::problem_view::problem_view;
use crate::slots::{SlotAmounts, limits_in_short};
use crate::table::settled;
use leptos::prelude::*;
use types::Problem;
use types::folders::Hosts;
use types::id::DomainId;
use types::people::permissions::Permission;
use types::projects::{DOMAINS, DomainRow, EditDomain};
use types::quantity::Slots;
use types::rules::{MAX_DESCRIPTION, MAX_NAME};
use types::system::events::Topic;
use ui::{
    Button, Column, Confirm, Dialog, EmptyState, Field, Icon, IconName, Strength, TextArea, TextInput, Time, Variant, use_toaster,
};

/// What the dialog is asked for: a new domain (nothing inside) or one that is there.
type Asked = Option<Option<Box<DomainRow>>>;

fn columns(actions: Option<(RwSignal<Asked>, Callback<()>)>) -> Vec<Column<DomainRow>> {
    let mut columns = vec![
        Column::new("name", "Name", |d: &DomainRow| d.name.clone().into_any()).sortable().required(),
        Column::new("description", "Description", |d: &DomainRow| d.description.clone().into_any()),
        Column::new("projects", "Projects", |d: &DomainRow| d.projects.to_string().into_any()).number(),
        Column::new("people", "People", |d: &DomainRow| d.people.to_string().into_any()).number(),
        Column::new("limit", "Resource limit", |d: &DomainRow| limits_in_short(&d.limit, true, &[]).into_any()).hidden(),
        Column::new("hosts", "Allowed hosts", |d: &DomainRow| host_names(&d.hosts).into_any()).hidden(),
        Column::new("created_at", "Created", |d: &DomainRow| view! { <Time at=d.created_at.0/> }.into_any()).sortable(),
        Column::new("id", "ID", |d: &DomainRow| view! { <code>{d.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((asked, changed)) = actions {
        columns.push(Column::new("control", "Control", move |d: &DomainRow| row_actions(d, asked, changed)));
    }
    columns
}

fn row_actions(row: &DomainRow, asked: RwSignal<Asked>, changed: Callback<()>) -> AnyView {
    let (id, active, name, toaster) = (row.id, row.active, row.name.clone(), use_toaster());
    let switch = Callback::new(move |()| {
        leptos::task::spawn_local(async move {
            match edit_domain(id, EditDomain { active: Some(!active), ..EditDomain::default() }).await {
                Ok(()) => toaster.good("The domain status has changed."),
                Err(problem) => toaster.bad(problem.to_string()),
            }
            changed.run(());
        });
    });
    let for_form = row.clone();
    let edit = Callback::new(move |()| asked.set(Some(Some(Box::new(for_form.clone())))));
    let label = if active { "Deactivate" } else { "Activate" };
    let question = format!("{label} the domain {name}? Its people and projects stay as they are.");
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
            <Confirm name=format!("domain-{id}") strength=Strength::Bubble label=label question=question on_confirm=switch/>
        </div>
    }
    .into_any()
}

fn dialog(asked: RwSignal<Asked>, changed: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let text = || RwSignal::new(String::new());
    let (name, description, hosts) = (text(), text(), text());
    let hosts_before = StoredValue::new(Hosts::new());
    let limit = SlotAmounts::limits("domain", Signal::stored(Vec::new()));
    let changing = RwSignal::new(None::<DomainId>);
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        let Some(which) = asked.get() else { return };
        if let Some(domain) = which {
            name.set(domain.name);
            description.set(domain.description);
            hosts.set(host_names(&domain.hosts));
            hosts_before.set_value(domain.hosts);
            limit.fill(&domain.limit);
            changing.set(Some(domain.id));
        } else if changing.get_untracked().is_some() {
            [name, description, hosts].into_iter().for_each(|field| field.set(String::new()));
            hosts_before.set_value(Hosts::new());
            limit.fill(&Slots::default());
            changing.set(None);
        }
        refused.clear();
        open.set(true);
        asked.set(None);
    });
    let read = move || {
        let mut mistakes = Vec::new();
        let edit = EditDomain {
            name: Some(name.get_untracked().trim().to_owned()),
            description: Some(description.get_untracked()),
            hosts: Some(read_hosts(&hosts.get_untracked(), &hosts_before.get_value())),
            limit: Some(limit.read(&mut mistakes)),
            ..EditDomain::default()
        };
        let edit = checked(edit, mistakes, EditDomain::check)?;
        Ok((changing.get_untracked(), edit))
    };
    let save = Action::new(move |(id, edit): &(Option<DomainId>, EditDomain)| {
        let (id, edit) = (*id, edit.clone());
        async move {
            let result = match id {
                Some(id) => edit_domain(id, edit).await,
                None => create_domain(edit).await.map(drop),
            };
            match result {
                Ok(()) => {
                    [name, description, hosts].into_iter().for_each(|field| field.set(String::new()));
                    limit.fill(&Slots::default());
                    open.set(false);
                    toaster.good("The domain was saved.");
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, read, move |what| drop(save.dispatch(what)));
    let title =
        Signal::derive(
            move || {
                if changing.with(Option::is_some) { "Modify domain".to_owned() } else { "Create domain".to_owned() }
            },
        );
    view! {
        <Dialog open=open title=title on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Field name="domain-name" label="Name" required=true hint="A new domain comes with a model store of its own." error=refused.of("name")>
                    <TextInput name="domain-name" value=name max=MAX_NAME/>
                </Field>
                <Field name="domain-hosts" label="Allowed storage hosts" hint="Names with commas between them. None allows no host." error=refused.of("hosts")>
                    <TextInput name="domain-hosts" value=hosts/>
                </Field>
                <fieldset class="fieldset">
                    <legend class="field-label">"What its sessions may hold together"</legend>
                    {limit.view(refused, Signal::stored("Unlimited"))}
                </fieldset>
                <Field name="domain-description" label="Description" error=refused.of("description")>
                    <TextArea name="domain-description" value=description rows=3 max=MAX_DESCRIPTION/>
                </Field>
                {form_end(refused, open, "Save", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadDomains) {
        return problem_view(&Problem::Forbidden(Permission::ReadDomains.verb().into()));
    }
    let may_change = me.may(Permission::ChangeDomains);
    let list = List::new(&DOMAINS, paths::DOMAINS, "domain", &[Topic::Project, Topic::User], domain_rows);
    let asked = RwSignal::new(Asked::None);
    let reload = list.rows.reload;
    let view = move || {
        let shown = Shown {
            caption: "Domains",
            columns: columns(may_change.then_some((asked, reload))),
            row_key: |d: &DomainRow| d.id.to_string(),
            row_label: |d: &DomainRow| d.name.clone(),
            export: "/export/domains.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Globe title="No domains" text="Domains in this state are listed here."/>
                }
            }),
            selection: None,
        };
        view! {
            <PageHead title="Domains" group="Administration">
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| asked.set(Some(None)))><Icon name=IconName::Plus/>"Create domain"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_change.then(|| dialog(asked, reload))}
        }
        .into_any()
    };
    let waiting = || view! { <PageHead title="Domains" group="Administration"/><ui::Skeleton/> }.into_any();
    settled(list.pending(), waiting, view)
}
