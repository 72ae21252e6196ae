//! Makes sure that rustc has a standard library for the browser's target.
//!
//! It tries rustup first. If rustup cannot download, it builds the library from Debian's `rust-src` package of exactly this
//! compiler version, which any machine that reaches a Debian mirror can fetch. apt works in a private folder for this, so that
//! the machine's own package state stays untouched.

use crate::context::{Context, WASM_TARGET};
use crate::process::{cargo, output, run, seconds, step, which};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The Debian suite with `rust-src` of current compilers. The package is the same for every architecture and release.
const SUITE: &str = "trixie-backports";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const LAST_RESORT_MIRROR: &str = "http://deb.debian.org/debian";

pub fn ensure(context: &Context) -> Result<()> {
    let sysroot = output(Command::new("rustc").current_dir(&context.root).args(["--print", "sysroot"]))?;
    let installed = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET);
    if has_std(&installed.join("lib")) {
        return Ok(());
    }
    eprintln!("The toolchain has no standard library for {WASM_TARGET} yet.");
    // Cargo does not notice a new standard library, and crates built with the old one would not link.
    let stale = context.front_target().join(WASM_TARGET);
    if stale.exists() {
        fs::remove_dir_all(&stale).with_context(|| format!("could not remove {}", stale.display()))?;
    }
    let refused = match rustup_add(context) {
        Ok(()) if has_std(&installed.join("lib")) => return Ok(()),
        Ok(()) => "rustup installed it elsewhere".to_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("rustup could not add it ({refused}).");
    from_debian(context, &installed).context(format!(
        "no {WASM_TARGET} standard library: `rustup target add {WASM_TARGET}` does not work here, and neither does building it from \
         Debian's rust-src package"
    ))
}

/// Returns whether a folder has a standard library. rustup's file has a hash in its name; one built from source has none.
fn has_std(lib: &Path) -> bool {
    let Ok(entries) = fs::read_dir(lib) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name == "libstd.rlib" || (name.starts_with("libstd-") && name.ends_with(".rlib"))
    })
}

fn rustup_add(context: &Context) -> Result<()> {
    if which("rustup").is_none() {
        bail!("rustup is not installed");
    }
    let start = Instant::now();
    let mut rustup = Command::new("rustup");
    // More retries would only delay the alternative.
    rustup.current_dir(&context.root).env("RUSTUP_MAX_RETRIES", "1").args(["target", "add", WASM_TARGET]);
    match output(&mut rustup) {
        Ok(_) => {
            eprintln!("wasm32 standard library: added by rustup in {}", seconds(start.elapsed()));
            Ok(())
        }
        // The first line names the error; the rest is rustup's chain of causes.
        Err(error) => bail!("{}", error.to_string().lines().find(|l| l.contains("error")).unwrap_or("it failed").trim()),
    }
}

fn from_debian(context: &Context, installed: &Path) -> Result<()> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if which(tool).is_none() {
            bail!("`{tool}` is missing");
        }
    }
    if !Path::new(KEYRING).exists() {
        bail!("{KEYRING} is missing (Debian package debian-archive-keyring)");
    }
    let compiler = compiler_version(context)?;
    // Leftovers of an earlier attempt would become duplicate crates.
    let work = context.target.join("wasm32-std");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("could not empty {}", work.display()))?;
    }
    let apt = Apt::new(&work.join("apt"))?;
    step(&format!("wasm32 standard library: reading the package list of {SUITE}"), || apt.update())?;
    let package = apt.version_for(&compiler)?;
    let deb = step(&format!("wasm32 standard library: downloading rust-src {package} (45 MB)"), || apt.download(&package))?;
    let unpacked = work.join("source");
    run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&unpacked))?;
    let library = library_folder(&unpacked)?;
    let built = step("wasm32 standard library: building from rust-src (about 20 s)", || build(&library, &work.join("build")))?;
    install(&built, installed)?;
    fs::remove_dir_all(&work).with_context(|| format!("could not remove {}", work.display()))
}

/// Returns the compiler's version: `1.95.0` from `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler_version(context: &Context) -> Result<String> {
    let text = output(Command::new("rustc").current_dir(&context.root).arg("--version"))?;
    Ok(text.split_whitespace().nth(1).context("`rustc --version` prints no version")?.to_owned())
}

/// apt with its own folders. The machine's apt.conf still applies (a proxy may be set there), but its sources do not.
struct Apt {
    dir: PathBuf,
}

