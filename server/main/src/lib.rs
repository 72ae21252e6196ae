//! The binary's inside: configuration, command line, router, cookies, downloads, events, terminals.
//!
//! Deliberately absent: rules (`control`), pages (`console`) and SQL (`store`). What is here only translates.

pub mod cli;
pub mod config;
mod cookies;
mod download;
mod live;
mod metrics;
mod pages;
mod refusal;
mod router;
mod sign_in;
pub mod site;
mod terminal;

pub use api::ROUTES as API_ROUTES;
pub use pages::paths;
pub use router::{ROUTES, router};

use axum::extract::FromRef;
use config::Settings;
use console::document::Names;
use control::Control;
use leptos::prelude::LeptosOptions;
use site::Site;
use std::sync::Arc;

/// What every handler can reach.
#[derive(Clone)]
pub struct App {
    pub control: Control,
    pub settings: Arc<Settings>,
    pub site: Site,
    /// What the site's files are called.
    pub names: Arc<Names>,
    /// Differs between any two builds of this program; a page that came with another one is told to reload.
    pub build: Arc<str>,
}

/// Leptos wants settings; where the site is and what its files are called does not come from there.
impl FromRef<App> for LeptosOptions {
    fn from_ref(_: &App) -> Self {
        LeptosOptions::builder().output_name("console").build()
    }
}
