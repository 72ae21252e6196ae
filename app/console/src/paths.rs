//! Every address of the console, in one place.

use types::id::{ProjectId, SessionId, TaskId, UserId};
use types::limits::policies::PolicyKind;

pub const SIGN_IN: &str = "/sign-in";
pub const FORGOTTEN: &str = "/forgotten-password";
pub const NEW_PASSWORD: &str = "/new-password";
pub const SESSIONS: &str = "/sessions";
pub const LAUNCHER: &str = "/session/start";
pub const SCHEDULER: &str = "/scheduler";
pub const USERS: &str = "/users";
pub const CREDENTIALS: &str = "/credentials";
pub const PROJECTS: &str = "/projects";
pub const DOMAINS: &str = "/domains";
pub const AGENTS: &str = "/agents";
pub const KEYPAIR_POLICIES: &str = "/resource-policy";
pub const USER_POLICIES: &str = "/resource-policy/user";
pub const PROJECT_POLICIES: &str = "/resource-policy/project";
pub const PRESETS: &str = "/resource-presets";
pub const SETTINGS: &str = "/settings";
pub const MAINTENANCE: &str = "/maintenance";
pub const GROUPS: &str = "/resource-groups";
pub const AUDIT: &str = "/audit";
pub const ACCOUNT: &str = "/account";

/// Pages for people who are not signed in.
pub const OPEN: [&str; 3] = [SIGN_IN, FORGOTTEN, NEW_PASSWORD];

/// Pages of Backend.AI's console, as people have bookmarked them, and where the same is found here.
const MOVED: [(&str, &str); 15] = [
    ("/start", "/"),
    ("/dashboard", "/"),
    ("/session", SESSIONS),
    ("/job", SESSIONS),
    ("/admin-session", SESSIONS),
    ("/credential", CREDENTIALS),
    ("/project", PROJECTS),
    ("/agent", AGENTS),
    ("/agent-summary", AGENTS),
    ("/resource", AGENTS),
    ("/resource-group", GROUPS),
    ("/environment", PRESETS),
    ("/information", MAINTENANCE),
    ("/usersettings", ACCOUNT),
    ("/summary", "/"),
];

/// Returns the present address of a page that people know by another one; `query` as in the address.
pub fn moved(path: &str, query: Option<&str>) -> Option<&'static str> {
    if path == KEYPAIR_POLICIES {
        return match types::address::parameter(query?, "tab")?.as_str() {
            "keypair" => Some(KEYPAIR_POLICIES),
            "user" => Some(USER_POLICIES),
            "project" => Some(PROJECT_POLICIES),
            _ => None,
        };
    }
    MOVED.iter().find(|(old, _)| path.trim_end_matches('/') == *old).map(|(_, new)| *new)
}

/// Returns the sessions page with one session's drawer open.
pub fn session(id: SessionId) -> String {
    format!("{SESSIONS}?session={id}")
}

/// A session's whole log as a file.
pub fn session_log(id: SessionId) -> String {
    format!("{SESSIONS}/{id}/log")
}

/// The files of an ended session, as an archive.
pub fn session_files(id: SessionId) -> String {
    format!("{SESSIONS}/{id}/files")
}

/// The WebSocket of a session's terminal.
pub fn session_terminal(id: SessionId, columns: u16, rows: u16) -> String {
    format!("{SESSIONS}/{id}/terminal?columns={columns}&rows={rows}")
}

/// The users page with one person's drawer open.
pub fn user(id: UserId) -> String {
    format!("{USERS}?user={id}")
}

/// The credentials page with one keypair's drawer open.
pub fn keypair(access_key: &str) -> String {
    format!("{CREDENTIALS}?key={access_key}")
}

/// The projects page with one project's drawer open.
pub fn project(id: ProjectId) -> String {
    format!("{PROJECTS}?project={id}")
}

/// The agents page with one agent's drawer open.
pub fn agent(name: &str) -> String {
    format!("{AGENTS}?agent={}", types::list::encode(name))
}

/// The agents of one resource group.
pub fn agents_of(group: &str) -> String {
    format!("{AGENTS}?f=resource_group.equals.{}", types::list::encode(group))
}

/// The resource groups page with one group's drawer open.
pub fn resource_group(name: &str) -> String {
    format!("{GROUPS}?group={}", types::list::encode(name))
}

/// The queue of one resource group.
pub fn queue_of(group: &str) -> String {
    format!("/scheduler?group={}", types::list::encode(group))
}

/// The list of a policy's followers.
pub fn followers(kind: PolicyKind, policy: &str) -> String {
    let list = match kind {
        PolicyKind::Keypair => CREDENTIALS,
        PolicyKind::User => USERS,
        PolicyKind::Project => PROJECTS,
    };
    format!("{list}?f=policy.equals.{}", types::list::encode(policy))
}

/// Returns an address with one more parameter, such as the thing open in a list's drawer.
pub fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{name}={}", types::list::encode(value))
}

/// The audit trail of one thing.
pub fn history(subject: &str) -> String {
    format!("{AUDIT}?f=subject.equals.{}", types::list::encode(subject))
}

/// The audit trail with one record's drawer open.
pub fn audit_record(id: i64) -> String {
    format!("{AUDIT}?record={id}")
}

/// The people that a background task created; their passwords and keys are shown for a day.
pub fn created_people(task: TaskId) -> String {
    format!("{USERS}?created={task}")
}

/// The sign-in page, which leads back to `next`.
pub fn sign_in(next: &str) -> String {
    format!("{SIGN_IN}?next={}", types::list::encode(next))
}
