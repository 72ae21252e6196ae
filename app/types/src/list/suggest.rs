//! Meanings of a text that is typed into a list's one filter box: `ann` → *Email contains ann*, `pend` → *Status is Pending*, `cpu 8`, `today`.
//!
//! The first suggestion is what the box does without scripts. Deliberately absent: a grammar. Whoever wants more combines conditions.

use super::{Condition, Kind, ListQuery, ListSpec, Op, Property};
use crate::time::Millis;

/// One meaning of a typed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// In words: `Email contains ann`.
    pub label: String,
    pub conditions: Vec<Condition>,
}

/// The most suggestions for one text.
const MOST: usize = 12;
const DAY: i64 = 86_400_000;

/// Returns the meanings of `text`, the likeliest first. `today` is the clock's time; without it no days are suggested. An empty text
/// suggests what is chosen rather than typed.
pub fn suggest(spec: &ListSpec, text: &str, today: Option<Millis>) -> Vec<Suggestion> {
    let text = text.trim();
    let mut found = Vec::new();
    // `owner ann`: a property and what follows it.
    for property in spec.offered() {
        if let Some(rest) = after_name(property, text) {
            found.extend(of_property(property, rest, today));
        }
    }
    if !text.is_empty() {
        let texts = spec.offered().filter(|property| property.kind == Kind::Text);
        found.extend(texts.flat_map(|property| of_property(property, text, today)));
        if uuid::Uuid::parse_str(text).is_ok() {
            let ids = spec.offered().filter(|property| property.kind == Kind::Id);
            found.splice(0..0, ids.flat_map(|property| of_property(property, text, today)));
        }
    }
    for property in spec.offered() {
        match property.kind {
            Kind::Choice(_) | Kind::Date => found.extend(of_property(property, text, today)),
            Kind::Flag if starts(property.label, text) => found.extend(of_property(property, "", today)),
            _ => {}
        }
    }
    let mut kept: Vec<Suggestion> = Vec::new();
    for one in found {
        if !kept.contains(&one) && one.conditions.iter().all(|condition| super::check_condition(spec, condition).is_ok()) {
            kept.push(one);
        }
    }
    kept.truncate(MOST);
    kept
}

/// The meanings of a text that is about this property.
fn of_property(property: &Property, text: &str, today: Option<Millis>) -> Vec<Suggestion> {
    let one = |op: Op, value: &str, shown: &str, word: &str| Suggestion {
        label: format!("{} {word} {shown}", property.label),
        conditions: vec![Condition { key: property.key.into(), op, value: value.into() }],
    };
    match property.kind {
        Kind::Text if text.is_empty() => Vec::new(),
        Kind::Text => vec![one(Op::Contains, text, text, Op::Contains.label(property.kind))],
        Kind::Id => vec![one(Op::Equals, text, text, Op::Equals.label(property.kind))],
        Kind::Choice(options) => {
            let options = options.iter().filter(|(_, label)| starts(label, text));
            options.map(|(key, label)| one(Op::Any, key, label, "is")).collect()
        }
        Kind::Flag => {
            let options = [("yes", "Yes"), ("no", "No")].into_iter().filter(|(_, label)| starts(label, text));
            options.map(|(key, label)| one(Op::Is, key, label, "is")).collect()
        }
        Kind::Number => numbers(text).into_iter().map(|(op, value)| one(op, value, value, op.label(property.kind))).collect(),
        Kind::Date => days(property, text, today),
    }
}

/// `8`, `>= 8`, `<8`: a number, and how to compare with it.
fn numbers(text: &str) -> Vec<(Op, &str)> {
    let text = text.trim_start_matches(['=', ':']).trim();
    let least = ["≥", ">=", ">"].into_iter().find_map(|sign| text.strip_prefix(sign));
    let most = ["≤", "<=", "<"].into_iter().find_map(|sign| text.strip_prefix(sign));
    match (least, most) {
        _ if text.is_empty() => Vec::new(),
        (Some(value), _) => vec![(Op::Min, value.trim())],
        (_, Some(value)) => vec![(Op::Max, value.trim())],
        _ => vec![(Op::Equals, text), (Op::Min, text), (Op::Max, text)],
    }
}

/// Days that people mean, and a day that is typed.
fn days(property: &Property, text: &str, today: Option<Millis>) -> Vec<Suggestion> {
    let day = |at: i64| Millis(at).utc().chars().take(10).collect::<String>();
    let range = |shown: &str, from: String, until: Option<String>| {
        let from = (!from.is_empty()).then_some((Op::Min, from));
        let until = until.map(|until| (Op::Max, until));
        let conditions = from.into_iter().chain(until);
        Suggestion {
            label: format!("{} {shown}", property.label),
            conditions: conditions.map(|(op, value)| Condition { key: property.key.into(), op, value }).collect(),
        }
    };
    if crate::time::day(text).is_some() {
        return vec![
            range(&format!("on {text}"), text.into(), Some(text.into())),
            range(&format!("from {text}"), text.into(), None),
            range(&format!("until {text}"), String::new(), Some(text.into())),
        ];
    }
    let Some(Millis(now)) = today else { return Vec::new() };
    let known =
        [("today", 0, None), ("yesterday", 1, Some(1)), ("in the last 7 days", 6, None), ("in the last 30 days", 29, None)];
    let meant = known.into_iter().filter(|(words, ..)| starts(words, text) || starts(words.trim_start_matches("in the "), text));
    meant
        .map(|(words, from, until)| range(&format!("{words} (UTC)"), day(now - from * DAY), until.map(|n| day(now - n * DAY))))
        .collect()
}

