//! Assembles the site: the browser's code, the style sheet and the files of public/.

use crate::context::{Context, OUTPUT_NAME};
use crate::process::step;
use crate::typeface::Typeface;
use crate::{compress, pkg, style, wasm_target};
use anyhow::{Context as _, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The file that tells the server the names of the site's files. `server/main/src/site/mod.rs` has the same constant.
const NAMES: &str = ".names.json";

pub struct Site {
    /// Names below `pkg/` of the browser's code, the style sheet last; without the typeface.
    pub files: Vec<String>,
    /// The hash in the names of all files except the style sheet.
    pub hash: String,
}

pub fn build(context: &Context) -> Result<Site> {
    wasm_target::ensure(context)?;
    fs::create_dir_all(context.pkg())?;
    fs::create_dir_all(context.work())?;
    let made = pkg::make(context)?;

    let typeface = Typeface::make(context)?;
    let css = typeface.as_ref().map(Typeface::rule).unwrap_or_default() + &style::bundle(context)?;
    let css_hash = pkg::hex(&Sha256::digest(&css));
    let css_name = format!("{OUTPUT_NAME}.{css_hash}.css");
    write_if_changed(&context.pkg().join(&css_name), css.as_bytes())?;
    let mut files = made.files.clone();
    files.push(css_name);
    // Packed already, and no code: neither compressed nor weighed.
    let mut all_files = files.clone();
    if let Some(typeface) = &typeface {
        write_if_changed(&context.pkg().join(&typeface.name), &typeface.bytes)?;
        all_files.push(typeface.name.clone());
    }

    let public = context.root.join("public");
    if public.exists() {
        copy_tree(&public, &context.site())?;
    }
    let names = json!({
        "hashed": true,
        "script": made.name(&format!("{OUTPUT_NAME}.js")),
        "module": made.name(&format!("{OUTPUT_NAME}.wasm")),
        "style": files.last(),
        "typeface": typeface.map(|typeface| typeface.name),
        "loader": made.loader(),
        "chunks": made.chunks,
        // Nobody reads this list. Its change makes a release that embeds the site recompile when a file was added or removed.
        "public": names_below(&public)?,
    });
    write_if_changed(&context.site().join(NAMES), &serde_json::to_vec_pretty(&names)?)?;
    remove_strangers(&context.site(), &public, &all_files)?;
    if context.release() {
        step("Precompressing the site", || compress::siblings(&context.site()))?;
    }
    Ok(Site { files, hash: made.hash })
}

/// Writes a file only if its content changes. An unchanged file keeps its time, which later steps compare.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("could not list {}", from.display()))? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            write_if_changed(&target, &fs::read(&path)?)?;
        }
    }
    Ok(())
}

/// Returns the names of the files and folders directly in a folder, in order.
fn names_below(dir: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(dir).with_context(|| format!("could not list {}", dir.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Removes files of earlier builds: any that is neither in public/ nor among the files just made, nor a compressed sibling
/// of one of them.
fn remove_strangers(site: &Path, public: &Path, files: &[String]) -> Result<()> {
    let made: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut pending = vec![site.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(site)?.to_str().context("a file of the site has an odd name")?;
            let known = |name: &str| {
                name == NAMES || public.join(name).exists() || name.strip_prefix("pkg/").is_some_and(|name| made.contains(name))
            };
            let original = name.strip_suffix(".br").or_else(|| name.strip_suffix(".gz"));
            if !known(name) && !original.is_some_and(known) {
                fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
            }
        }
    }
    Ok(())
}
