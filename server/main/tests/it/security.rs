//! Two-factor authentication and forgotten passwords.

use crate::{PASSWORD, Yard};
use axum::http::StatusCode;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use types::people::two_factor::{PasswordLink, TwoFactorSetup, TwoFactorState};
use types::people::users::UserDetail;

fn code(setup: &TwoFactorSetup, steps: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(&setup.secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    totp.generate(now.saturating_add_signed(steps * 30)).to_string()
}

/// The cookies that an answer sets, as the next request sends them.
fn cookies(answer: &crate::Answer) -> String {
    let all = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    all.filter_map(|cookie| cookie.split(';').next()).filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

impl Yard {
    /// Turns two-factor authentication on for the cookie's person; returns the secret and the recovery codes.
    pub async fn with_two_factor(&self, cookie: &str) -> (TwoFactorSetup, Vec<String>) {
        let setup: TwoFactorSetup = self.done(cookie, "begin_two_factor", json!({ "password": PASSWORD })).await;
        let codes = self.done(cookie, "enable_two_factor", json!({ "code": code(&setup, -1) })).await;
        (setup, codes)
    }

    /// Does the first step of signing in; returns the cookies that come with the question for a code.
    async fn password_step(&self, login: &str) -> String {
        let answer = self.post_form("/sign-in", "", &format!("login={login}&password={PASSWORD}&next=/agents")).await;
        let cookies = cookies(&answer);
        assert!(cookies.contains("sign-in-step-") && !cookies.starts_with("session-"), "{cookies}");
        cookies
    }

    async fn code_step(&self, cookies: &str, code: &str) -> Option<String> {
        let answer = self.post_form("/sign-in", cookies, &format!("code={code}&next=/agents")).await;
        let set = self::cookies(&answer);
        set.starts_with("session-").then_some(set)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_factor_is_on_after_a_right_code_and_then_asks_for_one() {
    let yard = Yard::new().await;
    let user = yard.cookie_of("user@example.org").await;
    let setup: TwoFactorSetup = yard.done(&user, "begin_two_factor", json!({ "password": PASSWORD })).await;
    assert!(setup.address.starts_with("otpauth://totp/") && setup.address.contains("user%40example.org"), "{}", setup.address);
    assert!(setup.picture.contains("<svg"));
    let text = yard.refused(&user, "begin_two_factor", json!({ "password": "Wrong-Horse-9" })).await;
    assert!(text.contains("Wrong password"), "{text}");
    // It is not on yet: closing the page now locks nobody out.
    yard.cookie_of("user@example.org").await;
    assert!(yard.refused(&user, "enable_two_factor", json!({ "code": "000000" })).await.contains("code"));
    let codes: Vec<String> = yard.done(&user, "enable_two_factor", json!({ "code": code(&setup, -1) })).await;
    assert_eq!(codes.len(), 10);
    let state: TwoFactorState = yard.done(&user, "two_factor", json!({})).await;
    assert_eq!(state, TwoFactorState { on: true, codes_left: 10 });

    let step = yard.password_step("user@example.org").await;
    let page = yard.get("/sign-in?next=/agents", &step).await;
    assert!(page.text.contains("One-time code") && !page.text.contains("name=\"password\""), "the second form");
    assert!(yard.code_step(&step, "123456").await.is_none());
    let signed_in = yard.code_step(&step, &code(&setup, 0)).await.expect("signed in");
    assert_eq!(yard.ask(&signed_in, "sign_ins", json!({})).await.0, StatusCode::OK);
    assert!(yard.code_step(&step, &code(&setup, 0)).await.is_none(), "a code is good once");
    assert!(yard.code_step("", &code(&setup, 1)).await.is_none(), "a code alone opens nothing");
    let made_up = format!("sign-in-step-{}=00ff", yard.app.installation);
    assert!(yard.code_step(&made_up, &code(&setup, 1)).await.is_none(), "nor does a made-up proof");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_works_once_and_new_codes_replace_the_old_ones() {
    let yard = Yard::new().await;
    let user = yard.cookie_of("user@example.org").await;
    let (setup, codes) = yard.with_two_factor(&user).await;
    let step = yard.password_step("the-user").await;
    assert!(yard.code_step(&step, &codes[3].to_lowercase().replace('-', "%20")).await.is_some(), "however it is typed");
    assert!(yard.code_step(&step, &codes[3]).await.is_none(), "used up");
    let state: TwoFactorState = yard.done(&user, "two_factor", json!({})).await;
    assert_eq!(state.codes_left, 9);
    yard.refused(&user, "renew_recovery_codes", json!({ "code": "000000" })).await;
    let fresh: Vec<String> = yard.done(&user, "renew_recovery_codes", json!({ "code": code(&setup, 0) })).await;
    assert!(yard.code_step(&step, &codes[4]).await.is_none());
    assert!(yard.code_step(&step, &fresh[0]).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_with_a_password_or_an_administrator_turns_two_factor_off() {
    let yard = Yard::new().await;
    let (user, root) = (yard.cookie_of("user@example.org").await, yard.cookie_of("root@example.org").await);
    let (_, codes) = yard.with_two_factor(&user).await;
    let text = yard.refused(&user, "disable_two_factor", json!({ "password": "Wrong-Horse-9" })).await;
    assert!(text.contains("Wrong password"), "{text}");
    let () = yard.done(&user, "disable_two_factor", json!({ "password": PASSWORD })).await;
    yard.cookie_of("user@example.org").await;

    yard.with_two_factor(&user).await;
    let people: serde_json::Value = yard
        .done(
            &root,
            "users",
            json!({ "query": types::list::ListQuery { per: 50, ..types::list::ListQuery::new(&types::people::users::USERS) } }),
        )
        .await;
    let id = people["rows"].as_array().unwrap().iter().find(|row| row["email"] == "user@example.org").unwrap()["id"].clone();
    let () = yard.done(&root, "edit_user", json!({ "id": id, "edit": { "two_factor": false } })).await;
    yard.cookie_of("user@example.org").await;
    let detail: UserDetail = yard.done(&root, "user", json!({ "id": id })).await;
    assert!(!detail.row.two_factor && !detail.recent_sign_ins.is_empty());
    // Old codes do not work after it is turned on again.
    yard.with_two_factor(&user).await;
    let step = yard.password_step("the-user").await;
    assert!(yard.code_step(&step, &codes[0]).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_limited_like_guessing_passwords() {
    let yard = Yard::new().await;
    let user = yard.cookie_of("user@example.org").await;
    let (setup, _) = yard.with_two_factor(&user).await;
    let step = yard.password_step("user@example.org").await;
    for _ in 0..10 {
        assert!(yard.code_step(&step, "000000").await.is_none());
    }
    assert!(yard.code_step(&step, &code(&setup, 0)).await.is_none(), "even the right one has to wait now");
    // For every name of the account, and from every address.
    let asked = control::Caller::nobody("10.9.9.9", "test");
    let answer = yard.control.sign_in(&asked, "the-user", PASSWORD, Some(&code(&setup, 0))).await;
    assert!(matches!(answer, Err(types::Problem::TooMany(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_skip_the_question_for_their_own_password() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let me = crate::caller(&yard.control, "root@example.org").await.me().unwrap().id;
    for edit in [json!({ "password": "Another-Horse-1" }), json!({ "two_factor": false })] {
        let text = yard.refused(&root, "edit_user", json!({ "id": me, "edit": edit })).await;
        assert!(text.contains("in your account"), "{text}");
    }
    let text = yard.refused(&root, "make_password_link", json!({ "user": me })).await;
    assert!(text.contains("in your account"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_the_password_role_or_status_it_was_made_for() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let body = yard.new_person(&root, "ann", json!({})).await;
    let ann: types::people::users::Created = yard.done(&root, "create_user", body).await;
    for edit in [json!({ "password": "Another-Horse-1" }), json!({ "role": "monitor" }), json!({ "status": "inactive" })] {
        let link: PasswordLink = yard.done(&root, "make_password_link", json!({ "user": ann.id })).await;
        assert_eq!(yard.get(&link.path, "").await.status, StatusCode::OK);
        // A link that anybody can request does not replace it.
        yard.post_form("/forgotten-password", "", "login=ann").await;
        assert_eq!(yard.get(&link.path, "").await.status, StatusCode::OK);
        let () = yard.done(&root, "edit_user", json!({ "id": ann.id, "edit": edit })).await;
        assert_eq!(yard.get(&link.path, "").await.status, StatusCode::CONFLICT, "{edit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_command_line_lets_in_a_person_who_lost_everything() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    yard.with_two_factor(&root).await;
    yard.control.reset_password_here("root@example.org", Some("Another-Horse-1"), false).await.unwrap();
    assert!(yard.signs_in("root@example.org", "Another-Horse-1").await.is_none(), "a code is still asked for");
    yard.control.reset_password_here("root@example.org", Some("Another-Horse-1"), true).await.unwrap();
    assert!(yard.signs_in("root@example.org", "Another-Horse-1").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_of_a_password_is_void_once_the_password_has_changed() {
    let yard = Yard::new().await;
    let user = yard.cookie_of("user@example.org").await;
    let (setup, _) = yard.with_two_factor(&user).await;
    let step = yard.password_step("user@example.org").await;
    let change = json!({ "change": { "old": PASSWORD, "new": "Another-Horse-1" } });
    let () = yard.done(&user, "change_password", change).await;
    assert!(yard.code_step(&step, &code(&setup, 0)).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_link_works_once_ends_sign_ins_and_is_in_no_record() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let body = yard.new_person(&root, "ann", json!({})).await;
    let ann: types::people::users::Created = yard.done(&root, "create_user", body).await;
    let theirs = yard.cookie_of("ann").await;
    let old: PasswordLink = yard.done(&root, "make_password_link", json!({ "user": ann.id })).await;
    let link: PasswordLink = yard.done(&root, "make_password_link", json!({ "user": ann.id })).await;
    assert!(!link.mailed);
    assert_eq!(yard.get(&old.path, "").await.status, StatusCode::CONFLICT, "replaced by the newer one");
    let page = yard.get(&link.path, "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("ann@example.org") && page.text.contains("Choose a new password"));

    let token = link.path.split_once("token=").unwrap().1;
    let send = |password: &str, again: &str| format!("token={token}&password={password}&again={again}");
    for (password, again) in [("short", "short"), ("Third-Horse-1", "Third-Horse-2")] {
        let answer = yard.post_form("/new-password", "", &send(password, again)).await;
        assert!(answer.headers["location"].to_str().unwrap().starts_with("/new-password?token="), "the link still holds");
    }
    let answer = yard.post_form("/new-password", "", &send("Third-Horse-1", "Third-Horse-1")).await;
    assert_eq!(answer.headers["location"], "/sign-in");
    assert_eq!(yard.ask(&theirs, "sign_ins", json!({})).await.0, StatusCode::UNAUTHORIZED, "signed out");
    assert!(yard.signs_in("ann", PASSWORD).await.is_none());
    assert!(yard.signs_in("ann", "Third-Horse-1").await.is_some());
    yard.post_form("/new-password", "", &send("Fourth-Horse-1", "Fourth-Horse-1")).await;
    assert!(yard.signs_in("ann", "Fourth-Horse-1").await.is_none(), "used up");
    assert!(yard.trail().await.iter().all(|row| !row.detail.contains(token) && !row.subject.contains(token)));
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_passwords_get_one_answer_and_reach_the_administrators() {
    let yard = Yard::new().await;
    let mut locations = Vec::new();
    for login in ["user@example.org", "nobody@example.org"] {
        let answer = yard.post_form("/forgotten-password", "", &format!("login={login}")).await;
        let said = yard.get("/forgotten-password", &cookies(&answer)).await.text;
        assert!(said.contains("its administrators have been notified"), "{said}");
        locations.push(answer.headers["location"].clone());
    }
    assert_eq!(locations[0], locations[1]);

    let root = yard.cookie_of("root@example.org").await;
    let query = types::list::ListQuery { per: 50, ..types::list::ListQuery::new(&types::people::users::USERS) };
    let people: serde_json::Value = yard.done(&root, "users", json!({ "query": query })).await;
    let id = people["rows"].as_array().unwrap().iter().find(|row| row["email"] == "user@example.org").unwrap()["id"].clone();
    let mut asked = None;
    // This is done beside the answer, so it takes a moment.
    for _ in 0..100 {
        asked = yard.done::<UserDetail>(&root, "user", json!({ "id": id })).await.link_asked;
        if asked.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(asked.is_some(), "it stands at the account");
    let caller = crate::caller(&yard.control, "root@example.org").await;
    let (events, _) = yard.control.events(&caller, 0).await.unwrap().unwrap();
    assert!(
        events.iter().any(|event| event
            .notice
            .as_deref()
            .is_some_and(|text| text.starts_with("user@example.org requested a password link")))
    );
    yard.done::<PasswordLink>(&root, "make_password_link", json!({ "user": id })).await;
    assert_eq!(yard.done::<UserDetail>(&root, "user", json!({ "id": id })).await.link_asked, None, "helped");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_link_for_a_higher_role_or_an_inactive_account() {
    let yard = Yard::new().await;
    let (root, admin) = (yard.cookie_of("root@example.org").await, yard.cookie_of("admin@example.org").await);
    let me = crate::caller(&yard.control, "root@example.org").await.me().unwrap().id;
    let (status, text) = yard.ask(&admin, "make_password_link", json!({ "user": me })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
    let body = yard.new_person(&root, "ina", json!({ "status": "inactive" })).await;
    let ina: types::people::users::Created = yard.done(&root, "create_user", body).await;
    let text = yard.refused(&root, "make_password_link", json!({ "user": ina.id })).await;
    assert!(text.contains("not active"), "{text}");
}
