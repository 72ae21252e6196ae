//! `POST /session`: Backend.AI's request for a session, turned into ours (`docs/spec/api.md`, "Starting a session"). Keys have
//! older names as well. Nulls are ignored; unsupported fields are refused rather than silently dropped.

use crate::Api;
use crate::graphql::filter::moment;
use crate::problem::{Body, Refused};
use crate::sessions::Which;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::{Caller, Needs, Permit};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use types::id::SessionId;
use types::quantity::{MEM, Quantity, Slots, parse_bytes};
use types::sessions::launch::{DEFAULT_PRIORITY, StartOptions, StartSession};
use types::sessions::{Cluster, ClusterMode};
use types::sessions::{SessionType, Status};
use types::time::Millis;
use types::{FieldError, Problem};

/// Seconds that the answer waits for the session to run, if the request names no time.
const WAIT: u64 = 300;
/// The longest wait of an answer, in seconds.
const MOST_WAIT: u64 = 3_600;
/// The architecture of every agent.
const ARCHITECTURE: &str = "x86_64";

const NO_FOLDERS: &str = "Sessions cannot mount folders yet. Leave it out.";
const NO_AGENTS: &str = "The queue chooses a session's agents. Leave it out.";
/// Fields that Backend.AI supports and this API does not, each with the reason.
const UNSUPPORTED: [(&str, &str); 12] = [
    ("tag", "Sessions have no tags. Leave it out."),
    ("bootstrap_script", "Bootstrap scripts are not supported. Put the script into the start-up command of a batch session."),
    ("callback_url", "Callbacks are not supported. Follow the session's events instead."),
    ("is_preemptible", "Sessions are never preempted. Leave it out."),
    ("attach_network", "Sessions cannot join networks. Leave it out."),
    ("agent_list", NO_AGENTS),
    ("agentList", NO_AGENTS),
    ("mounts", NO_FOLDERS),
    ("mount_ids", NO_FOLDERS),
    ("mount_map", NO_FOLDERS),
    ("mount_id_map", NO_FOLDERS),
    ("mount_options", NO_FOLDERS),
];

#[derive(Deserialize)]
pub struct Asked {
    #[serde(alias = "session_name", alias = "clientSessionToken")]
    name: Option<String>,
    #[serde(alias = "lang")]
    image: String,
    #[serde(rename = "type", alias = "session_type", alias = "sessionType")]
    kind: Option<String>,
    #[serde(alias = "groupName")]
    group: Option<String>,
    #[serde(alias = "clusterSize")]
    cluster_size: Option<u32>,
    #[serde(alias = "clusterMode")]
    cluster_mode: Option<String>,
    priority: Option<u8>,
    #[serde(alias = "arch")]
    architecture: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    config: Config,
    #[serde(alias = "enqueueOnly")]
    enqueue_only: Option<bool>,
    #[serde(alias = "maxWaitSeconds")]
    max_wait_seconds: Option<u64>,
    #[serde(alias = "startsAt")]
    starts_at: Option<String>,
    batch_timeout: Option<Value>,
    #[serde(alias = "reuseIfExists")]
    reuse: Option<bool>,
    #[serde(alias = "startupCommand")]
    startup_command: Option<String>,
    dependencies: Option<Vec<String>>,
    owner_access_key: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
struct Config {
    environ: Option<BTreeMap<String, Value>>,
    resources: Option<BTreeMap<String, Value>>,
    resource_opts: Option<BTreeMap<String, Value>>,
    #[serde(alias = "scalingGroup")]
    scaling_group: Option<String>,
    preopen_ports: Option<Vec<u16>>,
    #[serde(alias = "clusterSize")]
    cluster_size: Option<u32>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Reads null like a missing value.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Whether a value is one that clients send for a field that nobody filled in.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
    }
}

