//! The pages. Each is a lazy route with a chunk of its own; the split build finds them by these types.

mod cluster;
mod gallery;
mod limits;
mod people;
mod projects;
mod sessions;
mod system;

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
    people::sign_in::page
);
page!(
    /// `/forgotten-password`
    ForgottenRoute,
    people::sign_in::forgotten::page
);
page!(
    /// `/new-password`
    NewPasswordRoute,
    people::sign_in::new_password::page
);
page!(
    /// `/sessions`
    SessionsRoute,
    sessions::page
);
page!(
    /// `/session/start`
    LauncherRoute,
    sessions::launcher::page
);
page!(
    /// `/scheduler`
    SchedulerRoute,
    sessions::scheduler::page
);
page!(
    /// `/users`
    UsersRoute,
    people::users::page
);
page!(
    /// `/credentials`
    CredentialsRoute,
    people::keypairs::page
);
page!(
    /// `/projects`
    ProjectsRoute,
    projects::page
);
page!(
    /// `/domains`
    DomainsRoute,
    projects::domains::page
);
page!(
    /// `/agents`
    AgentsRoute,
    cluster::agents::page
);
page!(
    /// `/resource-policy`
    KeypairPoliciesRoute,
    limits::policies::keypair::page
);
page!(
    /// `/resource-policy/user`
    UserPoliciesRoute,
    limits::policies::user::page
);
page!(
    /// `/resource-policy/project`
    ProjectPoliciesRoute,
    limits::policies::project::page
);
page!(
    /// `/resource-presets`
    PresetsRoute,
    limits::presets::page
);
page!(
    /// `/settings`
    SettingsRoute,
    system::settings::page
);
page!(
    /// `/maintenance`
    MaintenanceRoute,
    system::maintenance::page
);
page!(
    /// `/resource-groups`
    GroupsRoute,
    cluster::resource_groups::page
);
page!(
    /// `/audit`
    AuditRoute,
    system::audit::page
);
page!(
    /// `/account`
    AccountRoute,
    people::account::page
);
page!(
    /// `/gallery`, in debug builds
    GalleryRoute,
    gallery::page
);
