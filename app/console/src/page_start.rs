//! Data for the frame of every page: the server finds it before a page is rendered and sends it along.
//!
//! The frame deliberately has no load of its own: a page inside something that waits would be rendered twice on the server and
//! load its data twice, and the browser would take over one answer in a document made from the other.

use leptos::prelude::*;
use types::Problem;
use types::id::ProjectId;
use types::people::permissions::Me;

/// The signed-in person, and the state of the cluster when the page was rendered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Start {
    pub me: Me,
    pub projects: Vec<(ProjectId, String)>,
    /// The project chosen in the header; `None` shows those of all projects.
    pub project: Option<ProjectId>,
    /// The last event before the page; the stream continues after it.
    pub last_event: i64,
    /// Whether agents and sessions are simulated, so that nothing really runs.
    pub simulated: bool,
    /// Whether sessions run without isolation, which administrators are warned of.
    pub unisolated: bool,
    /// The server's build; if it differs later, this page is out of date.
    pub build: String,
}

/// The extension of a page request that carries this data.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug)]
pub struct Found(pub Result<Start, Problem>);

/// Finds this data for a request; `chosen` is the project of its cookie.
///
/// # Errors
/// [`Problem::SignInRequired`] if nobody is signed in.
#[cfg(feature = "ssr")]
pub async fn find(
    control: &control::Control,
    caller: &control::Caller,
    chosen: Option<&str>,
    (simulated, unisolated, build): (bool, bool, &str),
) -> Result<Start, Problem> {
    let me = caller.me().cloned().ok_or(Problem::SignInRequired)?;
    // Read first, so that every later change is followed.
    let last_event = *control.events_grew(caller)?.borrow();
    let projects = control.my_projects(caller).await?;
    let chosen = chosen.and_then(|id| id.parse().ok());
    let project = projects.iter().map(|(id, _)| *id).find(|id| Some(*id) == chosen);
    Ok(Start { me, projects, project, last_event, simulated, unisolated, build: build.to_owned() })
}

/// Returns the data that came with this page; `None` in a frame that the browser created.
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
