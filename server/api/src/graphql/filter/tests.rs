//! Tests of reading Backend.AI's filter language.

use super::*;
use types::list::MAX_DEPTH;
use types::people::keypairs::KEYPAIRS;
use types::people::users::USERS;

const NAMES: Names = &[
    ("email", "email"),
    ("full_name", "full_name"),
    ("role", "role"),
    ("status", "status"),
    ("uuid", "id"),
    ("need_password_change", "must_change_password"),
    ("created_at", "created_at"),
    ("project_name", "project_name"),
    ("rate_limit", "rate_limit"),
    ("gone", "gone"),
];
const UNORDERED: &[&str] = &["project_name"];
/// The first moment of 2026-11-24.
const DAY: i64 = 1_795_478_400_000;

fn asked(filter: &str, order: &str) -> Result<ListQuery, Problem> {
    list(&USERS, (NAMES, UNORDERED), (20, 0), None, Some(filter), Some(order))
}

/// A filter in words, with every bracket.
fn words(filter: &Filter) -> String {
    let joined = |parts: &[Filter], word: &str| format!("({})", parts.iter().map(words).collect::<Vec<_>>().join(word));
    match filter {
        Filter::Is(c) => format!("{} {} {}", c.key, c.op.key(), c.value),
        Filter::Not(inner) => format!("not {}", words(inner)),
        Filter::All(parts) => joined(parts, " and "),
        Filter::Any(parts) => joined(parts, " or "),
        Filter::Like { key, pattern } => format!("{key} like {pattern}"),
        Filter::Before { key, at } => format!("{key} before {}", at.0 - DAY),
        Filter::Empty { key } => format!("{key} empty"),
    }
}

fn read(text: &str) -> String {
    words(&expression::read(&USERS, NAMES, text).unwrap_or_else(|problem| panic!("{text}: {problem:?}")))
}

/// The reason why a filter is refused.
fn refusal(text: &str) -> String {
    match expression::read(&USERS, NAMES, text) {
        Ok(filter) => panic!("{text}: {}", words(&filter)),
        Err(problem) => problem.of_field("filter").unwrap(),
    }
}

#[test]
fn comparisons_joined_by_and_become_conditions() {
    let filter = r#"email ilike "%ann & \"co\"%" & (role == "user" & need_password_change == true)"#;
    let query = asked(filter, "-created_at").unwrap();
    let said: Vec<_> = query.conditions.iter().map(|c| (c.key.as_str(), c.op.key(), c.value.as_str())).collect();
    assert_eq!(said, [("email", "contains", "ann & \"co\""), ("role", "any", "user"), ("must_change_password", "is", "yes")]);
    assert_eq!(query.filter, None);
    assert!(query.sort == "created_at" && query.descending && query.then.is_empty());
    assert!(!asked("", "+email").unwrap().descending);
}

