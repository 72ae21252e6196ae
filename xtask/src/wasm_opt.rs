//! Shrinks the release modules with binaryen's `wasm-opt`, which comes from npm: that registry has it everywhere, while
//! the binaries of its release page do not download on every machine.

use crate::browser;
use crate::context::Context;
use crate::process::{in_parallel, output, step};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn shrink(context: &Context, dir: &Path) -> Result<()> {
    let tool = find(context)?;
    let mut modules: Vec<PathBuf> = std::fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
    modules.retain(|path| path.extension().is_some_and(|ext| ext == "wasm"));
    modules.sort_by_key(|path| std::fs::metadata(path).map(|meta| meta.len()).unwrap_or(0));
    step(&format!("wasm-opt: {} modules", modules.len()), || {
        in_parallel(modules, |module| {
            let mut command = Command::new(&tool);
            // rustc's code already uses these two features, and every browser with module scripts has them.
            command
                .args(["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int"])
                .arg(&module)
                .arg("-o")
                .arg(&module);
            output(&mut command).map(drop).with_context(|| format!("shrinking {}", module.display()))
        })
    })
}

fn find(context: &Context) -> Result<PathBuf> {
    browser::npm_packages(context)?;
    Ok(context.root.join("end2end/node_modules/.bin/wasm-opt"))
}
