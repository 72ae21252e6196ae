//! A problem that takes a page's place: what happened, why, and the way back.

use crate::paths;
use leptos::prelude::*;
use types::Problem;

/// The page or panel for a problem, with the status that a first load answers with.
pub fn problem_view(problem: &Problem) -> AnyView {
    crate::request::set_status(problem.status());
    crate::live::when_alive(|| ());
    crate::frame::progress::arrived();
    let title = match problem {
        Problem::SignInRequired => "You are signed out",
        Problem::Forbidden(_) => "You do not have access",
        Problem::NotFound(_) => "Not found",
        Problem::Offline | Problem::Unavailable(_) => "No response",
        Problem::RateLimited(_) => "Rate limit reached",
        _ => "Something went wrong",
    };
    let way = match problem {
        Problem::SignInRequired => {
            view! { <a class="button button-primary" href=paths::SIGN_IN rel="external">"Sign in"</a> }.into_any()
        }
        Problem::RateLimited(_) => view! { <a class="button" href="" rel="external">"Try again"</a> }.into_any(),
        _ => view! { <a class="button" href=paths::SESSIONS>"Go to sessions"</a> }.into_any(),
    };
    message(problem.status(), title, problem.to_string(), way)
}

/// A page that consists of a message.
pub fn message(status: u16, title: &str, text: String, way: AnyView) -> AnyView {
    view! {
        <leptos_meta::Title text=title.to_owned()/>
        <section class="error-page">
            <p class="error-code" aria-hidden="true">{status}</p>
            <h1 tabindex="-1">{title.to_owned()}</h1>
            <p>{text}</p>
            <p>{way}</p>
        </section>
    }
    .into_any()
}
