//! The store against a real database file.

mod columns;
mod filters;
mod names;
mod statistics;

use futures::StreamExt;
use std::collections::BTreeSet;
use std::time::Duration;
use store::{Audit, Deadlines, NewPasswordLink, NewSession, NewSignIn, NewUser, Scope, Step, Store, Taken, first_people};
use types::id::{DomainId, ProjectId, SessionId, SignInId, UserId};
use types::list::{Condition, Filter, ListQuery, Op, Window};
use types::people::users::{CreateUser, USERS};
use types::quantity::{Quantity, Slots};
use types::sessions::Cluster;
use types::sessions::{Outcome, SESSIONS, SessionType, Status};
use types::system::audit::AUDIT;
use types::system::events::{Audience, Topic};
use types::time::Millis;
use uuid::Uuid;

struct Yard {
    store: Store,
    domain: DomainId,
    project: ProjectId,
    folder: tempfile::TempDir,
}

impl Yard {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
        let (domain, project) = (DomainId(Uuid::now_v7()), ProjectId(Uuid::now_v7()));
        let mut change = store.change().await.unwrap();
        first_people(&mut change, domain, project, &Slots::default(), 5, Millis(0)).await.unwrap();
        change.commit().await.unwrap();
        Self { store, domain, project, folder }
    }

    async fn person(&self, name: &str, at: i64) -> store::Result<UserId> {
        let id = UserId(Uuid::now_v7());
        let mut change = self.store.change().await?;
        change
            .insert_user(&NewUser {
                id,
                account: &CreateUser {
                    email: format!("{name}@Example.org"),
                    full_name: "Full Name".into(),
                    projects: vec![self.project],
                    policy: "default".into(),
                    ..CreateUser::example(name, self.domain)
                },
                password_hash: "x",
                access_key: &format!("KEY-{name}"),
                secret: b"sealed",
                keypair_policy: "default",
                at: Millis(at),
            })
            .await?;
        change.commit().await?;
        Ok(id)
    }

    async fn session(&self, owner: UserId, name: &str, key: &str) -> store::Result<SessionId> {
        let id = SessionId(Uuid::now_v7());
        let mut change = self.store.change().await?;
        change
            .insert_session(&NewSession {
                id,
                name,
                kind: SessionType::Batch,
                owner,
                access_key: key,
                domain: self.domain,
                project: self.project,
                resource_group: "default",
                image: "host",
                command: "true",
                slots: &Slots::cpu_mem(Quantity::whole(1), 1 << 30),
                cluster: Cluster::default(),
                priority: 10,
                request: "{}",
                env: None,
                depends_on: &[],
                reason: "Requested.",
                at: Millis(1),
            })
            .await?;
        change.commit().await?;
        Ok(id)
    }
}

fn email_contains(text: &str) -> ListQuery {
    let condition = Condition { key: "email".into(), op: Op::Contains, value: text.into() };
    ListQuery::new(&USERS).with(&USERS, condition).unwrap()
}

fn step(next: Status) -> Step<'static> {
    Step { next, reason: "because", agents: None, outcome: None, cause: None, notice: None, at: Millis(5) }
}

#[tokio::test]
async fn a_link_that_was_asked_for_leaves_the_earlier_ones_valid() {
    let yard = Yard::new().await;
    let user = yard.person("ann", 0).await.unwrap();
    let add = async |token: u8, made: bool, at: i64| {
        let mut change = yard.store.change().await.unwrap();
        let link = NewPasswordLink { user, token_hash: &[token], expires_at: Millis(at + 100), made, at: Millis(at) };
        change.add_password_link(&link).await.unwrap();
        change.commit().await.unwrap();
    };
    let valid = async |at: i64| {
        let mut all = Vec::new();
        for token in 1..=5 {
            all.extend(yard.store.password_link(&[token], Millis(at)).await.unwrap().map(|_| token));
        }
        all
    };
    add(1, false, 0).await;
    add(2, false, 10).await;
    assert_eq!(valid(11).await, [1, 2]);
    add(3, true, 20).await;
    assert_eq!(valid(21).await, [3], "an administrator's takes the place of all others");
    add(4, false, 30).await;
    assert_eq!(valid(31).await, [3, 4]);
    add(5, false, 125).await;
    assert_eq!(valid(126).await, [4, 5]);
    let mut change = yard.store.change().await.unwrap();
    assert_eq!(change.use_password_link(&[4], Millis(127)).await.unwrap(), Some(user));
    change.commit().await.unwrap();
    assert!(valid(128).await.is_empty(), "a link that was used ends the others");
}

