//! The frame around every page of a signed-in person: menu, header, banners, notices.

mod header;
mod menu;
mod notices;
pub mod progress;

use crate::live::{Line, Live};
use crate::missing::READ_ONLY;
use crate::page_start::{self, Start};
use crate::{paths, problem_view};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use types::id::ProjectId;
use types::people::permissions::{Me, Permission};
use ui::provide_toaster;

/// The person whose console this is.
pub fn use_me() -> Me {
    // Every page is inside the frame, which provides it before the page renders.
    expect_context::<Me>()
}

/// The project chosen in the header.
#[derive(Clone, Copy)]
pub struct ChosenProject(pub RwSignal<Option<ProjectId>>);

/// The page inside the frame.
#[component]
pub fn Frame() -> impl IntoView {
    match page_start::of_page() {
        Some(Ok(start)) => frame(start),
        Some(Err(problem)) => problem_view::problem_view(&problem),
        None => anew(),
    }
}

/// Reloads the whole page from the server: somebody came back from outside the frame, such as the sign-in page.
fn anew() -> AnyView {
    Effect::new(|_| {
        // If the browser refuses, the sentence below stays.
        let _ = window().location().reload();
    });
    view! { <p class="shell-alone">"Loading the page…"</p> }.into_any()
}

fn frame(start: Start) -> AnyView {
    let live = Live::default();
    provide_context(live);
    provide_context(start.me.clone());
    let project = ChosenProject(RwSignal::new(start.project));
    provide_context(project);
    provide_toaster();
    ui::provide_clock();
    crate::looks::follow_keys();
    let progress = progress::provide();
    #[cfg(not(feature = "ssr"))]
    {
        let (last, build) = (start.last_event, start.build.clone());
        Effect::new(move |_| live.follow(last, build.clone()));
    }
    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <div class="shell">
            {menu::menu(&start.me)}
            <div class="shell-body">
                {header::header(&start)}
                {progress.line()}
                <div class="banners" aria-live="polite">
                    <p class="banner banner-warn" id=READ_ONLY hidden>"Part of the console could not be loaded, so this page can only be read. "<a href="" rel="external">"Load it again"</a></p>
                    <p class="banner banner-warn without-scripts">"JavaScript is off: the console is read-only."</p>
                    <Show when=move || live.line.get() == Line::Down>
                        <p class="banner banner-warn">"No connection to the server. This page may be out of date; trying again…"</p>
                    </Show>
                    {start.simulated.then(|| view! {
                        <p class="banner banner-warn">"Simulated: agents and sessions come from a scenario, and nothing really runs."</p>
                    })}
                    {(start.unisolated && start.me.may(Permission::ReadAgents)).then(|| view! {
                        <p class="banner banner-warn">"Sessions are not isolated from each other or from the machine. "<a href=paths::AGENTS>"See the agents"</a></p>
                    })}
                    {start.me.must_change_password.then(|| view! {
                        <p class="banner banner-warn">"Somebody else chose your password. "<a href=paths::ACCOUNT>"Change it in your account"</a></p>
                    })}
                    <Show when=move || live.outdated.get()>
                        <p class="banner">"A new version of the console is available. "<a href="" rel="external">"Reload the page"</a></p>
                    </Show>
                </div>
                <main id="main" class="shell-main" tabindex="-1" inert=move || progress.is_leaving()>
                    <Outlet/>
                </main>
            </div>
        </div>
        <ui::Toaster/>
    }
    .into_any()
}

/// The page for unknown addresses.
#[component]
pub fn NotFound() -> impl IntoView {
    crate::request::set_status(404);
    crate::live::when_alive(|| ());
    let way = view! { <a class="button" href=paths::SESSIONS rel="external">"Go to sessions"</a> }.into_any();
    let text = "There is no page at this address. It may have moved, or the link may be incomplete.".to_owned();
    view! { <main class="shell-alone">{problem_view::message(404, "Page not found", text, way)}</main> }
}

/// A page's title and menu group.
#[derive(Clone, Copy)]
pub struct Head {
    pub title: &'static str,
    /// The group of the menu that the page is in; empty for none.
    pub group: &'static str,
}

/// A page's heading with its breadcrumb, and its title in the browser.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] group: String,
    /// Whether it stands above a placeholder of the page.
    #[prop(optional)]
    waiting: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    if !waiting {
        progress::arrived();
    }
    let crumb = (!group.is_empty()).then(|| view! { <li>{group}</li> });
    view! {
        <leptos_meta::Title text=title.clone()/>
        <header class="page-head">
            {crumb.map(|crumb| view! {
                <nav aria-label="Breadcrumb" class="breadcrumb">
                    <ol>
                        {crumb}
                        <li aria-current="page">{title.clone()}</li>
                    </ol>
                </nav>
            })}
            <div class="page-title">
                <h1 tabindex="-1">{title}</h1>
                {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
            </div>
        </header>
    }
}
