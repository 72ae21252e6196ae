//! The store against a real database file.

use std::collections::BTreeSet;
use store::{NewSession, NewSignIn, NewUser, Scope, Step, Store, first_people};
use types::event::{Audience, Topic};
use types::id::{DomainId, ProjectId, SessionId, SignInId, UserId};
use types::list::{Condition, ListQuery, Op};
use types::permission::Role;
use types::quantity::{Quantity, Slots};
use types::session::{Outcome, SESSIONS, SessionType, Status};
use types::time::Millis;
use types::user::{USERS, UserStatus};
use uuid::Uuid;

struct Yard {
    store: Store,
    domain: DomainId,
    project: ProjectId,
    _folder: tempfile::TempDir,
}

impl Yard {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
        let (domain, project) = (DomainId(Uuid::now_v7()), ProjectId(Uuid::now_v7()));
        let mut change = store.change().await.unwrap();
        first_people(&mut change, domain, project, &Slots::default(), 5, Millis(0)).await.unwrap();
        change.commit().await.unwrap();
        Self { store, domain, project, _folder: folder }
    }

    async fn person(&self, name: &str, at: i64) -> store::Result<UserId> {
        let id = UserId(Uuid::now_v7());
        let mut change = self.store.change().await?;
        change
            .insert_user(&NewUser {
                id,
                email: &format!("{name}@Example.org"),
                username: name,
                full_name: "Full Name",
                password_hash: "x",
                role: Role::User,
                status: UserStatus::Active,
                domain: self.domain,
                projects: &[self.project],
                description: "",
                must_change_password: false,
                sudo: false,
                addresses: &[],
                secret: b"sealed",
                access_key: &format!("KEY-{name}"),
                policy: "default",
                ids: &types::user::UnixIds::default(),
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
                cpu: Quantity::whole(1),
                mem: 1 << 30,
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
    Step { next, reason: "because", agent: None, outcome: None, notice: None, at: Millis(5) }
}

#[tokio::test]
async fn every_order_and_page_size_visits_each_row_exactly_once() {
    let yard = Yard::new().await;
    for n in 0..57 {
        // Equal times, so that only the row's own number can tell them apart.
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
async fn a_fragment_is_found_in_any_case_whether_it_is_rare_short_or_everywhere() {
    let yard = Yard::new().await;
    let mut change = yard.store.change().await.unwrap();
    change.seed_users(0, 6000, yard.domain, yard.project, "x", Millis(1_000_000_000_000)).await.unwrap();
    change.commit().await.unwrap();
    yard.person("Needle_100%", 1).await.unwrap();
    for (fragment, total) in [("needle", 1), ("NEEDLE", 1), ("le_1", 1), ("0%@", 1), ("e_", 1), ("no-such", 0)] {
        let page = yard.store.users(&email_contains(fragment), Scope::Everything).await.unwrap();
        assert_eq!(page.total, total, "{fragment}");
        assert_eq!(page.rows.len() as u64, total, "{fragment}");
    }
    // More rows hold this than the text index is asked for: the other way of finding them must agree.
    let all = yard.store.users(&email_contains("example"), Scope::Everything).await.unwrap();
    assert_eq!((all.rows.len(), all.total, all.more), (10, 5701, false));
}

#[tokio::test]
async fn names_are_unique_regardless_of_case() {
    let yard = Yard::new().await;
    yard.person("ann", 1).await.unwrap();
    let taken = yard.person("ANN", 2).await.unwrap_err().taken().unwrap();
    assert!(taken.contains("users.email_key") || taken.contains("users.username_key"), "{taken}");
}

#[tokio::test]
async fn a_session_moves_only_from_where_it_stands_and_tells_of_each_move() {
    let yard = Yard::new().await;
    let owner = yard.person("ann", 1).await.unwrap();
    let id = yard.session(owner, "train", "KEY-ann").await.unwrap();
    let living = yard.store.living_session(id).await.unwrap().unwrap();
    let before = *yard.store.events_grew().borrow();

    let mut change = yard.store.change().await.unwrap();
    assert!(change.move_session(&living, &step(Status::Scheduled)).await.unwrap());
    assert!(!change.move_session(&living, &step(Status::Cancelled)).await.unwrap(), "it no longer stands in PENDING");
    change.commit().await.unwrap();

    let detail = yard.store.session(id, Scope::Everything).await.unwrap().unwrap();
    assert_eq!(detail.history.iter().map(|h| h.status).collect::<Vec<_>>(), [Status::Pending, Status::Scheduled]);
    let events = yard.store.events_after(before).await.unwrap().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].event.topic, events[0].owner), (Topic::Session, Some(owner)));
}

#[tokio::test]
async fn what_was_not_committed_was_never_there() {
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
async fn a_persons_living_sessions_have_different_names_and_ended_ones_give_theirs_back() {
    let yard = Yard::new().await;
    let owner = yard.person("ann", 1).await.unwrap();
    let id = yard.session(owner, "train", "KEY-ann").await.unwrap();
    assert!(yard.session(owner, "train", "KEY-ann").await.unwrap_err().taken().is_some());
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
async fn a_page_that_was_away_too_long_is_told_so() {
    let yard = Yard::new().await;
    let nobody = Audience { owner: None, domain: None };
    for _ in 0..5 {
        let mut change = yard.store.change().await.unwrap();
        change.tell(Topic::User, "x", nobody, None, Millis(0)).await.unwrap();
        change.forget_events(3).await.unwrap();
        change.commit().await.unwrap();
    }
    let last = *yard.store.events_grew().borrow();
    assert_eq!(yard.store.events_after(last - 2).await.unwrap().unwrap().len(), 2);
    assert_eq!(yard.store.events_after(last - 5).await.unwrap(), None);
    assert_eq!(yard.store.events_after(last + 9).await.unwrap(), None, "a number from another database");
}

#[tokio::test]
async fn a_sign_in_is_found_by_its_hash_alone_and_can_be_ended() {
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
