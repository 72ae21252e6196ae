//! Splits the module into one chunk per lazy route, and keeps their shared code in few files.
//!
//! The splitter makes one file for every set of pages that share a function: two dozen pages result in five hundred files, and
//! one page fetches a few hundred of them. So the module is split twice. The first run shows which functions are in small or
//! widely shared files; in the second run these go into the main module, which every page needs anyway.
//!
//! A program of its own, because only releases and tests are split: everybody else need not build it.

use anyhow::{Context as _, Result, anyhow, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, KnownCustom, Name, Parser, Payload};

/// `split MODULE DIR MAIN BINDINGS LOADER`: reads MODULE, writes chunks and LOADER into DIR and the main module to MAIN, and prints
/// the files of each page as JSON.
fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, dir, main, bindings, loader] = args.as_slice() else { bail!("usage: split MODULE DIR MAIN BINDINGS LOADER") };
    let module = fs::read(module).with_context(|| format!("could not read {module}"))?;
    let manifest = split(&module, Path::new(dir), Path::new(main), bindings, loader)?;
    println!("{}", serde_json::to_string(&manifest)?);
    Ok(())
}

/// The files that each page loads besides the main module, by the page's name.
type Manifest = BTreeMap<String, Vec<String>>;

/// A shared file smaller than this fraction of all files together is not worth a request. This is not a number of bytes, because
/// a module without optimisation is five times as large but must be split in the same places.
const SMALL: f64 = 3.0 / 1000.0;

/// A function used by at least this fraction of the pages goes into the main module.
const MANY: f64 = 0.5;

/// The name prefix of exports that only tell the splitter that a function belongs to the main module.
const MARK: &str = "__in_main_";

/// Writes the chunks and the loader into `dir` and the main module to `main`; `bindings` is the script that starts it.
fn split(module: &[u8], dir: &Path, main: &Path, bindings: &str, loader: &str) -> Result<Manifest> {
    let trial = main.with_extension("trial");
    let manifest = run(module, &trial, main, bindings, loader)?;
    let names = functions_for_main(&manifest, &trial)?;
    fs::remove_dir_all(&trial)?;
    let manifest = run(&with_exports(module, &names)?, dir, main, bindings, loader)?;
    fs::write(main, without_marks(&fs::read(main)?)?)?;
    Ok(manifest)
}

fn run(module: &[u8], dir: &Path, main: &Path, bindings: &str, loader: &str) -> Result<Manifest> {
    let main_module = format!("./{bindings}");
    let link_name = format!("./{loader}");
    let mut options = wasm_split_cli_support::Options::new(module);
    options.output_dir = dir;
    options.main_out_path = main;
    options.main_module = &main_module;
    options.link_name = &link_name;
    let split = wasm_split_cli_support::transform(options).map_err(|e| anyhow!("splitting the module into pages: {e:#}"))?;
    Ok(split.prefetch_map.into_iter().collect())
}

/// Returns the names of the functions in shared files that are too small or too widely shared to stay separate.
fn functions_for_main(manifest: &Manifest, dir: &Path) -> Result<BTreeSet<String>> {
    let size = |file: &str| fs::metadata(dir.join(format!("{file}.wasm"))).map(|meta| meta.len() as f64);
    let mut pages_of: BTreeMap<&str, usize> = BTreeMap::new();
    for file in manifest.values().flatten() {
        *pages_of.entry(file).or_default() += 1;
    }
    let whole: f64 = pages_of.keys().map(|file| size(file)).sum::<std::io::Result<f64>>()?;
    let mut names = BTreeSet::new();
    for (file, pages) in pages_of.into_iter().filter(|(file, _)| file.starts_with("chunk_")) {
        if size(file)? < whole * SMALL || pages as f64 >= manifest.len() as f64 * MANY {
            names.extend(function_names(&fs::read(dir.join(format!("{file}.wasm")))?)?.into_values());
        }
    }
    Ok(names)
}

/// Returns the index and the linker's name of every function that is not imported.
fn function_names(module: &[u8]) -> Result<BTreeMap<u32, String>> {
    let mut imported = 0;
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(section) = section.as_known() else { continue };
                for subsection in section {
                    let Name::Function(functions) = subsection? else { continue };
                    for function in functions {
                        let function = function?;
                        names.insert(function.index, function.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    names.retain(|index, _| *index >= imported);
    Ok(names)
}

/// Adds an export for each function with one of these names. The splitter keeps exported functions in the main module.
fn with_exports(module: &[u8], names: &BTreeSet<String>) -> Result<Vec<u8>> {
    let functions = function_names(module)?;
    rewrite_exports(
        module,
        |exports| {
            for index in functions.iter().filter(|(_, name)| names.contains(*name)).map(|(index, _)| *index) {
                exports.export(&format!("{MARK}{index}"), ExportKind::Func, index);
            }
        },
        |_| true,
    )
}

fn without_marks(module: &[u8]) -> Result<Vec<u8>> {
    rewrite_exports(module, |_| {}, |name| !name.starts_with(MARK))
}

/// Copies everything except the list of exports unchanged, because the splitter's own information refers to positions in it.
fn rewrite_exports(module: &[u8], add: impl FnOnce(&mut ExportSection), keep: impl Fn(&str) -> bool) -> Result<Vec<u8>> {
    let mut out = Module::new();
    let mut add = Some(add);
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(section) = payload {
            let mut exports = ExportSection::new();
            for export in section {
                let export = export?;
                if keep(export.name) {
                    exports.export(export.name, kind(export.kind)?, export.index);
                }
            }
            add.take().context("the module has two lists of exports")?(&mut exports);
            out.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            let data = &module[usize::try_from(range.start)?..usize::try_from(range.end)?];
            out.section(&RawSection { id, data });
        }
    }
    Ok(out.finish())
}

fn kind(kind: ExternalKind) -> Result<ExportKind> {
    Ok(match kind {
        ExternalKind::Func => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
        ExternalKind::FuncExact => return Err(anyhow!("an export of a kind that no browser has yet")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, NameMap, NameSection, TypeSection};

    /// Makes a module with the functions `first` (exported) and `second`, and a section that must stay unchanged.
    fn module() -> Vec<u8> {
        let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
        types.ty().function([], []);
        for _ in 0..2 {
            functions.function(0);
            let mut body = Function::new([]);
            body.instructions().end();
            code.function(&body);
        }
        let mut exports = ExportSection::new();
        exports.export("start", ExportKind::Func, 0);
        let (mut names, mut of_functions) = (NameSection::new(), NameMap::new());
        of_functions.append(0, "first");
        of_functions.append(1, "second");
        names.functions(&of_functions);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&exports).section(&code);
        module.section(&CustomSection { name: "reloc.CODE".into(), data: b"kept"[..].into() }).section(&names);
        module.finish()
    }

    fn exports(module: &[u8]) -> Vec<(String, u32)> {
        let section = Parser::new(0).parse_all(module).find_map(|payload| match payload.unwrap() {
            Payload::ExportSection(section) => Some(section),
            _ => None,
        });
        section.unwrap().into_iter().map(|export| export.unwrap()).map(|export| (export.name.to_owned(), export.index)).collect()
    }

    #[test]
    fn functions_are_marked_by_name_and_the_marks_can_be_removed() {
        let before = module();
        let marked = with_exports(&before, &BTreeSet::from(["second".to_owned()])).unwrap();
        assert_eq!(exports(&marked), [("start".to_owned(), 0), (format!("{MARK}1"), 1)]);
        assert_eq!(without_marks(&marked).unwrap(), before);
    }
}
