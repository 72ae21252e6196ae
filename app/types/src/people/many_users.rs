//! Creating many people at once: by a pattern, or from the lines of a CSV file. All or nobody.

use crate::id::{DomainId, ProjectId};
use crate::people::keypairs::NewKeypair;
use crate::people::permissions::Role;
use crate::people::users::UserStatus;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// People that one pattern makes at most (`docs/spec/people.md`, "Many new people").
pub const MOST_BY_PATTERN: u32 = 100;
/// People in one file at most.
pub const MOST_IN_FILE: usize = 10_000;
/// Passwords that one file can give: each is hashed slowly, and everybody who signs in meanwhile waits in the same row.
pub const MOST_PASSWORDS: usize = 500;
/// Mistakes that one answer names.
pub const MOST_ERRORS: usize = 20_000;
/// Bytes of a file at most: with all around it, less than a request may have.
pub const LARGEST_FILE: usize = 1_500_000;

/// The columns that a file may have; the first two it must have.
pub const COLUMNS: [&str; 11] = [
    "email",
    "username",
    "full_name",
    "password",
    "role",
    "status",
    "domain_name",
    "project",
    "resource_policy",
    "need_password_change",
    "description",
];

/// Usernames that count up: `prefix`, a number with as many digits as the last one has, `suffix`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    pub prefix: String,
    pub suffix: String,
    /// From 1 on.
    pub count: u32,
    /// What follows the `@` of everybody's email.
    pub host: String,
}

impl Pattern {
    /// Every field that is not acceptable.
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

    /// Usernames with their emails, in order; no more than a pattern may make.
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

/// Who is to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Batch {
    Pattern(Pattern),
    /// The text of a CSV file whose first line names its columns.
    File(String),
}

/// What everybody gets whose line says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    pub role: Role,
    pub status: UserStatus,
    pub domain: DomainId,
    /// For those in `domain`.
    pub projects: Vec<ProjectId>,
    /// The user resource policy; the standard one when empty.
    pub policy: String,
    /// Asks everybody for a password of their own; those whose password is made up are asked in any case.
    pub must_change_password: bool,
    pub description: String,
}

/// Many new accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateMany {
    pub batch: Batch,
    pub defaults: Defaults,
}

/// One value of one line that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// The file's line, from 1; of a pattern, its number.
    pub line: u64,
    /// Whom the line is about, as far as it says.
    pub who: String,
    /// The column.
    pub field: String,
    /// What is allowed and what to do, as a sentence.
    pub message: String,
}

/// Somebody who would be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub line: u64,
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub role: Role,
    pub domain: String,
    pub projects: Vec<String>,
    /// The file says no password: one is made up.
    pub made_up: bool,
}

/// What would happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// People in all.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Planned>,
    /// In the order of the lines, at most [`MOST_ERRORS`]. With one of them, nobody is created.
    pub errors: Vec<LineError>,
}

/// People that a preview shows.
pub const SHOWN: usize = 20;

/// Somebody who was just created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedPerson {
    pub username: String,
    /// The password, if it was made up; shown now and never again.
    pub password: Option<String>,
    pub keypair: NewKeypair,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(prefix: &str, suffix: &str, count: u32, host: &str) -> Pattern {
        Pattern { prefix: prefix.into(), suffix: suffix.into(), count, host: host.into() }
    }

    #[test]
    fn a_patterns_numbers_have_as_many_digits_as_the_last_one() {
        let names =
            |count| pattern("s-", "", count, "example.org").people().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(3), ["s-1", "s-2", "s-3"]);
        assert_eq!(names(10)[..2], ["s-01", "s-02"]);
        assert_eq!(names(100)[99], "s-100");
        assert_eq!(pattern("a", "z", 1, "x.y").people(), [("a1z".to_owned(), "a1z@x.y".to_owned())]);
    }

    #[test]
    fn a_pattern_that_would_make_wrong_names_is_refused_at_its_field() {
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
