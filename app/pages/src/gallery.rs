//! Every component in each of its states, for people who build pages. Absent from release builds.

use leptos::prelude::*;

pub fn page() -> AnyView {
    console::live::when_alive(|| ());
    if cfg!(debug_assertions) {
        view! { <leptos_meta::Title text="Gallery"/><ui::gallery::Gallery/> }.into_any()
    } else {
        view! { <console::frame::NotFound/> }.into_any()
    }
}