#[test]
fn parts_that_are_not_plain_conditions_stay_a_filter() {
    let query = asked(r#"role == user & (email == "a" | email == "b") & email != "c""#, "").unwrap();
    assert_eq!(query.conditions.len(), 1);
    assert_eq!(words(query.filter.as_ref().unwrap()), "((email equals a or email equals b) and not email equals c)");
    query.check(&USERS).unwrap();

    let many = vec![r#"email contains "a""#; 20].join("&");
    let query = asked(&many, "").unwrap();
    assert_eq!(query.conditions.len(), MOST_PLAIN);
    assert!(matches!(&query.filter, Some(Filter::All(rest)) if rest.len() == 20 - MOST_PLAIN));
    query.check(&USERS).unwrap();
}

#[test]
fn and_binds_tighter_than_or_and_not_binds_tightest() {
    let (a, b, c) = (r#"email=="a""#, r#"email=="b""#, r#"email=="c""#);
    for (text, meaning) in [
        (format!("{a}|{b}&{c}"), "(email equals a or (email equals b and email equals c))"),
        (format!("{a} & {b} | {c}"), "((email equals a and email equals b) or email equals c)"),
        (format!("({a}|{b})&{c}"), "((email equals a or email equals b) and email equals c)"),
        (format!("!{a} & {b}"), "(not email equals a and email equals b)"),
        (format!("! ( {a} | {b} ) | {c}"), "(not (email equals a or email equals b) or email equals c)"),
        (format!("!!{a}"), "email equals a"),
        (format!("!{a}&!{b}"), "(not email equals a and not email equals b)"),
        (format!("(({a}))"), "email equals a"),
        (format!("{a} | ({b} | {c})"), "(email equals a or email equals b or email equals c)"),
    ] {
        assert_eq!(read(&text), meaning, "{text}");
    }
}

#[test]
fn every_operator_means_what_it_says() {
    for (text, meaning) in [
        (r#"email == "a""#, "email equals a"),
        (r#"email!="a""#, "not email equals a"),
        (r#"email contains "a""#, "email contains a"),
        (r#"email like "%a%""#, "email contains a"),
        (r#"email ilike "a_c%""#, "email like a_c%"),
        (r#"email like "%a%b%""#, "email like %a%b%"),
        (r#"email like "%""#, "email like %"),
        (r#"email in ["a", "b"]"#, "(email equals a or email equals b)"),
        (r#"email in["a"]"#, "email equals a"),
        ("email in []", "()"),
        ("email in [null, a]", "(email empty or email equals a)"),
        ("full_name is null", "full_name empty"),
        ("full_name isnot null", "not full_name empty"),
        ("full_name == null", "full_name empty"),
        ("full_name != null", "not full_name empty"),
        (r#"full_name == "null""#, "full_name equals null"),
        (r#"full_name == """#, "full_name empty"),
        ("need_password_change is true", "must_change_password is yes"),
        ("need_password_change isnot true", "not must_change_password is yes"),
        ("need_password_change == false", "must_change_password is no"),
        ("role == ADMIN", "role any admin"),
        (r#"role == "domain admin""#, "role any admin"),
        ("status != BEFORE_VERIFICATION", "not status any before-verification"),
        (r#"status in ["active", "Inactive"]"#, "(status any active or status any inactive)"),
        (r#"email == "\"a\" \\ | b""#, r#"email equals "a" \\ | b"#),
        (r#"email == "ä\\""#, r"email equals ä\\"),
    ] {
        assert_eq!(read(text), meaning, "{text}");
    }
    let id = "0198c2a4-7e6b-7c10-8000-000000000001";
    assert_eq!(read(&format!("uuid == \"{id}\" | uuid == {id}")), format!("(id equals {id} or id equals {id})"));
    for (text, meaning) in [
        ("rate_limit == 5", "rate_limit equals 5"),
        ("rate_limit >= +5", "rate_limit min 5"),
        ("rate_limit<=-5", "rate_limit max -5"),
        ("rate_limit > 5.5", "not rate_limit max 5.5"),
        ("rate_limit < 5", "not rate_limit min 5"),
        ("rate_limit in [1, 2]", "(rate_limit equals 1 or rate_limit equals 2)"),
    ] {
        assert_eq!(words(&expression::read(&KEYPAIRS, NAMES, text).unwrap()), meaning, "{text}");
    }
}

#[test]
fn times_are_exact_and_in_utc_unless_they_have_an_offset() {
    for (text, meaning) in [
        (r#"created_at < "2026-11-24""#, "created_at before 0"),
        ("created_at <= 2026-11-24T00:00:00Z", "created_at before 1"),
        (r#"created_at >= "2026-11-24T00:00:01""#, "not created_at before 1000"),
        (r#"created_at > "2026-11-24 00:00:00.250""#, "not created_at before 251"),
        (r#"created_at < "2026-11-24T09:00:00+09:00""#, "created_at before 0"),
        (r#"created_at < "2026-11-24T00:00:00.423494+00:00""#, "created_at before 423"),
        (r#"created_at < "20261124T000000Z""#, "created_at before 0"),
        (r#"created_at == "2026-11-24T00:00:02.5Z""#, "(not created_at before 2000 and created_at before 3000)"),
        (r#"!(created_at >= "2026-11-24")"#, "created_at before 0"),
        ("created_at is null", "created_at empty"),
    ] {
        assert_eq!(read(text), meaning, "{text}");
    }
}

#[test]
fn an_invalid_filter_is_an_error_that_names_the_field() {
    for (text, message) in [
        (r#"nosuch == "a""#, "Unknown/unsupported field name: nosuch"),
        (r#"email == "a" | nosuch == "a""#, "Unknown/unsupported field name: nosuch"),
        (r#"gone == "a""#, "This list cannot be filtered by gone."),
        ("email", "no known operator after email"),
        (r#"email = "a""#, "no known operator after email"),
        (r#"email matches "a""#, "no known operator after email"),
        (r#"email > "a""#, "email does not support the operator >"),
        ("role contains a", "role does not support the operator contains"),
        (r#"uuid like "%a%""#, "uuid does not support the operator like"),
        ("need_password_change > true", "need_password_change does not support the operator >"),
        (r#"role == "king""#, "role: “king” is not one of superadmin, admin, user, monitor."),
        (r#"role == "user,admin""#, "role: “user,admin” is not one of"),
        ("uuid == x", "uuid: Paste a whole ID"),
        ("need_password_change == 1", "need_password_change must be true or false."),
        ("email is true", "email: is and isnot compare with null"),
        (r#"created_at > "yesterday""#, "created_at: Give a day or a time"),
        (r#"created_at > "2026-02-30""#, "created_at: Give a day or a time"),
        (r#"email contains """#, "email: Type a value"),
        (r#"email like """#, "email: Type a value"),
        ("email ==", "no value to compare email with"),
        (r#"email == ["a"]"#, "no value to compare email with"),
        (r#"email in "a""#, "email in must be followed by a list"),
        (r#"email in ["a""#, "The list after email is not closed."),
        (r#"email in ["a" "b"]"#, "The list after email is not closed."),
        (r#"email in ["a",]"#, "no value to compare email with"),
        (r#"email == "a"#, "A quote after email is not closed."),
        (r#"email == "a\""#, "A quote after email is not closed."),
        (r#"(email == "a""#, "A bracket is not closed."),
        (r#"email == "a")"#, "Found “)”"),
        (r#"email == "a" email == "b""#, "Found “e”"),
        (r#"email == "a" &"#, "must begin with a field"),
        (r#"email == "a" || email == "b""#, "must begin with a field"),
        ("!", "must begin with a field"),
        ("()", "must begin with a field"),
    ] {
        let reason = refusal(text);
        assert!(reason.contains(message), "{text}: {reason}");
    }
    assert!(refusal(&format!("email == {}", "a".repeat(201))).contains("email: A value has at most 200 characters."));
    assert!(refusal(&format!("email == {}", "a".repeat(4096))).contains("at most 4096 characters"));
    assert!(refusal(&format!("{}email == a{}", "(".repeat(17), ")".repeat(17))).contains("at most 16 deep"));
    assert!(refusal(&format!("{}email == a", "!".repeat(17))).contains("at most 16 deep"));
    read(&format!("{}email == a{}", "(".repeat(16), ")".repeat(16)));
    assert!(list(&USERS, (NAMES, UNORDERED), (101, 0), None, None, None).is_err());
    assert!(list(&USERS, (NAMES, UNORDERED), (10, -1), None, None, None).is_err());
}

#[test]
fn a_filter_that_is_too_large_is_refused_by_the_list() {
    let large = format!("email in [{}]", vec!["a"; 200].join(","));
    assert!(asked(&large, "").unwrap().check(&USERS).is_err());
    let mut deep = "email == a".to_owned();
    for _ in 0..MAX_DEPTH {
        deep = format!("email == b | email == c & ({deep})");
    }
    assert!(asked(&deep, "").unwrap().check(&USERS).is_err());
}

#[test]
fn several_fields_order_a_list_one_after_the_other() {
    let query = asked("", "role, -created_at,+uuid").unwrap();
    assert!(query.sort == "role" && !query.descending);
    assert_eq!(query.then, [("created_at".to_owned(), true), ("id".to_owned(), false)]);
    query.check(&USERS).unwrap();
    for order in ["nosuch", "role,nosuch", "email,", "project_name", "gone", "role -email"] {
        assert!(asked("", order).is_err(), "{order}");
    }
    assert!(asked("", &["email"; 9].join(",")).unwrap().check(&USERS).is_err());
}

#[test]
fn no_text_makes_the_reader_panic() {
    let pieces: Vec<&str> =
        "email role uuid created_at need_password_change nosuch == != >= < = contains in is isnot like ilike \
        ! ! ( ( ) ) & & | | [ ] , \" \\ \\\" null true %a% é 🦀 2026-11-24 2026-11-24T25:00:00+99:99 -99999999999999999999"
            .split_whitespace()
            .chain([" ", "\t", "\u{2028}", "\0", "email == a", "role in [user, \"admin\"]", "created_at < \"2026-11-24 10:00\""])
            .collect();
    // A small generator of always the same numbers, so that a failure can be reproduced.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    let mut read = 0;
    for _ in 0..50_000 {
        let (length, between) = (next(12), if next(2) == 0 { "" } else { " " });
        let text = (0..length).map(|_| pieces[next(pieces.len())]).collect::<Vec<_>>().join(between);
        // Orders have no grammar of their own, but must not panic either.
        let _ = asked("", &text);
        if let Ok(filter) = expression::read(&USERS, NAMES, &text) {
            filter.check(&USERS).unwrap();
            read += 1;
        }
    }
    assert!(read > 100, "{read} of them are filters");
}
