//! Routes of one session, by name or id (`docs/spec/api.md`, "One session"). Starting one is in `start`, its events are in
//! `events`, and the sessions that it waits for in `dependencies`.

pub(crate) mod dependencies;
pub(crate) mod events;
pub(crate) mod graphql;
pub(crate) mod start;

use crate::Api;
use crate::problem::{Params, Refused};
use async_graphql::indexmap::IndexMap;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::Caller;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::Problem;
use types::id::{ContainerId, SessionId};
use types::sessions::{SessionDetail, Status};
use types::time::Millis;

/// The most bytes of a log in one answer: its last ones. The console shows the rest.
const LOG_BYTES: usize = 4 << 20;
/// The most pieces of a log that are read for one answer, so that a session that writes faster than this reads cannot hold it up
/// for ever.
const MOST_PIECES: usize = 1_000;
/// The most sessions that match the beginning of a name or id.
const MOST_MATCHES: usize = 20;

/// The session's owner, and how to end it.
#[derive(Deserialize, Default)]
pub struct Which {
    owner_access_key: Option<String>,
    #[serde(default)]
    forced: Option<String>,
    #[serde(default)]
    recursive: Option<String>,
}

impl Which {
    /// A session of the person with this access key; of the caller, if there is none.
    pub(crate) fn of_owner(owner_access_key: Option<String>) -> Self {
        Self { owner_access_key, ..Self::default() }
    }
}

pub(crate) fn answer<T: IntoResponse>(result: Result<T, Problem>) -> Response {
    match result {
        Ok(value) => value.into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

impl Api {
    /// Finds a session by its name or id, or by the beginning of either.
    pub(crate) async fn find_session(&self, caller: &Caller, name: &str, which: &Which) -> Result<SessionDetail, Problem> {
        let owner = which.owner_access_key.as_deref().unwrap_or_default();
        self.control.session_named(caller, owner, name).await
    }

    async fn session_info(&self, caller: &Caller, name: &str, which: &Which) -> Result<Value, Problem> {
        let session = self.find_session(caller, name, which).await?;
        let more = self.control.sessions_more(caller, &[session.row.id]).await?.remove(&session.row.id);
        Ok(session_info(&session, &more.map(|more| more.domain).unwrap_or_default()))
    }

    /// Finds the session that is to be changed or ended, by exactly its name or id.
    pub(crate) async fn session_called(&self, caller: &Caller, name: &str, which: &Which) -> Result<SessionDetail, Problem> {
        let owner = which.owner_access_key.as_deref().unwrap_or_default();
        self.control.session_called(caller, owner, name).await
    }

    /// Ends a session that waits for one that is about to end. If it moved at that moment, it is asked again; if it has ended,
    /// all is well.
    async fn end_dependent(&self, caller: &Caller, id: SessionId, force: bool) -> Result<(), Problem> {
        let mut ended = self.control.terminate(caller, id, force).await;
        if ended.is_err() {
            ended = self.control.terminate(caller, id, force).await;
        }
        if ended.is_err() && self.control.session(caller, id).await?.row.status.is_final() {
            return Ok(());
        }
        ended
    }
}

/// `GET /session/{name}`
pub async fn info(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    answer(api.session_info(&caller, &name, &which).await.map(Json))
}

fn session_info(session: &SessionDetail, domain: &str) -> Value {
    let row = &session.row;
    let all = row.cluster.of_all(&row.slots);
    let slots = json!(all).to_string();
    let until = row.ended_at.unwrap_or(session.now);
    json!({
        "domainName": domain, "groupId": session.project, "userId": row.owner, "lang": row.image, "image": row.image,
        "architecture": "", "registry": "", "tag": null, "containerId": row.id, "occupiedSlots": slots,
        "occupyingSlots": if row.status.occupies() { slots.clone() } else { "{}".into() }, "requestedSlots": slots,
        "occupiedShares": "{}", "environ": json!(session.env.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()).to_string(),
        "resourceOpts": json!({ "shmem": session.shared_memory }).to_string(), "status": row.status.key(),
        "statusInfo": if row.info.is_empty() { "None" } else { &row.info }, "statusData": null,
        "age": until.since(row.created_at), "creationTime": row.created_at.iso(),
        "terminationTime": row.ended_at.map(Millis::iso), "numQueriesExecuted": 0, "lastStat": null,
        "idleChecks": idle_checks(session),
    })
}

/// The checks that may end a session, in Backend.AI's shape: the seconds that are left of each.
pub(crate) fn idle_checks(session: &SessionDetail) -> Value {
    let now = session.now.0;
    let each = session.checks.iter().map(|check| {
        let left = (check.at.0 - now).max(0) / 1000;
        let name = match check.kind {
            types::sessions::CheckKind::IdleTimeout => "network_timeout",
            kind => kind.key(),
        };
        (name.to_owned(), json!({ "remaining": left, "remaining_time_type": "expire_after", "extra": null }))
    });
    Value::Object(each.collect())
}

#[derive(Deserialize)]
pub struct Beginning {
    id: String,
}

/// `GET /session/_/match?id=`
pub async fn matching(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Params(Beginning { id }): Params<Beginning>,
) -> Response {
    let found = api.control.sessions_beginning(&caller, "", &id, MOST_MATCHES).await;
    answer(found.map(|found| {
        let one = |session: &SessionDetail| {
            json!({ "id": session.row.id, "name": session.row.name, "status": session.row.status.key() })
        };
        Json(json!({ "matches": found.iter().map(one).collect::<Vec<_>>() }))
    }))
}

/// Backend.AI's word for the end of a session. A running session counts as ended once it was asked to end.
fn end_word(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::Scheduled | Status::Cancelled => "cancelled",
        Status::Error => "error",
        Status::Preparing | Status::Running | Status::Terminating | Status::Terminated => "terminated",
    }
}

/// `DELETE /session/{name}`
pub async fn terminate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    let yes = |word: &Option<String>| word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("true") || word == "1");
    let (force, recursive) = (yes(&which.forced), yes(&which.recursive));
    let ended = async {
        let session = api.session_called(&caller, &name, &which).await?;
        if recursive {
            let mut first = Ok(());
            for dependent in api.control.dependents(&caller, session.row.id).await? {
                // If one stays, the others end all the same. The answer names the failure and the session stays too, so that the
                // same request can finish the rest.
                first = first.and(api.end_dependent(&caller, dependent, force).await);
            }
            first?;
        }
        api.control.terminate(&caller, session.row.id, force).await?;
        // It may have moved between the first look and its end. It was asked to end, whatever this second look finds.
        let after = api.control.session(&caller, session.row.id).await.map_or(session.row.status, |after| after.row.status);
        Ok(Json(json!({ "stats": { "status": end_word(after) } })))
    };
    answer(ended.await)
}

