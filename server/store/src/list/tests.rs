use super::*;
use types::list::{Condition, Filter, Kind, Op, Window};
use types::time::Millis;

const LISTS: [(&Source, &ListSpec); 12] = [
    (&crate::cluster::agents::SOURCE, &types::cluster::agents::AGENTS),
    (&crate::system::audit::SOURCE, &types::system::audit::AUDIT),
    (&crate::projects::PROJECT_SOURCE, &types::projects::PROJECTS),
    (&crate::projects::DOMAIN_SOURCE, &types::projects::DOMAINS),
    (&crate::people::keypairs::SOURCE, &types::people::keypairs::KEYPAIRS),
    (&crate::people::users::SOURCE, &types::people::users::USERS),
    (<types::limits::policies::KeypairPolicy as crate::StoredPolicy>::SOURCE, &types::limits::policies::KEYPAIR_POLICIES),
    (<types::limits::policies::UserPolicy as crate::StoredPolicy>::SOURCE, &types::limits::policies::USER_POLICIES),
    (<types::limits::policies::ProjectPolicy as crate::StoredPolicy>::SOURCE, &types::limits::policies::PROJECT_POLICIES),
    (&crate::limits::presets::SOURCE, &types::limits::presets::PRESETS),
    (&crate::cluster::resource_groups::SOURCE, &types::cluster::resource_groups::RESOURCE_GROUPS),
    (&crate::sessions::SOURCE, &types::sessions::SESSIONS),
];

#[test]
fn every_property_and_order_of_a_list_has_its_column() {
    for (source, spec) in LISTS {
        let keys = spec.properties.iter().map(|p| p.key).chain(spec.sorts.iter().copied());
        for key in keys {
            assert!(source.columns.iter().any(|(name, _)| *name == key), "{}: {key}", spec.name);
        }
        for (key, column) in source.columns {
            assert_eq!(column.sql.matches("{}").count(), usize::from(column.inside), "{}: {key}", spec.name);
        }
    }
}

/// Every filter that a property allows.
fn questions(key: &str, kind: Kind) -> Vec<Filter> {
    let value = match kind {
        Kind::Text => "some",
        Kind::Choice(options) => options[0].0,
        Kind::Flag => "yes",
        Kind::Number => "1.5",
        Kind::Id => "00000000-0000-0000-0000-000000000000",
        Kind::Date => "2026-11-24",
    };
    let is = |op: &Op| Filter::Is(Condition { key: key.into(), op: *op, value: value.into() });
    let mut parts: Vec<Filter> = kind.ops().iter().map(is).collect();
    parts.push(Filter::Empty { key: key.into() });
    match kind {
        Kind::Text => parts.push(Filter::Like { key: key.into(), pattern: "s_me%".into() }),
        Kind::Date => parts.push(Filter::Before { key: key.into(), at: Millis(1) }),
        _ => {}
    }
    let opposites: Vec<Filter> = parts.iter().map(|part| Filter::Not(Box::new(part.clone()))).collect();
    parts.extend(opposites);
    parts
}

#[tokio::test]
async fn the_database_accepts_every_comparison_and_order_of_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
    let window = Some(Window { offset: 0, limit: 10, any_tab: true });
    for (source, spec) in LISTS {
        for property in spec.properties {
            let filter = Some(Filter::Any(questions(property.key, property.kind)));
            let (sort, then) = (property.key.to_owned(), vec![(property.key.to_owned(), true)]);
            let query = ListQuery { window, filter, sort, then, ..ListQuery::new(spec) };
            query.check(spec).unwrap();
            let prepared = store.prepare(source, spec, &query, Vec::new(), Search::Page).await.unwrap();
            let mut sql = prepared.page("1");
            let rows: Vec<(i64,)> = sql.build_query_as().fetch_all(&store.read).await.unwrap();
            // A first start leaves a policy of each kind and nothing else.
            assert!(rows.len() <= 1, "{}", spec.name);
            store.count(&prepared).await.unwrap().unwrap();
        }
    }
}

