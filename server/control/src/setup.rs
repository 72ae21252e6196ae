//! The first start, and the administrator's commands on the command line.
//!
//! These run on the server's machine, not through a page. Anyone who can run them can read the database file, so they take no
//! caller.

use crate::people::accounts::domain_not_open;
use crate::{Control, Result, internal, random_text};
use types::Problem;
use types::id::{DomainId, ProjectId, UserId};
use types::people::permissions::Role;
use types::people::users::CreateUser;
use types::quantity::{Quantity, Slots};
use types::system::events::{Audience, Topic};

/// The number of sessions that the keypair policy `default` allows at one time.
const DEFAULT_SESSIONS: u32 = 20;

/// The administrator that was created at the first start.
pub struct FirstAdministrator {
    pub email: String,
    /// Set if the password was made up here; to be shown once.
    pub password: Option<String>,
}

/// The numbers of rows that [`Control::seed`] writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeedRows {
    pub people: u64,
    /// Keypairs beside the one that each person has, one each for the first of them.
    pub keypairs: u64,
    pub ended: u64,
    pub waiting: u64,
    pub audit: u64,
}

/// Rows per transaction when seeding: large enough to be fast, small enough to report progress.
const SEED_STEP: u64 = 20_000;

impl Control {
    /// Prepares the database: creates what exists from the start, and an administrator if there are no accounts yet.
    pub async fn first_start(&self, email: Option<&str>, password: Option<&str>) -> Result<Option<FirstAdministrator>> {
        let total = Slots::cpu_mem(Quantity::whole(128), 512 << 30);
        let (domain, project) = (DomainId(uuid::Uuid::now_v7()), ProjectId(uuid::Uuid::now_v7()));
        let mut change = self.store.change().await?;
        store::first_people(&mut change, domain, project, &total, DEFAULT_SESSIONS, self.now()).await?;
        change.commit().await?;
        if self.store.has_users().await? {
            return Ok(None);
        }
        let email = email.unwrap_or("admin@yardmaster.local").to_owned();
        let made_up = match password {
            Some(_) => None,
            None => Some(made_up_password()?),
        };
        let password = password.map(String::from).or_else(|| made_up.clone()).unwrap_or_default();
        self.create_user_here(&email, "admin", "Administrator", &password, Role::Superadmin).await?;
        Ok(Some(FirstAdministrator { email, password: made_up }))
    }

    /// The installation's id, made up the first time: eight letters and digits by which two installations on one host are told
    /// apart.
    pub async fn installation(&self) -> Result<String> {
        if let Some(id) = self.store.installation().await? {
            return Ok(id);
        }
        let mut change = self.store.change().await?;
        change.name_installation(&random_text(8)?.to_lowercase()).await?;
        change.commit().await?;
        self.store.installation().await?.ok_or_else(|| internal("naming the installation")("it has no id"))
    }

    /// Creates a person in the domain and project `default`.
    pub async fn create_user_here(
        &self,
        email: &str,
        username: &str,
        full_name: &str,
        password: &str,
        role: Role,
    ) -> Result<UserId> {
        let domains = self.store.domain_choices(None).await?;
        let domain =
            domains.into_iter().find(|d| d.name == "default").ok_or_else(|| Problem::NotFound("domain default".into()))?;
        if !domain.active {
            return Err(Problem::Conflict(domain_not_open(&domain.name)));
        }
        let new = CreateUser {
            email: email.into(),
            username: username.into(),
            full_name: full_name.into(),
            password: password.into(),
            role,
            domain: domain.id,
            projects: domain.projects.into_iter().filter(|p| p.name == "default").map(|p| p.id).collect(),
            ..CreateUser::default()
        };
        new.check()?;
        Ok(self.write_user(None, "command line", &new).await?.id)
    }

