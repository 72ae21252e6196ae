//! Bulk rows for measuring: people and sessions by the million, written fast and all of the same shape.

use crate::{Change, Result, Store};
use std::ops::Range;
use types::id::{DomainId, ProjectId, UserId};
use types::quantity::{Quantity, Slots};
use types::time::Millis;

const FIRST: [&str; 32] = [
    "ada", "alan", "amara", "anton", "bea", "carl", "chidi", "dana", "edsger", "emil", "fatima", "grace", "hana", "ines", "ivan",
    "jin", "kaito", "lena", "linus", "mara", "mei", "nils", "noor", "olga", "omar", "pia", "ravi", "rosa", "sofia", "tariq",
    "uma", "yara",
];
const LAST: [&str; 32] = [
    "abe", "alvarez", "baker", "brandt", "costa", "diaz", "eriksen", "fischer", "gomez", "haddad", "hopper", "ito", "jansen",
    "kim", "kowalski", "larsen", "lovelace", "meyer", "novak", "okafor", "park", "patel", "quinn", "rossi", "santos", "sato",
    "silva", "tanaka", "turing", "weber", "yilmaz", "zhou",
];

impl Store {
    /// The number of people and of sessions.
    pub async fn row_counts(&self) -> Result<(i64, i64)> {
        Ok(sqlx::query_as("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)").fetch_one(&self.read).await?)
    }
}

