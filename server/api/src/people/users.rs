//! People.

use crate::graphql::cost;
use crate::graphql::filter::{Names, list};
use crate::graphql::{Done, PurgeUserInput, clearable, control_and_caller, done, kept, never, outcome, refuse};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;
use types::id::{DomainId, ProjectId, UserId};
use types::list::{Condition, ListQuery, Op, Window};
use types::people::permissions::Role;
use types::people::users::{CreateUser, EditUser, USERS, UnixIds, UserRow, UserStatus};
use uuid::Uuid;

pub(crate) const NAMES: Names = &[
    ("uuid", "id"),
    ("username", "username"),
    ("email", "email"),
    ("need_password_change", "must_change_password"),
    ("full_name", "full_name"),
    ("description", "description"),
    ("status", "status"),
    ("status_info", "status_info"),
    ("created_at", "created_at"),
    ("modified_at", "modified_at"),
    ("domain_name", "domain"),
    ("role", "role"),
    ("resource_policy", "policy"),
    ("totp_activated", "two_factor"),
    ("sudo_session_enabled", "sudo"),
    ("is_active", "active"),
    ("allowed_client_ip", "addresses"),
    ("main_access_key", "main_key"),
    ("project_name", "project_name"),
];

/// Fields that people cannot be ordered by: multi-valued, or free text.
pub(crate) const UNORDERED: &[&str] = &["description", "allowed_client_ip", "project_name"];

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct UserGroup {
    id: Uuid,
    name: String,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct User {
    id: ID,
    uuid: Uuid,
    username: String,
    email: String,
    need_password_change: bool,
    full_name: String,
    description: String,
    is_active: bool,
    status: &'static str,
    status_info: Option<String>,
    created_at: String,
    modified_at: String,
    domain_name: String,
    role: &'static str,
    resource_policy: String,
    groups: Vec<UserGroup>,
    allowed_client_ip: Option<Vec<String>>,
    totp_activated: bool,
    sudo_session_enabled: bool,
    main_access_key: Option<String>,
    container_uid: Option<u32>,
    container_main_gid: Option<u32>,
    container_gids: Option<Vec<u32>>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let groups = row.project_ids.iter().zip(&row.projects).map(|(id, name)| UserGroup { id: id.0, name: name.clone() });
        Self {
            id: row.id.to_string().into(),
            uuid: row.id.0,
            groups: groups.collect(),
            username: row.username,
            email: row.email,
            need_password_change: row.must_change_password,
            full_name: row.full_name,
            description: row.description,
            is_active: row.status == UserStatus::Active,
            status: row.status.key(),
            status_info: Some(row.status_info).filter(|info| !info.is_empty()),
            created_at: row.created_at.iso(),
            modified_at: row.modified_at.iso(),
            domain_name: row.domain,
            role: row.role.key(),
            resource_policy: row.policy,
            allowed_client_ip: Some(row.addresses).filter(|all| !all.is_empty()),
            totp_activated: row.two_factor,
            sudo_session_enabled: row.sudo,
            main_access_key: row.main_key,
            container_uid: row.ids.uid,
            container_main_gid: row.ids.gid,
            container_gids: Some(row.ids.gids).filter(|all| !all.is_empty()),
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct UserList {
    items: Vec<User>,
    total_count: u64,
}

/// Narrows a list to a status, by Backend.AI's name, and to the members of a project.
fn narrow(query: &mut ListQuery, status: Option<String>, project: Option<Uuid>) -> std::result::Result<(), Problem> {
    if let Some(key) = status {
        let status = UserStatus::from_key(&key).ok_or_else(|| {
            Problem::field("status", format!("“{key}” is not a status. Use active, inactive or before-verification."))
        })?;
        query.conditions.push(Condition { key: "status".into(), op: Op::Any, value: status.key().into() });
    }
    if let Some(id) = project {
        query.conditions.push(Condition { key: "project".into(), op: Op::Equals, value: id.to_string() });
    }
    Ok(())
}

/// Finds the person with this email; the caller, if there is none. Everybody may ask for themselves.
pub(crate) async fn by_email(control: &Control, caller: &Caller, email: Option<&str>) -> std::result::Result<UserRow, Problem> {
    let me = caller.me().ok_or(Problem::SignInRequired)?;
    let email = email.unwrap_or(&me.email);
    if ::control::fold(email) == ::control::fold(&me.email) {
        return control.myself(caller).await;
    }
    let condition = Condition { key: "email".into(), op: Op::Equals, value: email.to_owned() };
    let window = Window { offset: 0, limit: 1, any_tab: true };
    let query = ListQuery { conditions: vec![condition], window: Some(window), ..ListQuery::new(&USERS) };
    let found = control.users(caller, &query).await?.rows.pop();
    found.ok_or_else(|| Problem::NotFound("person".into()))
}

#[derive(Default)]
pub struct UserQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl UserQuery {
    #[graphql(complexity = "cost::list_of(limit, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Backend.AI's own arguments")]
    async fn user_list(
        &self,
        context: &Context<'_>,
        limit: i32,
        offset: i32,
        filter: Option<String>,
        order: Option<String>,
        status: Option<String>,
        group_id: Option<Uuid>,
    ) -> Result<UserList> {
        let (control, caller) = control_and_caller(context)?;
        let mut query =
            list(&USERS, (NAMES, UNORDERED), (limit, offset), None, filter.as_deref(), order.as_deref()).map_err(refuse)?;
        narrow(&mut query, status, group_id).map_err(refuse)?;
        let page = control.users(caller, &query).await.map_err(refuse)?;
        Ok(UserList { total_count: page.total, items: page.rows.into_iter().map(User::from).collect() })
    }

    #[graphql(complexity = "cost::list_of(cost::MANY, child_complexity)")]
    async fn users(&self, context: &Context<'_>, status: Option<String>, group_id: Option<Uuid>) -> Result<Vec<User>> {
        let (control, caller) = control_and_caller(context)?;
        let window = Window { offset: 0, limit: cost::MANY.unsigned_abs(), any_tab: true };
        let mut query = ListQuery { window: Some(window), ..ListQuery::new(&USERS) };
        narrow(&mut query, status, group_id).map_err(refuse)?;
        let page = control.users(caller, &query).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(User::from).collect())
    }

    async fn user(&self, context: &Context<'_>, email: Option<String>) -> Result<Option<User>> {
        let (control, caller) = control_and_caller(context)?;
        by_email(control, caller, email.as_deref()).await.map(|row| Some(row.into())).map_err(refuse)
    }

    async fn user_from_uuid(&self, context: &Context<'_>, user_id: Option<ID>) -> Result<Option<User>> {
        let (control, caller) = control_and_caller(context)?;
        let Some(id) = user_id else {
            return by_email(control, caller, None).await.map(|row| Some(row.into())).map_err(refuse);
        };
        let id: UserId = id.parse().map_err(|_| refuse(Problem::NotFound("person".into())))?;
        Ok(Some(control.user(caller, id).await.map_err(refuse)?.row.into()))
    }
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct UserInput {
    username: Option<String>,
    password: String,
    need_password_change: Option<bool>,
    full_name: Option<String>,
    description: Option<String>,
    is_active: Option<bool>,
    status: Option<String>,
    domain_name: Option<String>,
    role: Option<String>,
    group_ids: Option<Vec<String>>,
    allowed_client_ip: Option<Vec<String>>,
    totp_activated: Option<bool>,
    resource_policy: Option<String>,
    sudo_session_enabled: Option<bool>,
    container_uid: Option<u32>,
    container_main_gid: Option<u32>,
    container_gids: Option<Vec<u32>>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ModifyUserInput {
    username: MaybeUndefined<String>,
    password: MaybeUndefined<String>,
    need_password_change: MaybeUndefined<bool>,
    full_name: MaybeUndefined<String>,
    description: MaybeUndefined<String>,
    is_active: MaybeUndefined<bool>,
    status: MaybeUndefined<String>,
    domain_name: MaybeUndefined<String>,
    role: MaybeUndefined<String>,
    group_ids: MaybeUndefined<Vec<String>>,
    allowed_client_ip: MaybeUndefined<Vec<String>>,
    totp_activated: MaybeUndefined<bool>,
    resource_policy: MaybeUndefined<String>,
    sudo_session_enabled: MaybeUndefined<bool>,
    main_access_key: MaybeUndefined<String>,
    container_uid: MaybeUndefined<u32>,
    container_main_gid: MaybeUndefined<u32>,
    container_gids: MaybeUndefined<Vec<u32>>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateUserPayload {
    ok: bool,
    msg: String,
    user: Option<User>,
}

/// Reads the status of an input; `status` wins over `is_active`.
fn status(status: Option<String>, is_active: Option<bool>) -> std::result::Result<Option<UserStatus>, Problem> {
    match (status, is_active) {
        (Some(key), _) => match UserStatus::from_key(&key) {
            Some(status) => Ok(Some(status)),
            None => Err(Problem::field("status", "Must be active, inactive or before-verification.")),
        },
        (None, Some(active)) => Ok(Some(if active { UserStatus::Active } else { UserStatus::Inactive })),
        (None, None) => Ok(None),
    }
}

fn role(key: Option<String>) -> std::result::Result<Option<Role>, Problem> {
    let Some(key) = key else { return Ok(None) };
    Role::from_key(&key).map(Some).ok_or_else(|| Problem::field("role", "Must be superadmin, admin, user or monitor."))
}

fn projects(ids: Option<Vec<String>>) -> std::result::Result<Option<Vec<ProjectId>>, Problem> {
    let read = |ids: Vec<String>| ids.iter().map(|id| id.parse()).collect::<std::result::Result<_, _>>();
    ids.map(read).transpose().map_err(|_| Problem::field("group_ids", "Give the ids of projects."))
}

async fn domain(control: &Control, caller: &Caller, name: Option<&str>) -> std::result::Result<Option<DomainId>, Problem> {
    let Some(name) = name else { return Ok(None) };
    let domains = control.domain_choices(caller).await?;
    let found = domains.iter().find(|domain| ::control::fold(&domain.name) == ::control::fold(name));
    found.map(|domain| Some(domain.id)).ok_or_else(|| Problem::field("domain_name", format!("There is no domain named {name}.")))
}

#[allow(clippy::needless_update, reason = "the fields are Backend.AI's; a field of ours that it lacks has its default")]
async fn create(control: &Control, caller: &Caller, email: String, props: UserInput) -> std::result::Result<UserRow, Problem> {
    let name = props.domain_name.as_deref().unwrap_or("default");
    let domain = domain(control, caller, Some(name)).await?.ok_or_else(|| Problem::NotFound("domain".into()))?;
    let new = CreateUser {
        username: props.username.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned()),
        email,
        full_name: props.full_name.unwrap_or_default(),
        password: props.password,
        role: role(props.role)?.unwrap_or(Role::User),
        status: status(props.status, props.is_active)?.unwrap_or(UserStatus::Active),
        domain,
        projects: projects(props.group_ids)?.unwrap_or_default(),
        description: props.description.unwrap_or_default(),
        must_change_password: props.need_password_change.unwrap_or_default(),
        sudo: props.sudo_session_enabled.unwrap_or_default(),
        addresses: props.allowed_client_ip.unwrap_or_default(),
        policy: props.resource_policy.unwrap_or_default(),
        ids: UnixIds { uid: props.container_uid, gid: props.container_main_gid, gids: props.container_gids.unwrap_or_default() },
        ..CreateUser::default()
    };
    let created = control.create_user(caller, &new).await?;
    Ok(control.user(caller, created.id).await?.row)
}

#[allow(clippy::needless_update, reason = "the fields are Backend.AI's; a field of ours that it lacks is left as it is")]
async fn modify(control: &Control, caller: &Caller, email: &str, props: ModifyUserInput) -> std::result::Result<(), Problem> {
    let found = by_email(control, caller, Some(email)).await?;
    let domain_name = kept(props.domain_name);
    let edit = EditUser {
        domain: domain(control, caller, domain_name.as_deref()).await?,
        status: status(kept(props.status), kept(props.is_active))?,
        role: role(kept(props.role))?,
        projects: projects(clearable(props.group_ids))?,
        username: kept(props.username),
        full_name: clearable(props.full_name),
        password: kept(props.password),
        description: clearable(props.description),
        must_change_password: kept(props.need_password_change),
        sudo: kept(props.sudo_session_enabled),
        addresses: clearable(props.allowed_client_ip),
        two_factor: kept(props.totp_activated),
        policy: kept(props.resource_policy),
        // 0 leaves a number to the engine.
        uid: clearable(props.container_uid),
        gid: clearable(props.container_main_gid),
        gids: clearable(props.container_gids),
        main_access_key: kept(props.main_access_key),
        ..EditUser::default()
    };
    control.edit_user(caller, found.id, &edit).await
}

#[derive(Default)]
pub struct UserMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl UserMutation {
    #[graphql(complexity = "cost::PASSWORD + child_complexity")]
    async fn create_user(&self, context: &Context<'_>, email: String, props: UserInput) -> Result<CreateUserPayload> {
        let (control, caller) = control_and_caller(context)?;
        let (ok, msg, user) = outcome("create_user", create(control, caller, email, props).await);
        Ok(CreateUserPayload { ok, msg, user: user.map(User::from) })
    }

    #[graphql(complexity = "cost::PASSWORD + child_complexity")]
    async fn modify_user(&self, context: &Context<'_>, email: String, props: ModifyUserInput) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        Ok(done("modify_user", modify(control, caller, &email, props).await))
    }

    /// Deactivates the account: nobody is ever deleted.
    async fn delete_user(&self, context: &Context<'_>, email: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let found = by_email(control, caller, Some(&email)).await?;
            let edit = EditUser { status: Some(UserStatus::Inactive), ..EditUser::default() };
            control.edit_user(caller, found.id, &edit).await
        };
        Ok(done("delete_user", result.await))
    }

    async fn purge_user(&self, _context: &Context<'_>, email: String, props: Option<PurgeUserInput>) -> Result<Done> {
        let _ = (email, props);
        Ok(never("People"))
    }
}
