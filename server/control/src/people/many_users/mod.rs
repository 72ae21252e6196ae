//! Creating many people at once, from a pattern or a CSV file (`docs/spec/people.md`, "Many new people"): first a preview, then
//! everybody or nobody is created.

pub(crate) mod file;

use crate::people::accounts::{EMAIL_TAKEN, USERNAME_TAKEN};
use crate::people::password::Hashed;
use crate::people::users::{Policies, new_user_errors};
use crate::system::tasks::{Progress, Work};
use crate::{Caller, Control, Needs, Result, made_up_password};
use file::lines_of_file;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Lane, fold};
use types::id::{DomainId, ProjectId, TaskId};
use types::people::many_users::{
    Batch, CreateMany, CreatedPerson, Defaults, LineError, MOST_ERRORS, Planned, Preview, SHOWN, created_text,
};
use types::people::permissions::{Me, Permission, Role};
use types::people::users::{CreateUser, UserStatus};
use types::projects::DomainChoice;
use types::system::events::{Audience, Topic};
use types::{FieldError, Problem};

/// The most projects in one line.
const MOST_PROJECTS: usize = 50;
/// The most mistakes named in a refusal. The preview lists up to [`MOST_ERRORS`].
const MOST_NAMED: usize = 20;

/// A parsed line: the account that it would create, and its mistakes.
struct Line {
    number: u64,
    new: CreateUser,
    /// The password was made up here, so it is random enough for a quick hash.
    made_up: bool,
    errors: Vec<FieldError>,
}

/// The defaults, domains and policies that lines are read and checked against.
struct Context<'a> {
    me: &'a Me,
    defaults: &'a Defaults,
    domains: &'a [DomainChoice],
    policies: &'a Policies,
    /// All projects by domain and folded name.
    projects: HashMap<(DomainId, String), ProjectId>,
}

impl<'a> Context<'a> {
    fn new(me: &'a Me, defaults: &'a Defaults, domains: &'a [DomainChoice], policies: &'a Policies) -> Self {
        let each = domains.iter().flat_map(|domain| domain.projects.iter().map(|project| (domain.id, project)));
        let projects = each.map(|(domain, project)| ((domain, fold(&project.name)), project.id)).collect();
        Self { me, defaults, domains, policies, projects }
    }

    /// A new account with the defaults and a made-up password.
    fn new_user(&self, email: String, username: String) -> Result<CreateUser> {
        let Defaults { role, status, domain, projects, policy, keypair_policy, must_change_password, description } =
            self.defaults;
        Ok(CreateUser {
            email,
            username,
            password: made_up_password()?,
            role: *role,
            status: *status,
            domain: *domain,
            projects: projects.clone(),
            description: description.clone(),
            must_change_password: *must_change_password,
            policy: policy.clone(),
            keypair_policy: keypair_policy.clone(),
            ..CreateUser::default()
        })
    }

    /// Looks up the projects of a domain by their names, which are separated by semicolons.
    fn find_projects(&self, domain: DomainId, names: &str, errors: &mut Vec<FieldError>) -> Vec<ProjectId> {
        let mut found = Vec::new();
        for name in names.split(';').map(str::trim).filter(|name| !name.is_empty()).take(MOST_PROJECTS) {
            match self.projects.get(&(domain, fold(name))) {
                Some(project) => found.push(*project),
                None => errors.push(FieldError::new("project", format!("The domain has no project called {name}."))),
            }
        }
        found
    }

    /// Reads the values of one line of a file, given by column.
    fn read_line(&self, number: u64, values: &HashMap<&str, &str>) -> Result<Line> {
        let text = |column: &str| values.get(column).copied().filter(|value| !value.is_empty());
        let mut errors = Vec::new();
        let owned = |column: &str| text(column).unwrap_or_default().to_owned();
        let mut new = self.new_user(owned("email"), owned("username"))?;
        let mut other = |column: &'static str, allowed: &str| errors.push(FieldError::new(column, format!("Use {allowed}.")));
        if let Some(role) = text("role") {
            match Role::from_key(&role.to_lowercase()) {
                Some(role) => new.role = role,
                None => other("role", "superadmin, admin, user or monitor"),
            }
        }
        if let Some(status) = text("status") {
            match UserStatus::from_key(&status.to_lowercase()) {
                Some(status) => new.status = status,
                None => other("status", "active, inactive or before-verification"),
            }
        }
        let made_up = text("password").is_none();
        if let Some(word) = text("need_password_change") {
            match word.to_lowercase().as_str() {
                "yes" | "true" | "1" => new.must_change_password = true,
                "no" | "false" | "0" => new.must_change_password = false,
                _ => other("need_password_change", "yes or no"),
            }
        }
        // Whatever the line says, a made-up password must be changed.
        new.must_change_password |= made_up;
        if let Some(name) = text("domain_name") {
            match self.domains.iter().find(|domain| fold(&domain.name) == fold(name)) {
                Some(domain) if domain.id == new.domain => {}
                Some(domain) => {
                    new.domain = domain.id;
                    new.projects.clear();
                }
                None => errors.push(FieldError::new("domain_name", format!("You do not administer a domain called {name}."))),
            }
        }
        if let Some(names) = text("project") {
            new.projects = self.find_projects(new.domain, names, &mut errors);
        }
        if let Some(password) = text("password") {
            new.password = password.to_owned();
        }
        new.full_name = owned("full_name");
        if let Some(description) = text("description") {
            new.description = description.to_owned();
        }
        if let Some(policy) = text("resource_policy") {
            new.policy = policy.to_owned();
        }
        if let Some(policy) = text("keypair_policy") {
            new.keypair_policy = policy.to_owned();
        }
        Ok(Line { number, new, made_up, errors })
    }

