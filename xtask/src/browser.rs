//! External programs for the browser tests: Debian's chromium, and the packages of end2end/package.json and requirements.txt.

use crate::context::Context;
use crate::process::{output, run, step, which};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Programs, each with its Debian package.
const PROGRAMS: [(&str, &str); 2] = [("chromium", "chromium"), ("bwrap", "bubblewrap")];

/// A browser without fonts lays out no text.
const FONTS: &str = "fonts-dejavu-core";
const FONT_DIR: &str = "/usr/share/fonts/truetype/dejavu";

pub fn ensure(context: &Context) -> Result<()> {
    let mut packages: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| which(program).is_none()).map(|(_, package)| *package).collect();
    if !std::path::Path::new(FONT_DIR).exists() && which("apt-get").is_some() {
        packages.push(FONTS);
    }
    if !packages.is_empty() {
        install(&packages)?;
    }
    npm_packages(context)?;
    python_packages(context)
}

/// The folder in which the packages of end2end/requirements.txt are installed.
pub fn python_env(context: &Context) -> PathBuf {
    context.root.join("target/python")
}

/// Creates a virtual environment with the packages of end2end/requirements.txt, again whenever the file has changed.
fn python_packages(context: &Context) -> Result<()> {
    let wanted = context.root.join("end2end/requirements.txt");
    let env = python_env(context);
    let text = fs::read_to_string(&wanted).with_context(|| format!("{} is missing", wanted.display()))?;
    // Written last, so that an interrupted installation is repeated.
    let mark = env.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == text) {
        return Ok(());
    }
    if which("python3").is_none() {
        bail!("`python3` is missing (3.11, with venv): this step needs the packages of end2end/requirements.txt");
    }
    step("python3 -m venv target/python, pip install", || {
        output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&env))?;
        let mut pip = Command::new(env.join("bin/pip"));
        output(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&wanted))?;
        Ok(fs::write(&mark, &text)?)
    })
}

fn install(packages: &[&str]) -> Result<()> {
    let wanted = packages.join(" ");
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if which("apt-get").is_none() || !root {
        bail!("the browser tests need: {wanted} (as root on Debian: apt-get install --no-install-recommends {wanted})");
    }
    step(&format!("apt-get install {wanted}"), || {
        output(Command::new("apt-get").args(["-q", "update"]))?;
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "install", "-y", "--no-install-recommends"]).args(packages);
        output(&mut command).map(drop)
    })
}

/// Runs `npm ci` if the lock file is newer than the installed packages.
pub fn npm_packages(context: &Context) -> Result<()> {
    let dir = context.root.join("end2end");
    let lock = dir.join("package-lock.json");
    let time = |path: &std::path::Path| fs::metadata(path).and_then(|meta| meta.modified());
    let wanted = time(&lock).with_context(|| format!("{} is missing", lock.display()))?;
    // npm writes this file last.
    if time(&dir.join("node_modules/.package-lock.json")).is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    if which("npm").is_none() {
        bail!("`npm` is missing: this step needs the packages of end2end/package.json");
    }
    step("npm ci in end2end", || {
        run(Command::new("npm").current_dir(&dir).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
    })
}
