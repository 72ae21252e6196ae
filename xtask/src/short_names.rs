//! Short names for what the main module imports from its bindings. Each of the three hundred has sixteen digits of a hash in it,
//! which no compression shortens; only the module and its script know them.

use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ImportSection, Module};
use wasmparser::{Import, Imports, Parser, Payload};

/// Renames the imports of a module, and the bindings in its script.
pub fn shorten(module: &Path, script: &Path) -> Result<()> {
    let bytes = fs::read(module)?;
    let names = names(&bytes)?;
    let mut short = Module::new();
    Renamer { names: &names }.parse_core_module(&mut short, Parser::new(0), &bytes).context("renaming the module's imports")?;
    fs::write(module, short.finish())?;
    let text = fs::read_to_string(script)?;
    Ok(fs::write(script, renamed(&text, &names))?)
}

/// The short name of each import that the bindings define.
fn names(module: &[u8]) -> Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(section) = payload? else { continue };
        for imports in section {
            if let Imports::Single(_, import) = imports?
                && import.name.starts_with("__wb")
                && !names.contains_key(import.name)
            {
                // No script defines a name of its own that begins like this.
                names.insert(import.name.to_owned(), format!("_{}", names.len()));
            }
        }
    }
    Ok(names)
}

struct Renamer<'a> {
    names: &'a BTreeMap<String, String>,
}

impl Reencode for Renamer<'_> {
    type Error = Infallible;

    fn parse_import(&mut self, section: &mut ImportSection, import: Import<'_>) -> Result<(), reencode::Error<Infallible>> {
        let name = self.names.get(import.name).map_or(import.name, String::as_str);
        section.import(import.module, name, self.entity_type(import.ty)?);
        Ok(())
    }

    fn parse_imports(&mut self, section: &mut ImportSection, imports: Imports<'_>) -> Result<(), reencode::Error<Infallible>> {
        match imports {
            Imports::Single(_, import) => self.parse_import(section, import),
            others => reencode::utils::parse_imports(self, section, others),
        }
    }
}

/// A script with every whole word that has a short name replaced.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(word) {
        let end = rest[start..].find(|c| !word(c)).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        out.push_str(names.get(&rest[start..end]).map_or(&rest[start..end], String::as_str));
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{EntityType, TypeSection};

    #[test]
    fn imports_of_the_bindings_get_short_names_in_both_files_and_others_keep_theirs() {
        let (mut types, mut imports, mut module) = (TypeSection::new(), ImportSection::new(), Module::new());
        types.ty().function([], []);
        for name in ["__wbg_now_0123456789abcdef", "__wbg_now_0123", "split_loader"] {
            imports.import("./console.js", name, EntityType::Function(0));
        }
        module.section(&types).section(&imports);
        let folder = std::env::temp_dir().join(format!("short-names-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (wasm, js) = (folder.join("a.wasm"), folder.join("a.js"));
        fs::write(&wasm, module.finish()).unwrap();
        fs::write(&js, "x = { __wbg_now_0123456789abcdef: f, __wbg_now_0123: g, __wbg_now_01234: h, split_loader }").unwrap();
        shorten(&wasm, &js).unwrap();
        assert_eq!(fs::read_to_string(&js).unwrap(), "x = { _0: f, _1: g, __wbg_now_01234: h, split_loader }");
        let short = fs::read(&wasm).unwrap();
        wasmparser::validate(&short).unwrap();
        assert!(names(&short).unwrap().is_empty(), "none has its long name");
        assert!(short.windows(12).any(|text| text == b"split_loader"));
        fs::remove_dir_all(folder).unwrap();
    }
}
