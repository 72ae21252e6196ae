//! Text at every door: what is typed is read once, compared without regard to case and form, and refused where it cannot be seen.

use crate::{Yard, email};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use types::list::{ListQuery, Page};
use types::people::permissions::Role;
use types::people::users::{Created, USERS, UserDetail, UserRow};

fn people(condition: Value) -> Value {
    let query = serde_json::to_value(ListQuery::new(&USERS)).unwrap();
    let mut query = query.as_object().unwrap().clone();
    query.insert("conditions".into(), json!([condition]));
    json!({ "query": query })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_however_their_name_is_written() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let body = yard.new_person(&root, "Ömer", json!({ "full_name": "Ömer Ünal" })).await;
    yard.done::<Created>(&root, "create_user", body).await;
    for text in ["ömer", "ÖMER", "O\u{308}mer", "ünal"] {
        let found: Page<UserRow> =
            yard.done(&root, "users", people(json!({ "key": "full_name", "op": "contains", "value": text }))).await;
        assert_eq!(found.total, 1, "{text}");
    }
    // As a Mac types it.
    yard.cookie_of("O%CC%88mer").await;
    let body = yard.new_person(&root, "o\u{308}mer", json!({})).await;
    yard.refused(&root, "create_user", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_cannot_be_seen_are_refused_at_every_door() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    for bad in ["a\0b", "a\u{1b}[2Jb", "a\u{202e}b", "a\u{2028}b"] {
        for field in ["full_name", "description", "username"] {
            let body = yard.new_person(&root, "bad", json!({ (field): bad })).await;
            let said = yard.refused(&root, "create_user", body).await;
            assert!(said.contains(&format!("\"{field}\"")), "{field} {bad:?}: {said}");
            let body = json!({ "id": ann.id, "edit": { (field): bad } });
            assert!(yard.refused(&root, "edit_user", body).await.contains(&format!("\"{field}\"")), "{field} {bad:?}");
        }
        let (status, said) = yard.ask(&root, "users", people(json!({ "key": "email", "op": "contains", "value": bad }))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        let many = json!({ "many": { "batch": { "File": format!("email,username,full_name\nx@example.org,x,{bad}\n") }, "defaults": {
            "role": "user", "status": "active", "domain": yard.person_of("ann").await.domain, "projects": [], "policy": "",
            "must_change_password": false, "description": "" } } });
        let preview: types::people::many_users::Preview = yard.done(&root, "preview_users", many).await;
        // A line separator ends no line of a file, and everything else is a mistake in its column.
        assert_eq!(preview.errors.first().map(|error| error.field.as_str()), Some("full_name"), "{bad:?}: {preview:?}");
        let project = json!({ "project": { "name": bad } });
        yard.refused(&root, "create_project", project).await;
    }
    let body = json!({ "id": ann.id, "edit": { "description": "first line\n\tsecond line" } });
    let () = yard.done(&root, "edit_user", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_mix_scripts_are_refused_for_accounts_and_projects() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let body = yard.new_person(&root, "аdmin", json!({ "email": "x@example.org" })).await;
    assert!(yard.refused(&root, "create_user", body).await.contains("several scripts"));
    let ann = yard.create(&root, "ann").await;
    let body = json!({ "id": ann.id, "edit": { "username": "аdmin" } });
    assert!(yard.refused(&root, "edit_user", body).await.contains("several scripts"));
    let body = json!({ "project": { "name": "lаb" } });
    assert!(yard.refused(&root, "create_project", body).await.contains("several scripts"));
    let body = json!({ "project": { "name": "AI연구팀" } });
    yard.done::<types::id::ProjectId>(&root, "create_project", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_not_understood_is_said_on_the_page_and_refused_by_an_export() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let long = "x".repeat(300);
    for wrong in
        ["f=emial.contains.ann", "f=email.min.ann", &format!("f=email.contains.{long}"), "f=email.contains.a%00b", "tab=gone"]
    {
        let page = yard.get(&format!("/users?{wrong}"), &root).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("not understood"), "{wrong}");
        let file = yard.get(&format!("/export/users.csv?{wrong}"), &root).await;
        assert_eq!(file.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", file.text);
    }
    let file = yard.get("/export/users.csv?f=emial.contains.ann", &root).await;
    assert!(file.text.contains("emial.contains.ann"), "{}", file.text);
    assert!(!yard.get("/users?f=email.contains.ann", &root).await.text.contains("not understood"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_in_an_address_is_decoded_once() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let body = yard.new_person(&root, "ann", json!({ "description": "found by %41 and a%20b and %22hi%22" })).await;
    yard.done::<Created>(&root, "create_user", body).await;
    for text in ["%41", "a%20b", "%22hi%22"] {
        let address = types::address::encode(text);
        let page = yard.get(&format!("/users?f=description.contains.{address}"), &root).await;
        assert!(page.text.contains("ann@example.org"), "{text}");
        let file = yard.get(&format!("/export/users.csv?f=description.contains.{address}"), &root).await;
        assert!(file.text.contains("ann@example.org"), "{text}: {}", file.text);
        // Through the sign-in page and back.
        let wanted = format!("/users?f=description.contains.{address}");
        let away = yard.get(&wanted, "").await;
        let form = yard.get(away.headers["location"].to_str().unwrap(), "").await;
        assert!(form.text.contains(&format!("value=\"{wanted}\"")), "{text}: {}", form.text);
        let encoded = types::address::encode(&wanted);
        let login = email(Role::Superadmin);
        let back = yard.post_form("/sign-in", "", &format!("login={login}&password={}&next={encoded}", crate::PASSWORD)).await;
        assert_eq!(back.headers["location"], wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_opens_as_utf8_and_its_cells_are_read_back_as_they_were() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let description = "=1+1\n＝2\n'-3\nplain";
    let body = yard.new_person(&root, "ann", json!({ "description": description })).await;
    yard.done::<Created>(&root, "create_user", body).await;
    let file = yard.get("/export/users.csv?f=username.equals.ann", &root).await.text;
    assert!(file.starts_with('\u{feff}'), "{file}");
    assert!(file.contains("\"'=1+1\n'＝2\n''-3\nplain\""), "{file}");
    let domain = yard.person_of("ann").await.domain;
    let text = "\u{feff}email,username,description\nben@example.org,ben,\"'=1+1\n'＝2\n''-3\nplain\"\n";
    let many = json!({ "many": { "batch": { "File": text }, "defaults": { "role": "user", "status": "active", "domain": domain,
        "projects": [], "policy": "", "must_change_password": false, "description": "" } } });
    let _: Value = yard.done(&root, "create_users", many.clone()).await;
    let ben = yard.person_of("ben").await;
    assert_eq!(ben.row.description, description);
    let mut broken = many;
    broken["many"]["batch"]["File"] = json!("email,username,full_name\na@example.org,a,\"Ann\nb@example.org,b,Ben\n");
    let said = yard.refused(&root, "preview_users", broken).await;
    assert!(said.contains("Line 2: a quote is opened"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_answers_a_program_with_a_problem_whatever_the_method() {
    let yard = Yard::new().await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = yard.call(method.clone(), "/no/such/path", "", "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{method}");
    }
    assert!(yard.get("/no/such/path", "").await.text.contains("Page not found"));
}

impl Yard {
    /// The person with this username, as a superadmin sees them.
    async fn person_of(&self, username: &str) -> UserDetail {
        let root = self.cookie(Role::Superadmin).await;
        let found: Page<UserRow> =
            self.done(&root, "users", people(json!({ "key": "username", "op": "equals", "value": username }))).await;
        self.done(&root, "user", json!({ "id": found.rows[0].id })).await
    }
}
