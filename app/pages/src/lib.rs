//! The console as a whole: its routes, and the document around them. A page is a lazy route with a chunk of its own.
//!
//! The pages are in one crate for each room (`app/pages/people`), so that an edit of one page compiles its room alone; they share
//! nothing but what is in `console`. Deliberately absent here: anything but the list of pages.

#![recursion_limit = "256"]

pub mod document;
mod gallery;

use console::paths;
use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::{Lazy, LazyRoute, SsrMode, lazy_route, path};

/// The whole console. Every page is a lazy route, so that a table never pays for a terminal.
#[component]
pub fn App() -> impl IntoView {
    leptos_meta::provide_meta_context();
    view! {
        <leptos_meta::Title formatter=|title: String| if title.is_empty() { "Yardmaster".into() } else { format!("{title} · Yardmaster") }/>
        <Router>
            <Routes fallback=|| view! { <console::frame::NotFound/> }>
                <Route path=path!("sign-in") view={Lazy::<SignInRoute>::new()} ssr=SsrMode::Async/>
                <Route path=path!("forgotten-password") view={Lazy::<ForgottenRoute>::new()} ssr=SsrMode::Async/>
                <Route path=path!("new-password") view={Lazy::<NewPasswordRoute>::new()} ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=console::frame::Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=|| view! { <Redirect path=paths::SESSIONS/> }/>
                    <Route path=path!("sessions") view={Lazy::<SessionsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("session/start") view={Lazy::<LauncherRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("scheduler") view={Lazy::<SchedulerRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("users") view={Lazy::<UsersRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("credentials") view={Lazy::<CredentialsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("projects") view={Lazy::<ProjectsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("domains") view={Lazy::<DomainsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("agents") view={Lazy::<AgentsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-groups") view={Lazy::<GroupsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-policy") view={Lazy::<KeypairPoliciesRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-policy/user") view={Lazy::<UserPoliciesRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-policy/project") view={Lazy::<ProjectPoliciesRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("resource-presets") view={Lazy::<PresetsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("settings") view={Lazy::<SettingsRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("maintenance") view={Lazy::<MaintenanceRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("audit") view={Lazy::<AuditRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("account") view={Lazy::<AccountRoute>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("gallery") view={Lazy::<GalleryRoute>::new()} ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

macro_rules! page {
    ($(#[$doc:meta])* $route:ident, $page:path) => {
        $(#[$doc])*
        pub struct $route;

        #[lazy_route]
        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            fn view(_this: Self) -> AnyView {
                $page()
            }
        }
    };
}

page!(
    /// `/sign-in`
    SignInRoute,
    pages_people::sign_in::page
);
page!(
    /// `/forgotten-password`
    ForgottenRoute,
    pages_people::sign_in::forgotten::page
);
page!(
    /// `/new-password`
    NewPasswordRoute,
    pages_people::sign_in::new_password::page
);
page!(
    /// `/sessions`
    SessionsRoute,
    pages_sessions::page
);
page!(
    /// `/session/start`
    LauncherRoute,
    pages_sessions::launcher::page
);
page!(
    /// `/scheduler`
    SchedulerRoute,
    pages_sessions::scheduler::page
);
page!(
    /// `/users`
    UsersRoute,
    pages_people::users::page
);
page!(
    /// `/credentials`
    CredentialsRoute,
    pages_people::keypairs::page
);
page!(
    /// `/projects`
    ProjectsRoute,
    pages_projects::page
);
page!(
    /// `/domains`
    DomainsRoute,
    pages_projects::domains::page
);
page!(
    /// `/agents`
    AgentsRoute,
    pages_cluster::agents::page
);
page!(
    /// `/resource-policy`
    KeypairPoliciesRoute,
    pages_limits::policies::keypair::page
);
page!(
    /// `/resource-policy/user`
    UserPoliciesRoute,
    pages_limits::policies::user::page
);
page!(
    /// `/resource-policy/project`
    ProjectPoliciesRoute,
    pages_limits::policies::project::page
);
page!(
    /// `/resource-presets`
    PresetsRoute,
    pages_limits::presets::page
);
page!(
    /// `/settings`
    SettingsRoute,
    pages_system::settings::page
);
page!(
    /// `/maintenance`
    MaintenanceRoute,
    pages_system::maintenance::page
);
page!(
    /// `/resource-groups`
    GroupsRoute,
    pages_cluster::resource_groups::page
);
page!(
    /// `/audit`
    AuditRoute,
    pages_system::audit::page
);
page!(
    /// `/account`
    AccountRoute,
    pages_people::account::page
);
page!(
    /// `/gallery`, in debug builds
    GalleryRoute,
    gallery::page
);
