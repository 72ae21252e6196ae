//! The list language, to and from the address bar.

use super::*;
use crate::address::parameters;
use crate::time::Millis;
use proptest::prelude::*;

static SPEC: ListSpec = ListSpec {
    name: "things",
    properties: &[
        Property { key: "email", label: "Email", kind: Kind::Text },
        Property { key: "role", label: "Role", kind: Kind::Choice(&[("user", "User"), ("admin", "Admin")]) },
        Property { key: "sudo", label: "Sudo", kind: Kind::Flag },
        Property { key: "cpu", label: "CPU", kind: Kind::Number },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
        Property { key: "verified", label: "", kind: Kind::Flag },
    ],
    sorts: &["created_at", "email"],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};

fn parse(text: &str) -> ListQuery {
    ListQuery::parse(&SPEC, &parameters(text)).0
}

#[test]
fn parts_of_an_address_that_do_not_fit_the_list_are_named() {
    let long = "x".repeat(MAX_VALUE + 1);
    for wrong in [
        "tab=gone",
        "type=gone",
        "sort=-shoe",
        "f=shoe.contains.x",
        "f=role.any.king",
        "f=sudo.contains.x",
        "f=email",
        "f=email.equals.",
        "f=email.is_not.x",
        "q=%E2%80%AE",
        "f=email.contains.a%00b",
        "f=email.contains.%ff",
        "f=email.contains.%E2%80%AE",
        &format!("f=email.contains.{long}"),
    ] {
        let (query, ignored) = ListQuery::parse(&SPEC, &parameters(wrong));
        assert_eq!((query, ignored.len()), (ListQuery::new(&SPEC), 1), "{wrong} {ignored:?}");
    }
    let (_, ignored) = ListQuery::parse(&SPEC, &parameters("f=shoe.contains.x"));
    assert_eq!(ignored, ["“shoe.contains.x”: This list cannot be filtered by “shoe”."]);
    let most: Vec<_> = (0..MAX_CONDITIONS + 1).map(|n| format!("f=email.contains.{n}")).collect();
    let (query, ignored) = ListQuery::parse(&SPEC, &parameters(&most.join("&")));
    assert_eq!((query.conditions.len(), ignored.len()), (MAX_CONDITIONS, 1));
    assert!(ListQuery::parse(&SPEC, &parameters("page=0&per=7&user=x&f=email.contains.a&f=email.contains.a")).1.is_empty());
}

#[test]
fn pages_end_where_the_count_does() {
    assert_eq!(ListQuery::parse(&SPEC, &parameters("page=1000&per=10")).0.page, 1000);
    let (query, ignored) = ListQuery::parse(&SPEC, &parameters("page=1001&per=10"));
    assert_eq!(
        (query.page, ignored.as_slice()),
        (1, ["A list shows its first 10,000 rows: narrow the filter.".to_owned()].as_slice())
    );
    let beyond = ListQuery { page: 1001, ..ListQuery::new(&SPEC) };
    assert!(beyond.check(&SPEC).is_err_and(|problem| problem.to_string().contains("first 10,000 rows")));
    let window = Some(Window { offset: 50_000, limit: 10, any_tab: true });
    assert!(ListQuery { window, ..ListQuery::new(&SPEC) }.check(&SPEC).is_ok(), "programs go on");
}

#[test]
fn a_filter_form_without_scripts_adds_its_condition() {
    let query = parse("f=role.any.user&q=ann");
    assert_eq!(query.conditions.len(), 2);
    assert_eq!(query.conditions[1], Condition { key: "email".into(), op: Op::Contains, value: "ann".into() });
}

#[test]
fn a_header_cycles_through_ascending_descending_and_default() {
    let up = ListQuery::new(&SPEC).sorted_by(&SPEC, "email");
    let down = up.sorted_by(&SPEC, "email");
    assert_eq!((up.sort.as_str(), up.descending), ("email", false));
    assert_eq!((down.sort.as_str(), down.descending), ("email", true));
    assert_eq!(down.sorted_by(&SPEC, "email"), ListQuery::new(&SPEC));
    let own = ListQuery::new(&SPEC).sorted_by(&SPEC, "created_at");
    assert_eq!((own.sort.as_str(), own.descending), ("created_at", false));
}