/// The rest of a text that begins with the property's name.
fn after_name<'a>(property: &Property, text: &'a str) -> Option<&'a str> {
    let name = property.label;
    let (head, rest) = (text.get(..name.len())?, text.get(name.len()..)?);
    let parted = rest.is_empty() || rest.starts_with([' ', ':', '=', '<', '>', '≥', '≤']);
    (head.eq_ignore_ascii_case(name) && parted).then(|| rest.trim_start_matches([' ', ':', '=']).trim())
}

fn starts(label: &str, text: &str) -> bool {
    label.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
}

impl ListQuery {
    /// Returns the same query with these conditions, on its first page: another choice of a property widens the one that is there,
    /// and another span of days replaces it. The error is a sentence for people.
    pub fn with_all(&self, spec: &ListSpec, conditions: &[Condition]) -> Result<Self, String> {
        let mut next = self.at_page(1);
        for one in conditions {
            let kind = spec.property(&one.key).map(|property| property.kind);
            match (kind, next.conditions.iter_mut().find(|other| other.key == one.key && other.op == one.op)) {
                (Some(Kind::Choice(_)), Some(other)) => {
                    if !other.value.split(',').any(|value| value == one.value) {
                        other.value = format!("{},{}", other.value, one.value);
                    }
                    continue;
                }
                (Some(Kind::Date), _) => {
                    let mine = |other: &Condition| other.key != one.key || conditions.contains(other);
                    next.conditions.retain(mine);
                }
                _ => {}
            }
            next.add(spec, one.clone())?;
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::Sort;

    static SPEC: ListSpec = ListSpec {
        name: "things",
        properties: &[
            Property { key: "email", label: "Email", kind: Kind::Text },
            Property { key: "owner", label: "Owner", kind: Kind::Text },
            Property { key: "role", label: "Role", kind: Kind::Choice(&[("user", "User"), ("admin", "Admin")]) },
            Property { key: "sudo", label: "Sudo session", kind: Kind::Flag },
            Property { key: "cpu", label: "CPU", kind: Kind::Number },
            Property { key: "created_at", label: "Created", kind: Kind::Date },
            Property { key: "id", label: "ID", kind: Kind::Id },
        ],
        sorts: &["created_at"],
        default_sort: Sort { key: "created_at", descending: true },
        tabs: &[],
        subtabs: &[],
    };

    fn labels(text: &str) -> Vec<String> {
        suggest(&SPEC, text, Some(Millis(100 * DAY))).into_iter().map(|one| one.label).collect()
    }

    #[test]
    fn plain_text_means_the_first_text_property_and_then_the_others() {
        assert_eq!(labels("ann"), ["Email contains ann", "Owner contains ann"]);
        assert_eq!(labels("adm"), ["Email contains adm", "Owner contains adm", "Role is Admin"]);
    }

    #[test]
    fn a_propertys_name_before_the_text_means_that_property() {
        assert_eq!(labels("owner ann")[0], "Owner contains ann");
        assert_eq!(labels("Role: adm")[0], "Role is Admin");
        assert_eq!(labels("cpu >= 8")[0], "CPU at least 8");
        assert_eq!(labels("cpu 8")[..3], ["CPU equals 8", "CPU at least 8", "CPU at most 8"]);
        assert_eq!(labels("sudo")[2..], ["Sudo session is Yes", "Sudo session is No"]);
        assert!(!labels("cpu many").iter().any(|label| label.starts_with("CPU")), "what the list would refuse is not offered");
    }

    #[test]
    fn an_empty_box_offers_what_is_chosen_rather_than_typed() {
        let all = labels("");
        assert_eq!(all[..3], ["Role is User", "Role is Admin", "Sudo session is Yes"]);
        assert_eq!(all[4..6], ["Created today (UTC)", "Created yesterday (UTC)"]);
    }

    #[test]
    fn days_are_named_or_typed() {
        let conditions = |text: &str| {
            let found = suggest(&SPEC, text, Some(Millis(100 * DAY)));
            found.into_iter().rfind(|one| one.label.starts_with("Created")).map(|one| one.conditions).unwrap()
        };
        let day = |op, value: &str| Condition { key: "created_at".into(), op, value: value.into() };
        assert_eq!(conditions("yesterday"), [day(Op::Min, "1970-04-10"), day(Op::Max, "1970-04-10")]);
        assert_eq!(conditions("last 7"), [day(Op::Min, "1970-04-05")]);
        assert_eq!(conditions("created 1970-02-03"), [day(Op::Max, "1970-02-03")]);
        assert!(suggest(&SPEC, "today", None).iter().all(|one| !one.label.starts_with("Created")));
    }

    #[test]
    fn another_choice_widens_and_another_span_of_days_replaces() {
        let condition = |key: &str, op, value: &str| Condition { key: key.into(), op, value: value.into() };
        let query = ListQuery::new(&SPEC).with_all(&SPEC, &[condition("role", Op::Any, "user")]).unwrap();
        let query = query.with_all(&SPEC, &[condition("role", Op::Any, "admin")]).unwrap();
        assert_eq!(query.conditions, [condition("role", Op::Any, "user,admin")]);
        let days = |from: &str, until: &str| [condition("created_at", Op::Min, from), condition("created_at", Op::Max, until)];
        let query = query.with_all(&SPEC, &days("1970-01-02", "1970-01-02")).unwrap();
        let query = query.with_all(&SPEC, &[condition("created_at", Op::Min, "1970-01-05")]).unwrap();
        assert_eq!(query.conditions[1..], [condition("created_at", Op::Min, "1970-01-05")]);
        let query = query.with_all(&SPEC, &days("1970-01-02", "1970-01-03")).unwrap();
        assert_eq!(query.conditions[1..], days("1970-01-02", "1970-01-03"));
    }
}
