//! The module in one piece, for development: splitting it into chunks takes longer than compiling an edit.
//!
//! Lazy routes are compiled as imports from a module that the splitter would have replaced. Here they come from a script that
//! fetches nothing, reports each page as loaded at once, and passes its calls back to the same module.

use anyhow::{Result, bail};
use std::fs;
use std::path::Path;
use wasmparser::{Parser, Payload, TypeRef};

/// The module from which lazy routes are imported before the splitter has run.
const UNSPLIT: &str = "__wasm_split_placeholder__";

/// Writes the script that replaces the splitter's loader, for the imports of this module.
pub fn write_loader(module: &[u8], path: &Path, main_script: &str) -> Result<()> {
    let mut text = format!("import {{ initSync }} from \"./{main_script}\";\nconst wasm = () => initSync();\n");
    for name in imports(module)? {
        text.push_str(&if name.starts_with("__wasm_split_load_") {
            format!(
                "export const {name} = (done, data) => queueMicrotask(() => wasm().__indirect_function_table.get(done)(data, 1));\n"
            )
        } else if name.contains("00_import_") {
            format!("export const {name} = (...given) => wasm().{}(...given);\n", name.replacen("00_import_", "00_export_", 1))
        } else {
            bail!("the splitter's import {name} is of an unknown kind")
        });
    }
    Ok(fs::write(path, text)?)
}

/// Makes the bindings import from the loader instead of the module that does not exist.
pub fn point_at(bindings: &Path, loader: &str) -> Result<()> {
    let text = fs::read_to_string(bindings)?;
    Ok(fs::write(bindings, text.replace(&format!("from \"{UNSPLIT}\""), &format!("from \"./{loader}\"")))?)
}

/// Returns the names of the functions that a module imports in place of the splitter's.
fn imports(module: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                if import.module == UNSPLIT && matches!(import.ty, TypeRef::Func(_)) {
                    names.push(import.name.to_owned());
                }
            }
            break;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{EntityType, ImportSection, Module, TypeSection};

    #[test]
    fn a_lazy_page_is_ready_at_once_and_calls_go_to_the_same_module() {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        types.ty().function([], []);
        imports.import("env", "else", EntityType::Function(0));
        imports.import(UNSPLIT, "__wasm_split_load_users", EntityType::Function(0));
        imports.import(UNSPLIT, "__wasm_split_00users00_import_ab_view", EntityType::Function(0));
        let mut module = Module::new();
        module.section(&types).section(&imports);
        let path = std::env::temp_dir().join(format!("loader-{}.js", std::process::id()));
        write_loader(&module.finish(), &path, "console.js").unwrap();
        let script = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(script.starts_with("import { initSync } from \"./console.js\";"), "{script}");
        assert!(script.contains("__wasm_split_load_users = (done, data) => queueMicrotask("), "{script}");
        let call =
            "__wasm_split_00users00_import_ab_view = (...given) => wasm().__wasm_split_00users00_export_ab_view(...given);";
        assert!(script.contains(call), "{script}");
        assert!(!script.contains("else"), "{script}");
    }
}