impl Apt {
    fn new(dir: &Path) -> Result<Apt> {
        for sub in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(sub)).with_context(|| format!("could not create {}", dir.display()))?;
        }
        let line = format!("deb [signed-by={KEYRING}] {} {SUITE} main\n", mirror(Path::new("/etc/apt")));
        fs::write(dir.join("sources.list"), line)?;
        fs::write(dir.join("status"), "")?;
        Ok(Apt { dir: dir.to_owned() })
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        let at = |sub: &str| self.dir.join(sub).display().to_string();
        for option in [
            format!("Dir::Etc::sourcelist={}", at("sources.list")),
            "Dir::Etc::sourceparts=/dev/null".into(),
            format!("Dir::State={}", at("state")),
            format!("Dir::State::Lists={}", at("state/lists")),
            format!("Dir::State::status={}", at("status")),
            format!("Dir::Cache={}", at("cache")),
            // Hooks in the machine's apt.conf (such as command-not-found) concern the machine's lists, not these.
            "APT::Update::Post-Invoke-Success=".into(),
            "APT::Sandbox::User=root".into(),
            "Acquire::Languages=none".into(),
            "Acquire::Retries=2".into(),
        ] {
            command.args(["-o", &option]);
        }
        command.current_dir(&self.dir);
        command
    }

    fn update(&self) -> Result<()> {
        // Without this flag apt-get only warns about an unreachable mirror.
        output(self.command("apt-get").args(["-q", "--error-on=any", "update"])).map(drop)
    }

    fn version_for(&self, compiler: &str) -> Result<String> {
        let table = output(self.command("apt-cache").args(["madison", "rust-src"]))?;
        let versions: Vec<&str> = table.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim).collect();
        match versions.iter().find(|version| upstream(version) == compiler) {
            Some(version) => Ok((*version).to_owned()),
            None => bail!("{SUITE} has rust-src {versions:?}, but this compiler is {compiler}"),
        }
    }

    fn download(&self, version: &str) -> Result<PathBuf> {
        output(self.command("apt-get").args(["-q", "download", &format!("rust-src={version}")]))?;
        let deb = |entry: fs::DirEntry| Some(entry.path()).filter(|path| path.extension().is_some_and(|ext| ext == "deb"));
        fs::read_dir(&self.dir)?.flatten().find_map(deb).context("apt-get downloaded nothing")
    }
}

/// Returns the upstream version: `1.95.0` from `1.95.0+dfsg1-2~bpo13+1`.
fn upstream(version: &str) -> &str {
    version.split(['+', '-', '~']).next().unwrap_or(version)
}

/// Returns the Debian mirror that this machine already uses, from either of apt's two file formats.
fn mirror(etc: &Path) -> String {
    let mut files = vec![etc.join("sources.list")];
    files.extend(fs::read_dir(etc.join("sources.list.d")).into_iter().flatten().flatten().map(|entry| entry.path()));
    files.sort();
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect::<Vec<_>>().join("\n");
    find_mirror(&texts).unwrap_or_else(|| LAST_RESORT_MIRROR.to_owned())
}

/// Returns the first address that ends in `/debian`: the main archive, not the security archive or another vendor's.
fn find_mirror(sources: &str) -> Option<String> {
    let lines = sources.lines().map(str::trim).filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
    let mut words = lines.flat_map(str::split_whitespace);
    words.find(|word| word.starts_with("http") && word.trim_end_matches('/').ends_with("/debian")).map(str::to_owned)
}

fn library_folder(unpacked: &Path) -> Result<PathBuf> {
    let sources = unpacked.join("usr/src");
    let folders = fs::read_dir(&sources).context("the rust-src package has no usr/src")?.flatten();
    let mut libraries = folders.map(|entry| entry.path().join("library")).filter(|library| library.join("Cargo.toml").exists());
    libraries.next().context("the rust-src package has no `library` folder")
}

fn build(library: &Path, target: &Path) -> Result<PathBuf> {
    let mut cargo = cargo(library);
    cargo
        .args(["build", "--quiet", "--release", "--package", "sysroot", "--features", "compiler-builtins-mem"])
        .args(["--target", WASM_TARGET, "--target-dir"])
        .arg(target)
        .env("RUSTC_BOOTSTRAP", "1")
        // The first flag lets the standard library use its own unstable parts; the second allows link-time optimisation.
        .env("RUSTFLAGS", "-Zforce-unstable-if-unmarked -Cembed-bitcode=yes")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    output(&mut cargo)?;
    Ok(target.join(WASM_TARGET).join("release/deps"))
}

/// Copies the library under another name and renames it, so that an interrupted copy never looks complete.
fn install(built: &Path, installed: &Path) -> Result<()> {
    let partial = installed.with_extension("partial");
    let copy = || -> Result<()> {
        let lib = partial.join("lib");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&lib)?;
        for entry in fs::read_dir(built)? {
            let path = entry?.path();
            if let (Some(name), true) = (path.file_name(), path.extension().is_some_and(|ext| ext == "rlib")) {
                fs::copy(&path, lib.join(name))?;
            }
        }
        if installed.exists() {
            fs::remove_dir_all(installed)?;
        }
        Ok(fs::rename(&partial, installed)?)
    };
    copy().with_context(|| format!("could not install the standard library into {}", installed.display()))?;
    eprintln!("wasm32 standard library: installed into {}", installed.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_version_is_read_from_a_debian_version() {
        assert_eq!(upstream("1.95.0+dfsg1-2~bpo13+1"), "1.95.0");
        assert_eq!(upstream("1.96.1-1"), "1.96.1");
    }

    #[test]
    fn the_mirror_is_the_main_archive_in_either_format() {
        let new = "Types: deb\nURIs: https://packages.example.com/other/\n\nURIs: http://security.example.com/debian-security\nURIs: http://mirror.example.com/debian/\n";
        assert_eq!(find_mirror(new).as_deref(), Some("http://mirror.example.com/debian/"));
        let old =
            "# deb http://no.example.com/debian bookworm main\ndeb [arch=amd64] http://yes.example.com/debian bookworm main\n";
        assert_eq!(find_mirror(old).as_deref(), Some("http://yes.example.com/debian"));
        assert_eq!(find_mirror("deb https://packages.example.com apt main"), None);
    }
}