impl Change {
    /// Writes people with these numbers and the password hash `hash`. The numbers let a second call continue where the first one
    /// stopped.
    pub async fn seed_users(
        &mut self,
        numbers: Range<u64>,
        domain: DomainId,
        project: ProjectId,
        hash: &str,
        at: Millis,
    ) -> Result<()> {
        for n in numbers {
            let (first, last) = (FIRST[(n % 32) as usize], LAST[(n / 32 % 32) as usize]);
            let username = format!("{first}.{last}{n}");
            let email = format!("{username}@example.org");
            let id = UserId(uuid::Uuid::now_v7());
            let role = if n % 5000 == 7 { "admin" } else { "user" };
            let status = if n % 20 == 19 { "inactive" } else { "active" };
            // Spread over two years, in an order other than that of the names.
            let created = at.0 - ((n.wrapping_mul(2_654_435_761) % 63_072_000) as i64) * 1000;
            sqlx::query(
                "INSERT INTO users (id, email, email_key, username, username_key, full_name, full_name_key, password_hash, role, status, \
                 domain_id, description, created_at, modified_at) VALUES (?1, ?2, ?2, ?3, ?3, ?4, fold(?4), ?5, ?6, ?7, ?8, '', ?9, ?9)",
            )
            .bind(id)
            .bind(&email)
            .bind(&username)
            .bind(format!("{} {}", capitalized(first), capitalized(last)))
            .bind(hash)
            .bind(role)
            .bind(status)
            .bind(domain)
            .bind(created)
            .execute(&mut *self.tx)
            .await?;
            sqlx::query("INSERT INTO project_members (project_id, user_id) VALUES (?, ?)")
                .bind(project)
                .bind(id)
                .execute(&mut *self.tx)
                .await?;
            sqlx::query("INSERT INTO keypairs (access_key, user_id, policy, main, created_at) VALUES (?, ?, 'default', 1, ?)")
                .bind(format!("SEED{n:016}"))
                .bind(id)
                .bind(created)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// Writes a further keypair for each of the people with these row numbers.
    pub async fn seed_keypairs(&mut self, people: Range<u64>) -> Result<()> {
        sqlx::query(
            "INSERT INTO keypairs (access_key, user_id, policy, main, rate_limit, created_at) \
             SELECT printf('MORE%016d', seq), id, 'default', 0, 1000 + seq % 9001, created_at FROM users WHERE seq >= ? AND seq < ?",
        )
        .bind(people.start as i64)
        .bind(people.end as i64)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes these of `all` audit records, spread over the year before `at`: what each of `people` people did to the next.
    pub async fn seed_audit(&mut self, numbers: Range<u64>, all: u64, people: u64, at: Millis) -> Result<()> {
        const ACTIONS: &str = r#"["sign-in","start session","edit user","create keypair","terminate session","change password"]"#;
        let year = 31_536_000_000;
        sqlx::query(
            "WITH RECURSIVE numbers (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?2) \
             INSERT INTO audit (at, actor, address, action, subject, detail) \
             SELECT ?3 + n * ?4, u.id, printf('10.0.%d.%d', n % 8, n % 250), json_extract(?6, printf('$[%d]', n % 6)), \
             lower(printf('%s-%s-%s-%s-%s', substr(hex(s.id), 1, 8), substr(hex(s.id), 9, 4), substr(hex(s.id), 13, 4), \
             substr(hex(s.id), 17, 4), substr(hex(s.id), 21))), '{}' \
             FROM numbers CROSS JOIN users u ON u.seq = 1 + n % ?5 CROSS JOIN users s ON s.seq = 1 + (n + 1) % ?5",
        )
        .bind(numbers.start as i64)
        .bind(numbers.end as i64)
        .bind(at.0 - year)
        .bind(year / (all.max(1) as i64))
        .bind(people.max(1) as i64)
        .bind(ACTIONS)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes sessions with these numbers, which either wait or have ended. They are owned in turn by the people of
    /// [`Change::seed_users`] or, if there are none, by `owner`.
    pub async fn seed_sessions(
        &mut self,
        numbers: Range<u64>,
        waiting: bool,
        owner: UserId,
        domain: DomainId,
        project: ProjectId,
        at: Millis,
    ) -> Result<()> {
        // Only active people, whose waiting sessions may start.
        let owners: Vec<(UserId, String)> = sqlx::query_as(
            "SELECT k.user_id, k.access_key FROM keypairs k JOIN users u ON u.id = k.user_id AND u.active = 1 \
             WHERE k.access_key LIKE 'SEED%' OR k.user_id = ? LIMIT 1000",
        )
        .bind(owner)
        .fetch_all(&mut *self.tx)
        .await?;
        for n in numbers {
            let Some((owner, key)) = owners.get((n % owners.len().max(1) as u64) as usize) else { return Ok(()) };
            // Spread over the last year, or the last day.
            let over = if waiting { 86_400 } else { 31_536_000 };
            let created = at.0 - ((n.wrapping_mul(2_654_435_761) % over) as i64) * 1000;
            let ended = (!waiting).then_some(created + 2000 + ((n % 7200) as i64) * 1000);
            let (cpu, gigabytes) = if waiting { (n % 2 + 1, n % 4 + 1) } else { (n % 16 + 1, n % 64 + 1) };
            let slots = Slots::cpu_mem(Quantity::whole(cpu as i64), (gigabytes as i64) << 30);
            sqlx::query(
                "INSERT INTO sessions (id, name, kind, status, info, user_id, access_key, domain_id, project_id, resource_group, image, \
                 command, cpu, mem, slots, agent, agents, outcome, created_at, started_at, ended_at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'default', 'host', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(uuid::Uuid::now_v7())
            .bind(format!("train-{}-{n}", LAST[(n % 32) as usize]))
            .bind(if n % 3 == 0 && !waiting { "interactive" } else { "batch" })
            .bind(if waiting { "PENDING" } else { "TERMINATED" })
            .bind(if waiting { "" } else { "Exit code 0" })
            .bind(owner)
            .bind(key)
            .bind(domain)
            .bind(project)
            // Of different lengths, so that sessions that start together do not end together.
            .bind(format!("sleep {}", 50 + n.wrapping_mul(7919) % 101))
            .bind(cpu as i64 * 1000)
            .bind((gigabytes as i64) << 30)
            .bind(crate::to_json(&slots))
            .bind((!waiting).then_some("seed"))
            .bind(if waiting { "[]" } else { "[\"seed\"]" })
            .bind((!waiting).then_some("{\"exited\":0}"))
            .bind(created)
            .bind((!waiting).then_some(created + 2000))
            .bind(ended)
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    /// Updates the query planner's statistics.
    pub async fn analyze(&mut self) -> Result<()> {
        sqlx::query("ANALYZE").execute(&mut *self.tx).await?;
        Ok(())
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
