//! The fields of an account, for creating one and for changing one.

use super::ids::IdFields;
use super::place::Place;
use console::form::{Refused, advanced};
use leptos::prelude::*;
use types::id::ProjectId;
use types::people::users::{CreateUser, EditUser, UnixIds, UserDetail, UserRow};
use types::rules::{MAX_DESCRIPTION, MAX_NAME};
use types::{FieldError, Problem};
use ui::{Checkbox, Field, PasswordInput, Select, TextArea, TextInput};

/// The typed values.
#[derive(Clone, Copy)]
pub struct Form {
    /// Prefix of the fields' ids, since both dialogs are in the page.
    name: &'static str,
    editing: bool,
    email: RwSignal<String>,
    username: RwSignal<String>,
    full_name: RwSignal<String>,
    password: RwSignal<String>,
    again: RwSignal<String>,
    pub place: Place,
    description: RwSignal<String>,
    addresses: RwSignal<String>,
    ids: IdFields,
    must_change_password: RwSignal<bool>,
    sudo: RwSignal<bool>,
    two_factor: RwSignal<bool>,
    /// Whether it was on when the form was opened; only then can it be turned off here.
    has_two_factor: RwSignal<bool>,
    main_key: RwSignal<String>,
    keys: RwSignal<Vec<String>>,
}

impl Form {
    /// An empty form.
    pub fn new(name: &'static str, editing: bool) -> Self {
        let text = |value: &str| RwSignal::new(value.to_owned());
        Self {
            name,
            editing,
            email: text(""),
            username: text(""),
            full_name: text(""),
            password: text(""),
            again: text(""),
            place: Place::new(name),
            description: text(""),
            addresses: text(""),
            ids: IdFields::new(),
            must_change_password: RwSignal::new(false),
            sudo: RwSignal::new(false),
            two_factor: RwSignal::new(false),
            has_two_factor: RwSignal::new(false),
            main_key: text(""),
            keys: RwSignal::new(Vec::new()),
        }
    }

    /// Fills the fields from an account.
    pub fn fill(self, person: &UserDetail) {
        // Every field is named, so that a new one is not forgotten here.
        let UserRow {
            email,
            username,
            full_name,
            role,
            status,
            description,
            policy,
            addresses,
            sudo,
            must_change_password,
            two_factor,
            ids,
            id: _,
            domain: _,
            projects: _,
            project_ids: _,
            main_key: _,
            status_info: _,
            created_at: _,
            modified_at: _,
        } = &person.row;
        self.email.set(email.clone());
        self.username.set(username.clone());
        self.full_name.set(full_name.clone());
        self.password.set(String::new());
        self.again.set(String::new());
        self.place.role.set(role.key().into());
        self.place.status.set(status.key().into());
        self.place.projects.set(person.projects.iter().map(ToString::to_string).collect());
        self.place.domain.set(person.domain.to_string());
        self.description.set(description.clone());
        self.addresses.set(addresses.join(", "));
        self.place.policy.set(policy.clone());
        self.place.keypair_policy.set(person.keypair_policy.clone());
        self.ids.fill(ids);
        self.must_change_password.set(*must_change_password);
        self.sudo.set(*sudo);
        self.two_factor.set(*two_factor);
        self.has_two_factor.set(*two_factor);
        self.keys.set(person.access_keys.clone());
        self.main_key.set(person.access_keys.first().cloned().unwrap_or_default());
    }

    /// Clears everything that belongs to one person; domain and projects stay for the next.
    pub fn clear(self) {
        let Self {
            name: _,
            editing: _,
            email,
            username,
            full_name,
            password,
            again,
            place: _,
            description,
            addresses,
            ids,
            must_change_password,
            sudo,
            two_factor,
            has_two_factor,
            main_key,
            keys,
        } = self;
        let texts = [email, username, full_name, password, again, description, addresses, main_key];
        texts.into_iter().for_each(|field| field.set(String::new()));
        [must_change_password, sudo, two_factor, has_two_factor].into_iter().for_each(|flag| flag.set(false));
        ids.fill(&UnixIds::default());
        keys.set(Vec::new());
    }

    fn addresses(self) -> Vec<String> {
        let split = |text: &String| text.split([',', ' ', '\n']).filter(|part| !part.is_empty()).map(String::from).collect();
        self.addresses.with_untracked(split)
    }

    /// Reads the form as a new account, without checking it. A domain or status that is not chosen is that of `before`.
    fn read(self, before: Option<&UserDetail>) -> Result<CreateUser, Problem> {
        let text = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        Ok(CreateUser {
            email: text(self.email),
            username: text(self.username),
            full_name: text(self.full_name),
            password: self.password.get_untracked(),
            role: self.place.role(),
            status: self.place.status().or(before.map(|before| before.row.status)).unwrap_or_default(),
            domain: match before {
                Some(before) => self.place.domain().unwrap_or(before.domain),
                None => self.place.need_domain()?,
            },
            projects: self.place.project_ids(),
            description: self.description.get_untracked(),
            must_change_password: self.must_change_password.get_untracked(),
            sudo: self.sudo.get_untracked(),
            addresses: self.addresses(),
            policy: self.place.policy.get_untracked(),
            keypair_policy: if self.place.may_limit { self.place.keypair_policy.get_untracked() } else { String::new() },
            ids: self.ids.read()?,
        })
    }

    /// Reads the form as a command that creates an account. Refuses with every field that is not acceptable.
    pub fn read_new(self) -> Result<CreateUser, Problem> {
        let new = self.read(None)?;
        self.with_the_same_password_twice(new.check())?;
        Ok(new)
    }

