//! Where everything lies: the folders of a build and the names both cargo and the server expect.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// `LEPTOS_OUTPUT_NAME`, as set in .cargo/config.toml: the stem of the site's main files.
pub const OUTPUT_NAME: &str = "console";
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    /// The debug server with a console that browsers load in half the time: for all browser tests together, which wait for
    /// pages more than for anything else. After an edit it builds four times as long.
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
            Some(dir) => std::path::absolute(dir).context("CARGO_TARGET_DIR is no usable path")?,
            None => root.join("target"),
        };
        Ok(Context { root, target, profile })
    }

    pub fn release(&self) -> bool {
        self.profile == Profile::Release
    }

    /// The browser crate has a target folder of its own, so its builds and the server's never wait for or undo each other.
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

    /// What `rustc` leaves of the browser crate, before splitting and binding.
    pub fn front_wasm(&self) -> PathBuf {
        self.front_target().join(WASM_TARGET).join(profile_dir(self.front_profile())).join("frontend.wasm")
    }

    pub fn server_bin(&self) -> PathBuf {
        self.target.join(profile_dir(self.server_profile())).join("yardmaster")
    }

    /// One folder per profile: a debug build must not pull the files from under a running server. The release's is where
    /// `server/main/src/site/embedded.rs` takes it from, whatever CARGO_TARGET_DIR says.
    pub fn site(&self) -> PathBuf {
        if self.release() { self.root.join("target/site-release") } else { self.target.join(self.named("site")) }
    }

    pub fn pkg(&self) -> PathBuf {
        self.site().join("pkg")
    }

    /// Scratch space for half-made files and stamps.
    pub fn work(&self) -> PathBuf {
        self.target.join(self.named("site-work"))
    }

    fn named(&self, folder: &str) -> String {
        match self.profile {
            Profile::Debug => folder.to_owned(),
            Profile::Test => format!("{folder}-test"),
            Profile::Release => format!("{folder}-release"),
        }
    }

    /// Whether each page is a chunk of its own. Cutting takes longer than an edit should.
    pub fn split(&self) -> bool {
        self.profile != Profile::Debug
    }

    /// What the server must be told at run time. A release carries its site.
    pub fn server_env(&self) -> Option<(&'static str, PathBuf)> {
        (!self.release()).then(|| ("LEPTOS_SITE_ROOT", self.site()))
    }
}

fn profile_dir(profile: &str) -> &str {
    if profile == "dev" { "debug" } else { profile }
}
