//! `cargo xtask test --only docs`: what the documents and the comments name is there. A file that was moved and a heading that was
//! renamed are found here, with the line that still says the old one.
//!
//! Deliberately absent: bare file names such as `list.rs`, which their surroundings explain, and links to other hosts.

use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The documents whose paths are checked, besides those of `SPEC`.
const DOCUMENTS: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "BENCHMARKS.md", "CHANGELOG.md"];
/// Where the rules are that code cites.
const SPEC: &str = "docs/spec/";
/// What a path of the repository begins with.
const FOLDERS: [&str; 10] =
    ["app/", "server/", "frontend/", "style/", "public/", "end2end/", "xtask/", "docs/", ".ci/", ".cargo/"];
/// What only a run makes: folders that no checkout has.
const MADE: [&str; 2] = ["end2end/node_modules", "end2end/test-results"];
/// What stands before the path of a file that a recipe creates.
const NEW: &str = "new file: `";

/// The repository's files by path; only of those that are read, with their text.
type Files = BTreeMap<String, String>;

/// Fails with every line that names something which is not there.
pub fn check(root: &Path) -> Result<()> {
    let mut files = Files::new();
    collect(root, "", &mut files)?;
    let found = wrong(&files);
    if !found.is_empty() {
        bail!("{}\n{} of what is named is not there", found.join("\n"), found.len());
    }
    Ok(())
}

fn collect(root: &Path, folder: &str, files: &mut Files) -> Result<()> {
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("looking into {folder}"))? {
        let path = format!("{folder}{}", entry?.file_name().to_string_lossy());
        let below = format!("{path}/");
        if root.join(&path).is_file() {
            let read = path.ends_with(".md") || comment_mark(&path).is_some();
            let text = if read { fs::read_to_string(root.join(&path)) } else { Ok(String::new()) };
            files.insert(path, text.with_context(|| format!("reading a file of {folder}"))?);
        } else if !MADE.contains(&path.as_str()) && FOLDERS.iter().any(|folder| below.starts_with(folder)) {
            collect(root, &below, files)?;
        }
    }
    Ok(())
}

/// Every complaint, as `file:line: what is wrong`.
fn wrong(files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let mark = comment_mark(path);
        let lines: Vec<&str> = text.lines().map(|line| mark.map_or(line, |mark| comment(line, mark))).collect();
        let document = DOCUMENTS.contains(&path.as_str()) || path.starts_with(SPEC);
        for (index, line) in lines.iter().enumerate() {
            let mut missing: Vec<String> = words(line)
                .filter(|name| name.len() > 3 && name.ends_with(".md"))
                .filter(|name| !there(files, name) && !there(files, &beside(path, name)))
                .map(|name| format!("there is no document {name}"))
                .collect();
            missing.extend(citations(files, line, lines.get(index + 1).copied().unwrap_or_default()));
            if document {
                missing.extend(paths(line).filter(|path| !there(files, path)).map(|path| format!("there is no {path}")));
                let dead = links(line).filter(|to| !there(files, &beside(path, to)));
                missing.extend(dead.map(|to| format!("a link leads to {to}, which is not there")));
            }
            found.extend(missing.into_iter().map(|what| format!("{path}:{}: {what}", index + 1)));
        }
    }
    found
}

/// What begins a comment in a file of this kind.
fn comment_mark(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "rs" | "ts" | "mjs" => Some("//"),
        "sql" => Some("--"),
        // A comment there has several lines, and nothing else names a document.
        "css" => Some(""),
        _ => None,
    }
}

/// The comment of a line; what stands in a text in quotes is none.
fn comment<'a>(line: &'a str, mark: &str) -> &'a str {
    let outside = |at: &usize| line[..*at].matches('"').count().is_multiple_of(2);
    let start = line.match_indices(mark).map(|(at, _)| at).find(outside);
    start.map_or("", |at| line[at + mark.len()..].trim_start_matches(['/', '!']).trim())
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || "_-./".contains(c))).map(|word| word.trim_end_matches('.'))
}

