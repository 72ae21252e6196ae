use super::*;
use types::list::{Condition, Filter, Kind, Window};
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
            let prepared = store.prepare(source, spec, &query, Vec::new()).await.unwrap();
            let mut sql = prepared.page("1");
            let rows: Vec<(i64,)> = sql.build_query_as().fetch_all(&store.read).await.unwrap();
            // A first start leaves a policy of each kind and nothing else.
            assert!(rows.len() <= 1, "{}", spec.name);
            store.count(&prepared).await.unwrap();
        }
    }
}

/// The lists that grow without bounds, with the conditions of their tabs.
const LARGE: [(&Source, &ListSpec, &[&str]); 4] = [
    (&crate::people::users::SOURCE, &types::people::users::USERS, &["u.active = ?"]),
    (&crate::people::keypairs::SOURCE, &types::people::keypairs::KEYPAIRS, &["k.deleted = ?", "k.active = ?"]),
    (&crate::sessions::SOURCE, &types::sessions::SESSIONS, &["s.finished = ?"]),
    (&crate::system::audit::SOURCE, &types::system::audit::AUDIT, &[]),
];

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
            let fixed = tabs.iter().map(|tab| (*tab, Bind::Int(1))).collect();
            let prepared = store.prepare(source, spec, &query, fixed).await.unwrap();
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
        let fixed = tabs.iter().map(|tab| (*tab, Bind::Int(1))).collect();
        let prepared = store.prepare(source, spec, &query, fixed).await.unwrap();
        let steps = plan(&store, &prepared.number_of_rows()).await;
        assert!(!steps.iter().any(|step| step.contains("LEFT-JOIN")), "{}: {steps:?}", spec.name);
    }
}