#[tokio::test]
async fn every_order_and_page_size_visits_each_row_exactly_once() {
    let yard = Yard::new().await;
    for n in 0..57 {
        // Equal times, so that only the row's own number tells them apart.
        yard.person(&format!("user{n:02}"), n / 10).await.unwrap();
    }
    for sort in USERS.sorts {
        for descending in [false, true] {
            for per in [10, 20, 50] {
                let mut seen = BTreeSet::new();
                for page in 1..=6 {
                    let query = ListQuery { sort: (*sort).into(), descending, per, page, ..ListQuery::new(&USERS) };
                    let page = yard.store.users(&query, Scope::Everything).await.unwrap();
                    assert_eq!((page.total, page.more), (57, false));
                    for row in page.rows {
                        assert!(seen.insert(row.email), "{sort} {descending} {per}: a row twice");
                    }
                }
                assert_eq!(seen.len(), 57, "{sort} {descending} {per}");
            }
        }
    }
}

#[tokio::test]
async fn a_rare_short_or_frequent_fragment_is_found_regardless_of_case() {
    let yard = Yard::new().await;
    let mut change = yard.store.change().await.unwrap();
    change.seed_users(0..6000, yard.domain, yard.project, "x", Millis(1_000_000_000_000)).await.unwrap();
    change.commit().await.unwrap();
    yard.person("Needle_100%", 1).await.unwrap();
    for (fragment, total) in [("needle", 1), ("NEEDLE", 1), ("le_1", 1), ("0%@", 1), ("e_", 1), ("no-such", 0)] {
        let page = yard.store.users(&email_contains(fragment), Scope::Everything).await.unwrap();
        assert_eq!(page.total, total, "{fragment}");
        assert_eq!(page.rows.len() as u64, total, "{fragment}");
    }
    // More rows contain this than the text index is used for: the other way of finding them must agree.
    let all = yard.store.users(&email_contains("example"), Scope::Everything).await.unwrap();
    assert_eq!((all.rows.len(), all.total, all.more), (10, 5701, false));
}

#[tokio::test]
async fn names_are_unique_regardless_of_case() {
    let yard = Yard::new().await;
    yard.person("ann", 1).await.unwrap();
    let taken = yard.person("ANN", 2).await.unwrap_err().taken();
    assert!(matches!(taken, Some(Taken::Email | Taken::Username)), "{taken:?}");
}

#[tokio::test]
async fn a_session_moves_only_from_its_present_status_with_one_event_each() {
    let yard = Yard::new().await;
    let owner = yard.person("ann", 1).await.unwrap();
    let id = yard.session(owner, "train", "KEY-ann").await.unwrap();
    let living = yard.store.living_session(id).await.unwrap().unwrap();
    let before = *yard.store.events_grew().borrow();

    let mut change = yard.store.change().await.unwrap();
    assert!(change.move_session(&living, &step(Status::Scheduled)).await.unwrap());
    assert!(!change.move_session(&living, &step(Status::Cancelled)).await.unwrap(), "it is no longer PENDING");
    change.commit().await.unwrap();

    let detail = yard.store.session(id, Scope::Everything).await.unwrap().unwrap();
    assert_eq!(detail.history.iter().map(|h| h.status).collect::<Vec<_>>(), [Status::Pending, Status::Scheduled]);
    let (events, _) = yard.store.events_after(before).await.unwrap().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].event.topic, events[0].owner), (Topic::Session, Some(owner)));
}

#[tokio::test]
async fn an_uncommitted_change_leaves_nothing() {
    let yard = Yard::new().await;
    let owner = yard.person("ann", 1).await.unwrap();
    let id = yard.session(owner, "train", "KEY-ann").await.unwrap();
    let living = yard.store.living_session(id).await.unwrap().unwrap();
    let mut change = yard.store.change().await.unwrap();
    change.move_session(&living, &step(Status::Scheduled)).await.unwrap();
    drop(change);
    let detail = yard.store.session(id, Scope::Everything).await.unwrap().unwrap();
    assert_eq!((detail.row.status, detail.history.len()), (Status::Pending, 1));
}

#[tokio::test]
async fn names_are_unique_among_a_persons_living_sessions_only() {
    let yard = Yard::new().await;
    let owner = yard.person("ann", 1).await.unwrap();
    let id = yard.session(owner, "train", "KEY-ann").await.unwrap();
    assert!(yard.session(owner, "train", "KEY-ann").await.unwrap_err().taken() == Some(Taken::SessionName));
    let living = yard.store.living_session(id).await.unwrap().unwrap();
    let outcome = Outcome::Lost;
    let mut change = yard.store.change().await.unwrap();
    change.move_session(&living, &Step { outcome: Some(&outcome), ..step(Status::Error) }).await.unwrap();
    change.commit().await.unwrap();
    yard.session(owner, "train", "KEY-ann").await.unwrap();
    let finished = ListQuery { tab: "finished".into(), ..ListQuery::new(&SESSIONS) };
    let page = yard.store.sessions(&finished, Scope::Own(owner), None).await.unwrap();
    assert_eq!(page.rows.iter().map(|r| r.id).collect::<Vec<_>>(), [id]);
    assert_eq!(yard.store.session(id, Scope::Everything).await.unwrap().unwrap().outcome, Some(outcome));
}