/// The headings that a line cites and that their document does not have. They stand in quotes behind it, after a comma or “and”, on
/// this line or the next.
fn citations(files: &Files, line: &str, next: &str) -> Vec<String> {
    let (whole, mut missing) = (format!("{line} {next}"), Vec::new());
    for (at, _) in line.match_indices(SPEC) {
        let Some(end) = whole[at..].find(".md").map(|length| at + length + 3) else { continue };
        let (document, mut rest) = (&whole[at..end], whole[end..].trim_start_matches('`'));
        let Some(text) = files.get(document) else { continue };
        let headings: Vec<&str> =
            text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_matches(['#', ' '])).collect();
        while let Some((cited, after)) = [", \"", " and \""].iter().find_map(|mark| rest.strip_prefix(mark)?.split_once('"')) {
            if !headings.contains(&cited) {
                missing.push(format!("{document} has no heading “{cited}”"));
            }
            rest = after;
        }
    }
    missing
}

/// The repository's paths that stand in backticks, but for files that are to be created.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let spans = line.match_indices('`').step_by(2).filter_map(|(at, _)| {
        let inside = line[at + 1..].split('`').next()?;
        (!line[..=at].ends_with(NEW)).then(|| inside.split_whitespace().next()).flatten()
    });
    spans.filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
}

/// Where the links of a line lead in the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let to = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    to.filter(|to| !to.is_empty() && !to.contains(':'))
}

/// A path as it reads from the folder of `file`.
fn beside(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A file, a folder, or with `*` at least one of them.
fn there(files: &Files, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let folder = |file: &str| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    MADE.contains(&path) || files.keys().any(|file| fits(path, file) || folder(file))
}

/// Whether a path is the one that a pattern means; `*` stands for anything without a `/`.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
            let end = path.find('/').unwrap_or(path.len());
            path.char_indices().map(|(at, _)| at).chain([path.len()]).any(|at| at <= end && fits(rest, &path[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong in a repository of one rule, one list, and this file.
    fn with(path: &str, text: &str) -> Vec<String> {
        let rule = ("docs/spec/people.md", "# People\n\n## Password rules\n");
        let all = [rule, ("server/store/src/list/mod.rs", "//! Lists."), (path, text)];
        wrong(&all.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect())
    }

    #[test]
    fn a_path_that_a_document_names_and_nobody_has_is_found_with_its_line() {
        assert_eq!(with("README.md", "See\n`server/list.rs`."), ["README.md:2: there is no server/list.rs"]);
        assert_eq!(with("README.md", "`end2end/*.spec.ts` and a [picture](docs/none.png)").len(), 2);
        let good = "`server/store/src`, `server/*/src/list/*.rs`, `list.rs`, [rules](docs/spec/people.md), new file: `app/x.rs`";
        assert!(with("README.md", good).is_empty());
    }

    #[test]
    fn a_document_that_a_comment_names_and_nobody_has_is_found() {
        assert_eq!(with("app/a.rs", "//! As `docs/none.md` says."), ["app/a.rs:1: there is no document docs/none.md"]);
        assert_eq!(with("server/a.sql", "SELECT 1; -- none.md").len(), 1);
        assert!(with("app/a.rs", "let name = \"none.md\"; // `docs/spec/people.md`").is_empty());
    }

    #[test]
    fn a_heading_that_is_cited_and_not_in_its_document_is_found_also_on_the_next_line() {
        let found = with("app/a.rs", "/// (`docs/spec/people.md`, \"Password rules\" and\n/// \"Names\").");
        assert_eq!(found, ["app/a.rs:1: docs/spec/people.md has no heading “Names”"]);
        assert_eq!(with("app/a.rs", "// `docs/spec/people.md`,\n// \"Emails\"").len(), 1);
        assert!(with("app/a.rs", "/// `docs/spec/people.md`,\n/// \"Password rules\".").is_empty());
    }
}
