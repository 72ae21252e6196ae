//! The console's typeface: the open font Inter from its npm package, reduced to what the console shows.
//!
//! The package comes with those of the browser tests. A build without them has the system's font instead, and is otherwise the same.

use crate::context::Context;
use crate::pkg;
use crate::process::output;
use anyhow::{Context as _, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::process::Command;

/// The package's font, and the script that makes ours of it.
const SOURCE: &str = "end2end/node_modules/inter-ui/variable/InterVariable.woff2";
const SCRIPT: &str = "end2end/typeface.mjs";

pub struct Typeface {
    /// The name below `pkg/`.
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Typeface {
    /// Returns the typeface, made anew only if the package or the script has changed; nothing if the package is not installed.
    pub fn make(context: &Context) -> Result<Option<Self>> {
        let (source, script) = (context.root.join(SOURCE), context.root.join(SCRIPT));
        if !source.exists() {
            return Ok(None);
        }
        let made = context.work().join("typeface.woff2");
        let changed = |path| fs::metadata(path).and_then(|meta| meta.modified());
        let newest = changed(&source)?.max(changed(&script)?);
        if !changed(&made).is_ok_and(|made| made >= newest) {
            let half = context.work().join("typeface.half");
            output(Command::new("node").arg(&script).arg(&source).arg(&half)).context("making the typeface")?;
            fs::rename(&half, &made)?;
        }
        let bytes = fs::read(&made)?;
        Ok(Some(Self { name: format!("typeface.{}.woff2", pkg::hex(&Sha256::digest(&bytes))), bytes }))
    }

    /// The rule that makes it known to the style sheet beside it. A page that has it at once shows it; one that would have to wait
    /// keeps the system's font, so that no text ever jumps.
    pub fn rule(&self) -> String {
        format!(
            "@font-face {{ font-family: Inter; src: url({}) format(\"woff2\"); font-weight: 400 700; font-display: optional; \
             unicode-range: U+0-17F, U+218-21B, U+2010-203A, U+2044, U+20AC, U+2122, U+2190-2193, U+2212-2265, U+25B2, U+25BC; }}\n",
            self.name
        )
    }
}
