//! The built console: what `cargo xtask build` put together for the browser. A release carries it inside this binary; otherwise it
//! is read from a folder. Both are asked in the same way and answer alike.
//!
//! Deliberately absent: knowledge of how a site is built (`xtask`), and of what a page looks like (`console`).

mod answer;
#[cfg(feature = "embed-site")]
mod embedded;

pub use answer::{from_pkg, public_file};

use ::pages::document::Names;
use anyhow::{Context, Result};
use axum::body::Bytes;
use std::path::{Component, Path, PathBuf};

/// The file with the names of the site's files, written by `cargo xtask` beside them. A file is never served if its name begins
/// with a dot.
const NAMES: &str = ".names.json";

/// One file of the site.
pub struct File {
    pub bytes: Bytes,
    /// Differs between any two contents that a file of this name ever had.
    pub tag: String,
}

/// Where the files lie.
#[derive(Clone)]
pub enum Site {
    Folder(PathBuf),
    /// Finds a file by its path inside the site.
    Embedded(fn(&str) -> Option<File>),
}

impl Site {
    /// The site inside this binary; else the folder that `LEPTOS_SITE_ROOT` names, as cargo-leptos does, or `target/site`.
    ///
    /// Fails when there is no console to be found.
    pub fn find() -> Result<Self> {
        #[cfg(feature = "embed-site")]
        return Ok(Self::Embedded(embedded::file));
        #[cfg(not(feature = "embed-site"))]
        {
            let folder = std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| "target/site".into(), PathBuf::from);
            if !folder.join("pkg").is_dir() {
                anyhow::bail!(
                    "the console's files are not in {}: start this build with `cargo xtask serve`, or build one that carries them with \
                     `cargo xtask build --release`",
                    folder.display()
                );
            }
            Ok(Self::Folder(folder))
        }
    }

    /// The file at a path inside the site, such as `pkg/console.js`; nothing for a path that leads anywhere else.
    pub async fn file(&self, path: &str) -> Option<File> {
        let inside = |part: Component| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
        if !Path::new(path).components().all(inside) {
            return None;
        }
        match self {
            Self::Embedded(find) => find(path),
            Self::Folder(folder) => {
                let path = folder.join(path);
                let changed = tokio::fs::metadata(&path).await.ok()?.modified().ok()?;
                let bytes = tokio::fs::read(&path).await.ok()?;
                let age = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Some(File { tag: format!("{:x}-{:x}", age.as_nanos(), bytes.len()), bytes: bytes.into() })
            }
        }
    }

    /// Fails when a file that every page loads is missing: its pages would come without style and never to life.
    pub async fn check(&self, names: &Names) -> Result<()> {
        for name in [&names.script, &names.module, &names.style] {
            if self.file(&format!("pkg/{name}")).await.is_none() {
                anyhow::bail!(
                    "the console's file pkg/{name} is missing: build the site again with `cargo xtask serve`, or a program that \
                     carries it with `cargo xtask build --release`"
                );
            }
        }
        Ok(())
    }

    /// Returns the names of the files that a page loads. A folder without a list of names comes from cargo-leptos, whose names
    /// have no hash.
    ///
    /// Fails when the list cannot be read.
    pub fn names(&self) -> Result<Names> {
        let read = |name: &str| match self {
            Self::Embedded(find) => find(name).map(|file| file.bytes.to_vec()),
            Self::Folder(folder) => std::fs::read(folder.join(name)).ok(),
        };
        if let Some(names) = read(NAMES) {
            return serde_json::from_slice(&names).context("the list of the console's files cannot be read");
        }
        let chunks = match read("pkg/__wasm_split_manifest.json") {
            Some(chunks) => serde_json::from_slice(&chunks).context("the list of the console's chunks cannot be read")?,
            None => Default::default(),
        };
        Ok(Names { chunks, ..Names::default() })
    }
}
