//! Writes compressed `.br` and `.gz` siblings, so that the server does not compress files for each request.

use crate::process::in_parallel;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Formats worth compressing. Pictures and fonts are already compressed.
const TEXT: [&str; 9] = ["css", "html", "ico", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// Compresses every file below `dir` that has no up-to-date siblings yet.
pub fn siblings(dir: &Path) -> Result<()> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    files.sort_by_key(|file| std::fs::metadata(file).map(|meta| meta.len()).unwrap_or(0));
    in_parallel(files, |file| compress(&file).with_context(|| format!("could not compress {}", file.display())))
}

/// Returns the file's name with `.br` or `.gz` appended.
pub fn sibling(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("could not list {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ext| TEXT.iter().any(|text| ext == *text)) && !up_to_date(&path)? {
            files.push(path);
        }
    }
    Ok(())
}

fn up_to_date(file: &Path) -> Result<bool> {
    let made = std::fs::metadata(file)?.modified()?;
    let fresh = |extension| std::fs::metadata(sibling(file, extension)).and_then(|m| m.modified()).is_ok_and(|m| m >= made);
    Ok(fresh("br") && fresh("gz"))
}

fn compress(file: &Path) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(&bytes)?;
    std::fs::write(sibling(file, "gz"), gz.finish()?)?;
    let mut br = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 24, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut br, &params)?;
    std::fs::write(sibling(file, "br"), br)?;
    Ok(())
}
