//! The folders of a build, and the names that cargo and the server expect.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// `LEPTOS_OUTPUT_NAME`, as set in .cargo/config.toml: the stem of the site's main files.
pub const OUTPUT_NAME: &str = "console";
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    /// The debug server with a console that browsers load in half the time: for the full run of browser tests, which mostly wait
    /// for pages. After an edit it takes four times as long to build.
    Test,
    Release,
}

pub struct Context {
    pub root: PathBuf,
    pub target: PathBuf,
    pub profile: Profile,
}

impl Context {
    pub fn new(profile: Profile) -> Result<Context> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the xtask crate has no parent folder")?.to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => std::path::absolute(dir).context("CARGO_TARGET_DIR is not a usable path")?,
            None => root.join("target"),
        };
        Ok(Context { root, target, profile })
    }

    pub fn release(&self) -> bool {
        self.profile == Profile::Release
    }

    /// The browser crate's own target folder, so that its builds and the server's never wait for or undo each other.
    pub fn front_target(&self) -> PathBuf {
        self.target.join("front")
    }

    pub fn front_profile(&self) -> &'static str {
        match self.profile {
            Profile::Debug => "dev",
            Profile::Test => "wasm-test",
            Profile::Release => "wasm-release",
        }
    }

    pub fn server_profile(&self) -> &'static str {
        if self.release() { "server-release" } else { "dev" }
    }

    /// The module of the browser crate as built by `rustc`, before splitting and binding.
    pub fn front_wasm(&self) -> PathBuf {
        self.front_target().join(WASM_TARGET).join(profile_dir(self.front_profile())).join("frontend.wasm")
    }

    pub fn server_bin(&self) -> PathBuf {
        self.target.join(profile_dir(self.server_profile())).join("yardmaster")
    }

    /// The site's folder, one per profile: a debug build must not replace the files of a running server. The release's folder
    /// does not depend on CARGO_TARGET_DIR, because `server/main/src/site/embedded.rs` reads it there.
    pub fn site(&self) -> PathBuf {
        if self.release() { self.root.join("target/site-release") } else { self.target.join(self.folder_for_profile("site")) }
    }

    pub fn pkg(&self) -> PathBuf {
        self.site().join("pkg")
    }

    /// Scratch space for intermediate files and stamps.
    pub fn work(&self) -> PathBuf {
        self.target.join(self.folder_for_profile("site-work"))
    }

    fn folder_for_profile(&self, folder: &str) -> String {
        match self.profile {
            Profile::Debug => folder.to_owned(),
            Profile::Test => format!("{folder}-test"),
            Profile::Release => format!("{folder}-release"),
        }
    }

    /// Returns whether each page becomes its own chunk. Splitting takes too long for a build after an edit.
    pub fn split(&self) -> bool {
        self.profile != Profile::Debug
    }

    /// The environment variable that shows the server its site. A release embeds its site and needs none.
    pub fn server_env(&self) -> Option<(&'static str, PathBuf)> {
        (!self.release()).then(|| ("LEPTOS_SITE_ROOT", self.site()))
    }
}

fn profile_dir(profile: &str) -> &str {
    if profile == "dev" { "debug" } else { profile }
}
