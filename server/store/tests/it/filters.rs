//! Filters and orders that only programs send.

use super::*;

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
