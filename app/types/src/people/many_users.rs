//! Creating many people at once, by a pattern or from the lines of a CSV file. Either all are created or nobody is.

use crate::id::{DomainId, ProjectId};
use crate::people::keypairs::NewKeypair;
use crate::people::permissions::Role;
use crate::people::users::UserStatus;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// The most people that one pattern creates (`docs/spec/people.md`, "Many new people").
pub const MOST_BY_PATTERN: u32 = 100;
/// The most people in one file.
pub const MOST_IN_FILE: usize = 10_000;
/// The most passwords in one file: each is hashed slowly, and everybody who signs in meanwhile waits in the same queue.
pub const MOST_PASSWORDS: usize = 500;
/// The most errors in one answer.
pub const MOST_ERRORS: usize = 20_000;
/// The most bytes in a file. Together with the rest of its request, this stays below the size limit of requests.
pub const LARGEST_FILE: usize = 1_500_000;

/// The columns that a file may have. The first two are required.
pub const COLUMNS: [&str; 12] = [
    "email",
    "username",
    "full_name",
    "password",
    "role",
    "status",
    "domain_name",
    "project",
    "resource_policy",
    "keypair_policy",
    "need_password_change",
    "description",
];

/// Numbered usernames: `prefix`, a number padded to the digits of the last one, `suffix`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    pub prefix: String,
    pub suffix: String,
    /// The number of people. Numbering starts at 1.
    pub count: u32,
    /// The part after the `@` of everybody's email.
    pub host: String,
}

impl Pattern {
    /// Checks every field. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if !(1..=MOST_BY_PATTERN).contains(&self.count) {
            errors.push(FieldError::new("count", format!("A whole number from 1 to {MOST_BY_PATTERN}.")));
        }
        if self.host.is_empty() {
            errors.push(FieldError::new("host", "Type the part after the @ of their emails, such as example.org."));
        }
        if let Some((username, email)) = self.people().last().filter(|_| errors.is_empty()) {
            rules::username("prefix", username, &mut errors);
            rules::email("host", email, &mut errors);
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    /// Returns the usernames with their emails, in order; at most [`MOST_BY_PATTERN`].
    pub fn people(&self) -> Vec<(String, String)> {
        let count = self.count.min(MOST_BY_PATTERN);
        let digits = count.to_string().len();
        let one = |n: u32| {
            let username = format!("{}{n:0digits$}{}", self.prefix, self.suffix);
            let email = format!("{username}@{}", self.host);
            (username, email)
        };
        (1..=count).map(one).collect()
    }
}

/// The people to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Batch {
    Pattern(Pattern),
    /// The text of a CSV file whose first line names its columns.
    File(String),
}

/// The values for people whose line has none of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    pub role: Role,
    pub status: UserStatus,
    pub domain: DomainId,
    /// Projects for the people in `domain`.
    pub projects: Vec<ProjectId>,
    /// The user resource policy; the default one if empty.
    pub policy: String,
    /// The resource policy of their keypairs; the default one if empty.
    #[serde(default)]
    pub keypair_policy: String,
    /// Whether everybody is asked to choose a password. People with a generated password are always asked.
    pub must_change_password: bool,
    pub description: String,
}

/// Many new accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateMany {
    pub batch: Batch,
    pub defaults: Defaults,
}

/// One unacceptable value in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// The line of the file, from 1; for a pattern, the person's number.
    pub line: u64,
    /// The person that the line is about, as far as it says.
    pub who: String,
    /// The column.
    pub field: String,
    /// A sentence that says which values are allowed and what to do.
    pub message: String,
}

/// A person who would be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub line: u64,
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub role: Role,
    pub domain: String,
    pub projects: Vec<String>,
    /// Whether the password will be generated, because the file has none.
    pub made_up: bool,
}

/// The result that creating these people would have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The number of people in all.
    pub count: u64,
    /// The first people, at most [`SHOWN`].
    pub first: Vec<Planned>,
    /// Errors in the order of the lines, at most [`MOST_ERRORS`]. If there is one, nobody is created.
    pub errors: Vec<LineError>,
}

/// The most people that a preview shows.
pub const SHOWN: usize = 20;

/// A person who was just created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedPerson {
    pub username: String,
    /// The password, if it was generated; shown now and never again.
    pub password: Option<String>,
    pub keypair: NewKeypair,
}

/// Said when a batch is done.
pub fn created_text(count: usize) -> String {
    match count {
        1 => "1 user created, with a keypair.".into(),
        many => format!("{many} users created, each with a keypair."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(prefix: &str, suffix: &str, count: u32, host: &str) -> Pattern {
        Pattern { prefix: prefix.into(), suffix: suffix.into(), count, host: host.into() }
    }

    #[test]
    fn a_patterns_numbers_are_padded_to_the_digits_of_the_last_one() {
        let names =
            |count| pattern("s-", "", count, "example.org").people().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(3), ["s-1", "s-2", "s-3"]);
        assert_eq!(names(10)[..2], ["s-01", "s-02"]);
        assert_eq!(names(100)[99], "s-100");
        assert_eq!(pattern("a", "z", 1, "x.y").people(), [("a1z".to_owned(), "a1z@x.y".to_owned())]);
    }

    #[test]
    fn a_pattern_for_unacceptable_names_is_refused_at_its_field() {
        assert!(pattern("s", "", 100, "example.org").check().is_ok());
        for (wrong, field) in [
            (pattern("s", "", 0, "example.org"), "count"),
            (pattern("s", "", 101, "example.org"), "count"),
            (pattern("s", "", 1, ""), "host"),
            (pattern("s p", "", 1, "example.org"), "prefix"),
            (pattern("s", "", 1, "exa mple"), "host"),
            (pattern(&"s".repeat(64), "", 1, "example.org"), "prefix"),
        ] {
            assert!(wrong.check().unwrap_err().of_field(field).is_some(), "{wrong:?}");
        }
    }
}
