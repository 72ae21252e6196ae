//! A right that ends, ends at every connection that it holds open: every switch against every door.

mod doors;

use crate::{PASSWORD, Yard, caller, open};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use control::{Caller, Control, MOST_OPEN, SeedRows};
use doors::{Door, signed, waiting_start};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use types::Problem;
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::people::keypairs::{CreateKeypair, EditKeypair};
use types::people::many_users::{Batch, CreateMany, Defaults};
use types::people::permissions::Role;
use types::people::users::{EditUser, UserStatus};
use types::projects::{EditDomain, EditProject};

/// Eve runs a session in the project lab of the domain physics, which Bob administers. Both have every kind of connection to it.
struct Lab {
    yard: Yard,
    root: Caller,
    eve: UserId,
    bob: UserId,
    domain: DomainId,
    project: ProjectId,
    session: SessionId,
    key: (String, String),
    doors: Vec<Door>,
}

/// Eve's connections that her sign-ins hold open.
const COOKIES: [&str; 5] = ["terminal", "pages", "moves", "start", "log"];
/// Those that her keypair holds open.
const SIGNED: [&str; 2] = ["signed moves", "signed start"];
/// Bob's, to the session of a member of his project.
const BOBS: [&str; 4] = ["Bob's terminal", "Bob's pages", "Bob's moves", "Bob's log"];
/// Those of Bob that need the right to the session, and not only an account.
const BOBS_TO_EVE: [&str; 3] = ["Bob's terminal", "Bob's moves", "Bob's log"];

