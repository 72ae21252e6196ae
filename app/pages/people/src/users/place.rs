//! An account's role, status, domain, projects and policy, as offered by the forms for one person, several and many.

use console::api::people::keypairs::keypair_policy_names;
use console::api::people::users::{domain_choices, user_policy_names};
use console::form::Refused;
use console::frame::use_me;
use leptos::prelude::*;
use types::Problem;
use types::id::{DomainId, ProjectId};
use types::people::permissions::{Permission, Role, may_grant};
use types::people::users::UserStatus;
use types::projects::DomainChoice;
use ui::{CheckboxGroup, Field, Select};

/// The choice that changes nothing, in forms that may leave a value as it is.
const SAME: &str = "No change";

/// The available choices.
#[derive(Clone)]
pub struct Choices {
    domains: Vec<DomainChoice>,
    policies: Vec<String>,
    /// Empty for people who may not limit keypairs.
    keypair_policies: Vec<String>,
}

/// Loads the available choices; those of keypairs if the person `may_limit` them.
pub async fn choices(may_limit: bool) -> Result<Choices, Problem> {
    let keypair_policies = if may_limit { keypair_policy_names().await? } else { Vec::new() };
    Ok(Choices { domains: domain_choices().await?, policies: user_policy_names().await?, keypair_policies })
}

/// The chosen values.
#[derive(Clone, Copy)]
pub struct Place {
    /// Prefix of the fields' ids.
    form: &'static str,
    pub role: RwSignal<String>,
    pub status: RwSignal<String>,
    pub domain: RwSignal<String>,
    pub projects: RwSignal<Vec<String>>,
    pub policy: RwSignal<String>,
    pub keypair_policy: RwSignal<String>,
    pub may_limit: bool,
    domains: RwSignal<Vec<DomainChoice>>,
    policies: RwSignal<Vec<String>>,
    keypair_policies: RwSignal<Vec<String>>,
}

impl Place {
    /// An active user with nothing else chosen.
    pub fn new(form: &'static str) -> Self {
        let place = Self {
            form,
            role: RwSignal::new(Role::User.key().to_owned()),
            status: RwSignal::new(UserStatus::Active.key().to_owned()),
            domain: RwSignal::new(String::new()),
            projects: RwSignal::new(Vec::new()),
            policy: RwSignal::new("default".to_owned()),
            keypair_policy: RwSignal::new("default".to_owned()),
            may_limit: use_me().may(Permission::LimitKeypairs),
            domains: RwSignal::new(Vec::new()),
            policies: RwSignal::new(Vec::new()),
            keypair_policies: RwSignal::new(Vec::new()),
        };
        // Projects belong to a domain, so another domain has other projects.
        Effect::new(move |before: Option<String>| {
            let (now, all) = (place.domain.get(), place.domains.get());
            if before.is_some_and(|before| !before.is_empty() && before != now) {
                let mine = all.iter().find(|domain| domain.id.to_string() == now);
                let known = |id: &String| mine.is_some_and(|domain| domain.projects.iter().any(|p| p.id.to_string() == *id));
                place.projects.update(|projects| projects.retain(known));
            }
            now
        });
        place
    }

    /// Changes nothing until something is chosen.
    pub fn same(form: &'static str) -> Self {
        let place = Self::new(form);
        place.clear();
        place
    }

    /// Clears all choices.
    pub fn clear(self) {
        [self.status, self.domain, self.policy, self.keypair_policy].into_iter().for_each(|field| field.set(String::new()));
        self.projects.set(Vec::new());
    }

    /// Offers these choices.
    pub fn offer(self, Choices { domains, policies, keypair_policies }: Choices) {
        self.policies.set(policies);
        self.keypair_policies.set(keypair_policies);
        self.domains.set(domains);
    }

    /// Chooses those named `default` for a new person, unless something was chosen already.
    pub fn choose_default(self) {
        if !self.domain.with_untracked(String::is_empty) {
            return;
        }
        self.domains.with_untracked(|all| {
            let mut open = all.iter().filter(|domain| domain.active);
            let first = open.clone().find(|domain| domain.name == "default").or_else(|| open.next());
            self.domain.set(first.map(|domain| domain.id.to_string()).unwrap_or_default());
            let projects = first.iter().flat_map(|d| d.projects.iter().filter(|p| p.name == "default"));
            self.projects.set(projects.map(|p| p.id.to_string()).collect());
        });
    }

    /// The role; an ordinary user's if it cannot be read.
    pub fn role(self) -> Role {
        Role::from_key(&self.role.get_untracked()).unwrap_or(Role::User)
    }

    /// The status, if one is chosen.
    pub fn status(self) -> Option<UserStatus> {
        UserStatus::from_key(&self.status.get_untracked())
    }

    /// The domain, if one is chosen.
    pub fn domain(self) -> Option<DomainId> {
        self.domain.get_untracked().parse().ok()
    }

