//! A CSV file of many people, as spreadsheets of all countries write it.

use super::{Context, Line};
use crate::Result;
#[cfg(fuzzing)]
use crate::people::users::Policies;
use std::collections::HashMap;
use types::people::many_users::{COLUMNS, LARGEST_FILE, MOST_IN_FILE, MOST_PASSWORDS};
use types::{FieldError, Problem};
#[cfg(fuzzing)]
use types::{
    id::DomainId,
    people::{
        many_users::Defaults,
        permissions::{Me, Role},
        users::UserStatus,
    },
    projects::DomainChoice,
};

/// Reads the lines of a file. Its first line names the columns. Spreadsheets in some countries separate them with semicolons.
pub(super) fn lines_of_file(text: &str, context: &Context<'_>) -> Result<Vec<Line>> {
    if text.len() > LARGEST_FILE {
        return Err(Problem::field("file", "The file is too large. Split it: 1.5 MB at most."));
    }
    // Windows ends lines with two characters; the reader would count the second one as part of the next line.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|mark| first.bytes().filter(|byte| byte == mark).count());
    let delimiter = delimiter.unwrap_or(b',');
    check_quotes(&text, char::from(delimiter))?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |_| Problem::field("file", "The file cannot be read as CSV. Save it as “CSV UTF-8”.");
    let header = reader.headers().map_err(unreadable)?.clone();
    let columns: Vec<String> = header.iter().map(|name| name.to_lowercase()).collect();
    if let Some(unknown) = columns.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        let allowed = COLUMNS.join(", ");
        return Err(Problem::field(
            "file",
            format!("The first line has an unknown column “{unknown}”. Allowed columns: {allowed}."),
        ));
    }
    for wanted in &COLUMNS[..2] {
        match columns.iter().filter(|name| name == wanted).count() {
            0 => return Err(Problem::field("file", format!("The first line must name the columns. “{wanted}” is missing."))),
            1 => {}
            _ => return Err(Problem::field("file", format!("The first line names “{wanted}” more than once."))),
        }
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        // The reader's line number is that of the empty lines it skipped before the record.
        let number = record.position().map_or(0, |at| {
            let from = usize::try_from(at.byte()).unwrap_or(usize::MAX).min(text.len());
            at.line() + text.as_bytes()[from..].iter().take_while(|byte| **byte == b'\n').count() as u64
        });
        if record.iter().all(str::is_empty) {
            continue;
        }
        if lines.len() >= MOST_IN_FILE {
            return Err(Problem::field("file", format!("The file has more than {MOST_IN_FILE} people. Split it.")));
        }
        let cells: Vec<String> = record.iter().map(types::csv::unmarked).collect();
        let values: HashMap<&str, &str> = columns.iter().zip(&cells).map(|(name, cell)| (name.as_str(), cell.as_str())).collect();
        let mut line = context.read_line(number, &values)?;
        if record.len() != columns.len() {
            let message = format!("The line has {} values, but the first line names {} columns.", record.len(), columns.len());
            line.errors.insert(0, FieldError::new("line", message));
        }
        lines.push(line);
    }
    if lines.iter().filter(|line| !line.made_up).count() > MOST_PASSWORDS {
        let sentence = format!("The file sets more than {MOST_PASSWORDS} passwords. Leave them empty to generate them.");
        return Err(Problem::field("file", sentence));
    }
    if lines.is_empty() {
        return Err(Problem::field("file", "The file has no users below its first line."));
    }
    Ok(lines)
}

/// Reads a file as a domain's administrator would upload it, and checks every line.
#[cfg(fuzzing)]
pub fn people_of_file(text: &str) {
    let me = Me {
        id: types::id::UserId(uuid::Uuid::nil()),
        email: String::new(),
        username: String::new(),
        full_name: String::new(),
        role: Role::Admin,
        domain: DomainId(uuid::Uuid::nil()),
        administers: Vec::new(),
        must_change_password: false,
    };
    let defaults = Defaults {
        role: Role::User,
        status: UserStatus::Active,
        domain: me.domain,
        projects: Vec::new(),
        policy: String::new(),
        keypair_policy: String::new(),
        must_change_password: true,
        description: String::new(),
    };
    let domains = [DomainChoice { id: me.domain, name: "lab".into(), active: true, projects: Vec::new() }];
    let policies = Policies { user: vec!["default".to_owned()], keypair: vec!["default".to_owned()] };
    let context = Context::new(&me, &defaults, &domains, &policies);
    for mut line in lines_of_file(text, &context).unwrap_or_default() {
        context.check(&mut line);
    }
}

/// Refuses a file whose quotes do not pair up: the reader would take several lines for one value, or drop a quote.
fn check_quotes(text: &str, delimiter: char) -> Result<()> {
    let wrong = |line: u64, what: &str| Err(Problem::field("file", format!("Line {line}: {what}")));
    let ends_line = |c: char| c == '\n' || c == '\r';
    let mut rest = text.chars().peekable();
    let mut line = 1;
    while rest.peek().is_some() {
        // The beginning of a value.
        let mut spaces = false;
        while rest.next_if_eq(&' ').is_some() {
            spaces = true;
        }
        if rest.next_if_eq(&'"').is_some() {
            if spaces {
                return wrong(line, "there is a space before a quote. A quoted value begins right after the separator.");
            }
            let opened = line;
            loop {
                match rest.next() {
                    Some('"') if rest.next_if_eq(&'"').is_none() => break,
                    Some('"') => {}
                    Some(c) => line += u64::from(ends_line(c)),
                    None => return wrong(opened, "a quote is opened and never closed."),
                }
            }
            while rest.next_if_eq(&' ').is_some() {}
            if rest.peek().is_some_and(|c| *c != delimiter && !ends_line(*c)) {
                return wrong(line, "there is text after a closing quote. Write a quote inside a value twice.");
            }
        }
        // To the end of the value.
        for c in rest.by_ref() {
            line += u64::from(ends_line(c));
            if c == delimiter || ends_line(c) {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_that_do_not_pair_up_are_refused_with_their_line() {
        for good in ["a,b\n1,2\n", "a,b\n\"1\n2\",\"x \"\"y\"\"\"\n", "a,b\n5\" disk,\"\"", "a,b\n\"1\" ,2", ""] {
            assert_eq!(check_quotes(good, ','), Ok(()), "{good:?}");
        }
        for (bad, line) in [
            ("a,b\n\"1,2\n3,4\n", "Line 2: a quote is opened"),
            ("a,b\n1,\"2\"x\n", "Line 2: there is text"),
            ("a,b\n\"1\n2\"x,3\n", "Line 3: there is text"),
            ("a,b\n1, \"2,3\"\n", "Line 2: there is a space"),
        ] {
            let refused = check_quotes(bad, ',').unwrap_err();
            assert!(refused.of_field("file").is_some_and(|why| why.starts_with(line)), "{bad:?} {refused:?}");
        }
    }
}
