//! The size of a visitor's downloads: a table per build, and a budget that a release must not exceed unnoticed.

use crate::compress::sibling;
use crate::context::{Context, OUTPUT_NAME};
use crate::site::{self, Site};
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Growth that is accepted, in percent of the budget.
const TOLERANCE: u64 = 2;

const HEADER: &str = "\
# The size of the release site, in bytes as sent (brotli). `cargo xtask size` fails when a line grows by more than 2 %;
# `cargo xtask size --update` rewrites this file.
";

#[derive(Serialize, Deserialize, Default)]
struct Budget {
    brotli: BTreeMap<String, u64>,
}

pub struct Part {
    name: String,
    raw: u64,
    brotli: u64,
}

pub fn check(context: &Context) -> Result<()> {
    let parts = weigh(context, &site::build(context)?)?;
    print(&parts);
    let path = budget_file(context);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} is missing: create it with `cargo xtask size --update`", path.display()))?;
    let budget: Budget = toml::from_str(&text).with_context(|| format!("{} is not readable", path.display()))?;
    let complaints = compare(&budget.brotli, &sums(&parts));
    if !complaints.is_empty() {
        bail!("the site exceeds its budget (to accept this, run `cargo xtask size --update`):\n  {}", complaints.join("\n  "));
    }
    println!("Within the budget of {}.", path.strip_prefix(&context.root).unwrap_or(&path).display());
    Ok(())
}

pub fn update(context: &Context) -> Result<()> {
    let parts = weigh(context, &site::build(context)?)?;
    print(&parts);
    let text = toml::to_string(&Budget { brotli: sums(&parts) })?;
    fs::write(budget_file(context), format!("{HEADER}\n{text}")).context("could not write the budget")
}

fn budget_file(context: &Context) -> PathBuf {
    context.root.join("xtask/wasm-budget.toml")
}

/// Returns the raw and compressed size of each code file and of the style sheet of a release site.
pub fn weigh(context: &Context, site: &Site) -> Result<Vec<Part>> {
    let size =
        |path: PathBuf| fs::metadata(&path).map(|meta| meta.len()).with_context(|| format!("{} is missing", path.display()));
    site.files
        .iter()
        .map(|file| {
            let path = context.pkg().join(file);
            Ok(Part { name: plain_name(file, &site.hash), brotli: size(sibling(&path, "br"))?, raw: size(path)? })
        })
        .collect()
}

/// `split_17_nodes_page.<hash>.wasm` → `split_17_nodes_page.wasm`.
fn plain_name(file: &str, hash: &str) -> String {
    if file.ends_with(".css") { format!("{OUTPUT_NAME}.css") } else { file.replace(&format!(".{hash}"), "") }
}

/// Returns the few sums that are budgeted. Single chunks come, go and are renumbered; their largest and their sum do not change.
fn sums(parts: &[Part]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for part in parts {
        let (group, chunk) = match part.name.as_str() {
            name if name.starts_with("split_") => ("all-pages", Some("largest-page")),
            name if name.starts_with("chunk_") => ("all-shared-chunks", Some("largest-shared-chunk")),
            name if name.ends_with(".js") => ("scripts", None),
            name if name.ends_with(".css") => ("style", None),
            _ => ("main-module", None),
        };
        *sums.entry(group.to_owned()).or_insert(0) += part.brotli;
        if let Some(chunk) = chunk {
            let largest = sums.entry(chunk.to_owned()).or_insert(0);
            *largest = part.brotli.max(*largest);
        }
    }
    sums.insert("everything".to_owned(), parts.iter().map(|part| part.brotli).sum());
    sums
}

fn compare(budget: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> Vec<String> {
    let over = |(name, size): (&String, &u64)| match budget.get(name) {
        None => Some(format!("{name}: {size} bytes, but it has no budget")),
        Some(allowed) if *size * 100 > allowed * (100 + TOLERANCE) => Some(format!("{name}: {size} bytes, budget {allowed}")),
        Some(_) => None,
    };
    found.iter().filter_map(over).collect()
}

pub fn print(parts: &[Part]) {
    let mut rows: Vec<&Part> = parts.iter().collect();
    rows.sort_by_key(|part| std::cmp::Reverse(part.brotli));
    println!("{:>10} {:>10}  part", "raw", "brotli");
    for part in rows {
        println!("{:>10} {:>10}  {}", part.raw, part.brotli, part.name);
    }
    let (raw, brotli) = parts.iter().fold((0, 0), |(raw, brotli), part| (raw + part.raw, brotli + part.brotli));
    println!("{raw:>10} {brotli:>10}  everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(size: u64) -> BTreeMap<String, u64> {
        BTreeMap::from([("main-module".to_owned(), size)])
    }

    #[test]
    fn growth_of_two_percent_is_accepted_and_more_is_not() {
        assert!(compare(&budget(1000), &budget(1020)).is_empty());
        assert_eq!(compare(&budget(1000), &budget(1021)).len(), 1);
        assert_eq!(compare(&BTreeMap::new(), &budget(1)).len(), 1);
    }

    #[test]
    fn parts_are_summed_by_kind() {
        let part = |name: &str, brotli| Part { name: name.to_owned(), raw: 0, brotli };
        let sums = sums(&[part("console.wasm", 5), part("split_a.wasm", 2), part("split_b.wasm", 3), part("console.css", 1)]);
        assert_eq!((sums["main-module"], sums["all-pages"], sums["largest-page"], sums["everything"]), (5, 5, 3, 11));
    }
}
