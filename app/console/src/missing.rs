//! A page whose code cannot be fetched: the server is away, the line is, or another build is running by now.
//!
//! Somebody who goes to such a page is led there by a full load as soon as the server answers. A page that came from the server
//! and whose code is missing stays as it is, can be read, and says so. Deliberately absent: fetching, which is the loader's.

use crate::frame::PageHead;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use ui::{Button, Icon, IconName, Variant};

/// A chunk that could not be fetched. Trying again fetches it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

impl From<leptos::wasm_split::SplitLoaderError> for Missing {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// The id of the sentence that the frame hides until a page's code is found missing.
pub const READ_ONLY: &str = "read-only";

/// The page, or what stands in its place. Never answers for a document of the server: its contents are there already, and another
/// view would not fit them.
pub async fn view_or_missing(view: Result<AnyView, Missing>) -> AnyView {
    match view {
        Ok(view) => view,
        Err(Missing) if crate::live::is_alive() => missing(),
        Err(Missing) => {
            if let Some(sentence) = document().get_element_by_id(READ_ONLY) {
                // Where it fails the page is read-only without saying so.
                let _ = sentence.remove_attribute("hidden");
            }
            std::future::pending().await
        }
    }
}

fn missing() -> AnyView {
    let (location, live) = (use_location(), crate::live::use_live());
    let trying = RwSignal::new(true);
    let go = Callback::new(move |()| {
        let address = format!("{}{}", location.pathname.get_untracked(), location.search.get_untracked());
        trying.set(true);
        leptos::task::spawn_local(async move {
            if answers().await {
                // If the browser refuses, the button is still there.
                let _ = window().location().assign(&address);
            }
            trying.try_set(false);
        });
    });
    Effect::new(move |_| {
        if live.line.get() == crate::live::Line::Up {
            go.run(());
        }
    });
    view! {
        <PageHead title="Page not loaded"/>
        <div class="empty" role="alert">
            <Icon name=IconName::Warning/>
            <p class="empty-title">"This page could not be loaded"</p>
            <p>"The server does not answer. The page opens as soon as it does."</p>
            <Button variant=Variant::Primary busy=trying on_press=go>"Try again"</Button>
        </div>
    }
    .into_any()
}

/// Whether the server can be reached.
async fn answers() -> bool {
    #[cfg(not(feature = "ssr"))]
    return gloo_net::http::Request::get("/healthz").send().await.is_ok_and(|answer| answer.ok());
    #[cfg(feature = "ssr")]
    return false;
}
