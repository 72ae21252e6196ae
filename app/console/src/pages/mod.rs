//! The pages. Each is a lazy route with a chunk of its own; the split build finds them by these types.

mod account;
mod agents;
mod audit;
mod credentials;
mod domains;
mod gallery;
mod groups;
mod launcher;
mod maintenance;
mod policies;
mod presets;
mod projects;
mod scheduler;
mod sessions;
mod settings;
mod sign_in;
mod users;

use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

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
    sign_in::page
);
page!(
    /// `/forgotten-password`
    ForgottenRoute,
    sign_in::forgotten::page
);
page!(
    /// `/new-password`
    NewPasswordRoute,
    sign_in::new_password::page
);
page!(
    /// `/sessions`
    SessionsRoute,
    sessions::page
);
page!(
    /// `/session/start`
    LauncherRoute,
    launcher::page
);
page!(
    /// `/scheduler`
    SchedulerRoute,
    scheduler::page
);
page!(
    /// `/users`
    UsersRoute,
    users::page
);
page!(
    /// `/credentials`
    CredentialsRoute,
    credentials::page
);
page!(
    /// `/projects`
    ProjectsRoute,
    projects::page
);
page!(
    /// `/domains`
    DomainsRoute,
    domains::page
);
page!(
    /// `/agents`
    AgentsRoute,
    agents::page
);
page!(
    /// `/resource-policy`
    KeypairPoliciesRoute,
    policies::keypair::page
);
page!(
    /// `/resource-policy/user`
    UserPoliciesRoute,
    policies::user::page
);
page!(
    /// `/resource-policy/project`
    ProjectPoliciesRoute,
    policies::project::page
);
page!(
    /// `/resource-presets`
    PresetsRoute,
    presets::page
);
page!(
    /// `/settings`
    SettingsRoute,
    settings::page
);
page!(
    /// `/maintenance`
    MaintenanceRoute,
    maintenance::page
);
page!(
    /// `/resource-groups`
    GroupsRoute,
    groups::page
);
page!(
    /// `/audit`
    AuditRoute,
    audit::page
);
page!(
    /// `/account`
    AccountRoute,
    account::page
);
page!(
    /// `/gallery`, in debug builds
    GalleryRoute,
    gallery::page
);
