//! Refusals are in the audit trail: who, what, and from where.

use crate::Yard;
use axum::http::StatusCode;
use serde_json::json;
use types::list::{ListQuery, Page};
use types::system::audit::{AUDIT, AuditRow};

impl Yard {
    /// The newest records, as a superadmin sees them.
    pub async fn trail(&self) -> Vec<AuditRow> {
        let root = self.cookie_of("root@example.org").await;
        let query = ListQuery { per: 50, ..ListQuery::new(&AUDIT) };
        self.done::<Page<AuditRow>>(&root, "audit_records", json!({ "query": query })).await.rows
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_and_pages_are_recorded_with_the_person() {
    let yard = Yard::new().await;
    let user = yard.cookie_of("user@example.org").await;
    let (status, _) = yard.ask(&user, "create_domain", json!({ "domain": {} })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(yard.get("/users", &user).await.status, StatusCode::FORBIDDEN);
    let refused: Vec<AuditRow> = yard.trail().await.into_iter().filter(|row| row.action == "refused").collect();
    let said: Vec<(&str, &str)> = refused.iter().map(|row| (row.actor_email.as_str(), row.subject.as_str())).collect();
    assert_eq!(said, [("user@example.org", "GET /users"), ("user@example.org", "POST /call/create_domain")]);
    assert!(refused[1].detail.contains("change domains"), "{}", refused[1].detail);
    assert_eq!(refused[1].address, "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_signatures_are_recorded_but_not_a_flood_of_them() {
    let yard = Yard::new().await;
    let now = types::time::Millis(
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap(),
    );
    for _ in 0..15 {
        let request = axum::http::Request::get("/auth")
            .header("authorization", "BackendAI signMethod=HMAC-SHA256, credential=AKIANOBODYHASTHISKEY:00")
            .header("x-backendai-version", "v9.20250722")
            .header("x-backendai-date", now.iso().replace('Z', "+00:00"))
            .header("host", "127.0.0.1");
        let answer = yard.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    }
    let trail = yard.trail().await;
    let refused: Vec<&AuditRow> = trail.iter().filter(|row| row.action == "refused").collect();
    assert_eq!(refused.len(), 10, "and no more for a while");
    assert!(refused[0].detail.contains("AKIANOBODYHASTHISKEY") && refused[0].actor.is_none(), "{}", refused[0].detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refusal_is_recorded_without_a_sign_in_or_without_a_reason() {
    let yard = Yard::new().await;
    let user = yard.cookie_of("user@example.org").await;
    assert_eq!(
        yard.ask("", "users", json!({ "query": ListQuery::new(&types::people::users::USERS) })).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(yard.get("/sessions", &user).await.status, StatusCode::OK);
    assert!(yard.trail().await.iter().all(|row| row.action != "refused"));
}
