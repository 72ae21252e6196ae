//! The inside of the binary: configuration, command line, router, cookies, downloads, events, terminals.
//!
//! Deliberately absent: rules (`control`), pages (`app/pages`) and SQL (`store`). This crate only translates.

mod address;
mod claim;
pub mod cli;
pub mod config;
pub mod connections;
mod cookies;
mod download;
pub mod layers;
pub mod listen;
mod live;
mod metrics;
mod pages;
mod refusal;
mod router;
mod routes;
mod sign_in;
pub mod site;
mod terminal;
mod trace;

pub use address::Peer;
pub use api::routes as api_routes;
pub use pages::paths;
pub use router::router;
pub use routes::routes;

use ::pages::document::Names;
use axum::extract::FromRef;
use config::Settings;
use control::Control;
use leptos::prelude::LeptosOptions;
use site::Site;
use std::sync::Arc;

/// The state that all handlers share.
#[derive(Clone)]
pub struct App {
    pub control: Control,
    pub settings: Arc<Settings>,
    pub site: Site,
    /// The names of the site's files.
    pub names: Arc<Names>,
    /// By which this installation is told from others on the same host.
    pub installation: Arc<str>,
    /// Whether sessions run without isolation, because an administrator allowed it.
    pub unisolated: bool,
    /// Differs between any two builds of this program; a page from another build is told to reload.
    pub build: Arc<str>,
}

/// Leptos wants settings; where the site is and what its files are called does not come from there.
impl FromRef<App> for LeptosOptions {
    fn from_ref(_: &App) -> Self {
        LeptosOptions::builder().output_name("console").build()
    }
}