    /// Gives a person a new password and ends all their sign-ins. Returns the password if it was made up here.
    ///
    /// With `end_two_factor`, the password alone opens the account from then on. This is the way back for somebody who has lost
    /// both their authenticator and their recovery codes, and whom no administrator can help.
    pub async fn reset_password_here(&self, login: &str, password: Option<&str>, end_two_factor: bool) -> Result<Option<String>> {
        let made_up = match password {
            Some(_) => None,
            None => Some(made_up_password()?),
        };
        let password = password.map(String::from).or_else(|| made_up.clone()).unwrap_or_default();
        let mut errors = Vec::new();
        types::rules::password("password", &password, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let account = self.store.account_by_login(login).await?;
        let account = account.ok_or_else(|| Problem::NotFound("person".into()))?;
        let hash = self.shared.passwords.hash(&password).await?;
        let mut change = self.change_from("command line").await?;
        let at = change.at;
        change.set_password(account.id, &hash, at).await?;
        change.delete_sign_ins(account.id).await?;
        change.end_password_links(account.id).await?;
        if end_two_factor {
            change.end_two_factor(account.id).await?;
        }
        let detail = serde_json::json!({ "end_two_factor": end_two_factor });
        change.record("reset password", account.id, detail).await?;
        change.tell(Topic::User, account.id, Audience::person(account.id, account.domain)).await?;
        change.commit().await?;
        Ok(made_up)
    }

    /// Writes many rows for measuring. Refuses a database that holds more than a first start creates, unless `force` is set. All
    /// seeded people share the password that is returned.
    pub async fn seed(&self, rows: SeedRows, force: bool, progress: impl Fn(&str, u64, u64)) -> Result<String> {
        let (there, sessions_there) = self.store.row_counts().await?;
        if (there > 1 || sessions_there > 0) && !force {
            return Err(Problem::Conflict(format!(
                "This database already holds {there} people and {sessions_there} sessions. Seed an empty one, or add --force."
            )));
        }
        let domains = self.store.domain_choices(None).await?;
        let place = domains.iter().find_map(|d| Some((d.id, d.projects.first()?.id)));
        let (domain, project) = place.ok_or_else(|| Problem::NotFound("project".into()))?;
        let password = made_up_password()?;
        let hash = self.shared.passwords.hash(&password).await?;
        let (first_user, first_session) = (there.unsigned_abs(), sessions_there.unsigned_abs());
        let now = self.now();
        for step in steps(rows.people, first_user) {
            let mut change = self.store.change().await?;
            change.seed_users(step.numbers, domain, project, &hash, now).await?;
            change.commit().await?;
            progress("people", step.done, rows.people);
        }
        for step in steps(rows.keypairs, first_user + 1) {
            let mut change = self.store.change().await?;
            change.seed_keypairs(step.numbers).await?;
            change.commit().await?;
            progress("keypairs", step.done, rows.keypairs);
        }
        let owner = UserId(uuid::Uuid::nil());
        for (first, count, waits) in [(first_session, rows.ended, false), (first_session + rows.ended, rows.waiting, true)] {
            for step in steps(count, first) {
                let mut change = self.store.change().await?;
                change.seed_sessions(step.numbers, waits, owner, domain, project, now).await?;
                change.commit().await?;
                progress("sessions", step.done, count);
            }
        }
        for step in steps(rows.audit, 0) {
            let mut change = self.store.change().await?;
            change.seed_audit(step.numbers, rows.audit, rows.people + first_user, now).await?;
            change.commit().await?;
            progress("audit records", step.done, rows.audit);
        }
        let mut change = self.store.change().await?;
        change.analyze().await?;
        change.commit().await?;
        Ok(password)
    }
}

/// One transaction's part of the rows to seed.
struct Step {
    numbers: std::ops::Range<u64>,
    /// Rows that are written once this part is.
    done: u64,
}

fn steps(count: u64, first: u64) -> impl Iterator<Item = Step> {
    (0..count).step_by(SEED_STEP as usize).map(move |from| {
        let done = (from + SEED_STEP).min(count);
        Step { numbers: first + from..first + done, done }
    })
}

/// Makes up a password that satisfies the password rules and is easy to read aloud: `XXXX-XXXX-XXXX-XXXX-7`, with 80 random bits.
pub fn made_up_password() -> Result<String> {
    let text = random_text(16)?;
    let groups: Vec<&str> = (0..4).map(|i| &text[i * 4..i * 4 + 4]).collect();
    Ok(format!("{}-7", groups.join("-")))
}