    /// Adds the mistakes that one account has on its own, under the names of the file's columns.
    fn check(&self, line: &mut Line) {
        let by_itself = match line.new.check() {
            Err(Problem::Invalid(errors)) => errors,
            _ => Vec::new(),
        };
        let all = by_itself.into_iter().chain(new_user_errors(self.me, &line.new, self.domains, self.policies));
        line.errors.extend(all.map(|error| {
            let column = match error.field.as_str() {
                "policy" => "resource_policy",
                "domain" => "domain_name",
                "projects" => "project",
                same => same,
            };
            FieldError::new(column, error.message)
        }));
    }
}

fn read_lines(batch: &Batch, context: &Context<'_>) -> Result<Vec<Line>> {
    match batch {
        Batch::File(text) => lines_of_file(text, context),
        Batch::Pattern(pattern) => {
            pattern.check()?;
            let line = |(number, (username, email)): (u64, (String, String))| {
                let mut new = context.new_user(email, username)?;
                new.must_change_password = true;
                Ok(Line { number, new, made_up: true, errors: Vec::new() })
            };
            (1..).zip(pattern.people()).map(line).collect()
        }
    }
}

/// Marks emails and usernames that an earlier line of the same file already has.
fn mark_duplicates(lines: &mut [Line]) {
    let (mut emails, mut usernames) = (HashMap::new(), HashMap::new());
    for line in lines {
        let Line { number, new, errors, .. } = line;
        for (field, name, seen) in [("email", &new.email, &mut emails), ("username", &new.username, &mut usernames)] {
            if name.is_empty() {
                continue;
            }
            if let Some(first) = seen.insert(fold(name), *number) {
                seen.insert(fold(name), first);
                errors.push(FieldError::new(field, format!("Line {first} has the same one. Give each person their own.")));
            }
        }
    }
}

impl Control {
    /// Reads a batch, and finds all of its mistakes.
    async fn plan(&self, caller: &Caller, many: &CreateMany) -> Result<(Vec<Line>, Vec<DomainChoice>)> {
        let (me, _) = caller.need(Permission::CreateUsers)?;
        let domains = self.domain_choices(caller).await?;
        let policies = self.policies_for_people(caller).await?;
        let context = Context::new(me, &many.defaults, &domains, &policies);
        let mut lines = read_lines(&many.batch, &context)?;
        lines.iter_mut().for_each(|line| context.check(line));
        mark_duplicates(&mut lines);
        let names = lines.iter().flat_map(|line| [fold(&line.new.email), fold(&line.new.username)]).collect();
        let taken = self.store.taken_names(names).await?;
        let taken: HashSet<String> = taken.into_iter().collect();
        for line in &mut lines {
            for (field, name, sentence) in
                [("email", &line.new.email, EMAIL_TAKEN), ("username", &line.new.username, USERNAME_TAKEN)]
            {
                if taken.contains(&fold(name)) {
                    line.errors.push(FieldError::new(field, sentence));
                }
            }
        }
        Ok((lines, domains))
    }

    /// Reads a batch, or refuses it with the first mistakes.
    async fn plan_without_mistakes(&self, caller: &Caller, many: &CreateMany) -> Result<Vec<Line>> {
        let (lines, _) = self.plan(caller, many).await?;
        let wrong = line_errors(&lines);
        if wrong.is_empty() {
            return Ok(lines);
        }
        let sentence = |error: &LineError| format!("Line {}, {}: {}", error.line, error.field, error.message);
        let first: Vec<_> = wrong.iter().take(MOST_NAMED).map(sentence).collect();
        Err(Problem::field("file", first.join(" ")))
    }