#[test]
fn an_unacceptable_value_is_explained() {
    let spec = &SPEC;
    let add =
        |key: &str, op, value: &str| ListQuery::new(spec).with(spec, Condition { key: key.into(), op, value: value.into() });
    assert_eq!(add("role", Op::Any, "user,king").unwrap_err(), "“king” is not one of User, Admin.");
    assert_eq!(add("created_at", Op::Min, "2026-02-30").unwrap_err(), "Type a date as YYYY-MM-DD.");
    assert_eq!(add("cpu", Op::Min, "many").unwrap_err(), "Type a number, such as 1.5.");
    assert!(add("sudo", Op::Is, "yes").is_ok());
}

fn is(key: &str, value: &str) -> Filter {
    let op = SPEC.property(key).map_or(Op::Equals, |property| property.kind.ops()[0]);
    Filter::Is(Condition { key: key.into(), op, value: value.into() })
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

#[test]
fn every_part_of_a_programs_filter_is_checked() {
    let like = |key: &str, pattern: &str| Filter::Like { key: key.into(), pattern: pattern.into() };
    let before = |key: &str| Filter::Before { key: key.into(), at: Millis(0) };
    let empty = |key: &str| Filter::Empty { key: key.into() };
    let right = Filter::Any(vec![
        is("email", "ann"),
        not(Filter::All(vec![is("verified", "yes"), empty("cpu")])),
        before("created_at"),
        like("email", "a%_n"),
    ]);
    assert_eq!(right.check(&SPEC), Ok(()));
    let wrong =
        [is("shoe", "x"), is("role", "king"), empty("shoe"), like("cpu", "1%"), like("email", ""), before("email"), before("x")];
    for wrong in wrong {
        assert!(not(Filter::Any(vec![right.clone(), wrong.clone()])).check(&SPEC).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_programs_filter_has_a_bounded_size_and_depth() {
    assert!(Filter::All(vec![is("email", "ann"); MAX_PARTS - 1]).check(&SPEC).is_ok());
    assert!(Filter::All(vec![is("email", "ann"); MAX_PARTS]).check(&SPEC).is_err());
    let deep = |depth: usize| (1..depth).fold(is("email", "ann"), |inner, _| not(inner));
    assert!(deep(MAX_DEPTH).check(&SPEC).is_ok());
    assert!(deep(MAX_DEPTH + 1).check(&SPEC).is_err());
    let query = ListQuery { filter: Some(deep(MAX_DEPTH + 1)), ..ListQuery::new(&SPEC) };
    assert!(query.check(&SPEC).unwrap_err().of_field("filter").is_some());
}

#[test]
fn only_programs_can_order_by_properties_without_an_index() {
    let page = ListQuery { sort: "cpu".into(), ..ListQuery::new(&SPEC) };
    assert!(page.check(&SPEC).is_err());
    let window = Window { offset: 0, limit: 1, any_tab: true };
    let program = ListQuery { window: Some(window), then: vec![("role".to_owned(), true)], ..page };
    assert!(program.check(&SPEC).is_ok());
    let unknown = ListQuery { then: vec![("shoe".to_owned(), false)], ..program.clone() };
    assert!(unknown.check(&SPEC).is_err());
    let many = ListQuery { then: vec![("role".to_owned(), false); MAX_ORDERS], ..program };
    assert!(many.check(&SPEC).is_err());
}

#[test]
fn parts_for_programs_are_neither_offered_nor_in_addresses_and_requests() {
    assert!(SPEC.offered().all(|property| property.key != "verified"));
    let query = ListQuery { filter: Some(is("verified", "yes")), then: vec![("role".to_owned(), true)], ..ListQuery::new(&SPEC) };
    assert_eq!(query.to_query_string(&SPEC), "");
    let sent = serde_json::to_string(&query).unwrap();
    assert_eq!(serde_json::from_str::<ListQuery>(&sent).unwrap(), ListQuery::new(&SPEC));
}

proptest! {
    #[test]
    fn a_query_survives_its_url(
        tab in 0usize..2, value in "[^\\p{C}\u{2028}\u{2029}\u{fffd}]{1,40}", page in 1u32..200, per in 0usize..3, descending: bool, by_email: bool,
    ) {
        let mut query = ListQuery::new(&SPEC);
        query.tab = SPEC.tabs[tab].0.into();
        query.page = page;
        query.per = PAGE_SIZES[per];
        query.sort = if by_email { "email" } else { "created_at" }.into();
        query.descending = descending;
        query.conditions.push(Condition { key: "email".into(), op: Op::Contains, value });
        prop_assert_eq!(parse(&query.to_query_string(&SPEC)), query);
    }
}