#[tokio::test]
async fn a_scope_shows_nothing_of_others() {
    let yard = Yard::new().await;
    let (ann, bob) = (yard.person("ann", 1).await.unwrap(), yard.person("bob", 1).await.unwrap());
    yard.session(ann, "train", "KEY-ann").await.unwrap();
    let query = ListQuery::new(&SESSIONS);
    assert_eq!(yard.store.sessions(&query, Scope::Own(bob), None).await.unwrap().total, 0);
    assert_eq!(yard.store.sessions(&query, Scope::Domain(DomainId(Uuid::nil())), None).await.unwrap().total, 0);
    assert_eq!(yard.store.sessions(&query, Scope::Everything, None).await.unwrap().total, 1);
    assert_eq!(yard.store.users(&ListQuery::new(&USERS), Scope::Domain(DomainId(Uuid::nil()))).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_page_that_was_away_too_long_must_reload() {
    let yard = Yard::new().await;
    let nobody = Audience { owner: None, domain: None };
    for _ in 0..5 {
        let mut change = yard.store.change().await.unwrap();
        change.tell(Topic::User, "x", nobody, None, Millis(0)).await.unwrap();
        change.forget_events(3, 10).await.unwrap();
        change.commit().await.unwrap();
    }
    let last = *yard.store.events_grew().borrow();
    assert_eq!(yard.store.events_after(last - 2).await.unwrap().unwrap().0.len(), 2);
    assert_eq!(yard.store.events_after(last - 5).await.unwrap(), None);
    assert_eq!(yard.store.events_after(last + 9).await.unwrap(), None, "a number from another database");
}

#[tokio::test]
async fn a_sign_in_is_found_only_by_its_hash_and_can_be_ended() {
    let yard = Yard::new().await;
    let user = yard.person("ann", 1).await.unwrap();
    let id = SignInId(Uuid::now_v7());
    let mut change = yard.store.change().await.unwrap();
    let new = NewSignIn { id, token_hash: &[7; 32], user, at: Millis(1), expires_at: Millis(9), address: "::1", browser: "b" };
    change.insert_sign_in(&new, Millis(0)).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(yard.store.signed_in(&[7; 32]).await.unwrap().unwrap().account.id, user);
    assert!(yard.store.signed_in(&[8; 32]).await.unwrap().is_none());
    let mut change = yard.store.change().await.unwrap();
    assert!(!change.delete_sign_in(UserId(Uuid::nil()), id).await.unwrap(), "somebody else's");
    assert!(change.delete_sign_in(user, id).await.unwrap());
    change.commit().await.unwrap();
    assert!(yard.store.signed_in(&[7; 32]).await.unwrap().is_none());
}

const EVERYTHING: Window = Window { offset: 0, limit: 100, any_tab: true };

#[tokio::test]
async fn an_export_that_is_read_too_slowly_ends_with_an_error_and_not_as_a_shorter_list() {
    let folder = tempfile::tempdir().unwrap();
    let deadlines = Deadlines { export: Duration::from_millis(300), ..Deadlines::default() };
    let store = Store::open_with(&folder.path().join("yard.db"), deadlines).await.unwrap();
    let (domain, project) = (DomainId(Uuid::now_v7()), ProjectId(Uuid::now_v7()));
    let mut change = store.change().await.unwrap();
    first_people(&mut change, domain, project, &Slots::default(), 5, Millis(0)).await.unwrap();
    for n in 0..1_000 {
        let audit = Audit { at: Millis(n), actor: None, address: "", action: "x", subject: "y", detail: "{}" };
        change.audit(&audit).await.unwrap();
    }
    change.commit().await.unwrap();
    let query = ListQuery { sort: "at".into(), ..ListQuery::new(&AUDIT) };
    let mut rows = Box::pin(store.all_audit_records(query.clone()));
    assert!(rows.next().await.unwrap().is_ok());
    tokio::time::sleep(Duration::from_millis(600)).await;
    let rest: Vec<_> = rows.collect().await;
    assert!(rest.len() < 999 && rest.last().unwrap().is_err(), "{} rows", rest.len());
    // The next one has its own time.
    assert_eq!(store.all_audit_records(query).filter(|row| std::future::ready(row.is_ok())).count().await, 1_000);
}

#[tokio::test]
async fn what_is_old_is_forgotten_in_batches() {
    let yard = Yard::new().await;
    let mut change = yard.store.change().await.unwrap();
    for n in 0..10 {
        let audit = Audit { at: Millis(n), actor: None, address: "", action: "x", subject: "y", detail: "{}" };
        change.audit(&audit).await.unwrap();
    }
    assert_eq!(change.forget_audit(Millis(6), 4).await.unwrap(), 4);
    assert_eq!(change.forget_audit(Millis(6), 4).await.unwrap(), 2);
    assert_eq!(change.forget_audit(Millis(6), 4).await.unwrap(), 0);
    change.commit().await.unwrap();
}
