//! What the frame of every page needs: found by the server before a page is rendered and sent along with it.
//!
//! Deliberately no load of the frame's own: a page inside something that waits would be made twice on the server, asking for
//! its data twice, and the browser would take over one answer in a document made of the other.

use leptos::prelude::*;
use types::Problem;
use types::id::ProjectId;
use types::people::permissions::Me;

/// Who is signed in, and how the cluster stood when the page was made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Start {
    pub me: Me,
    pub projects: Vec<(ProjectId, String)>,
    /// The project chosen in the header; none shows what belongs to any.
    pub project: Option<ProjectId>,
    /// The event to follow on from.
    pub last_event: i64,
    /// Machines and sessions are simulated: nothing really runs.
    pub simulated: bool,
    /// What the server runs; another one later means that this page is old.
    pub build: String,
}

/// What a request for a page carries in its extensions.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug)]
pub struct Found(pub Result<Start, Problem>);

/// Finds it for a request; `chosen` is the project of its cookie.
///
/// # Errors
/// [`Problem::SignInRequired`] for nobody.
#[cfg(feature = "ssr")]
pub async fn find(
    control: &control::Control,
    caller: &control::Caller,
    chosen: Option<&str>,
    (simulated, build): (bool, &str),
) -> Result<Start, Problem> {
    let me = caller.me().cloned().ok_or(Problem::SignInRequired)?;
    // Before anything else is asked: what changes from here on is followed.
    let last_event = *control.events_grew(caller)?.borrow();
    let projects = control.my_projects(caller).await?;
    let chosen = chosen.and_then(|id| id.parse().ok());
    let project = projects.iter().map(|(id, _)| *id).find(|id| Some(*id) == chosen);
    Ok(Start { me, projects, project, last_event, simulated, build: build.to_owned() })
}

/// What came with this page; nothing in a frame that the browser made by itself.
pub fn of_page() -> Option<Result<Start, Problem>> {
    SharedValue::new(|| {
        #[cfg(feature = "ssr")]
        return use_context::<http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Found>().map(|found| found.0.clone()));
        #[cfg(not(feature = "ssr"))]
        return None;
    })
    .into_inner()
}
