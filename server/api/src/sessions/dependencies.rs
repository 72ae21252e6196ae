//! `GET /session/{name}/dependency-graph`: the sessions that a session waits for, with those that they wait for
//! (`docs/spec/api.md`, "One session").

use crate::Api;
use crate::problem::Params;
use crate::sessions::{Which, answer};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use control::Caller;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use types::Problem;
use types::id::SessionId;
use types::sessions::{SessionDetail, Status};

/// The most sessions in an answer, and the most levels between them and the session in question.
const MOST_SESSIONS: usize = 200;
const MOST_LEVELS: usize = 32;

/// `GET /session/{name}/dependency-graph`
pub async fn dependencies(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(which): Params<Which>,
) -> Response {
    let read = async {
        let session = api.find_session(&caller, &name, &which).await?;
        let root = (session.row.id, session.row.name.clone(), session.row.status);
        let found = read_all_below(&api, &caller, session).await?;
        Ok(Json(node(&found, (root.0, &root.1, root.2), &mut HashSet::new())))
    };
    answer(read.await)
}

/// Reads the session and all that it waits for, as far as the caller may see them.
async fn read_all_below(api: &Api, caller: &Caller, root: SessionDetail) -> Result<HashMap<SessionId, SessionDetail>, Problem> {
    let below = |session: &SessionDetail| session.depends_on.iter().map(|on| on.id).collect::<Vec<_>>();
    let mut level = below(&root);
    let mut found = HashMap::from([(root.row.id, root)]);
    for _ in 0..MOST_LEVELS {
        let mut next = Vec::new();
        for id in level {
            if found.len() >= MOST_SESSIONS || found.contains_key(&id) {
                continue;
            }
            match api.control.session(caller, id).await {
                Ok(session) => {
                    next.extend(below(&session));
                    found.insert(id, session);
                }
                // The session that waits for it knows its name and status.
                Err(Problem::NotFound(_)) => {}
                Err(problem) => return Err(problem),
            }
        }
        level = next;
    }
    Ok(found)
}

/// A session with those that it waits for. A session that several others wait for is unfolded only where it comes first, which is
/// where the client looks: otherwise a graph with many of them would be huge, and a circle endless.
fn node(
    found: &HashMap<SessionId, SessionDetail>,
    (id, name, status): (SessionId, &str, Status),
    unfolded: &mut HashSet<SessionId>,
) -> Value {
    let session = found.get(&id);
    let below = if unfolded.insert(id) { session.map(|session| session.depends_on.as_slice()) } else { None };
    let below: Vec<Value> =
        below.unwrap_or_default().iter().map(|on| node(found, (on.id, &on.name, on.status), unfolded)).collect();
    let changed = session.and_then(|session| session.history.last()).map(|change| change.at.iso());
    json!({
        "session_id": id, "session_name": name, "status": status.key(), "status_changed": changed, "depends_on": below,
    })
}
