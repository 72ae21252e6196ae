//! The form for creating or changing a project.

use super::fields::{Common, CommonFields};
use console::api::people::users::domain_choices;
use console::api::projects::{create_project, edit_project, project, project_policy_names};
use console::choices::{choices, names};
use console::dialog::{DialogForm, Opening, Saved};
use console::form::{Refused, checked};
use leptos::prelude::*;
use types::Problem;
use types::projects::{EditProject, ProjectKind, ProjectRow};
use ui::{Field, Select};

/// The typed values and the available choices.
#[derive(Clone, Copy)]
pub struct Form {
    /// The project as it was when the dialog opened.
    before: RwSignal<Option<ProjectRow>>,
    common: CommonFields,
    domain: RwSignal<String>,
    kind: RwSignal<String>,
    policy: RwSignal<String>,
    policies: RwSignal<Vec<String>>,
    domains: RwSignal<Vec<(String, String)>>,
}

impl Form {
    /// The form of a new project.
    pub fn new() -> Self {
        let text = || RwSignal::new(String::new());
        let (before, common) = (RwSignal::new(None), CommonFields::new("project"));
        let (policies, domains) = (RwSignal::new(Vec::new()), RwSignal::new(Vec::new()));
        let form = Self { before, common, domain: text(), kind: text(), policy: text(), policies, domains };
        form.fill(None);
        form
    }
}

impl DialogForm for Form {
    type Thing = ProjectRow;
    type Command = (Option<ProjectRow>, EditProject, bool);

    fn titles(self) -> (&'static str, &'static str) {
        ("Create project", "Edit project")
    }

    fn fill(self, project: Option<&ProjectRow>) {
        self.before.set(project.cloned());
        self.kind.set(project.map_or(ProjectKind::General, |project| project.kind).key().into());
        self.policy.set(project.map_or("default", |project| project.policy.as_str()).into());
        match project {
            Some(project) => {
                self.domain.set(project.domain_id.to_string());
                self.common.fill(&project.name, &project.description, &project.hosts, &project.limit);
            }
            // A new project starts in the domain of the previous one.
            None => self.common.clear(),
        }
    }

    fn opened(self, opening: Opening) {
        opening.ask(project_policy_names(), move |names| self.policies.set(names));
        opening.ask(domain_choices(), move |mut found| {
            found.retain(|domain| domain.active);
            if self.domain.with_untracked(String::is_empty) {
                let first = found.iter().find(|one| one.name == "default").or(found.first());
                self.domain.set(first.map(|one| one.id.to_string()).unwrap_or_default());
            }
            self.domains.set(found.into_iter().map(|one| (one.id.to_string(), one.name)).collect());
        });
    }

    fn read(self) -> Result<Self::Command, Problem> {
        let (before, mut mistakes) = (self.before.get_untracked(), Vec::new());
        let (new, Common { name, description, hosts, limit }) = (before.is_none(), self.common.read(&mut mistakes));
        let edit = EditProject {
            name: Some(name),
            description: Some(description),
            domain: self.domain.get_untracked().parse().ok().filter(|_| new),
            kind: ProjectKind::from_key(&self.kind.get_untracked()).filter(|_| new),
            policy: Some(self.policy.get_untracked()),
            hosts: Some(hosts),
            limit: Some(limit),
            ..EditProject::default()
        };
        Ok((before, checked(edit, mistakes, EditProject::check)?, false))
    }

    fn insist((before, edit, _): Self::Command) -> Self::Command {
        (before, edit, true)
    }

    async fn theirs(self) -> Result<Option<ProjectRow>, Problem> {
        let Some(before) = self.before.get_untracked() else { return Ok(None) };
        Ok(Some(project(before.id).await?.row))
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        let place = new.then(|| view! {
            <div class="form-row">
                <Field name="project-domain" label="Domain" required=true error=refused.field_error("domain")><Select name="project-domain" value=self.domain options=self.domains/></Field>
                <Field name="project-kind" label="Type" hint="In a model store, each folder is shown as a model card." error=refused.field_error("kind")><Select name="project-kind" value=self.kind options=choices(ProjectKind::CHOICES)/></Field>
            </div>
        });
        let more = view! {
            {place}
            <Field name="project-policy" label="Project policy" required=true error=refused.field_error("policy")><Select name="project-policy" value=self.policy options=names(self.policies)/></Field>
        };
        self.common.view(refused, "", more.into_any())
    }

    async fn save(self, (before, edit, insists): Self::Command) -> Result<Saved, Problem> {
        match before {
            Some(row) => edit_project(row.id, edit, (!insists).then(|| EditProject::as_it_is(&row))).await?,
            None => drop(create_project(edit).await?),
        }
        Ok("The project was saved.".into())
    }
}
