//! The site inside this binary, as it was when the binary was built: the feature `embed-site`, which `cargo xtask build --release` sets.

use super::File;
use axum::body::Bytes;
use rust_embed::RustEmbed;
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../../target/site-release"]
struct Built;

/// The file at a path inside the site.
pub fn file(path: &str) -> Option<File> {
    let found = Built::get(path)?;
    let bytes = match found.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let tag = found.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(File { bytes, tag })
}
