//! Turns rustc's single module into the files that a browser loads: page chunks, bindings, names with a hash.

use crate::context::{Context, OUTPUT_NAME, WASM_TARGET};
use crate::process::{cargo, run, seconds};
use crate::{chunks, short_names, wasm_opt, whole};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Stands for the hash until it is known. Module names inside the WASM have their length written before them, so the
/// hash must be exactly as long; leptos looks for this very text when hashing is off.
const PLACEHOLDER: &str = "______________________";

/// The script that fetches chunks.
const LOADER: &str = "__wasm_split.______________________.js";

/// The result of the last run, so that an unchanged module costs nothing.
#[derive(Serialize, Deserialize)]
pub struct Made {
    input: String,
    pub hash: String,
    pub files: Vec<String>,
    /// The files that each page loads, without their extensions.
    pub chunks: chunks::Manifest,
}

impl Made {
    /// The final name of one of the main files or of the loader.
    pub fn name(&self, name: &str) -> String {
        with_hash(name, &self.hash)
    }

    pub fn loader(&self) -> String {
        self.name(LOADER)
    }
}

/// Compiles the browser crate and brings `pkg` up to date.
pub fn make(context: &Context) -> Result<Made> {
    compile(context)?;
    let splitter = context.split().then(|| chunks::splitter(context)).transpose()?;
    let stamp = context.work().join("pkg.json");
    let input = input_stamp(context, splitter.as_deref())?;
    if let Some(made) = still_good(context, &stamp, &input) {
        return Ok(made);
    }
    // Removed before the work begins: an interrupted run must not look like a finished one.
    if stamp.exists() {
        fs::remove_file(&stamp)?;
    }
    let raw = context.work().join("pkg");
    if raw.exists() {
        fs::remove_dir_all(&raw)?;
    }
    fs::create_dir_all(&raw)?;
    let start = Instant::now();
    let mut chunks = if let Some(splitter) = &splitter {
        let (main, chunks) = chunks::split(context, splitter, &raw, LOADER)?;
        bind(&main, &raw)?;
        chunks
    } else {
        bind(&context.front_wasm(), &raw)?;
        whole::write_loader(&fs::read(context.front_wasm())?, &raw.join(LOADER), &format!("{OUTPUT_NAME}.js"))?;
        whole::point_at(&raw.join(format!("{OUTPUT_NAME}.js")), LOADER)?;
        chunks::Manifest::new()
    };
    let what = if context.split() { "Page chunks and bindings" } else { "Bindings" };
    eprintln!("{what}: done in {}", seconds(start.elapsed()));
    if context.release() {
        short_names::shorten(&raw.join(format!("{OUTPUT_NAME}.wasm")), &raw.join(format!("{OUTPUT_NAME}.js")))?;
        wasm_opt::shrink(context, &raw)?;
    }
    if context.split() {
        chunks::bring_along(&raw, LOADER, &mut chunks)?;
    }
    let (hash, files) = publish(context, &raw, &input)?;
    chunks.values_mut().flatten().for_each(|name| *name = format!("{name}.{hash}"));
    let made = Made { input, hash, files, chunks };
    fs::write(&stamp, serde_json::to_vec_pretty(&made)?)?;
    Ok(made)
}

/// Compiles the browser crate. `cargo rustc` passes the relocations flag, which the splitter needs, only to the last link (an
/// unsplit module needs its table instead). As a general flag it would give every dependency a second fingerprint, and clippy and
/// cargo-leptos would compile them all again.
fn compile(context: &Context) -> Result<()> {
    let mut cargo = cargo(&context.root);
    cargo.args(["rustc", "--package", "frontend", "--lib", "--target", WASM_TARGET, "--profile", context.front_profile()]);
    cargo.arg("--target-dir").arg(context.front_target());
    cargo.args(["--", if context.split() { "-Clink-args=--emit-relocs" } else { "-Clink-args=--export-table" }]);
    run(&mut cargo)
}

/// Returns the size and time of the module and of the programs that work on it. Cargo rewrites none of them without need.
fn input_stamp(context: &Context, splitter: Option<&Path>) -> Result<String> {
    let of = |path: &Path| -> Result<String> {
        let meta = fs::metadata(path).with_context(|| format!("{} is missing", path.display()))?;
        let time = meta.modified()?.duration_since(std::time::UNIX_EPOCH)?;
        Ok(format!("{}@{}", meta.len(), time.as_nanos()))
    };
    let tools = [of(&std::env::current_exe()?)?, splitter.map(of).transpose()?.unwrap_or_default()];
    Ok(format!("{} {}", of(&context.front_wasm())?, tools.join(" ")))
}

fn still_good(context: &Context, stamp: &Path, input: &str) -> Option<Made> {
    let made: Made = serde_json::from_slice(&fs::read(stamp).ok()?).ok()?;
    let complete = made.files.iter().all(|file| context.pkg().join(file).exists());
    (made.input == input && complete).then_some(made)
}

