//! Keypairs.

use crate::auth::Allowed;
use crate::graphql::cost;
use crate::graphql::filter::{Names, list};
use crate::graphql::{Done, control_and_caller, done, kept, outcome, refuse};
use crate::people::users::by_email;
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use types::Problem;
use types::list::{Condition, ListQuery, Op, Window};
use types::people::keypairs::{CreateKeypair, DEFAULT_RATE_LIMIT, EditKeypair, KEYPAIRS, KeypairRow};
use types::people::permissions::Role;

const NAMES: Names = &[
    ("user_id", "owner"),
    ("email", "owner"),
    ("access_key", "access_key"),
    ("resource_policy", "policy"),
    ("rate_limit", "rate_limit"),
    ("created_at", "created_at"),
    ("last_used", "last_used"),
    ("is_default", "main"),
    ("is_active", "active"),
    ("is_admin", "admin"),
    ("full_name", "full_name"),
    ("num_queries", "queries"),
    ("projects", "project_name"),
];

/// Fields that keypairs cannot be ordered by: multi-valued.
const UNORDERED: &[&str] = &["projects"];

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct UserInfo {
    email: String,
    full_name: String,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct KeyPair {
    user_id: String,
    access_key: String,
    /// Only for the keypair that signed the request. The console shows those of others, and writes that into the audit trail.
    secret_key: Option<String>,
    is_active: bool,
    is_admin: bool,
    created_at: String,
    last_used: Option<String>,
    resource_policy: String,
    rate_limit: u32,
    num_queries: u64,
    concurrency_used: u32,
    user_info: UserInfo,
    projects: Vec<String>,
}

impl From<KeypairRow> for KeyPair {
    fn from(row: KeypairRow) -> Self {
        Self {
            user_info: UserInfo { email: row.owner.clone(), full_name: row.owner_name },
            projects: row.projects,
            user_id: row.owner,
            access_key: row.access_key,
            secret_key: None,
            is_active: row.active,
            is_admin: row.admin,
            created_at: row.created_at.iso(),
            last_used: row.last_used.map(types::time::Millis::iso),
            resource_policy: row.policy,
            rate_limit: row.rate_limit,
            num_queries: row.queries,
            concurrency_used: row.sessions,
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct KeyPairList {
    items: Vec<KeyPair>,
    total_count: u64,
}

fn tab(is_active: Option<bool>) -> Option<&'static str> {
    is_active.map(|active| if active { "active" } else { "inactive" })
}

fn owned_by(email: Option<String>) -> Option<Condition> {
    email.map(|email| Condition { key: "owner".into(), op: Op::Equals, value: email })
}

#[derive(Default)]
pub struct KeypairQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl KeypairQuery {
    #[graphql(complexity = "cost::list_of(limit, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Backend.AI's own arguments")]
    async fn keypair_list(
        &self,
        context: &Context<'_>,
        limit: i32,
        offset: i32,
        filter: Option<String>,
        order: Option<String>,
        is_active: Option<bool>,
        domain_name: Option<String>,
        email: Option<String>,
    ) -> Result<KeyPairList> {
        let (control, caller) = control_and_caller(context)?;
        let fields = (NAMES, UNORDERED);
        let mut query =
            list(&KEYPAIRS, fields, (limit, offset), tab(is_active), filter.as_deref(), order.as_deref()).map_err(refuse)?;
        query.conditions.extend(owned_by(email));
        query.conditions.extend(domain_name.map(|name| Condition { key: "domain".into(), op: Op::Equals, value: name }));
        let page = control.keypairs(caller, &query).await.map_err(refuse)?;
        Ok(KeyPairList { total_count: page.total, items: page.rows.into_iter().map(KeyPair::from).collect() })
    }

    #[graphql(complexity = "cost::list_of(100, child_complexity)")]
    async fn keypairs(&self, context: &Context<'_>, email: Option<String>, is_active: Option<bool>) -> Result<Vec<KeyPair>> {
        let (control, caller) = control_and_caller(context)?;
        let window = Window { offset: 0, limit: 100, any_tab: is_active.is_none() };
        let conditions = owned_by(email).into_iter().collect();
        let tab = tab(is_active).unwrap_or("active").to_owned();
        let query = ListQuery { conditions, tab, window: Some(window), ..ListQuery::new(&KEYPAIRS) };
        let page = control.keypairs(caller, &query).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(KeyPair::from).collect())
    }

    /// The keypair that signed the request, with its secret key; behind a cookie the main one, and reading its secret key is recorded.
    async fn keypair(&self, context: &Context<'_>) -> Result<Option<KeyPair>> {
        let (control, caller) = control_and_caller(context)?;
        let Allowed { access_key, signed } = context.data::<Allowed>()?;
        let mine = control.my_keypairs(caller).await.map_err(refuse)?;
        let Some(row) = mine.into_iter().find(|row| row.access_key == *access_key) else {
            return Err(refuse(Problem::NotFound("keypair".into())));
        };
        let secret = match signed {
            true => control.my_secret(caller, access_key).await,
            false => control.keypair_secret(caller, access_key).await,
        };
        let secret = secret.map_err(refuse)?;
        Ok(Some(KeyPair { secret_key: Some(secret), ..row.into() }))
    }
}

#[derive(InputObject)]
#[graphql(name = "KeyPairInput", rename_fields = "snake_case")]
pub struct KeyPairInput {
    is_active: Option<bool>,
    is_admin: Option<bool>,
    resource_policy: Option<String>,
    concurrency_limit: Option<i32>,
    rate_limit: Option<u32>,
}

#[derive(InputObject)]
#[graphql(name = "ModifyKeyPairInput", rename_fields = "snake_case")]
pub struct ModifyKeyPairInput {
    is_active: MaybeUndefined<bool>,
    is_admin: MaybeUndefined<bool>,
    resource_policy: MaybeUndefined<String>,
    concurrency_limit: MaybeUndefined<i32>,
    rate_limit: MaybeUndefined<u32>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreatedKeyPair {
    access_key: String,
    secret_key: String,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateKeyPairPayload {
    ok: bool,
    msg: String,
    keypair: Option<CreatedKeyPair>,
}

/// A keypair has the rights of its owner: asking for others is refused, rather than silently dropped.
fn rights_of_owner(asked: bool, admin: bool) -> std::result::Result<(), Problem> {
    if asked == admin {
        return Ok(());
    }
    let sentence = if asked {
        "Its owner is not an administrator, and a keypair has the rights of its owner. Change the owner's role, or leave it out."
    } else {
        "Its owner is an administrator, and a keypair has the rights of its owner. Leave it out."
    };
    Err(Problem::field("is_admin", sentence))
}

fn no_concurrency(limit: i32) -> std::result::Result<(), Problem> {
    if limit == 0 {
        return Ok(());
    }
    Err(Problem::field("concurrency_limit", "The keypair's resource policy limits sessions. Leave it out."))
}

#[derive(Default)]
pub struct KeypairMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl KeypairMutation {
    async fn create_keypair(&self, context: &Context<'_>, user_id: String, props: KeyPairInput) -> Result<CreateKeyPairPayload> {
        let (control, caller) = control_and_caller(context)?;
        let new = CreateKeypair {
            owner: user_id,
            policy: props.resource_policy.unwrap_or_else(|| "default".into()),
            rate_limit: props.rate_limit.unwrap_or(DEFAULT_RATE_LIMIT),
        };
        let result = async {
            no_concurrency(props.concurrency_limit.unwrap_or_default())?;
            if props.is_admin == Some(true) {
                let owner = by_email(control, caller, Some(&new.owner)).await?;
                rights_of_owner(true, matches!(owner.role, Role::Superadmin | Role::Admin))?;
            }
            let made = control.create_keypair(caller, &new).await?;
            if props.is_active == Some(false) {
                let edit = EditKeypair { active: Some(false), ..EditKeypair::default() };
                control.edit_keypair(caller, &made.access_key, &edit).await?;
            }
            Ok(made)
        };
        let (ok, msg, made) = outcome("create_keypair", result.await);
        let keypair = made.map(|made| CreatedKeyPair { access_key: made.access_key, secret_key: made.secret_key });
        Ok(CreateKeyPairPayload { ok, msg, keypair })
    }

    async fn modify_keypair(&self, context: &Context<'_>, access_key: String, props: ModifyKeyPairInput) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            no_concurrency(kept(props.concurrency_limit).unwrap_or_default())?;
            if let Some(admin) = kept(props.is_admin) {
                rights_of_owner(admin, control.keypair(caller, &access_key).await?.admin)?;
            }
            let edit = EditKeypair {
                active: kept(props.is_active),
                policy: kept(props.resource_policy),
                rate_limit: kept(props.rate_limit),
                main: None,
            };
            control.edit_keypair(caller, &access_key, &edit).await
        };
        Ok(done("modify_keypair", result.await))
    }

    async fn delete_keypair(&self, context: &Context<'_>, access_key: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        Ok(done("delete_keypair", control.delete_keypair(caller, &access_key).await))
    }
}
