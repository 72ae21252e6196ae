//! The dialog that creates a person. What was typed stays until the account is there.

use crate::api::users::{create_user, domains};
use crate::form::{Refused, form_end, on_submit};
use crate::frame::use_me;
use leptos::prelude::*;
use types::permission::{Role, may_grant};
use types::project::DomainChoice;
use types::rules::{MAX_DESCRIPTION, MAX_NAME};
use types::user::{CreateUser, UserStatus};
use types::{FieldError, Problem};
use ui::{CheckboxGroup, Dialog, Field, PasswordInput, Select, TextArea, TextInput, use_toaster};

#[derive(Clone, Copy)]
struct Form {
    email: RwSignal<String>,
    username: RwSignal<String>,
    full_name: RwSignal<String>,
    password: RwSignal<String>,
    again: RwSignal<String>,
    role: RwSignal<String>,
    status: RwSignal<String>,
    domain: RwSignal<String>,
    projects: RwSignal<Vec<String>>,
    description: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        let text = |value: &str| RwSignal::new(value.to_owned());
        Self {
            email: text(""),
            username: text(""),
            full_name: text(""),
            password: text(""),
            again: text(""),
            role: text(Role::User.key()),
            status: text(UserStatus::Active.key()),
            domain: text(""),
            projects: RwSignal::new(Vec::new()),
            description: text(""),
        }
    }

    fn clear(self) {
        for field in [self.email, self.username, self.full_name, self.password, self.again, self.description] {
            field.set(String::new());
        }
    }

    /// The form as a command; every field that is not acceptable is named.
    fn read(self) -> Result<CreateUser, Problem> {
        let domain = self.domain.get_untracked().parse().map_err(|_| Problem::field("domain", "Choose a domain."))?;
        let new = CreateUser {
            email: self.email.get_untracked().trim().to_owned(),
            username: self.username.get_untracked().trim().to_owned(),
            full_name: self.full_name.get_untracked().trim().to_owned(),
            password: self.password.get_untracked(),
            role: Role::from_key(&self.role.get_untracked()).unwrap_or(Role::User),
            status: UserStatus::from_key(&self.status.get_untracked()).unwrap_or(UserStatus::Active),
            domain,
            projects: self.projects.get_untracked().iter().filter_map(|id| id.parse().ok()).collect(),
            description: self.description.get_untracked(),
        };
        let mut errors = match new.check() {
            Err(Problem::Invalid(errors)) => errors,
            _ => Vec::new(),
        };
        if self.password.with_untracked(|password| self.again.with_untracked(|again| password != again)) {
            errors.push(FieldError::new("again", "The two passwords differ. Type the same one twice."));
        }
        if errors.is_empty() { Ok(new) } else { Err(Problem::Invalid(errors)) }
    }
}

/// The dialog; `created` is called when somebody was.
pub fn dialog(open: RwSignal<bool>, created: Callback<()>) -> AnyView {
    let form = Form::new();
    let refused = Refused::new();
    let choices = RwSignal::new(Vec::<DomainChoice>::new());
    let toaster = use_toaster();
    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        leptos::task::spawn_local(async move {
            match domains().await {
                Ok(found) => {
                    if form.domain.with_untracked(String::is_empty) {
                        let first = found.iter().find(|domain| domain.name == "default").or(found.first());
                        form.domain.set(first.map(|domain| domain.id.to_string()).unwrap_or_default());
                        form.projects.set(
                            first
                                .iter()
                                .flat_map(|d| d.projects.iter().filter(|p| p.name == "default"))
                                .map(|p| p.id.to_string())
                                .collect(),
                        );
                    }
                    choices.set(found);
                }
                Err(problem) => refused.set(problem),
            }
        });
    });
    let create = Action::new(move |new: &CreateUser| {
        let new = new.clone();
        async move {
            let email = new.email.clone();
            match create_user(new).await {
                Ok(_) => {
                    refused.clear();
                    form.clear();
                    open.set(false);
                    toaster.good(format!("{email} was created, with a keypair of their own."));
                    created.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, move || form.read(), move |new| drop(create.dispatch(new)));
    let pairs = |all: &[(&str, &str)]| all.iter().map(|(key, label)| (key.to_string(), label.to_string())).collect::<Vec<_>>();
    let roles: Vec<(String, String)> =
        may_grant(use_me().role).iter().rev().map(|role| (role.key().to_owned(), role.label().to_owned())).collect();
    let domain_options =
        Signal::derive(move || choices.with(|all| all.iter().map(|d| (d.id.to_string(), d.name.clone())).collect::<Vec<_>>()));
    let project_options = Signal::derive(move || {
        let domain = form.domain.get();
        choices.with(|all| {
            let chosen = all.iter().find(|d| d.id.to_string() == domain);
            chosen.map(|d| d.projects.iter().map(|p| (p.id.to_string(), p.name.clone())).collect::<Vec<_>>()).unwrap_or_default()
        })
    });
    // Projects belong to a domain: another domain, other projects.
    Effect::new(move |before: Option<String>| {
        let now = form.domain.get();
        if before.is_some_and(|before| !before.is_empty() && before != now) {
            form.projects.set(Vec::new());
        }
        now
    });
    let (roles, statuses) = (Signal::stored(roles), Signal::stored(pairs(UserStatus::CHOICES)));
    view! {
        <Dialog open=open title="Create user" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Field name="user-email" label="Email" required=true hint="The user ID. It cannot be changed later." error=refused.of("email")>
                    <TextInput name="user-email" value=form.email input_type="email" max=MAX_NAME/>
                </Field>
                <div class="form-row">
                    <Field name="user-username" label="Username" required=true error=refused.of("username")><TextInput name="user-username" value=form.username max=MAX_NAME/></Field>
                    <Field name="user-full-name" label="Full name" error=refused.of("full_name")><TextInput name="user-full-name" value=form.full_name max=MAX_NAME/></Field>
                </div>
                <div class="form-row">
                    <Field name="user-password" label="Password" required=true hint="At least 8 characters, with a letter, a digit and a special character." error=refused.of("password")>
                        <PasswordInput name="user-password" value=form.password/>
                    </Field>
                    <Field name="user-again" label="Password again" required=true error=refused.of("again")><PasswordInput name="user-again" value=form.again/></Field>
                </div>
                <div class="form-row">
                    <Field name="user-role" label="Role" error=refused.of("role")><Select name="user-role" value=form.role options=roles/></Field>
                    <Field name="user-status" label="Status" error=refused.of("status")><Select name="user-status" value=form.status options=statuses/></Field>
                </div>
                <Field name="user-domain" label="Domain" required=true error=refused.of("domain")><Select name="user-domain" value=form.domain options=domain_options/></Field>
                <CheckboxGroup name="user-projects" label="Projects" value=form.projects options=project_options error=refused.of("projects")/>
                <Field name="user-description" label="Description" error=refused.of("description")>
                    <TextArea name="user-description" value=form.description rows=3 max=MAX_DESCRIPTION/>
                </Field>
                {form_end(refused, open, "Create", create.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
