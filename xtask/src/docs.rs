//! `cargo xtask test --only docs`: checks that every path, document and heading named in documents and comments exists. It finds
//! moved files and renamed headings, with the line that still has the old name.
//!
//! Deliberately absent: bare file names such as `list.rs`, which their surroundings explain, and links to other hosts.

use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The documents whose paths are checked, besides those of `SPEC`.
const DOCUMENTS: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "BENCHMARKS.md", "CHANGELOG.md"];
/// The folder of the rules that code cites.
const SPEC: &str = "docs/spec/";
/// The beginnings of the repository's paths.
const FOLDERS: [&str; 10] =
    ["app/", "server/", "frontend/", "style/", "public/", "end2end/", "xtask/", "docs/", ".ci/", ".cargo/"];
/// Folders that only a run creates and no checkout has.
const MADE: [&str; 2] = ["end2end/node_modules", "end2end/test-results"];
/// The text before the path of a file that a recipe creates.
const NEW: &str = "new file: `";

/// The repository's files by path, with their text if they are checked and an empty text otherwise.
type Files = BTreeMap<String, String>;

/// Fails with every line that names something that does not exist.
pub fn check(root: &Path) -> Result<()> {
    let mut files = Files::new();
    collect(root, "", &mut files)?;
    let found = find_missing(&files);
    if !found.is_empty() {
        bail!("{}\n{} broken references", found.join("\n"), found.len());
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

/// Returns every complaint, as `file:line: text`.
fn find_missing(files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let mark = comment_mark(path);
        let lines: Vec<&str> = text.lines().map(|line| mark.map_or(line, |mark| comment(line, mark))).collect();
        let document = DOCUMENTS.contains(&path.as_str()) || path.starts_with(SPEC);
        for (index, line) in lines.iter().enumerate() {
            let mut missing: Vec<String> = words(line)
                .filter(|name| name.len() > 3 && name.ends_with(".md"))
                .filter(|name| !exists(files, name) && !exists(files, &beside(path, name)))
                .map(|name| format!("there is no document {name}"))
                .collect();
            missing.extend(citations(files, line, lines.get(index + 1).copied().unwrap_or_default()));
            if document {
                missing.extend(paths(line).filter(|path| !exists(files, path)).map(|path| format!("there is no {path}")));
                let dead = links(line).filter(|to| !exists(files, &beside(path, to)));
                missing.extend(dead.map(|to| format!("a link leads to {to}, which does not exist")));
            }
            found.extend(missing.into_iter().map(|what| format!("{path}:{}: {what}", index + 1)));
        }
    }
    found
}

/// Returns the mark that begins a comment in a file of this kind.
fn comment_mark(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "rs" | "ts" | "mjs" => Some("//"),
        "sql" => Some("--"),
        // A comment in CSS has several lines, and nothing else names a document.
        "css" => Some(""),
        _ => None,
    }
}

/// Returns the comment of a line. A mark inside quotes does not begin a comment.
fn comment<'a>(line: &'a str, mark: &str) -> &'a str {
    let outside = |at: &usize| line[..*at].matches('"').count().is_multiple_of(2);
    let start = line.match_indices(mark).map(|(at, _)| at).find(outside);
    start.map_or("", |at| line[at + mark.len()..].trim_start_matches(['/', '!']).trim())
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || "_-./".contains(c))).map(|word| word.trim_end_matches('.'))
}

/// Returns a complaint for each cited heading that its document does not have. Headings are cited in quotes after the document,
/// behind a comma or “and”, on this line or the next.
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

/// Returns the repository's paths in backticks, except those of files to be created.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let spans = line.match_indices('`').step_by(2).filter_map(|(at, _)| {
        let inside = line[at + 1..].split('`').next()?;
        (!line[..=at].ends_with(NEW)).then(|| inside.split_whitespace().next()).flatten()
    });
    spans.filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
}

/// Returns the targets of a line's links in the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let to = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    to.filter(|to| !to.is_empty() && !to.contains(':'))
}

/// Resolves a path relative to the folder of `file`.
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

/// Returns whether a path is a file or a folder, or with `*` matches at least one.
fn exists(files: &Files, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let folder = |file: &str| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    MADE.contains(&path) || files.keys().any(|file| fits(path, file) || folder(file))
}

/// Returns whether a path matches a pattern, in which `*` stands for any text without a `/`.
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

    /// Returns the complaints about a repository with one rule, one list and this file.
    fn complaints(path: &str, text: &str) -> Vec<String> {
        let rule = ("docs/spec/people.md", "# People\n\n## Password rules\n");
        let all = [rule, ("server/store/src/list/mod.rs", "//! Lists."), (path, text)];
        find_missing(&all.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect())
    }

    #[test]
    fn a_missing_path_in_a_document_is_found_with_its_line() {
        assert_eq!(complaints("README.md", "See\n`server/list.rs`."), ["README.md:2: there is no server/list.rs"]);
        assert_eq!(complaints("README.md", "`end2end/*.spec.ts` and a [picture](docs/none.png)").len(), 2);
        let good = "`server/store/src`, `server/*/src/list/*.rs`, `list.rs`, [rules](docs/spec/people.md), new file: `app/x.rs`";
        assert!(complaints("README.md", good).is_empty());
    }

    #[test]
    fn a_missing_document_in_a_comment_is_found() {
        assert_eq!(complaints("app/a.rs", "//! As `docs/none.md` says."), ["app/a.rs:1: there is no document docs/none.md"]);
        assert_eq!(complaints("server/a.sql", "SELECT 1; -- none.md").len(), 1);
        assert!(complaints("app/a.rs", "let name = \"none.md\"; // `docs/spec/people.md`").is_empty());
    }

    #[test]
    fn a_missing_heading_is_found_even_on_the_next_line() {
        let found = complaints("app/a.rs", "/// (`docs/spec/people.md`, \"Password rules\" and\n/// \"Names\").");
        assert_eq!(found, ["app/a.rs:1: docs/spec/people.md has no heading “Names”"]);
        assert_eq!(complaints("app/a.rs", "// `docs/spec/people.md`,\n// \"Emails\"").len(), 1);
        assert!(complaints("app/a.rs", "/// `docs/spec/people.md`,\n/// \"Password rules\".").is_empty());
    }
}
