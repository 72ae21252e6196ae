//! Files made on the fly: lists as CSV, streamed row by row, and a session's log. Whoever asks for a list may say what its file
//! is called: `?name=…`.

mod limits;
mod name;

pub use limits::{keypair_policies, project_policies, resource_groups, resource_presets, user_policies};

use crate::refusal::Refusal;
use crate::{App, cookies};
use axum::body::Body;
use axum::extract::{Extension, Path, Query, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use control::{Caller, Result};
use futures::{Stream, StreamExt, stream};
use name::{disposition, file_name};
use types::Problem;
use types::list::{ListQuery, ListSpec};
use types::people::keypairs::{KEYPAIRS, KeypairRow};
use types::people::users::{USERS, UserRow};
use types::projects::{DOMAINS, DomainRow, PROJECTS, ProjectRow};
use types::quantity::{CPU, MEM, bytes, describe};
use types::sessions::Cluster;
use types::sessions::{SESSIONS, SessionRow};
use types::system::audit::{AUDIT, AuditRow};
use types::time::Millis;

fn query(spec: &ListSpec, raw: Option<&str>) -> ListQuery {
    let pairs: Vec<(String, String)> = serde_urlencoded(raw.unwrap_or_default());
    ListQuery::parse(spec, pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The decoded pairs of a query string.
fn serde_urlencoded(raw: &str) -> Vec<(String, String)> {
    let uri: axum::http::Uri = format!("/?{raw}").parse().unwrap_or_default();
    axum::extract::Query::try_from_uri(&uri).map(|axum::extract::Query(pairs)| pairs).unwrap_or_default()
}

/// `GET /export/users.csv`
pub async fn users(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let header =
        ["User ID", "Username", "Full name", "Domain", "Projects", "Role", "Status", "Description", "Created", "Modified"];
    let row = |user: UserRow| {
        vec![
            user.email,
            user.username,
            user.full_name,
            user.domain,
            user.projects.join(", "),
            user.role.label().into(),
            user.status.label().into(),
            user.description,
            user.created_at.iso(),
            user.modified_at.iso(),
        ]
    };
    match app.control.all_users(&caller, query(&USERS, raw.as_deref())) {
        Ok(rows) => csv_file(&file_name(raw.as_deref(), "users"), &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/keypairs.csv`
pub async fn keypairs(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let header = ["Access key", "User ID", "Main", "Active", "Resource policy", "Rate limit", "Requests", "Created", "Last used"];
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    let row = move |keypair: KeypairRow| {
        vec![
            keypair.access_key,
            keypair.owner,
            yes(keypair.main),
            yes(keypair.active),
            keypair.policy,
            keypair.rate_limit.to_string(),
            keypair.queries.to_string(),
            keypair.created_at.iso(),
            keypair.last_used.map(Millis::iso).unwrap_or_default(),
        ]
    };
    match app.control.all_keypairs(&caller, query(&KEYPAIRS, raw.as_deref())) {
        Ok(rows) => csv_file(&file_name(raw.as_deref(), "keypairs"), &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/projects.csv`
pub async fn projects(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let header = [
        "Project ID",
        "Name",
        "Domain",
        "Type",
        "Status",
        "Members",
        "Resource policy",
        "Allowed hosts",
        "Description",
        "Created",
    ];
    let row = |project: ProjectRow| {
        vec![
            project.id.to_string(),
            project.name,
            project.domain,
            project.kind.label().into(),
            if project.active { "Active" } else { "Inactive" }.into(),
            project.members.to_string(),
            project.policy,
            project.hosts.into_keys().collect::<Vec<_>>().join(", "),
            project.description,
            project.created_at.iso(),
        ]
    };
    match app.control.all_projects(&caller, query(&PROJECTS, raw.as_deref())) {
        Ok(rows) => csv_file(&file_name(raw.as_deref(), "projects"), &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/domains.csv`
pub async fn domains(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let header = ["Domain ID", "Name", "Status", "Projects", "People", "Description", "Created"];
    let row = |domain: DomainRow| {
        vec![
            domain.id.to_string(),
            domain.name,
            if domain.active { "Active" } else { "Inactive" }.into(),
            domain.projects.to_string(),
            domain.people.to_string(),
            domain.description,
            domain.created_at.iso(),
        ]
    };
    match app.control.all_domains(&caller, query(&DOMAINS, raw.as_deref())) {
        Ok(rows) => csv_file(&file_name(raw.as_deref(), "domains"), &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/audit.csv`
pub async fn audit(State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery) -> Response {
    let header = ["When", "Who", "Action", "Of what", "From where", "Detail"];
    let row = |record: AuditRow| {
        vec![record.at.iso(), record.actor_email, record.action, record.subject, record.address, record.detail]
    };
    match app.control.all_audit(&caller, query(&AUDIT, raw.as_deref())) {
        Ok(rows) => csv_file(&file_name(raw.as_deref(), "audit"), &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// `GET /export/sessions.csv`
pub async fn sessions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    // What the page shows: of the project that is chosen in the header.
    let project = cookies::read(&headers, "project").and_then(|id| id.parse().ok());
    let header = [
        "Session ID",
        "Name",
        "Type",
        "Status",
        "Status info",
        "Owner",
        "Project",
        "Resource group",
        "Environment",
        "Agent",
        "CPU",
        "Memory",
        "AI accelerator",
        "Cluster mode",
        "Cluster size",
        "Priority",
        "Created",
        "Started",
        "Ended",
    ];
    let row = |session: SessionRow| {
        let (cpu, mem) = (session.cpu(), session.mem());
        let (agents, accelerators) = (agents(&session), accelerators(&session));
        let time = |at: Option<Millis>| at.map(Millis::iso).unwrap_or_default();
        vec![
            session.id.to_string(),
            session.name,
            session.kind.label().into(),
            session.status.key().into(),
            session.info,
            session.owner_email,
            session.project,
            session.resource_group,
            session.image,
            agents,
            cpu.to_string(),
            bytes(mem),
            accelerators,
            session.cluster.mode.label().into(),
            session.cluster.size.to_string(),
            session.priority.to_string(),
            session.created_at.iso(),
            time(session.started_at),
            time(session.ended_at),
        ]
    };
    match app.control.all_sessions(&caller, query(&SESSIONS, raw.as_deref()), project) {
        Ok(rows) => csv_file(&file_name(raw.as_deref(), "sessions"), &header, rows, row),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// Each agent that a session is on, once, in the order of its containers.
fn agents(session: &SessionRow) -> String {
    let mut names: Vec<&str> = Vec::new();
    for agent in &session.agents {
        if !names.contains(&agent.as_str()) {
            names.push(agent);
        }
    }
    names.join(", ")
}

/// What a session asks for beside cores and memory, for all its containers together.
fn accelerators(session: &SessionRow) -> String {
    let all = session.cluster.of_all(&session.slots);
    let others = all.0.iter().filter(|(slot, _)| *slot != CPU && *slot != MEM).map(|(slot, amount)| describe(slot, *amount));
    others.collect::<Vec<_>>().join(", ")
}

/// Rows that are written in one piece of the answer.
const ROWS_PER_PIECE: usize = 500;

fn csv_file<T: Send + 'static>(
    name: &str,
    header: &[&str],
    rows: impl Stream<Item = Result<T>> + Send + 'static,
    row: impl Fn(T) -> Vec<String> + Send + 'static,
) -> Response {
    let first = stream::once(std::future::ready(line(header.iter().copied().map(String::from).collect())));
    let rest = rows.map(move |item| item.and_then(|item| line(row(item)))).chunks(ROWS_PER_PIECE);
    // A failure half-way cuts the file off, so that a client sees an unfinished download and not a short list.
    let pieces = rest.map(|lines| lines.into_iter().collect::<Result<Vec<_>>>().map(|lines| lines.concat()));
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, disposition(name)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, Body::from_stream(first.chain(pieces).fuse())).into_response()
}

fn line(cells: Vec<String>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.into_iter().map(defused)).map_err(control::internal("writing a row"))?;
    writer.into_inner().map_err(control::internal("writing a row"))
}

/// A cell that a spreadsheet would run as a formula is marked as text.
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// Which of a session's containers is meant.
#[derive(serde::Deserialize)]
pub struct Which {
    /// Its number; the main one without.
    #[serde(default)]
    container: u32,
}

/// `GET /sessions/{id}/log?container=N`: the whole log of one of its containers as a text file.
pub async fn log(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(Which { container }): Query<Which>,
) -> Response {
    let Ok(id) = id.parse() else { return Refusal(Problem::NotFound("session".into())).into_response() };
    let session = match app.control.session(&caller, id).await {
        Ok(session) => session,
        Err(problem) => return Refusal(problem).into_response(),
    };
    if container >= session.row.cluster.size {
        return Refusal(Problem::NotFound("container".into())).into_response();
    }
    let part = if container == 0 { String::new() } else { format!("-{}", Cluster::host_name(container)) };
    let pieces = stream::unfold(Some(0), move |from: Option<u64>| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let from = from?;
            match app.control.session_log(&caller, id, container, from, false).await {
                Ok(chunk) if chunk.text.is_empty() => None,
                Ok(chunk) => Some((Ok(chunk.text), (chunk.next > from).then_some(chunk.next))),
                Err(problem) => Some((Err(problem), None)),
            }
        }
    });
    // Names are letters, digits, “-”, “_” and “.”: safe in a header.
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}{part}.log\"", session.row.name)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    // Fused: compression asks once more after the end.
    (headers, Body::from_stream(pieces.fuse())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let text = String::from_utf8(line(vec!["=1+1".into(), "a,\"b\"".into(), "plain".into()]).unwrap()).unwrap();
        assert_eq!(text, "'=1+1,\"a,\"\"b\"\"\",plain\n");
    }
}