    /// The name of the domain with this id; the id if it is not among the choices.
    pub fn domain_name(self, id: &str) -> String {
        let name = self.domains.with_untracked(|all| all.iter().find(|one| one.id.to_string() == id).map(|one| one.name.clone()));
        name.unwrap_or_else(|| id.to_owned())
    }

    /// Returns the domain, which a new account must have.
    pub fn need_domain(self) -> Result<DomainId, Problem> {
        self.domain().ok_or_else(|| Problem::field("domain", "Choose a domain."))
    }

    /// The projects.
    pub fn project_ids(self) -> Vec<ProjectId> {
        self.projects.get_untracked().iter().filter_map(|id| id.parse().ok()).collect()
    }

    /// Follows every choice.
    pub fn track(self) {
        [self.role, self.status, self.domain, self.policy, self.keypair_policy].into_iter().for_each(|field| field.track());
        self.projects.track();
    }

    /// Role and status, side by side.
    pub fn role_and_status(self, refused: Refused) -> AnyView {
        let grantable = may_grant(use_me().role);
        // A person's current role is offered even to people who may not assign it, so that it can stay.
        let roles = Signal::derive(move || {
            let now = self.role.get();
            let offered = |role: &&Role| grantable.contains(role) || role.key() == now;
            Role::ALL
                .iter()
                .rev()
                .filter(offered)
                .map(|role| (role.key().to_owned(), role.label().to_owned()))
                .collect::<Vec<_>>()
        });
        let (name, status) = (self.id("role"), self.status_field(refused, false));
        view! {
            <div class="form-row">
                <Field name=name.clone() label="Role" error=refused.field_error("role")><Select name=name.clone() value=self.role options=roles/></Field>
                {status}
            </div>
        }
        .into_any()
    }

    /// The status; `same` offers to leave it unchanged.
    pub fn status_field(self, refused: Refused, same: bool) -> AnyView {
        let statuses = UserStatus::CHOICES.iter().map(|(key, label)| (key.to_string(), label.to_string())).collect();
        let (name, options) = (self.id("status"), Signal::stored(with_same(same, statuses)));
        view! {
            <Field name=name.clone() label="User status" error=refused.field_error("status")><Select name=name.clone() value=self.status options=options/></Field>
        }
        .into_any()
    }

    /// Domain and policy side by side, with the domain's projects below; `same` offers to leave each unchanged.
    pub fn fields(self, refused: Refused, same: bool) -> AnyView {
        let domains = Signal::derive(move || {
            let now = self.domain.get();
            // A deactivated domain takes nobody in, but those who are there stay.
            let offered = |d: &&DomainChoice| d.active || d.id.to_string() == now;
            let choice = |d: &DomainChoice| (d.id.to_string(), d.name.clone());
            with_same(same, self.domains.with(|all| all.iter().filter(offered).map(choice).collect()))
        });
        let named = move |names: RwSignal<Vec<String>>| {
            Signal::derive(move || with_same(same, names.get().into_iter().map(|name| (name.clone(), name)).collect()))
        };
        let (policies, keypair_policies) = (named(self.policies), named(self.keypair_policies));
        let keypair = self.id("keypair-policy");
        let keypair_policy = self.may_limit.then(|| view! {
            <Field name=keypair.clone() label="Keypair policy" required=!same hint="Limits what their sessions may use." error=refused.field_error("keypair_policy")><Select name=keypair.clone() value=self.keypair_policy options=keypair_policies/></Field>
        });
        let projects = Signal::derive(move || {
            let domain = self.domain.get();
            let of = |d: &DomainChoice| d.projects.iter().map(|p| (p.id.to_string(), p.name.clone())).collect::<Vec<_>>();
            self.domains.with(|all| all.iter().find(|d| d.id.to_string() == domain).map(of).unwrap_or_default())
        });
        let hint = if same { "Changing the domain ends the memberships in the old domain's projects." } else { "" };
        let (domain, policy, group) = (self.id("domain"), self.id("policy"), StoredValue::new(self.id("projects")));
        view! {
            <div class="form-row">
                <Field name=domain.clone() label="Domain" required=!same hint=hint error=refused.field_error("domain")><Select name=domain.clone() value=self.domain options=domains/></Field>
                <Field name=policy.clone() label="User policy" required=!same error=refused.field_error("policy")><Select name=policy.clone() value=self.policy options=policies/></Field>
                {keypair_policy}
            </div>
            <Show when=move || self.domain.with(|id| !id.is_empty()) fallback=|| view! { <p class="hint">"Choose a domain to choose projects."</p> }>
                <CheckboxGroup name=group.get_value() label="Projects" value=self.projects options=projects error=refused.field_error("projects")/>
            </Show>
        }
        .into_any()
    }

    fn id(self, field: &str) -> String {
        format!("{}-{field}", self.form)
    }
}

fn with_same(same: bool, rest: Vec<(String, String)>) -> Vec<(String, String)> {
    same.then(|| (String::new(), SAME.to_owned())).into_iter().chain(rest).collect()
}
