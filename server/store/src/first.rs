//! The rows that exist from the first start on.

use crate::{Change, Result, to_json};
use types::id::{DomainId, ProjectId};
use types::quantity::Slots;
use types::time::Millis;

/// The sessions of one person that may wait under the first policy.
const FIRST_PENDING: u32 = 1_000;
/// The number of containers in one session that the keypair policy `default` allows.
const FIRST_CLUSTER: u32 = 16;

/// Creates the domain and project `default`, the resource group `default` for them, and the keypair policy `default`. Changes
/// nothing if there is a domain already.
pub async fn first_people(
    change: &mut Change,
    domain: DomainId,
    project: ProjectId,
    total: &Slots,
    max_sessions: u32,
    at: Millis,
) -> Result<()> {
    let tx = &mut change.tx;
    let (there,): (i64,) = sqlx::query_as("SELECT count(*) FROM domains").fetch_one(&mut **tx).await?;
    if there > 0 {
        return Ok(());
    }
    sqlx::query("INSERT INTO domains (id, name, name_key, created_at) VALUES (?, 'default', 'default', ?)")
        .bind(domain)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO projects (id, domain_id, name, name_key, created_at) VALUES (?, ?, 'default', 'default', ?)")
        .bind(project)
        .bind(domain)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO resource_groups (name, created_at, scheduler) VALUES ('default', ?, 'system')")
        .bind(at)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO resource_group_domains (resource_group, domain_id) VALUES ('default', ?)")
        .bind(domain)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO keypair_policies (name, max_sessions, max_pending, total, max_cluster, created_at) \
         VALUES ('default', ?, ?, ?, ?, ?)",
    )
    .bind(max_sessions)
    .bind(FIRST_PENDING)
    .bind(to_json(total))
    .bind(FIRST_CLUSTER)
    .bind(at)
    .execute(&mut **tx)
    .await?;
    for sql in ["UPDATE user_policies SET created_at = ?", "UPDATE project_policies SET created_at = ?"] {
        sqlx::query(sql).bind(at).execute(&mut **tx).await?;
    }
    Ok(())
}