/// The lists that grow without bounds, with the conditions of their tabs.
const LARGE: [(&Source, &ListSpec, &[&str]); 4] = [
    (&crate::people::users::SOURCE, &types::people::users::USERS, &["u.active = ?"]),
    (&crate::people::keypairs::SOURCE, &types::people::keypairs::KEYPAIRS, &["k.deleted = 0", "k.active = ?"]),
    (&crate::sessions::SOURCE, &types::sessions::SESSIONS, &["s.finished = ?"]),
    (&crate::system::audit::SOURCE, &types::system::audit::AUDIT, &[]),
];

/// The conditions of a tab.
fn tab_conditions(tabs: &[&'static str], tab: i64) -> Vec<Fixed> {
    tabs.iter().map(|sql| (*sql, if sql.contains('?') { Bind::Int(tab) } else { Bind::Nothing })).collect()
}

/// The steps of SQLite's plan for a statement.
async fn plan(store: &Store, statement: &QueryBuilder<Sqlite>) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql().as_str());
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&store.read).await.unwrap();
    plan.into_iter().map(|(.., step)| step).collect()
}

#[tokio::test]
async fn every_order_of_a_large_list_is_that_of_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
    for (source, spec, tabs) in LARGE {
        for (sort, descending) in spec.sorts.iter().flat_map(|sort| [(*sort, false), (*sort, true)]) {
            let query = ListQuery { sort: sort.into(), descending, ..ListQuery::new(spec) };
            let fixed = tab_conditions(tabs, 1);
            let mut prepared = store.prepare(source, spec, &query, fixed, Search::Page).await.unwrap();
            // As in a list of many rows, of which there are none here.
            prepared.ways = Ways::default();
            let steps = plan(&store, &prepared.page("1")).await;
            // Rows that are equal in the order may be sorted among themselves.
            let sorts = |step: &&String| step.contains("TEMP B-TREE") && !step.contains("LAST TERM");
            assert_eq!(steps.iter().find(sorts), None, "{} by {sort}: {steps:?}", spec.name);
            let scans = |step: &&String| step.starts_with("SCAN") && !step.contains("INDEX");
            // The audit trail is in the order of its own numbers.
            assert!(steps.iter().find(scans).is_none() || spec.name == "audit", "{} by {sort}: {steps:?}", spec.name);
        }
    }
}

#[tokio::test]
async fn a_count_reads_no_joined_table_that_its_filter_does_not_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
    for (source, spec, tabs) in LARGE {
        let query = ListQuery::new(spec);
        let fixed = tab_conditions(tabs, 1);
        let prepared = store.prepare(source, spec, &query, fixed, Search::Page).await.unwrap();
        let steps = plan(&store, &prepared.number_of_rows()).await;
        assert!(!steps.iter().any(|step| step.contains("LEFT-JOIN")), "{}: {steps:?}", spec.name);
    }
}

/// Texts, words, numbers and days that some, all and none of the seeded rows have.
fn values(kind: Kind, op: Op) -> Vec<String> {
    let words: &[&str] = match kind {
        Kind::Text if op == Op::Contains => {
            &["love", "example", "nobody-has-this", "train-", "default", "seed", "10.0.3", "sign", "%_\\"]
        }
        Kind::Text => &["ada.abe0@example.org", "Ada Abe", "default", "host", "seed", "sign-in", "10.0.1.1", "nothing"],
        Kind::Choice(options) => return options.iter().map(|(word, _)| (*word).into()).collect(),
        Kind::Flag => &["yes", "no"],
        Kind::Number => &["0", "3", "5000.5", "1000000"],
        Kind::Id => &["00000000-0000-0000-0000-000000000000"],
        Kind::Date => &["2020-01-01", "2026-03-05", "2030-01-01"],
    };
    words.iter().map(|word| (*word).into()).collect()
}

