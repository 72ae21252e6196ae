//! The style sheet: style/main.css with its imports inlined, each in its layer.
//!
//! Deliberately absent: a compiler of style sheets, which would take longer to build than all of the browser's tables. Today's
//! browsers understand the sheets as they are written, and compression does what a minifier would do.

use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::Path;

/// Returns the bundled text, without comments and indentation in a release.
pub fn bundle(context: &Context) -> Result<String> {
    let dir = context.root.join("style");
    let main = dir.join("main.css");
    let text = fs::read_to_string(&main).with_context(|| format!("could not read {}", main.display()))?;
    let sheet = inline(&text, &dir)?;
    Ok(if context.release() { squeeze(&sheet) } else { sheet })
}

/// Replaces every line `@import "file" layer(name);` by that file in that layer.
fn inline(text: &str, dir: &Path) -> Result<String> {
    let mut sheet = String::new();
    for line in text.lines() {
        let Some(import) = line.trim().strip_prefix("@import ") else {
            sheet.push_str(line);
            sheet.push('\n');
            continue;
        };
        let parts = import.strip_prefix('"').and_then(|rest| rest.split_once("\" layer(")).zip(import.strip_suffix(");"));
        let Some(((file, layer), _)) = parts else { bail!("style/main.css: expected @import \"file\" layer(name); in: {line}") };
        let layer = layer.trim_end_matches(");");
        let contents = fs::read_to_string(dir.join(file)).with_context(|| format!("could not read style/{file}"))?;
        sheet.push_str(&format!("@layer {layer} {{\n{contents}}}\n"));
    }
    Ok(sheet)
}

/// Drops comments, line ends, and spaces beside braces and semicolons. Texts in quotes stay as they are.
fn squeeze(sheet: &str) -> String {
    let mut out = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some(c) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if c == '"' || c == '\'' {
            let end = rest[1..].find(c).map_or(rest.len(), |at| at + 2);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if c.is_whitespace() {
            rest = rest.trim_start();
            let tight = |c: char| matches!(c, '{' | '}' | ';');
            if !out.ends_with(|last: char| tight(last) || last == ' ') && !rest.starts_with(tight) {
                out.push(' ');
            }
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_becomes_a_layer_and_the_other_lines_stay() {
        let dir = tempdir();
        fs::write(dir.join("a.css"), "a { color: red; }\n").unwrap();
        let sheet = inline("@layer one, two;\n@import \"./a.css\" layer(two);\n", &dir).unwrap();
        assert_eq!(sheet, "@layer one, two;\n@layer two {\na { color: red; }\n}\n");
        assert!(inline("@import url(a.css);\n", &dir).is_err());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn squeezing_keeps_the_spaces_that_mean_something() {
        let sheet = "a b { /* why */\n  margin: 0 auto; content: \"a { b }\";\n  width: calc(1px + 2px); }\n";
        assert_eq!(squeeze(sheet), "a b{margin: 0 auto;content: \"a { b }\";width: calc(1px + 2px);}");
    }

    fn tempdir() -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("style-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }
}