/// Refuses all unsupported fields at once.
fn refuse_unsupported(asked: &Asked) -> Result<(), Problem> {
    let given = asked.others.iter().chain(&asked.config.others).filter(|(_, value)| !is_blank(value));
    let why = |field: &str| UNSUPPORTED.iter().find(|(name, _)| *name == field).map(|(_, why)| *why);
    let mut errors: Vec<FieldError> = given.filter_map(|(field, _)| why(field).map(|why| FieldError::new(field, why))).collect();
    if let Some(other) = asked.architecture.as_deref().filter(|name| !name.is_empty() && *name != ARCHITECTURE) {
        errors.push(FieldError::new("architecture", format!("No agent has the architecture {other}: all are {ARCHITECTURE}.")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

fn slots(resources: &BTreeMap<String, Value>) -> Result<Slots, Problem> {
    let mut slots = Slots::default();
    for (slot, value) in resources.iter().filter(|(_, value)| !value.is_null()) {
        let words = text(value);
        let amount = if slot == MEM { parse_bytes(&words).map(Quantity::whole) } else { words.parse().ok() };
        let amount = amount.ok_or_else(|| Problem::field(slot, format!("“{words}” is not a valid amount.")))?;
        slots.0.insert(slot.clone(), amount);
    }
    Ok(slots)
}

/// Reads a number of seconds, or a duration such as `30m`, `1h`, `2d`.
fn seconds(words: &str) -> Option<u32> {
    let words = words.trim();
    let split = words.find(|c: char| !c.is_ascii_digit()).unwrap_or(words.len());
    let number: u32 = words[..split].parse().ok()?;
    let unit = match words[split..].trim() {
        "" | "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Reads a time, or a duration from now.
fn starts_at(words: &str, now: Millis) -> Result<Millis, Problem> {
    let relative = seconds(words).map(|seconds| Millis(now.0 + i64::from(seconds) * 1000));
    let wrong = || Problem::field("starts_at", "Give a time, such as 2026-11-24T09:30:00Z, or a duration from now, such as 1h.");
    relative.or_else(|| moment(words)).ok_or_else(wrong)
}

/// The project and the resource group; if the request leaves them open, the first ones that the person may use.
fn project_and_group(
    asked: &Asked,
    options: &StartOptions,
    kind: SessionType,
) -> Result<(types::id::ProjectId, String), Problem> {
    let wanted = asked.group.as_deref().filter(|name| !name.is_empty());
    let project = match wanted {
        Some(name) => options.projects.iter().find(|project| project.name == name || project.id.to_string() == name),
        None => options.projects.first(),
    };
    let project = project.ok_or_else(|| Problem::NotFound(format!("project {}", wanted.unwrap_or("of this person"))))?;
    if let Some(group) = asked.config.scaling_group.as_deref().filter(|name| !name.is_empty()) {
        return Ok((project.id, group.to_owned()));
    }
    let mut usable = options.groups.iter().filter(|group| group.projects.contains(&project.id));
    let group = usable.find(|group| group.session_types.contains(&kind));
    let none = || Problem::field("scaling_group", "This project may use no resource group for sessions of this type.");
    Ok((project.id, group.ok_or_else(none)?.name.clone()))
}

/// The environment variables as names and values; nulls are ignored.
fn variables(asked: &Asked) -> Vec<(String, String)> {
    let given = asked.config.environ.iter().flatten().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn read(asked: &Asked, options: &StartOptions, now: Millis) -> Result<StartSession, Problem> {
    refuse_unsupported(asked)?;
    let kind = match asked.kind.as_deref() {
        None => SessionType::Interactive,
        Some(word) => {
            let unknown = || Problem::field("type", format!("“{word}” is not a session type."));
            SessionType::from_key(&word.to_lowercase()).ok_or_else(unknown)?
        }
    };
    let mode = match asked.cluster_mode.as_deref().unwrap_or("single-node").to_lowercase().replace('_', "-").as_str() {
        "single-node" => ClusterMode::SingleNode,
        "multi-node" => ClusterMode::MultiNode,
        _ => return Err(Problem::field("cluster_mode", "Must be single-node or multi-node.")),
    };
    let (project, resource_group) = project_and_group(asked, options, kind)?;
    let opts = asked.config.resource_opts.clone().unwrap_or_default();
    let shared = opts.get("shmem").filter(|value| !value.is_null()).map(text);
    let no_amount = || Problem::field("shmem", "Give an amount of memory, such as 64m.");
    let timeout = asked.batch_timeout.as_ref().filter(|value| !value.is_null()).map(text);
    let no_time = || Problem::field("batch_timeout", "Give a number of seconds, or a duration such as 30m or 1h.");
    Ok(StartSession {
        name: asked.name.clone().unwrap_or_default(),
        project,
        resource_group,
        kind,
        image: asked.image.clone(),
        // The client sends a command with every session; only a batch session uses it.
        command: asked.startup_command.clone().filter(|_| kind == SessionType::Batch).unwrap_or_default(),
        slots: slots(asked.config.resources.as_ref().unwrap_or(&BTreeMap::new()))?,
        shared_memory: shared.map(|words| parse_bytes(&words).ok_or_else(no_amount)).transpose()?,
        cluster: Cluster { mode, size: asked.cluster_size.or(asked.config.cluster_size).unwrap_or(1) },
        env: variables(asked),
        ports: asked.config.preopen_ports.clone().unwrap_or_default(),
        starts_at: asked.starts_at.as_deref().map(|words| starts_at(words, now)).transpose()?,
        timeout: timeout.map(|words| seconds(&words).ok_or_else(no_time)).transpose()?,
        depends_on: asked.dependencies.clone().unwrap_or_default(),
        priority: asked.priority.unwrap_or(DEFAULT_PRIORITY),
        count: 1,
        owner: asked.owner_access_key.clone().unwrap_or_default(),
    })
}

/// `POST /session`
pub async fn start(State(api): State<Api>, Extension(caller): Extension<Caller>, Body(asked): Body<Asked>) -> Response {
    match begin(&api, &caller, &asked).await {
        Ok((body, created)) => {
            let status = if created { StatusCode::CREATED } else { StatusCode::OK };
            (status, Json(body)).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

async fn begin(api: &Api, caller: &Caller, asked: &Asked) -> Result<(Value, bool), Refused> {
    let owner = asked.owner_access_key.clone().unwrap_or_default();
    let options = api.control.start_options(caller, &owner).await?;
    let mut wanted = read(asked, &options, api.control.time())?;
    // Backend.AI raises omitted resources to the image's minimum.
    if let Some(image) = options.images.iter().find(|image| image.name == wanted.image) {
        for (slot, least) in &image.minimum.0 {
            wanted.slots.0.entry(slot.clone()).or_insert(*least);
        }
    }
    if !wanted.name.is_empty() {
        let which = Which::of_owner(asked.owner_access_key.clone());
        let there = api.find_session(caller, &wanted.name, &which).await.ok();
        let there = there.filter(|there| there.row.name == wanted.name && !there.row.status.is_final());
        if let Some(there) = there {
            if asked.reuse == Some(true) && there.row.image == wanted.image {
                return Ok((started_answer(there.row.id, &there.row.name, there.row.status.key(), false), false));
            }
            return Err(Refused::session_exists(there.row.id, &there.row.name));
        }
    }
    // Before anything is started, so that a refusal leaves nothing behind.
    let waits = asked.enqueue_only != Some(true);
    let permit = if waits { Some(api.control.permit(caller, Needs::Nothing)?) } else { None };
    let started = api.control.start_session(caller, &wanted).await?;
    let started = started.into_iter().next().ok_or("a start without a session");
    let started = started.map_err(control::internal("starting a session"))?;
    let Some(mut permit) = permit else {
        return Ok((started_answer(started.id, &started.name, Status::Pending.key(), true), true));
    };
    let wait = asked.max_wait_seconds.filter(|seconds| *seconds > 0).unwrap_or(WAIT).min(MOST_WAIT);
    let status = wait_until_it_runs(api, &mut permit, started.id, Duration::from_secs(wait)).await?;
    Ok((started_answer(started.id, &started.name, status.map_or("TIMEOUT", Status::key), true), true))
}

/// The answer about a session. Sessions have no service ports here; for a reused session the field is null.
fn started_answer(id: SessionId, name: &str, status: &str, created: bool) -> Value {
    let ports = if created { json!([]) } else { Value::Null };
    json!({ "sessionId": id, "sessionName": name, "status": status, "servicePorts": ports, "created": created })
}

/// Waits until a session runs or has ended, and returns its status; `None` if that takes too long.
async fn wait_until_it_runs(api: &Api, permit: &mut Permit, id: SessionId, wait: Duration) -> Result<Option<Status>, Problem> {
    let give_up = Instant::now() + wait;
    let mut seen = 0;
    loop {
        let session = api.control.session(&permit.caller()?, id).await?;
        if session.row.status == Status::Running || session.row.status.is_final() {
            return Ok(Some(session.row.status));
        }
        seen = seen.max(session.history.len());
        let left = give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        moved_within(left, api, permit, id, seen).await?;
    }
}

/// Waits until the session moves, but at most for `left`.
async fn moved_within(left: Duration, api: &Api, permit: &mut Permit, id: SessionId, seen: usize) -> Result<(), Problem> {
    use futures::future::{Either, select};
    let moved = std::pin::pin!(api.control.session_moved(permit, id, seen));
    let late = std::pin::pin!(api.control.pause(left));
    match select(moved, late).await {
        Either::Left((moved, _)) => moved.map(drop),
        Either::Right(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_are_read_as_the_client_writes_them() {
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("30m"), Some(1800));
        assert_eq!(seconds("soon"), None);
        assert_eq!(starts_at("1h", Millis(5)), Ok(Millis(3_600_005)));
        assert!(starts_at("yesterday", Millis(5)).is_err());
    }

    #[test]
    fn amounts_are_read_from_numbers_and_from_texts() {
        let resources = BTreeMap::from([
            ("cpu".to_owned(), json!(2)),
            ("mem".into(), json!("1g")),
            ("cuda.shares".into(), json!("0.5")),
            ("cuda.device".into(), Value::Null),
        ]);
        let slots = slots(&resources).unwrap();
        assert_eq!(slots.get("cpu"), Quantity::whole(2));
        assert_eq!(slots.get(MEM), Quantity::whole(1 << 30));
        assert_eq!(slots.get("cuda.shares"), Quantity::thousandths(500));
        assert_eq!(slots.0.len(), 3, "null is ignored");
    }

    fn refused_fields(body: Value) -> Vec<String> {
        match refuse_unsupported(&serde_json::from_value(body).unwrap()) {
            Ok(()) => Vec::new(),
            Err(Problem::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn blank_fields_that_the_client_always_sends_are_accepted() {
        let config = json!({ "mounts": [], "environ": {}, "resources": {}, "resource_opts": {}, "scalingGroup": null,
            "mount_map": {}, "preopen_ports": null });
        let body = json!({ "tag": null, "name": "pysdk-name", "config": config, "dependencies": [], "callback_url": null,
            "architecture": "x86_64", "clusterSize": 1, "clusterMode": "single-node", "starts_at": null, "bootstrap_script": null,
            "owner_access_key": null, "domain": "default", "group": "default", "type": "interactive", "enqueueOnly": false,
            "maxWaitSeconds": 0, "reuseIfExists": true, "startupCommand": null, "image": "host" });
        assert_eq!(refused_fields(body), [""; 0]);
        assert_eq!(refused_fields(json!({ "image": "host", "config": null, "is_preemptible": false, "tag": "" })), [""; 0]);
    }

    #[test]
    fn unsupported_fields_are_refused_by_name() {
        let config = json!({ "mounts": ["data"], "mount_map": { "data": "/x" }, "agentList": ["here"], "attach_network": "net" });
        let body = json!({ "image": "host", "tag": "mine", "bootstrap_script": "true", "callback_url": "http://x",
            "is_preemptible": true, "arch": "aarch64", "config": config });
        let top = ["bootstrap_script", "callback_url", "is_preemptible", "tag"];
        let inside = ["agentList", "attach_network", "mount_map", "mounts"];
        let all: Vec<&str> = top.into_iter().chain(inside).chain(["architecture"]).collect();
        assert_eq!(refused_fields(body), all);
    }
}