/// A database with some rows in each large list, opened as one in which lists are large from `few` rows on.
async fn seeded(folder: &std::path::Path, few: u32) -> Store {
    let file = folder.join("yard.db");
    let there = file.exists();
    let store = Store::open_with(&file, crate::Deadlines { few, ..crate::Deadlines::default() }).await.unwrap();
    if there {
        return store;
    }
    let (domain, project) = (types::id::DomainId(uuid::Uuid::now_v7()), types::id::ProjectId(uuid::Uuid::now_v7()));
    let at = Millis(types::time::day("2026-11-24").unwrap().0);
    let mut change = store.change().await.unwrap();
    crate::first_people(&mut change, domain, project, &types::quantity::Slots::default(), 20, at).await.unwrap();
    change.seed_users(0..200, domain, project, "hash", at).await.unwrap();
    change.seed_keypairs(1..40).await.unwrap();
    let nobody = types::id::UserId(uuid::Uuid::nil());
    change.seed_sessions(0..150, false, nobody, domain, project, at).await.unwrap();
    change.seed_sessions(150..180, true, nobody, domain, project, at).await.unwrap();
    change.seed_audit(0..300, 300, 200, at).await.unwrap();
    change.commit().await.unwrap();
    store
}

async fn found(store: &Store, list: (&'static Source, &'static ListSpec), query: &ListQuery) -> (Vec<i64>, u64, bool) {
    found_in(store, list, query, Vec::new()).await
}

async fn found_in(
    store: &Store,
    (source, spec): (&'static Source, &'static ListSpec),
    query: &ListQuery,
    fixed: Vec<Fixed>,
) -> (Vec<i64>, u64, bool) {
    let prepared = store.prepare(source, spec, query, fixed, Search::Page).await.unwrap();
    let rows: Vec<(i64,)> = prepared.page(source.number).build_query_as().fetch_all(&store.lists).await.unwrap();
    let (total, _) = store.count(&prepared).await.unwrap().unwrap();
    (rows.into_iter().map(|(number,)| number).collect(), total, prepared.ways.beginnings.contains(&true))
}

