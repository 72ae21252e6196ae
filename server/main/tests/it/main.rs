//! The real router over a real database and the real engine, as nobody and as each role.

mod api_clients;
mod api_requests;
mod api_runs;
mod api_sessions;
mod commands;
mod cost;
mod full_disk;
mod guesses;
mod http;
mod invariants;
mod keypairs;
mod layers;
mod limits;
mod lookups;
mod many;
mod output;
mod people;
mod policies;
mod projects;
mod proxies;
mod refusals;
mod rights;
mod security;
mod sign_in;
mod site;
mod switches;
mod template;
mod text;
mod two_processes;
mod walk;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use control::{Caller, Control, SignInAnswer, Vault};
use engine::local::LocalEngine;
use http_body_util::BodyExt;
use serde_json::Value;
use server::Peer;
use server::config::{Given, Settings};
use server::site::Site;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use store::Store;
use tower::ServiceExt;
use types::people::permissions::Role;

pub const PASSWORD: &str = "Correct-Horse-9";

/// The application on a database of its own, with an account of each role.
pub struct Yard {
    pub control: Control,
    router: Router,
    pub app: server::App,
    folder: tempfile::TempDir,
}

/// An answer with its whole body.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Yard {
    pub async fn new() -> Self {
        Self::with_site(Site::Embedded(|_| None)).await
    }

    pub async fn with_site(site: Site) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), site).await
    }

    pub async fn in_folder(folder: tempfile::TempDir, site: Site) -> Self {
        template::copy_to(folder.path()).await;
        let (control, _) = open(folder.path()).await;
        let settings: Settings = Given::default().check().unwrap();
        let names = Arc::new(site.names().unwrap());
        let installation = control.installation().await.unwrap().into();
        let (settings, build) = (Arc::new(settings), "test".into());
        let app = server::App { control: control.clone(), settings, site, names, installation, unisolated: false, build };
        Self { router: server::router(app.clone()), control, app, folder }
    }

    /// Gives the installation another id.
    pub fn renamed(&mut self, installation: &str) {
        self.app.installation = installation.into();
        self.router = server::router(self.app.clone());
    }

    /// The answer, with its body still unread.
    pub async fn open(&self, mut request: Request<Body>) -> Response {
        let here: SocketAddr = "127.0.0.1:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(Peer::from(here)));
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        // An event stream has no end; here only its beginning matters.
        let streams = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text =
            if streams { String::new() } else { String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned() };
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Request::get(path).header("cookie", cookie).header("accept", "text/html").body(Body::empty()).unwrap()).await
    }

    pub async fn call(&self, method: Method, path: &str, cookie: &str, json: &str) -> Answer {
        let request =
            Request::builder().method(method).uri(path).header("cookie", cookie).header("content-type", "application/json");
        let request = request.header("content-length", json.len());
        self.send(request.header("accept", "application/json").body(Body::from(json.to_owned())).unwrap()).await
    }

    pub async fn post_form(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let request = Request::post(path).header("cookie", cookie).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Lets time pass for every sign-in, by moving its times back.
    pub async fn days_pass(&self, days: i64) {
        let url = format!("sqlite://{}", self.folder.path().join("yardmaster.db").display());
        let pool = sqlx_sqlite::SqlitePool::connect(&url).await.unwrap();
        let sql = "UPDATE sign_ins SET created_at = created_at - ?1, last_used = last_used - ?1, expires_at = expires_at - ?1";
        sqlx::query(sql).bind(days * 86_400_000).execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// Signs in as a role and returns the cookie.
    pub async fn cookie(&self, role: Role) -> String {
        self.cookie_of(&email(role)).await
    }

    /// Signs in with the password that everybody has in these tests, and returns the cookie.
    pub async fn cookie_of(&self, login: &str) -> String {
        let answer = self.post_form("/sign-in", "", &format!("login={login}&password={PASSWORD}&next=/")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("session-"), "{login}: {cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Calls a server function.
    pub async fn ask(&self, cookie: &str, name: &str, body: Value) -> (StatusCode, String) {
        let answer = self.call(Method::POST, &format!("/call/{name}"), cookie, &body.to_string()).await;
        (answer.status, answer.text)
    }

    /// The answer of a server function that must succeed.
    pub async fn done<T: serde::de::DeserializeOwned>(&self, cookie: &str, name: &str, body: Value) -> T {
        let (status, text) = self.ask(cookie, name, body).await;
        assert_eq!(status, StatusCode::OK, "{name}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The message of a server function that must refuse.
    pub async fn refused(&self, cookie: &str, name: &str, body: Value) -> String {
        let (status, text) = self.ask(cookie, name, body).await;
        assert!(status.is_client_error(), "{name}: {status} {text}");
        text
    }
}

/// Opens the parts of a server in this folder.
async fn open(folder: &Path) -> (Control, Store) {
    let store = Store::open(&folder.join("yardmaster.db")).await.unwrap();
    let engine = LocalEngine::open(folder.join("sessions"), env!("CARGO_BIN_EXE_yardmaster").into()).unwrap();
    (Control::new(store.clone(), Arc::new(engine), Vault::open(&folder.join("secret.key")).unwrap()), store)
}

/// Signs in and returns the caller.
pub async fn caller(control: &Control, login: &str) -> Caller {
    let asked = Caller::nobody("127.0.0.1", "test");
    match control.sign_in(&asked, login, PASSWORD, None).await.unwrap() {
        SignInAnswer::Done(signed_in) => control.caller(asked, Some(&signed_in.token)).await.unwrap(),
        SignInAnswer::CodeNeeded(_) => panic!("a code is asked for"),
    }
}

pub fn email(role: Role) -> String {
    if role == Role::Superadmin { "root@example.org".into() } else { format!("{}@example.org", role.key()) }
}
