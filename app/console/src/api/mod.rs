//! Server functions: the requests that pages make to the server. Each is one call of one method of `control`, which decides; this
//! module adds only the transport. The paths are `/call/<name>`; they belong to this console and are not a public API.

pub mod cluster;
pub mod limits;
pub mod people;
pub mod projects;
pub mod sessions;
pub mod system;

#[cfg(feature = "ssr")]
use {
    control::Caller, control::Control, futures::FutureExt, leptos::prelude::use_context, std::panic::AssertUnwindSafe,
    types::Problem,
};

/// Runs a server function's body with the caller of this request. A panic becomes an answer, and the response gets the matching
/// status.
#[cfg(feature = "ssr")]
pub(crate) async fn run<T, F>(work: impl FnOnce(Control, Caller) -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    let caller = use_context::<http::request::Parts>().and_then(|parts| parts.extensions.get::<Caller>().cloned());
    let (Some(control), Some(caller)) = (use_context::<Control>(), caller) else {
        return Err(control::internal("running a server function")("the request has no control plane or caller"));
    };
    // A panic behind an `.await` would leave the page waiting for an answer that never comes.
    let fair = control.clone();
    let asked = caller.clone();
    let result = AssertUnwindSafe(fair.fairly(&asked, work(control, caller))).catch_unwind().await;
    let result = result.unwrap_or_else(|panic| Err(control::panicked(&*panic)));
    if let Err(problem) = &result {
        crate::request::set_status(problem.status());
    }
    result
}