#[tokio::test]
async fn a_large_list_finds_the_same_rows_as_a_small_one() {
    let folder = tempfile::tempdir().unwrap();
    let small = seeded(folder.path(), 100_000).await;
    // Every look-up finds more than few rows, or some do, or none does.
    let large = [seeded(folder.path(), 0).await, seeded(folder.path(), 20).await, seeded(folder.path(), 100).await];
    let (mut rows, mut looked_up) = (0, 0);
    let tabs = |tabs| [Vec::new(), tab_conditions(tabs, 0), tab_conditions(tabs, 1)];
    for (source, spec, fixed) in LARGE.into_iter().flat_map(|(source, spec, of)| tabs(of).map(|fixed| (source, spec, fixed))) {
        for property in spec.properties {
            for op in property.kind.ops() {
                for value in values(property.kind, *op) {
                    let condition = Condition { key: property.key.into(), op: *op, value };
                    let query = ListQuery { conditions: vec![condition], per: 50, ..ListQuery::new(spec) };
                    let whole = found_in(&small, (source, spec), &query, fixed.clone()).await;
                    rows += whole.0.len();
                    for store in &large {
                        let quick = found_in(store, (source, spec), &query, fixed.clone()).await;
                        // A text that no index is in: its beginning is another question.
                        if !quick.2 {
                            assert_eq!(quick, whole, "{}: {:?}", spec.name, query.conditions);
                            looked_up += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(rows > 3_000 && looked_up > 500, "{rows} {looked_up}");
}

#[tokio::test]
async fn a_short_text_is_looked_for_anywhere_in_a_small_list_and_at_the_beginning_in_a_large_one() {
    let folder = tempfile::tempdir().unwrap();
    let users = (&crate::people::users::SOURCE, &types::people::users::USERS);
    let condition = Condition { key: "email".into(), op: Op::Contains, value: "AM".into() };
    let query = ListQuery { conditions: vec![condition], ..ListQuery::new(users.1) };
    let (_, anywhere, beginnings) = found(&seeded(folder.path(), 100_000).await, users, &query).await;
    assert!(!beginnings);
    for few in [0, 10] {
        let (_, beginning, beginnings) = found(&seeded(folder.path(), few).await, users, &query).await;
        // Amara, in six or seven of two hundred; `example` is in all.
        assert!(beginnings && beginning < 10 && anywhere == 200, "{beginning} of {anywhere}");
    }
    let sessions = (&crate::sessions::SOURCE, &types::sessions::SESSIONS);
    let condition = Condition { key: "owner".into(), op: Op::Contains, value: "a".into() };
    let query = ListQuery { conditions: vec![condition], ..ListQuery::new(sessions.1) };
    let (_, of_those, beginnings) = found(&seeded(folder.path(), 10).await, sessions, &query).await;
    assert!(beginnings && of_those > 10 && of_those < 60, "{of_those}: the owners whose email begins with it");
    // A file has them all.
    let store = seeded(folder.path(), 0).await;
    let all = store.prepare(users.0, users.1, &query, Vec::new(), Search::Throughout).await;
    assert!(all.is_ok_and(|prepared| !prepared.ways.beginnings.contains(&true)));
}

#[tokio::test]
async fn no_look_up_reads_a_large_table_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let store = seeded(folder.path(), 0).await;
    // With statistics, by which a column of two values is not worth an index.
    let mut change = store.change().await.unwrap();
    change.analyze().await.unwrap();
    change.commit().await.unwrap();
    let mut without = Vec::new();
    for (source, spec, tabs) in LARGE {
        for property in spec.properties.iter().filter(|property| !property.label.is_empty()) {
            for (op, value) in
                property.kind.ops().iter().flat_map(|op| values(property.kind, *op).into_iter().map(move |v| (op, v)))
            {
                let condition = Condition { key: property.key.into(), op: *op, value };
                let query = ListQuery { conditions: vec![condition], ..ListQuery::new(spec) };
                let prepared = store.prepare(source, spec, &query, tab_conditions(tabs, 1), Search::Page).await.unwrap();
                if prepared.ways.lookup.is_none() {
                    without.push((spec.name, property.key));
                }
                let steps = plan(&store, &prepared.number_of_rows()).await;
                let reads = |table: &str| steps.iter().any(|step| step.split(' ').take(2).eq(["SCAN", table]) && !partial(step));
                let read = ["u", "k", "s", "a", "t", "m", "users", "keypairs", "sessions", "audit"]
                    .into_iter()
                    .find(|table| reads(table));
                assert_eq!(read, None, "{} by {}: {steps:#?}", spec.name, property.key);
                // Many rows are walked in their order, not sorted.
                for (sort, descending) in spec.sorts.iter().flat_map(|sort| [(*sort, false), (*sort, true)]) {
                    let query = ListQuery { sort: sort.into(), descending, ..query.clone() };
                    let mut prepared = store.prepare(source, spec, &query, tab_conditions(tabs, 1), Search::Page).await.unwrap();
                    prepared.ways.few = false;
                    let steps = plan(&store, &prepared.page("1")).await;
                    let sorts = |step: &&String| step.contains("TEMP B-TREE") && !step.contains("LAST TERM");
                    assert_eq!(steps.iter().find(sorts), None, "{} of {} by {sort}: {steps:#?}", property.key, spec.name);
                }
            }
        }
    }
    assert_eq!(without, [], "every filter of a large list leads to its rows");
}

/// Whether a step reads an index of few rows, or a list within a row.
fn partial(step: &str) -> bool {
    ["users_info", "users_description", "VIRTUAL TABLE"].iter().any(|few| step.contains(few))
}
