//! The chunks of the console, one per page, which the program `split` makes.

use crate::context::{Context, OUTPUT_NAME};
use crate::process::{cargo, output, run};
use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files that each page loads besides the main module, by the page's name.
pub type Manifest = BTreeMap<String, Vec<String>>;

/// A shared file of at most this many bytes is not fetched: the loader contains it. Most are a few texts that two pages share,
/// which no choice of functions for the main module can move.
const TINY: u64 = 4_096;

/// The loader's function that decodes a file it contains.
const HERE: &str = r#"
async function here(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(bytes, { headers: { "content-type": "application/wasm" } });
}
"#;

/// Builds the splitter and returns its path.
pub fn splitter(context: &Context) -> Result<PathBuf> {
    run(cargo(&context.root).args(["build", "--quiet", "--package", "split"]).arg("--target-dir").arg(&context.target))?;
    Ok(context.target.join("debug/split"))
}

/// Writes the chunks and the loader into `dir`, and the main module to the returned path.
pub fn split(context: &Context, splitter: &Path, dir: &Path, loader: &str) -> Result<(PathBuf, Manifest)> {
    let main = context.work().join(format!("{OUTPUT_NAME}.wasm"));
    let mut split = Command::new(splitter);
    split.args([&context.front_wasm(), dir, &main]).arg(format!("{OUTPUT_NAME}.js")).arg(loader);
    let printed = output(&mut split).context("splitting the module into pages")?;
    Ok((main, serde_json::from_str(&printed)?))
}

/// Moves the smallest shared files into the loader's script, which reads them as if they had been fetched.
pub fn bring_along(dir: &Path, loader: &str, pages: &mut Manifest) -> Result<()> {
    let script = dir.join(loader);
    let mut text = fs::read_to_string(&script)?;
    let chunks: BTreeSet<String> = pages.values().flatten().filter(|file| file.starts_with("chunk_")).cloned().collect();
    let mut brought = BTreeSet::new();
    for file in chunks {
        let path = dir.join(format!("{file}.wasm"));
        if fs::metadata(&path)?.len() > TINY {
            continue;
        }
        let fetched = format!("fetch(new URL(\"./{file}.wasm\", import.meta.url))");
        let (before, after) =
            text.split_once(&fetched).with_context(|| format!("the loader does not fetch {file} as expected"))?;
        text = format!("{before}here(\"{}\"){after}", BASE64.encode(fs::read(&path)?));
        fs::remove_file(path)?;
        brought.insert(file);
    }
    text.push_str(HERE);
    pages.values_mut().for_each(|files| files.retain(|file| !brought.contains(file)));
    Ok(fs::write(script, text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_file_moves_into_the_loader_and_no_page_fetches_it() {
        let dir = std::env::temp_dir().join(format!("chunks-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let fetch = |n: u8| format!("const __chunk_{n} = fetch(new URL(\"./chunk_{n}.wasm\", import.meta.url));\n");
        fs::write(dir.join("loader.js"), fetch(1) + &fetch(2)).unwrap();
        fs::write(dir.join("chunk_1.wasm"), b"few").unwrap();
        fs::write(dir.join("chunk_2.wasm"), vec![0; 5_000]).unwrap();
        let page = |name: &str, files: &[&str]| (name.to_owned(), files.iter().map(ToString::to_string).collect());
        let mut pages = Manifest::from([page("users", &["chunk_1", "chunk_2", "split_users"]), page("audit", &["chunk_1"])]);
        bring_along(&dir, "loader.js", &mut pages).unwrap();
        let script = fs::read_to_string(dir.join("loader.js")).unwrap();
        assert!(script.contains("const __chunk_1 = here(\"ZmV3\");"), "{script}");
        assert!(script.contains(&fetch(2)), "{script}");
        assert_eq!(pages, Manifest::from([page("users", &["chunk_2", "split_users"]), page("audit", &[])]));
        assert!(!dir.join("chunk_1.wasm").exists());
        fs::remove_dir_all(dir).unwrap();
    }
}