    /// The accounts that a batch would create, and its mistakes.
    pub async fn preview_users(&self, caller: &Caller, many: &CreateMany) -> Result<Preview> {
        let (lines, domains) = self.plan(caller, many).await?;
        let first = lines.iter().take(SHOWN).map(|line| {
            let domain = domains.iter().find(|domain| domain.id == line.new.domain);
            let there = domain.map(|domain| domain.projects.as_slice()).unwrap_or_default();
            Planned {
                line: line.number,
                email: line.new.email.clone(),
                username: line.new.username.clone(),
                full_name: line.new.full_name.clone(),
                role: line.new.role,
                domain: domain.map(|domain| domain.name.clone()).unwrap_or_default(),
                projects: there.iter().filter(|p| line.new.projects.contains(&p.id)).map(|p| p.name.clone()).collect(),
                made_up: line.made_up,
            }
        });
        Ok(Preview { count: lines.len() as u64, first: first.collect(), errors: line_errors(&lines) })
    }

    /// Creates everybody in a batch in one change, or nobody. Runs as a background task, which continues even if the caller goes
    /// away; [`Control::created_people`] returns the passwords then.
    pub async fn create_users(&self, caller: &Caller, many: &CreateMany) -> Result<Vec<CreatedPerson>> {
        // Mistakes are reported at once, before a task is started.
        self.plan_without_mistakes(caller, many).await?;
        let permit = self.permit(caller, Needs::Nothing)?;
        let task = self.start_task(caller, Work::CreateUsers(many.clone())).await?;
        self.task_answer(caller, permit, task).await
    }

    /// The people that one of the caller's tasks created, with the passwords that were made up. Reading them is recorded in the
    /// audit trail.
    pub async fn created_people(&self, caller: &Caller, task: TaskId) -> Result<Vec<CreatedPerson>> {
        let permit = self.permit(caller, Needs::Nothing)?;
        let people = self.task_answer(caller, permit, task).await?;
        let mut change = self.change_by(caller).await?;
        change.record("read created people", task, serde_json::json!({})).await?;
        change.commit().await?;
        Ok(people)
    }

    /// The work of that task. Returns its result as a sentence.
    pub(crate) async fn create_users_now(&self, caller: &Caller, many: &CreateMany, progress: &Progress) -> Result<String> {
        let lines = self.plan_without_mistakes(caller, many).await?;
        // Each person is hashed, then written.
        let (count, steps) = (lines.len() as u64, lines.len() as u64 * 2);
        let hashed = AtomicU64::new(0);
        // Hashed before the change, during which nobody else can write.
        let passwords: Vec<_> = lines.iter().map(|line| (line.new.password.clone(), line.made_up)).collect();
        let hashes: Vec<String> = stream::iter(passwords)
            .map(|(password, made_up)| {
                let control = self.clone();
                let how = if made_up { Hashed::MadeUp } else { Hashed::Chosen };
                let hashed = &hashed;
                async move {
                    progress.check_not_cancelled()?;
                    let hash = control.shared.passwords.hash_in_task(&password, how).await;
                    progress.report("Hashing passwords.", hashed.fetch_add(1, Ordering::Relaxed) + 1, steps);
                    hash
                }
            })
            .buffered(8)
            .try_collect()
            .await?;
        let mut change = self.change_by(caller).await?;
        let open = Lane::without(self.domain_choices(caller)).await?;
        if lines.iter().any(|line| !open.iter().any(|domain| domain.id == line.new.domain && domain.active)) {
            return Err(Problem::Conflict("A domain was deactivated meanwhile, so nobody was created.".into()));
        }
        let mut created = Vec::with_capacity(lines.len());
        for ((line, hash), done) in lines.iter().zip(&hashes).zip(count..) {
            progress.check_not_cancelled()?;
            progress.report("Writing accounts.", done, steps);
            let made = self.insert_user(&mut change, &line.new, hash).await;
            // A name may have been taken since it was looked up.
            let made = made.map_err(|problem| match problem {
                Problem::Invalid(errors) => {
                    let said: Vec<_> =
                        errors.iter().map(|e| format!("Line {}, {}: {}", line.number, e.field, e.message)).collect();
                    Problem::field("file", said.join(" "))
                }
                other => other,
            })?;
            created.push(CreatedPerson {
                username: line.new.username.clone(),
                password: line.made_up.then(|| line.new.password.clone()),
                keypair: made.keypair,
            });
        }
        // One event per domain is enough, since pages reload their whole list anyway.
        let domains: HashSet<DomainId> = lines.iter().map(|line| line.new.domain).collect();
        for domain in domains {
            change.tell(Topic::User, "many", Audience::domain(domain)).await?;
        }
        let message = created_text(lines.len());
        progress.finish(caller, &mut change, &message, &created).await?;
        change.commit().await?;
        Ok(message)
    }
}

fn line_errors(lines: &[Line]) -> Vec<LineError> {
    let of = |line: &Line| {
        let (number, new) = (line.number, &line.new);
        let who = if new.email.is_empty() { new.username.clone() } else { new.email.clone() };
        let error =
            |e: &FieldError| LineError { line: number, who: who.clone(), field: e.field.clone(), message: e.message.clone() };
        line.errors.iter().map(error).collect::<Vec<_>>()
    };
    lines.iter().flat_map(of).take(MOST_ERRORS).collect()
}