    /// Reads the changes to `before` as a command.
    pub fn read_edit(self, before: &UserDetail) -> Result<EditUser, Problem> {
        let now = self.read(Some(before))?;
        let sorted = |mut ids: Vec<ProjectId>| {
            ids.sort_unstable();
            ids
        };
        let other_projects = sorted(now.projects.clone()) != sorted(before.projects.clone());
        let main_key = self.main_key.get_untracked();
        let mut edit = EditUser {
            password: Some(now.password.clone()).filter(|password| !password.is_empty()),
            domain: Some(now.domain).filter(|domain| *domain != before.domain),
            projects: other_projects.then(|| now.projects.clone()),
            two_factor: Some(self.two_factor.get_untracked()).filter(|on| *on != before.row.two_factor),
            keypair_policy: Some(now.keypair_policy.clone())
                .filter(|policy| !policy.is_empty() && *policy != before.keypair_policy),
            main_access_key: Some(main_key).filter(|key| before.access_keys.first() != Some(key) && !key.is_empty()),
            ..EditUser::between(&before.row, &now)
        };
        self.ids.changed(&before.row.ids, &mut edit)?;
        self.with_the_same_password_twice(edit.check())?;
        Ok(edit)
    }

    fn with_the_same_password_twice(self, checked: Result<(), Problem>) -> Result<(), Problem> {
        let mut errors = match checked {
            Err(Problem::Invalid(errors)) => errors,
            other => return other.and_then(|()| if self.same() { Ok(()) } else { Err(differ()) }),
        };
        if !self.same() {
            errors.push(FieldError::new("again", DIFFER));
        }
        Err(Problem::Invalid(errors))
    }

    fn same(self) -> bool {
        self.password.with_untracked(|password| self.again.with_untracked(|again| password == again))
    }
}

const DIFFER: &str = "The two passwords differ. Type the same one twice.";

fn differ() -> Problem {
    Problem::field("again", DIFFER)
}

/// The fields.
pub fn fields(form: Form, refused: Refused) -> AnyView {
    // Every field is named, so that one that is not shown is not overlooked.
    let Form {
        name,
        editing,
        email,
        username,
        full_name,
        password,
        again,
        place,
        description,
        addresses,
        ids,
        must_change_password,
        sudo,
        two_factor,
        has_two_factor,
        main_key,
        keys,
    } = form;
    let id = move |field: &str| format!("{name}-{field}");
    let email_field = if editing {
        view! { <dl class="key-values"><dt>"User ID"</dt><dd>{move || email.get()}</dd></dl> }.into_any()
    } else {
        view! {
            <Field name=id("email") label="Email" required=true hint="The user ID. It cannot be changed later." error=refused.field_error("email")>
                <TextInput name=id("email") value=email input_type="email" max=MAX_NAME/>
            </Field>
        }
        .into_any()
    };
    let password_hint = if editing {
        "Leave it empty to keep the current one. A new password signs the person out everywhere."
    } else {
        "At least 8 characters, with a letter, a digit and a special character."
    };
    let two_factor_field = editing.then(|| view! {
        <Show when=move || has_two_factor.get() fallback=|| view! { <p class="hint">"Two-factor authentication is off. Only its owner can turn it on."</p> }>
            <Checkbox name=id("two-factor") label="2FA enabled (it can only be turned off here)" value=two_factor/>
        </Show>
    });
    let main_key_field = editing.then(|| {
        let keys = Signal::derive(move || keys.get().into_iter().map(|key| (key.clone(), key)).collect::<Vec<_>>());
        view! {
            <Field name=id("main-key") label="Main access key" hint="The keypair that the console uses for this person." error=refused.field_error("main_access_key")>
                <Select name=id("main-key") value=main_key options=keys/>
            </Field>
        }
    });
    let rare_ones = Signal::derive(move || sudo.get() || !ids.are_empty() || addresses.with(|addresses| !addresses.is_empty()));
    let rare = view! {
        <Field name=id("addresses") label="Allowed client IPs" hint="IP addresses or networks such as 10.0.0.0/8, separated by commas. Empty allows any." error=refused.field_error("addresses")>
            <TextInput name=id("addresses") value=addresses/>
        </Field>
        {ids.fields(name, refused)}
        <Checkbox name=id("sudo") label="Enable sudo session: root rights inside sessions, if the engine supports them (the local one does not); grant with care" value=sudo/>
    }
    .into_any();
    view! {
        {email_field}
        <div class="form-row">
            <Field name=id("username") label="Username" required=true error=refused.field_error("username")><TextInput name=id("username") value=username max=MAX_NAME/></Field>
            <Field name=id("full-name") label="Full name" error=refused.field_error("full_name")><TextInput name=id("full-name") value=full_name max=MAX_NAME/></Field>
        </div>
        <div class="form-row">
            <Field name=id("password") label=if editing { "New password" } else { "Password" } required=!editing hint=password_hint error=refused.field_error("password")>
                <PasswordInput name=id("password") value=password/>
            </Field>
            <Field name=id("again") label="Password again" required=!editing error=refused.field_error("again")><PasswordInput name=id("again") value=again/></Field>
        </div>
        {place.role_and_status(refused)}
        {place.fields(refused, false)}
        {main_key_field}
        <Checkbox name=id("must-change") label="Require password change (reminder banner only)" value=must_change_password/>
        {two_factor_field}
        <Field name=id("description") label="Description" error=refused.field_error("description")>
            <TextArea name=id("description") value=description rows=3 max=MAX_DESCRIPTION/>
        </Field>
        {advanced(refused, &["addresses", "uid", "gid", "gids"], rare_ones, rare)}
    }
    .into_any()
}
