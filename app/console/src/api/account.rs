//! The caller's own things: who they are, their sign-ins, their columns.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use types::Problem;
use types::id::{ProjectId, SignInId};
use types::list::ColumnLayout;
use types::permission::Me;
use types::user::SignIn;

/// What the frame of every page needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Start {
    pub me: Me,
    pub projects: Vec<(ProjectId, String)>,
    /// The project chosen in the header.
    pub project: Option<ProjectId>,
    /// The event to follow on from.
    pub last_event: i64,
    /// What the server runs; another one later means that this page is old.
    pub build: String,
}

/// The build that this server runs, given to pages by the binary.
#[derive(Clone, Debug)]
pub struct Build(pub String);

#[server(name = StartCall, prefix = "/call", endpoint = "start", input = Json)]
pub async fn start() -> Result<Start, Problem> {
    super::run(|control, caller| async move {
        let me = caller.me().cloned().ok_or(Problem::SignInRequired)?;
        let last_event = *control.events_grew(&caller)?.borrow();
        let projects = control.my_projects(&caller).await?;
        let chosen = crate::document::cookie("project").and_then(|id| id.parse().ok());
        let project = projects.iter().map(|(id, _)| *id).find(|id| Some(*id) == chosen).or(projects.first().map(|(id, _)| *id));
        let build = use_context::<Build>().map(|build| build.0).unwrap_or_default();
        Ok(Start { me, projects, project, last_event, build })
    })
    .await
}

#[server(prefix = "/call", endpoint = "sign_ins", input = Json)]
pub async fn sign_ins() -> Result<Vec<SignIn>, Problem> {
    super::run(|control, caller| async move { control.sign_ins(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "end_sign_in", input = Json)]
pub async fn end_sign_in(id: SignInId) -> Result<(), Problem> {
    super::run(|control, caller| async move { control.end_sign_in(&caller, id).await }).await
}

#[server(prefix = "/call", endpoint = "columns", input = Json)]
pub async fn columns(table: String) -> Result<ColumnLayout, Problem> {
    super::run(|control, caller| async move { control.columns(&caller, &table).await }).await
}

#[server(prefix = "/call", endpoint = "set_columns", input = Json)]
pub async fn set_columns(table: String, layout: ColumnLayout) -> Result<(), Problem> {
    super::run(|control, caller| async move { control.set_columns(&caller, &table, &layout).await }).await
}