#[derive(Deserialize)]
pub struct OfContainer {
    owner_access_key: Option<String>,
    /// The id of one of the session's containers; its first one if it is missing.
    kernel_id: Option<String>,
}

/// The number of the container with this id.
fn container(session: &SessionDetail, id: Option<&str>) -> Result<u32, Problem> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(0) };
    let id: ContainerId =
        id.parse().map_err(|_| Problem::field("kernel_id", "Give the id of one of the session's containers."))?;
    let found = (0..session.row.cluster.size).find(|index| ContainerId::of(session.row.id, *index) == id);
    found.ok_or_else(|| Problem::NotFound("container of this session".into()))
}

/// Cuts a text down to its last `bytes`, at the boundary of a character.
fn keep_last(text: &mut String, bytes: usize) {
    let mut cut = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(cut) {
        cut += 1;
    }
    text.drain(..cut);
}

/// `GET /session/{name}/logs`: of a long log, its end, which says how the session went.
pub async fn logs(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(of): Params<OfContainer>,
) -> Response {
    let read = async {
        let session = api.find_session(&caller, &name, &Which::of_owner(of.owner_access_key)).await?;
        let container = container(&session, of.kernel_id.as_deref())?;
        let (mut text, mut from) = (String::new(), 0);
        for _ in 0..MOST_PIECES {
            let chunk = api.control.session_log(&caller, session.row.id, container, from, false).await?;
            if chunk.text.is_empty() {
                break;
            }
            text.push_str(&chunk.text);
            from = chunk.next;
            // Not for every piece, because each cut moves the rest.
            if text.len() > 2 * LOG_BYTES {
                keep_last(&mut text, LOG_BYTES);
            }
        }
        keep_last(&mut text, LOG_BYTES);
        Ok(Json(json!({ "result": { "logs": text } })))
    };
    answer(read.await)
}

/// The documented answer is flat; the client reads the object below `result`.
#[derive(Serialize)]
struct History {
    #[serde(flatten)]
    flat: IndexMap<&'static str, String>,
    result: IndexMap<&'static str, String>,
}

/// `GET /session/{name}/status-history`: each status with the time of its last arrival.
pub async fn history(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    answer(api.find_session(&caller, &name, &which).await.map(|session| {
        // In the order of the moves, in which the client shows them.
        let moves = session.history.iter().map(|change| (change.status.key(), change.at.iso()));
        let result: IndexMap<_, _> = moves.collect();
        Json(History { flat: result.clone(), result })
    }))
}

/// `GET /session/{name}/abusing-report`: nothing here watches for abuse.
pub async fn abuse(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    answer(api.find_session(&caller, &name, &which).await.map(|_| Json(json!({}))))
}

#[derive(Deserialize, Default)]
pub struct NewName {
    name: Option<String>,
    owner_access_key: Option<String>,
}

impl NewName {
    /// Reads the body, if there is one: clients send the name there or in the query string.
    fn of_body(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| Problem::field("body", format!("Invalid JSON: {error}.")))
    }
}

/// `POST /session/{name}/rename`
pub async fn rename(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(asked): Params<NewName>,
    body: Bytes,
) -> Response {
    let renamed = async {
        // With a name in the address, the body may be anything.
        let more = if asked.name.is_some() { NewName::default() } else { NewName::of_body(&body)? };
        let new = asked.name.or(more.name).ok_or_else(|| Problem::field("name", "Give the session's new name."))?;
        let which = Which::of_owner(asked.owner_access_key.or(more.owner_access_key));
        let session = api.session_called(&caller, &name, &which).await?;
        api.control.rename_session(&caller, session.row.id, &new).await
    };
    answer(renamed.await.map(|()| StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_is_kept_in_whole_characters() {
        for (text, bytes, kept) in [("abc", 3, "abc"), ("abc", 2, "bc"), ("aäb", 2, "b"), ("aäb", 3, "äb"), ("", 2, "")] {
            let mut long = text.to_owned();
            keep_last(&mut long, bytes);
            assert_eq!(long, kept);
        }
    }

    #[test]
    fn the_new_name_may_be_in_the_body() {
        assert_eq!(NewName::of_body(b"{\"name\": \"other\"}").unwrap().name.as_deref(), Some("other"));
        assert_eq!(NewName::of_body(b"").unwrap().name, None);
        assert!(NewName::of_body(b"other").is_err_and(|problem| problem.of_field("body").is_some()));
    }
}
