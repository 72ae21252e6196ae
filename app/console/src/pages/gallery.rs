//! Every component in each of its states, for those who build pages. Not there in a release build.

use leptos::prelude::*;

pub fn page() -> AnyView {
    crate::live::when_alive(|| ());
    if cfg!(debug_assertions) {
        view! { <leptos_meta::Title text="Gallery"/><ui::gallery::Gallery/> }.into_any()
    } else {
        view! { <crate::frame::NotFound/> }.into_any()
    }
}
