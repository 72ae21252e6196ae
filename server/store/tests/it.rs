//! The store against a real database file.

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
    Step { next, reason: "because", agents: None, outcome: None, notice: None, at: Millis(5) }
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
    change.seed_users(0, 6000, yard.domain, yard.project, "x", Millis(1_000_000_000_000)).await.unwrap();
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

fn is(key: &str, op: Op, value: &str) -> Filter {
    Filter::Is(Condition { key: key.into(), op, value: value.into() })
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn like(key: &str, pattern: &str) -> Filter {
    Filter::Like { key: key.into(), pattern: pattern.into() }
}

fn empty(key: &str) -> Filter {
    Filter::Empty { key: key.into() }
}

/// The usernames that a filter finds, in the given orders.
async fn found(yard: &Yard, filter: Filter, orders: &[(&str, bool)]) -> String {
    let mut orders = orders.iter().map(|(key, descending)| ((*key).to_owned(), *descending));
    let (sort, descending) = orders.next().unwrap();
    let (filter, then) = (Some(filter), orders.collect());
    let query = ListQuery { window: Some(EVERYTHING), filter, sort, descending, then, ..ListQuery::new(&USERS) };
    query.check(&USERS).unwrap();
    let page = yard.store.users(&query, Scope::Everything).await.unwrap();
    assert_eq!(page.total, page.rows.len() as u64);
    page.rows.into_iter().map(|row| row.username).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_filter_combines_conditions_in_any_way() {
    let yard = Yard::new().await;
    for (name, at) in [("ann", 10), ("bob", 20), ("cid", 20), ("Dan_", 30)] {
        yard.person(name, at).await.unwrap();
    }
    let project = yard.project.to_string();
    let named = |name: &str| is("username", Op::Equals, name);
    let before = |at| Filter::Before { key: "created_at".into(), at: Millis(at) };
    for (filter, names) in [
        (Filter::All(Vec::new()), "ann bob cid Dan_"),
        (Filter::Any(Vec::new()), ""),
        (Filter::Any(vec![named("ANN"), named("cid")]), "ann cid"),
        (not(Filter::Any(vec![named("ann"), named("cid")])), "bob Dan_"),
        (Filter::All(vec![not(named("bob")), before(30)]), "ann cid"),
        (Filter::Any(vec![Filter::All(vec![named("ann"), before(10)]), named("bob")]), "bob"),
        (not(before(20)), "bob cid Dan_"),
        (Filter::All(vec![not(before(20)), before(21)]), "bob cid"),
        (not(Filter::All(vec![not(before(20)), before(21)])), "ann Dan_"),
        (like("username", "_O_"), "bob"),
        (like("username", r"%N\_"), "Dan_"),
        (like("email", "B%.org"), "bob"),
        (not(like("full_name", "f%NAME")), ""),
        (empty("status_info"), "ann bob cid Dan_"),
        (not(empty("full_name")), "ann bob cid Dan_"),
        (empty("addresses"), "ann bob cid Dan_"),
        (is("addresses", Op::Contains, "10."), ""),
        (not(is("addresses", Op::Equals, "10.0.0.1")), "ann bob cid Dan_"),
        (is("project_name", Op::Equals, "DEFAULT"), "ann bob cid Dan_"),
        (not(is("project_name", Op::Contains, "efaul")), ""),
        (not(is("project", Op::Equals, &project)), ""),
        (empty("project"), ""),
        (is("main_key", Op::Equals, "KEY-bob"), "bob"),
        (is("main_key", Op::Equals, "key-bob"), ""),
        (is("main_key", Op::Contains, "key-bo"), "bob"),
        (not(is("active", Op::Is, "yes")), ""),
        (not(is("role", Op::Any, "admin,monitor")), "ann bob cid Dan_"),
    ] {
        assert_eq!(found(&yard, filter.clone(), &[("username", false)]).await, names, "{filter:?}");
    }
}

#[tokio::test]
async fn several_orders_apply_in_turn() {
    let yard = Yard::new().await;
    for (name, at) in [("ann", 10), ("bob", 20), ("cid", 20), ("Dan_", 30)] {
        yard.person(name, at).await.unwrap();
    }
    let everybody = Filter::All(Vec::new());
    let by_time = found(&yard, everybody.clone(), &[("full_name", false), ("created_at", true), ("username", false)]).await;
    assert_eq!(by_time, "Dan_ bob cid ann");
    assert_eq!(found(&yard, everybody.clone(), &[("created_at", false), ("username", true)]).await, "ann cid bob Dan_");
    assert_eq!(found(&yard, everybody.clone(), &[("project_name", false), ("username", true)]).await, "Dan_ cid bob ann");
    // Keys are ordered by case: capitals come first.
    assert_eq!(found(&yard, everybody, &[("active", true), ("main_key", false)]).await, "Dan_ ann bob cid");
}

#[tokio::test]
async fn a_missing_value_matches_only_negated_comparisons() {
    let yard = Yard::new().await;
    let mut change = yard.store.change().await.unwrap();
    let audit = Audit { at: Millis(5), actor: None, address: "", action: "end", subject: "Thing", detail: "{}" };
    change.audit(&audit).await.unwrap();
    change.commit().await.unwrap();
    let ann = || is("actor", Op::Equals, "ann@example.org");
    for (filter, total) in [
        (ann(), 0),
        (not(ann()), 1),
        (not(not(ann())), 0),
        (like("actor", "%"), 0),
        (not(like("actor", "%")), 1),
        (empty("actor"), 1),
        (not(empty("actor")), 0),
        (empty("address"), 1),
        (is("subject", Op::Equals, "Thing"), 1),
        (is("subject", Op::Equals, "thing"), 0),
        (is("subject", Op::Contains, "thing"), 1),
    ] {
        let query = ListQuery { window: Some(EVERYTHING), filter: Some(filter.clone()), ..ListQuery::new(&AUDIT) };
        query.check(&AUDIT).unwrap();
        assert_eq!(yard.store.audit_records(&query).await.unwrap().total, total, "{filter:?}");
    }
}

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

#[tokio::test]
async fn names_are_found_and_ordered_regardless_of_case_and_normal_form() {
    let yard = Yard::new().await;
    for (number, full_name) in ["adam", "Zoe", "Émile", "Ömer Ünal", "İstanbul Işık", "Straße"].into_iter().enumerate() {
        let mut change = yard.store.change().await.unwrap();
        let name = format!("person{number}");
        let account = CreateUser {
            full_name: full_name.into(),
            description: format!("{full_name} at the desk"),
            policy: "default".into(),
            ..CreateUser::example(&name, yard.domain)
        };
        let id = UserId(Uuid::now_v7());
        let new = NewUser {
            id,
            account: &account,
            password_hash: "x",
            access_key: &name,
            secret: b"sealed",
            keypair_policy: "default",
            at: Millis(1),
        };
        change.insert_user(&new).await.unwrap();
        change.commit().await.unwrap();
    }
    let found = async |key: &str, op: Op, value: &str| {
        let condition = Condition { key: key.into(), op, value: value.into() };
        let query = ListQuery::new(&USERS).with(&USERS, condition).unwrap();
        let page = yard.store.users(&query, Scope::Everything).await.unwrap();
        assert_eq!(page.rows.len() as u64, page.total);
        page.rows.into_iter().map(|row| row.full_name).collect::<Vec<_>>()
    };
    for text in ["Ömer", "ömer", "ÖMER", "o\u{308}mer", "ünal", "Ü"] {
        assert_eq!(found("full_name", Op::Contains, text).await, ["Ömer Ünal"], "{text}");
        assert_eq!(found("description", Op::Contains, text).await, ["Ömer Ünal"], "{text}");
    }
    assert_eq!(found("full_name", Op::Equals, "ÖMER ünal").await, ["Ömer Ünal"]);
    for text in ["istanbul", "IŞIK", "ışık"] {
        assert_eq!(found("full_name", Op::Contains, text).await, ["İstanbul Işık"], "{text}");
    }
    assert_eq!(found("full_name", Op::Equals, "STRASSE").await, ["Straße"]);
    assert_eq!(found("policy", Op::Equals, "DEFAULT").await.len(), 6);
    let by_name = ListQuery { sort: "full_name".into(), descending: false, ..ListQuery::new(&USERS) };
    let page = yard.store.users(&by_name, Scope::Everything).await.unwrap();
    let order: Vec<_> = page.rows.into_iter().map(|row| row.full_name).collect();
    assert_eq!(order, ["adam", "İstanbul Işık", "Straße", "Zoe", "Émile", "Ömer Ünal"]);
}

#[tokio::test]
async fn a_login_finds_its_account_in_either_normal_form() {
    let yard = Yard::new().await;
    let id = yard.person("Ömer", 1).await.unwrap();
    for login in ["ömer", "O\u{308}MER", "o\u{308}mer@example.org", "ÖMER@EXAMPLE.ORG"] {
        assert_eq!(yard.store.account_by_login(login).await.unwrap().map(|account| account.id), Some(id), "{login}");
    }
    let again = yard.person("o\u{308}mer", 2).await.unwrap_err();
    assert!(matches!(again.taken(), Some(Taken::Email | Taken::Username)), "{again}");
}

#[tokio::test]
async fn names_from_before_are_folded_when_the_database_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yard.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let mut before = sqlx::migrate!("./migrations");
    before.migrations = before.migrations.iter().filter(|one| one.version < 14).cloned().collect::<Vec<_>>().into();
    before.run(&pool).await.unwrap();
    sqlx::query("INSERT INTO domains (id, name, name_key, created_at) VALUES (zeroblob(16), 'default', 'default', 0)")
        .execute(&pool)
        .await
        .unwrap();
    // The last two were two accounts, and are one name now.
    for (number, name) in [(1, "Ömer"), (2, "straße"), (3, "strasse")] {
        sqlx::query(
            "INSERT INTO users (id, email, email_key, username, username_key, full_name, password_hash, role, status, domain_id, \
             description, created_at, modified_at) VALUES (unhex(?1), ?2 || '@x.org', ?3 || '@x.org', ?2, ?3, ?2, 'x', 'user', \
             'active', zeroblob(16), 'Über ' || ?2, 0, 0)",
        )
        .bind(format!("{number:032x}"))
        .bind(name)
        .bind(name.to_lowercase())
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::query("ANALYZE").execute(&pool).await.unwrap();
    pool.close().await;
    let store = Store::open(&file).await.unwrap();
    let who = async |login: &str| store.account_by_login(login).await.unwrap().map(|account| account.username);
    assert_eq!(who("O\u{308}MER").await.as_deref(), Some("Ömer"));
    assert_eq!(who("straße").await.as_deref(), Some("straße"), "by its old key");
    assert_eq!(who("strasse").await.as_deref(), Some("strasse"));
    let condition = Condition { key: "description".into(), op: Op::Contains, value: "über".into() };
    let query = ListQuery::new(&USERS).with(&USERS, condition).unwrap();
    assert_eq!(store.users(&query, Scope::Everything).await.unwrap().total, 3);
    store.close().await;
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let sql = "SELECT count(*) FROM sqlite_stat1 WHERE idx IN ('users_full_name', 'users_policy', 'users_email')";
    let known: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(known, 3, "the planner knows the new indexes like the old ones");
}
