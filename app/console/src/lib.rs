//! The console: document, frame, pages, routes, and the server functions that pages call.
//!
//! A page is loader, columns, row actions, view, in this order. Deliberately absent: rules. A server function is one call of
//! one method of `control`, and the pages only hide what the permission table in `types` does not allow.

#![recursion_limit = "256"]

mod act;
pub mod api;
mod choices;
mod columns;
mod dialog;
pub mod document;
mod download;
mod form;
mod frame;
mod group_names;
pub mod headers;
mod history;
mod list_page;
pub mod live;
pub mod page_start;
mod pages;
pub mod paths;
mod problem_view;
mod request;
pub mod sign_in;
mod slots;
pub mod table;
pub mod theme;

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::{Lazy, SsrMode, path};

/// The whole console. Every page is a lazy route, so that a table never pays for a terminal.
#[component]
pub fn App() -> impl IntoView {
    leptos_meta::provide_meta_context();
    view! {
        <leptos_meta::Title formatter=|title: String| if title.is_empty() { "Yardmaster".into() } else { format!("{title} · Yardmaster") }/>
        <Router>
            <Routes fallback=|| view! { <frame::NotFound/> }>
                <Route path=path!("sign-in") view={Lazy::<pages::SignInRoute>::new()} ssr=SsrMode::Async/>
                <Route path=path!("forgotten-password") view={Lazy::<pages::ForgottenRoute>::new()} ssr=SsrMode::Async/>
                <Route path=path!("new-password") view={Lazy::<pages::NewPasswordRoute>::new()} ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=frame::Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=|| view! { <Redirect path=paths::SESSIONS/> }/>
                    <Route path=path!("sessions") view={Lazy::<pages::SessionsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("session/start") view={Lazy::<pages::LauncherRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("scheduler") view={Lazy::<pages::SchedulerRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("users") view={Lazy::<pages::UsersRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("credentials") view={Lazy::<pages::CredentialsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("projects") view={Lazy::<pages::ProjectsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("domains") view={Lazy::<pages::DomainsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("agents") view={Lazy::<pages::AgentsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-groups") view={Lazy::<pages::GroupsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-policy") view={Lazy::<pages::KeypairPoliciesRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-policy/user") view={Lazy::<pages::UserPoliciesRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-policy/project") view={Lazy::<pages::ProjectPoliciesRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-presets") view={Lazy::<pages::PresetsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("settings") view={Lazy::<pages::SettingsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("maintenance") view={Lazy::<pages::MaintenanceRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("audit") view={Lazy::<pages::AuditRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("account") view={Lazy::<pages::AccountRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("gallery") view={Lazy::<pages::GalleryRoute>::new()} ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
