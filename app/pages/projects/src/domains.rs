//! Domains: the outermost boundary between groups of people.

use super::fields::{Common, CommonFields};
use console::act::act;
use console::api::projects::{create_domain, domains, edit_domain};
use console::chunk;
use console::columns::{text, time};
use console::dialog::edit::by_name;
use console::dialog::{Asked, DialogForm, Saved, dialog};
use console::form::{Refused, checked};
use console::frame::{Head, PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::slots::limits_in_short;
use console::table::settled;
use leptos::prelude::*;
use types::Problem;
use types::folders::host_names;
use types::list::ListQuery;
use types::people::permissions::Permission;
use types::projects::{DOMAINS, DomainRow, EditDomain};
use types::system::events::Topic;
use ui::{Button, Column, Confirm, EmptyState, Icon, IconName, Strength, Variant};

const HEAD: Head = Head { title: "Domains", group: "Administration" };

fn columns(actions: Option<(RwSignal<Asked<DomainRow>>, Callback<()>)>) -> Vec<Column<DomainRow>> {
    let mut columns = vec![
        text("name", "Name", |d: &DomainRow| d.name.clone()).sortable().required(),
        text("description", "Description", |d: &DomainRow| d.description.clone()),
        text("projects", "Projects", |d: &DomainRow| d.projects.to_string()).number(),
        text("people", "Users", |d: &DomainRow| d.people.to_string()).number(),
        text("limit", "Resource limit", |d: &DomainRow| limits_in_short(&d.limit, true, &[])).hidden(),
        text("hosts", "Allowed hosts", |d: &DomainRow| host_names(&d.hosts)).hidden(),
        time("created_at", "Created", |d: &DomainRow| d.created_at).sortable(),
        Column::new("id", "ID", |d: &DomainRow| view! { <code>{d.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((asked, changed)) = actions {
        columns.push(Column::new("control", "Control", move |d: &DomainRow| row_actions(d, asked, changed)));
    }
    columns
}

fn row_actions(row: &DomainRow, asked: RwSignal<Asked<DomainRow>>, changed: Callback<()>) -> AnyView {
    let (id, active, name) = (row.id, row.active, row.name.clone());
    let flip = move || edit_domain(id, EditDomain { active: Some(!active), ..EditDomain::default() }, None);
    let switch = act(flip, "The domain status has changed.", changed);
    let for_form = row.clone();
    let edit = Callback::new(move |()| asked.set(Asked::edit(for_form.clone())));
    let label = if active { "Deactivate" } else { "Activate" };
    let question = if active {
        let people = row.people;
        format!(
            "Deactivate the domain {name}? Its users ({people}) are signed out and cannot sign in or send requests. Waiting sessions do \
             not start; running sessions continue. Nothing is deleted."
        )
    } else {
        format!("Activate the domain {name}? Its users can sign in again, and waiting sessions can start.")
    };
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
            <Confirm name=format!("domain-{id}") strength=Strength::Bubble label=label title=format!("{label} {name}") icon=IconName::Power question=question on_confirm=switch/>
        </div>
    }
    .into_any()
}

#[derive(Clone, Copy)]
struct Form {
    /// The domain as it was when the dialog opened.
    before: RwSignal<Option<DomainRow>>,
    common: CommonFields,
}

impl DialogForm for Form {
    type Thing = DomainRow;
    type Command = (Option<DomainRow>, EditDomain, bool);

    fn titles(self) -> (&'static str, &'static str) {
        ("Create domain", "Edit domain")
    }

    fn fill(self, domain: Option<&DomainRow>) {
        self.before.set(domain.cloned());
        match domain {
            Some(domain) => self.common.fill(&domain.name, &domain.description, &domain.hosts, &domain.limit),
            None => self.common.clear(),
        }
    }

    fn read(self) -> Result<Self::Command, Problem> {
        let mut mistakes = Vec::new();
        let Common { name, description, hosts, limit } = self.common.read(&mut mistakes);
        let edit = EditDomain {
            name: Some(name),
            description: Some(description),
            hosts: Some(hosts),
            limit: Some(limit),
            ..EditDomain::default()
        };
        Ok((self.before.get_untracked(), checked(edit, mistakes, EditDomain::check)?, false))
    }

    fn insist((before, edit, _): Self::Command) -> Self::Command {
        (before, edit, true)
    }

    async fn theirs(self) -> Result<Option<DomainRow>, Problem> {
        let Some(before) = self.before.get_untracked() else { return Ok(None) };
        for tab in ["active", "inactive"] {
            let query = ListQuery { tab: tab.into(), ..ListQuery::new(&DOMAINS) };
            if let Some(row) = by_name(query, &before.name, |row: &DomainRow| &row.name, domains).await? {
                return Ok(Some(row));
            }
        }
        Err(Problem::NotFound("domain of this name".into()))
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        self.common.view(refused, "A new domain comes with its own model store.", ().into_any())
    }

    async fn save(self, (before, edit, insists): Self::Command) -> Result<Saved, Problem> {
        match before {
            Some(row) => edit_domain(row.id, edit, (!insists).then(|| EditDomain::as_it_is(&row))).await?,
            None => drop(create_domain(edit).await?),
        }
        Ok("The domain was saved.".into())
    }
}

chunk!(parts:
    /// The dialog that creates and changes domains.
    fn changes(asked: RwSignal<Asked<DomainRow>>, changed: Callback<()>) {
        dialog(Form { before: RwSignal::new(None), common: CommonFields::new("domain") }, asked, changed)
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadDomains) {
        return problem_view(&Problem::Forbidden(Permission::ReadDomains.verb().into()));
    }
    let may_change = me.may(Permission::ChangeDomains);
    let list = List::new(&DOMAINS, paths::DOMAINS, "domain", &[Topic::Project, Topic::User], domains);
    let asked = RwSignal::new(Asked::Nothing);
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
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| asked.set(Asked::New))><Icon name=IconName::Plus/>"Create domain"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_change.then(|| changes::later(Asked::asks(asked), asked, reload))}
        }
        .into_any()
    };
    settled(list.pending(), HEAD, view)
}