impl Lab {
    async fn new() -> Self {
        let yard = Yard::new().await;
        // Sessions run as another user, who owns nothing here and must be able to pass through.
        std::fs::set_permissions(yard.folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let (control, root) = (yard.control.clone(), caller(&yard.control, "root@example.org").await);
        let cookie = yard.cookie_of("root@example.org").await;
        let named = EditDomain { name: Some("physics".into()), ..EditDomain::default() };
        let domain = control.create_domain(&root, &named).await.unwrap();
        let lab = EditProject { name: Some("lab".into()), domain: Some(domain), ..EditProject::default() };
        let project = control.create_project(&root, &lab).await.unwrap();
        for name in ["eve", "bob"] {
            let body = yard.new_person(&cookie, name, json!({ "domain": domain, "projects": [project] })).await;
            yard.done::<Value>(&cookie, "create_user", body).await;
        }
        let appoint = EditProject { appoint: vec!["bob".into()], ..EditProject::default() };
        control.edit_project(&root, project, &appoint).await.unwrap();
        let (eve, bob) = (caller(&control, "eve").await, caller(&control, "bob").await);
        let asked = CreateKeypair { owner: String::new(), policy: "default".into(), rate_limit: 100 };
        let added = control.create_keypair(&eve, &asked).await.unwrap();
        control.round().await.unwrap();
        let client = yard.client("eve").await;
        let body = json!({ "name": "work", "image": "host", "type": "interactive", "enqueueOnly": true, "group": "lab",
            "config": { "resources": { "cpu": "0.1", "mem": "256m" } } });
        let answer = yard.call(Method::POST, "/func/session", &client, &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let session = serde_json::from_str::<Value>(&answer.text).unwrap()["sessionId"].as_str().unwrap().parse().unwrap();
        let (eve, bob) = (eve.me().unwrap().id, bob.me().unwrap().id);
        let key = (added.access_key, added.secret_key);
        let mut lab = Self { yard, root, eve, bob, domain, project, session, key, doors: Vec::new() };
        lab.reach(types::sessions::Status::Running).await;
        lab.open_doors(&client).await;
        lab
    }

    /// Runs the queue until the session has this status.
    async fn reach(&self, status: types::sessions::Status) {
        for _ in 0..300 {
            self.yard.control.round().await.unwrap();
            if self.yard.control.session(&self.root, self.session).await.unwrap().row.status == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the session is not {status:?}");
    }

    async fn open_doors(&mut self, client: &str) {
        let (yard, id) = (&self.yard, self.session.to_string());
        let (eve, bob) = (yard.cookie_of("eve").await, yard.cookie_of("bob").await);
        let bobs_client = yard.client("bob").await;
        let get = |path: &str, cookie: &str| Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
        let post = |cookie: &str, body: String| {
            let request = Request::post("/func/session").header("cookie", cookie).header("content-type", "application/json");
            request.body(Body::from(body)).unwrap()
        };
        let key = (self.key.0.as_str(), self.key.1.as_str());
        let moves = format!("/events/session?sessionId={id}");
        self.doors = vec![
            yard.terminal_door("terminal", &eve, &id).await,
            yard.door("pages", get("/events", &eve)).await,
            yard.door("moves", get(&format!("/func{moves}"), client)).await,
            yard.door("start", post(client, waiting_start("later"))).await,
            yard.log_door("log", &eve, &id).await,
            yard.door("signed moves", signed(Method::GET, &moves, key, "")).await,
            yard.door("signed start", signed(Method::POST, "/session", key, &waiting_start("signed"))).await,
            yard.terminal_door("Bob's terminal", &bob, &id).await,
            yard.door("Bob's pages", get("/events", &bob)).await,
            yard.door("Bob's moves", get(&format!("/func{moves}&owner_access_key=eve"), &bobs_client)).await,
            yard.log_door("Bob's log", &bob, &id).await,
        ];
        // All of them are open when both sessions wait.
        for name in ["later", "signed"] {
            for _ in 0..100 {
                if yard.control.session_called(&self.root, "eve", name).await.is_ok() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Another process on the same database.
    async fn elsewhere(&self) -> Control {
        open(self.yard.folder.path()).await.0
    }

    async fn edit(&self, who: UserId, edit: EditUser) {
        self.yard.control.edit_user(&self.root, who, &edit).await.unwrap();
    }

    /// Checks that exactly these connections end, each with a word that says why, and ends the session.
    async fn expect(self, switch: &str, ended: &[&str]) {
        let mut wrong = Vec::new();
        let (ends, stays): (Vec<Door>, Vec<Door>) = self.doors.into_iter().partition(|door| ended.contains(&door.name));
        for Door { name, end } in ends {
            match tokio::time::timeout(Duration::from_secs(20), end).await {
                Ok(end) => {
                    let end = end.unwrap();
                    if name.ends_with("terminal") && !end.contains("sign-in has ended") && !end.contains("no longer") {
                        wrong.push(format!("{name} ends without the reason: {end:?}"));
                    }
                }
                Err(_) => wrong.push(format!("{name} stays open")),
            }
        }
        // Long enough for the others to end as well, if they were about to.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for door in stays.into_iter().filter(|door| door.end.is_finished()) {
            wrong.push(format!("{} ends: {}", door.name, door.end.await.unwrap()));
        }
        self.yard.control.terminate(&self.root, self.session, true).await.unwrap();
        for _ in 0..100 {
            self.yard.control.round().await.unwrap();
            if self.yard.control.session(&self.root, self.session).await.unwrap().row.status.is_final() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(wrong.is_empty(), "{switch}: {wrong:#?}");
    }
}

fn all_of(parts: &[&[&'static str]]) -> Vec<&'static str> {
    parts.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_what_the_sign_ins_hold_open() {
    let lab = Lab::new().await;
    lab.edit(lab.eve, EditUser { password: Some("Another-Horse-1".into()), ..EditUser::default() }).await;
    lab.expect("password by an administrator", &COOKIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_ends_what_the_sign_ins_hold_open() {
    let lab = Lab::new().await;
    lab.elsewhere().await.reset_password_here("eve", Some("Another-Horse-1"), false).await.unwrap();
    lab.expect("password on the command line", &COOKIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_expires_ends_what_it_holds_open() {
    let lab = Lab::new().await;
    lab.yard.days_pass(31).await;
    lab.expect("a month passes", &all_of(&[&COOKIES, &BOBS])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deactivating_an_account_ends_all_its_connections() {
    let lab = Lab::new().await;
    lab.edit(lab.eve, EditUser { status: Some(UserStatus::Inactive), ..EditUser::default() }).await;
    lab.expect("account deactivated", &all_of(&[&COOKIES, &SIGNED])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_out_an_address_ends_all_connections_from_it() {
    let lab = Lab::new().await;
    lab.edit(lab.eve, EditUser { addresses: Some(vec!["10.0.0.6".into()]), ..EditUser::default() }).await;
    lab.expect("address", &all_of(&[&COOKIES, &SIGNED])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deactivating_or_deleting_a_keypair_ends_what_it_holds_open() {
    for delete in [false, true] {
        let lab = Lab::new().await;
        let other = lab.elsewhere().await;
        let off = EditKeypair { active: Some(false), ..EditKeypair::default() };
        // Deleted before anybody has looked at it as an inactive one.
        other.edit_keypair(&lab.root, &lab.key.0, &off).await.unwrap();
        if delete {
            other.delete_keypair(&lab.root, &lab.key.0).await.unwrap();
        }
        lab.expect("keypair", &SIGNED).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deactivating_a_domain_ends_all_connections_of_its_people() {
    for other_process in [false, true] {
        let lab = Lab::new().await;
        let control = if other_process { lab.elsewhere().await } else { lab.yard.control.clone() };
        let off = EditDomain { active: Some(false), ..EditDomain::default() };
        control.edit_domain(&lab.root, lab.domain, &off).await.unwrap();
        lab.expect("domain", &all_of(&[&COOKIES, &SIGNED, &BOBS])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismissed_project_admin_loses_the_members_sessions() {
    let lab = Lab::new().await;
    let dismiss = EditProject { dismiss: vec!["bob".into()], ..EditProject::default() };
    lab.yard.control.edit_project(&lab.root, lab.project, &dismiss).await.unwrap();
    lab.expect("dismissed", &BOBS_TO_EVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_project_admin_and_a_deactivated_project_end_the_same() {
    for remove in [true, false] {
        let lab = Lab::new().await;
        let edit = if remove {
            EditProject { remove: vec!["bob".into()], ..EditProject::default() }
        } else {
            EditProject { active: Some(false), ..EditProject::default() }
        };
        lab.elsewhere().await.edit_project(&lab.root, lab.project, &edit).await.unwrap();
        lab.expect("project", &BOBS_TO_EVE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_or_project_leaves_what_is_still_theirs_open() {
    let lab = Lab::new().await;
    // A monitor sees every session and controls none; one's own session outlives the membership.
    lab.edit(lab.bob, EditUser { role: Some(Role::Monitor), ..EditUser::default() }).await;
    lab.edit(lab.eve, EditUser { projects: Some(Vec::new()), ..EditUser::default() }).await;
    lab.expect("role", &["Bob's terminal"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_cut_off_when_the_sign_in_ends() {
    let yard = Yard::new().await;
    yard.control.seed(SeedRows { people: 5_000, ..SeedRows::default() }, true, |_, _, _| {}).await.unwrap();
    let cookie = yard.cookie_of("monitor@example.org").await;
    let monitor = caller(&yard.control, "monitor@example.org").await;
    let request = Request::get("/export/users.csv").header("cookie", &cookie).body(Body::empty()).unwrap();
    let mut body = yard.open(request).await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    yard.elsewhere_password("monitor@example.org").await;
    let mut permit = yard.control.permit(&monitor, control::Needs::Nothing).unwrap();
    permit.ended().await;
    let rest = body.collect().await;
    assert!(rest.is_err(), "an unfinished file, and not a short one");
}

impl Yard {
    async fn elsewhere_password(&self, login: &str) {
        let other = open(self.folder.path()).await.0;
        other.reset_password_here(login, Some("Another-Horse-1"), false).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_progress_of_a_task_ends_with_the_sign_in() {
    let yard = Yard::new().await;
    let client = yard.client("root@example.org").await;
    let root = caller(&yard.control, "root@example.org").await;
    let people: String = (0..100).map(|n| format!("p{n}@example.org,p{n},{PASSWORD}\n")).collect();
    let defaults = Defaults {
        role: Role::User,
        status: UserStatus::Active,
        domain: root.me().unwrap().domain,
        projects: Vec::new(),
        policy: String::new(),
        keypair_policy: String::new(),
        must_change_password: false,
        description: String::new(),
    };
    // Long work: each password is hashed slowly.
    let many = CreateMany { batch: Batch::File(format!("email,username,password\n{people}")), defaults };
    let (control, asker) = (yard.control.clone(), root.clone());
    let waiting = tokio::spawn(async move { control.create_users(&asker, &many).await });
    let mut changed = yard.control.tasks_changed(&root).unwrap();
    while yard.control.tasks(&root, 0).unwrap().0.is_empty() {
        changed.changed().await.unwrap();
    }
    let task = yard.control.tasks(&root, 0).unwrap().0[0].id;
    let request = Request::get(format!("/func/events/background-task?task_id={task}")).header("cookie", &client);
    let door = yard.door("task", request.body(Body::empty()).unwrap()).await;
    let signed_in = yard.control.sign_ins(&root).await.unwrap();
    for one in signed_in {
        yard.control.end_sign_in(&root, one.id).await.unwrap();
    }
    let text = door.end.await.unwrap();
    assert!(!text.contains("bgtask_done") && !text.contains("server_close"), "{text}");
    assert_eq!(waiting.await.unwrap().unwrap_err(), Problem::SignInRequired, "and so does the request that waits for it");
    yard.control.cancel_task(&root, task).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_a_number_of_connections_and_gets_one_back_for_each_that_ends() {
    let yard = Yard::new().await;
    let (user, other) = (yard.cookie_of("user@example.org").await, yard.cookie_of("admin@example.org").await);
    let stream = |cookie: &str| Request::get("/events").header("cookie", cookie).body(Body::empty()).unwrap();
    let mut open = Vec::new();
    for _ in 0..MOST_OPEN {
        let answer = yard.open(stream(&user)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        open.push(answer);
    }
    // Of any kind, and whoever asks in their name.
    let client = yard.client("user@example.org").await;
    for request in [
        stream(&user),
        Request::get("/export/sessions.csv").header("cookie", &other).body(Body::empty()).unwrap(),
        Request::post("/func/session")
            .header("cookie", &client)
            .header("content-type", "application/json")
            .body(Body::from(waiting_start("one-too-many").replace("\"lab\"", "\"default\"")))
            .unwrap(),
    ] {
        let path = request.uri().to_string();
        let answer = yard.send(request).await;
        if path.starts_with("/export") {
            assert_eq!(answer.status, StatusCode::OK, "another person has their own");
            continue;
        }
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}: {}", answer.text);
        assert!(answer.text.contains("already have 32"), "{path}: {}", answer.text);
    }
    let found = yard.control.session_called(&caller(&yard.control, "user@example.org").await, "", "one-too-many").await;
    assert!(found.is_err(), "a refused request starts nothing");
    open.pop();
    assert_eq!(yard.open(stream(&user)).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_for_a_terminal_starts_nothing_and_leaves_no_trace() {
    let lab = Lab::new().await;
    let root = yard_trail(&lab).await;
    let cookie = lab.yard.cookie_of("eve").await;
    let before = lab.yard.control.session(&lab.root, lab.session).await.unwrap();
    for _ in 0..3 {
        let answer = lab.yard.get(&format!("/sessions/{}/terminal", lab.session), &cookie).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
    let opened = yard_trail(&lab).await;
    assert_eq!(opened, root, "no record of a terminal");
    let after = lab.yard.control.session(&lab.root, lab.session).await.unwrap();
    assert_eq!(before.checks, after.checks, "and no activity");
    lab.expect("nothing", &[]).await;
}

/// The number of terminals that the audit trail knows of.
async fn yard_trail(lab: &Lab) -> usize {
    lab.yard.trail().await.iter().filter(|row| row.action == "open terminal").count()
}