/// Fills `raw` with `console.js` and `console.wasm`.
fn bind(module: &Path, raw: &Path) -> Result<()> {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    // The chunks refer to the main module by the linker's own names.
    bindgen.keep_lld_exports(true).demangle(false).typescript(false);
    bindgen.input_path(module).out_name(OUTPUT_NAME).web(true)?;
    bindgen.generate(raw).context("generating the JavaScript bindings")?;
    // leptos asks for the module without the usual suffix.
    fs::rename(raw.join(format!("{OUTPUT_NAME}_bg.wasm")), raw.join(format!("{OUTPUT_NAME}.wasm")))?;
    Ok(())
}

/// Gives every file its final name and moves it into `pkg`. Returns the hash and the new names.
///
/// The whole build has one hash: a chunk works only with its own build (table indices differ), so separate hashes would let a
/// browser's cache mix two builds and gain nothing. The hash of a module in one piece comes from its inputs, and it has no names of
/// chunks in it: reading through its forty megabytes would take a second.
fn publish(context: &Context, raw: &Path, input: &str) -> Result<(String, Vec<String>)> {
    let mut files = BTreeMap::new();
    collect(raw, raw, &mut files)?;
    let hash = if context.split() { contents_hash(&files) } else { hex(&Sha256::digest(input)) };
    let renamed: HashMap<String, String> = files.keys().map(|name| (name.clone(), with_hash(name, &hash))).collect();
    for (name, mut bytes) in files {
        if name.ends_with(".wasm") && context.split() {
            replace_in_place(&mut bytes, PLACEHOLDER.as_bytes(), hash.as_bytes());
        } else if name.ends_with(".js") {
            bytes = script_with_hash(String::from_utf8(bytes)?, &hash, &renamed).into_bytes();
        }
        let path = context.pkg().join(&renamed[&name]);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))?;
    }
    let mut names: Vec<String> = renamed.into_values().collect();
    names.sort();
    Ok((hash, names))
}

fn contents_hash(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut digest = Sha256::new();
    for (name, bytes) in files {
        digest.update(name);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    }
    hex(&digest.finalize())
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root)?.to_str().context("a generated file has an odd name")?.to_owned();
            files.insert(name, fs::read(&path)?);
        }
    }
    Ok(())
}

/// Returns the first 22 hex digits (88 bits).
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).take(PLACEHOLDER.len() / 2).collect()
}

/// `console.js` → `console.<hash>.js`. Scripts that crates bring along (`snippets/`) have a hash in their folder's name.
fn with_hash(name: &str, hash: &str) -> String {
    if name.starts_with("snippets/") {
        return name.to_owned();
    }
    if name.contains(PLACEHOLDER) {
        return name.replace(PLACEHOLDER, hash);
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => name.to_owned(),
    }
}

/// Generated scripts name their neighbours only as whole quoted paths, so nothing else can be hit by accident.
fn script_with_hash(text: String, hash: &str, renamed: &HashMap<String, String>) -> String {
    let mut text = text.replace(PLACEHOLDER, hash);
    for (old, new) in renamed.iter().filter(|(old, new)| old != new) {
        text = text.replace(&format!("\"./{old}\""), &format!("\"./{new}\""));
        text = text.replace(&format!("'./{old}'"), &format!("'./{new}'"));
        // The bindings' default address of the main module, for a caller that passes none.
        text = text.replace(&format!("'{}_bg.wasm'", old.trim_end_matches(".wasm")), &format!("'{new}'"));
    }
    text
}

fn replace_in_place(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(old.len()).position(|window| window == old) {
        at += found;
        bytes[at..at + new.len()].copy_from_slice(new);
        at += new.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef012345";

    #[test]
    fn hash_fits_the_placeholder() {
        assert_eq!(hex(&Sha256::digest(b"x")).len(), PLACEHOLDER.len());
    }

    #[test]
    fn names_carry_the_hash() {
        assert_eq!(with_hash("console.js", HASH), format!("console.{HASH}.js"));
        assert_eq!(with_hash(LOADER, HASH), format!("__wasm_split.{HASH}.js"));
        assert_eq!(with_hash("snippets/a-1/inline0.js", HASH), "snippets/a-1/inline0.js");
    }

    #[test]
    fn scripts_point_at_the_new_names_and_never_at_a_longer_one() {
        let renamed = HashMap::from(["chunk_1.wasm", "chunk_10.wasm"].map(|name| (name.to_owned(), with_hash(name, HASH))));
        let script = r#"new URL("./chunk_10.wasm"); new URL("./chunk_1.wasm");"#.to_owned();
        let expected = format!(r#"new URL("./chunk_10.{HASH}.wasm"); new URL("./chunk_1.{HASH}.wasm");"#);
        assert_eq!(script_with_hash(script, HASH, &renamed), expected);
    }

    #[test]
    fn module_names_inside_wasm_keep_their_length() {
        let mut bytes = format!("\0{LOADER}\0{LOADER}").into_bytes();
        replace_in_place(&mut bytes, PLACEHOLDER.as_bytes(), HASH.as_bytes());
        assert_eq!(bytes, format!("\0__wasm_split.{HASH}.js\0__wasm_split.{HASH}.js").into_bytes());
    }
}
