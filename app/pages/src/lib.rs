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
use leptos_router::{Lazy, LazyRoute, SsrMode, path};

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

/// One page as a lazy route: its type, the name of its chunk, and the function that makes it.
///
/// Written with the splitter's own attribute, since `#[lazy_route]` gives up on the whole console when a chunk cannot be fetched.
macro_rules! page {
    ($(#[$doc:meta])* $route:ident, $chunk:ident, $page:path) => {
        $(#[$doc])*
        pub struct $route;

        mod $chunk {
            use console::missing::Missing;
            use leptos::prelude::*;

            #[cfg(feature = "hydrate")]
            #[leptos::wasm_split::wasm_split($chunk, wasm_split_path = ::leptos::wasm_split, preload(fetch), fallible)]
            pub fn view() -> Result<AnyView, Missing> {
                Ok($page())
            }

            #[cfg(not(feature = "hydrate"))]
            pub async fn view() -> Result<AnyView, Missing> {
                leptos::prefetch_lazy_fn_on_server(stringify!($chunk));
                Ok($page())
            }
        }

        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                console::missing::view_or_missing($chunk::view().await).await
            }

            async fn preload() {
                // A failure is met again, and shown, when the page is made.
                #[cfg(feature = "hydrate")]
                drop($chunk::fetch().await);
            }
        }
    };
}

page!(
    /// `/sign-in`
    SignInRoute,
    sign_in_page,
    pages_people::sign_in::page
);
page!(
    /// `/forgotten-password`
    ForgottenRoute,
    forgotten_page,
    pages_people::sign_in::forgotten::page
);
page!(
    /// `/new-password`
    NewPasswordRoute,
    new_password_page,
    pages_people::sign_in::new_password::page
);
page!(
    /// `/sessions`
    SessionsRoute,
    sessions_page,
    pages_sessions::page
);
page!(
    /// `/session/start`
    LauncherRoute,
    launcher_page,
    pages_sessions::launcher::page
);
page!(
    /// `/scheduler`
    SchedulerRoute,
    scheduler_page,
    pages_sessions::scheduler::page
);
page!(
    /// `/users`
    UsersRoute,
    users_page,
    pages_people::users::page
);
page!(
    /// `/credentials`
    CredentialsRoute,
    credentials_page,
    pages_people::keypairs::page
);
page!(
    /// `/projects`
    ProjectsRoute,
    projects_page,
    pages_projects::page
);
page!(
    /// `/domains`
    DomainsRoute,
    domains_page,
    pages_projects::domains::page
);
page!(
    /// `/agents`
    AgentsRoute,
    agents_page,
    pages_cluster::agents::page
);
page!(
    /// `/resource-policy`
    KeypairPoliciesRoute,
    keypair_policies_page,
    pages_limits::policies::keypair::page
);
page!(
    /// `/resource-policy/user`
    UserPoliciesRoute,
    user_policies_page,
    pages_limits::policies::user::page
);
page!(
    /// `/resource-policy/project`
    ProjectPoliciesRoute,
    project_policies_page,
    pages_limits::policies::project::page
);
page!(
    /// `/resource-presets`
    PresetsRoute,
    presets_page,
    pages_limits::presets::page
);
page!(
    /// `/settings`
    SettingsRoute,
    settings_page,
    pages_system::settings::page
);
page!(
    /// `/maintenance`
    MaintenanceRoute,
    maintenance_page,
    pages_system::maintenance::page
);
page!(
    /// `/resource-groups`
    GroupsRoute,
    resource_groups_page,
    pages_cluster::resource_groups::page
);
page!(
    /// `/audit`
    AuditRoute,
    audit_page,
    pages_system::audit::page
);
page!(
    /// `/account`
    AccountRoute,
    account_page,
    pages_people::account::page
);
page!(
    /// `/gallery`, in debug builds
    GalleryRoute,
    gallery_page,
    crate::gallery::page
);
