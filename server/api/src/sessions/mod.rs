//! Sessions by name or id: what the incumbent's clients ask of one (`docs/spec/api.md`, "One session"). They are started in
//! `start` and followed in `events`; what they wait for is in `dependencies`.

pub(crate) mod dependencies;
pub(crate) mod events;
pub(crate) mod graphql;
pub(crate) mod start;

use crate::Api;
use crate::problem::{Params, Refused};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::Caller;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::Problem;
use types::id::{ContainerId, SessionId};
use types::sessions::{SessionDetail, Status};
use types::time::Millis;

/// Bytes of a log in one answer, its last ones; what was before is read in the console.
const LOG_BYTES: usize = 4 << 20;
/// Pieces of a log that are read for one answer, so that whoever writes faster than this reads keeps nobody waiting for ever.
const MOST_PIECES: usize = 1_000;
/// Sessions that a beginning may match.
const MOST_MATCHES: usize = 20;

/// Whose session is meant, and how it is to end.
#[derive(Deserialize, Default)]
pub struct Which {
    owner_access_key: Option<String>,
    #[serde(default)]
    forced: Option<String>,
    #[serde(default)]
    recursive: Option<String>,
}

impl Which {
    /// A session of whoever this access key belongs to.
    pub(crate) fn of(owner_access_key: Option<String>) -> Self {
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
    pub(crate) async fn named(&self, caller: &Caller, name: &str, which: &Which) -> Result<SessionDetail, Problem> {
        let owner = which.owner_access_key.as_deref().unwrap_or_default();
        self.control.session_named(caller, owner, name).await
    }

    /// Ends what waited for a session that is to end. One that moved on just then is asked again; one that has ended is as
    /// wanted.
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
    answer(api.named(&caller, &name, &which).await.map(|session| Json(described(&session))))
}

fn described(session: &SessionDetail) -> Value {
    let row = &session.row;
    let all = row.cluster.of_all(&row.slots);
    let slots = json!(all).to_string();
    let until = row.ended_at.unwrap_or(session.now);
    json!({
        "domainName": session.domain, "groupId": session.project, "userId": row.owner, "lang": row.image, "image": row.image,
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

/// What may end a session, in the incumbent's shape: seconds that are left of each.
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

/// The incumbent's word for what became of a session that was to end. One that runs counts as ended once it was told to.
fn end(status: Status) -> &'static str {
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
        let session = api.named(&caller, &name, &which).await?;
        if recursive {
            let mut first = Ok(());
            for dependent in api.control.dependents(&caller, session.row.id).await? {
                // One that stays is no reason to keep the others. It is said, and the session stays as well: asked again, the same
                // request has the rest before it.
                first = first.and(api.end_dependent(&caller, dependent, force).await);
            }
            first?;
        }
        api.control.terminate(&caller, session.row.id, force).await?;
        // It may have moved on between the first look and its end. It was asked to end, whatever this second look finds.
        let after = api.control.session(&caller, session.row.id).await.map_or(session.row.status, |after| after.row.status);
        Ok(Json(json!({ "stats": { "status": end(after) } })))
    };
    answer(ended.await)
}

#[derive(Deserialize)]
pub struct OfContainer {
    owner_access_key: Option<String>,
    /// One of the session's containers; its first one when nothing is said.
    kernel_id: Option<String>,
}

/// The number of the container that an id means.
fn container(session: &SessionDetail, id: Option<&str>) -> Result<u32, Problem> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(0) };
    let id: ContainerId = id.parse().map_err(|_| Problem::field("kernel_id", "The id of one of the session's containers."))?;
    let found = (0..session.row.cluster.size).find(|index| ContainerId::of(session.row.id, *index) == id);
    found.ok_or_else(|| Problem::NotFound("container of this session".into()))
}

/// Cuts a text down to its last `bytes`, or the whole characters of them.
fn keep_last(text: &mut String, bytes: usize) {
    let mut cut = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(cut) {
        cut += 1;
    }
    text.drain(..cut);
}

/// `GET /session/{name}/logs`: the end of a log tells how it went, so that is what is left of a long one.
pub async fn logs(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(of): Params<OfContainer>,
) -> Response {
    let read = async {
        let session = api.named(&caller, &name, &Which::of(of.owner_access_key)).await?;
        let container = container(&session, of.kernel_id.as_deref())?;
        let (mut text, mut from) = (String::new(), 0);
        for _ in 0..MOST_PIECES {
            let chunk = api.control.session_log(&caller, session.row.id, container, from, false).await?;
            if chunk.text.is_empty() {
                break;
            }
            text.push_str(&chunk.text);
            from = chunk.next;
            // Not for every piece: what is kept moves each time.
            if text.len() > 2 * LOG_BYTES {
                keep_last(&mut text, LOG_BYTES);
            }
        }
        keep_last(&mut text, LOG_BYTES);
        Ok(Json(json!({ "result": { "logs": text } })))
    };
    answer(read.await)
}

/// `GET /session/{name}/status-history`: each status with the time of its last arrival.
pub async fn history(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    answer(api.named(&caller, &name, &which).await.map(|session| {
        let moves = session.history.iter().map(|change| (change.status.key().to_owned(), json!(change.at.iso())));
        let moves: Map<String, Value> = moves.collect();
        // The documented answer is flat; the client reads what is below `result`.
        let mut told = moves.clone();
        told.insert("result".into(), Value::Object(moves));
        Json(Value::Object(told))
    }))
}

/// `GET /session/{name}/abusing-report`: nothing here watches for abuse.
pub async fn abuse(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    answer(api.named(&caller, &name, &which).await.map(|_| Json(json!({}))))
}

#[derive(Deserialize, Default)]
pub struct NewName {
    name: Option<String>,
    owner_access_key: Option<String>,
}

impl NewName {
    /// What the body says, where there is one: clients put the name there or behind the question mark.
    fn of_body(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| Problem::field("body", format!("It is not as it should be: {error}.")))
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
        // Who names it in the address may send anything else along.
        let more = if asked.name.is_some() { NewName::default() } else { NewName::of_body(&body)? };
        let new = asked.name.or(more.name).ok_or_else(|| Problem::field("name", "Say how the session is to be called."))?;
        let which = Which::of(asked.owner_access_key.or(more.owner_access_key));
        let session = api.named(&caller, &name, &which).await?;
        api.control.rename_session(&caller, session.row.id, &new).await
    };
    answer(renamed.await.map(|()| StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_end_is_kept_in_whole_characters() {
        for (text, bytes, kept) in [("abc", 3, "abc"), ("abc", 2, "bc"), ("aäb", 2, "b"), ("aäb", 3, "äb"), ("", 2, "")] {
            let mut long = text.to_owned();
            keep_last(&mut long, bytes);
            assert_eq!(long, kept);
        }
    }

    #[test]
    fn the_new_name_may_stand_in_the_body() {
        assert_eq!(NewName::of_body(b"{\"name\": \"other\"}").unwrap().name.as_deref(), Some("other"));
        assert_eq!(NewName::of_body(b"").unwrap().name, None);
        assert!(NewName::of_body(b"other").is_err_and(|problem| problem.of_field("body").is_some()));
    }
}
