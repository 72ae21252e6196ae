//! A filter's text, read by recursive descent (`docs/spec/api.md`, "Filter language"):
//!
//! ```text
//! expression := all ("|" all)*
//! all        := one ("&" one)*
//! one        := "!" one | "(" expression ")" | field operator value
//! ```
//!
//! Backend.AI leaves open which of `&` and `|` binds tighter; here it is `&`, as everywhere else.

use super::{Names, invalid_filter, key_of_field};
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{OffsetDateTime, PrimitiveDateTime};
use types::Problem;
use types::list::{Condition, Filter, Kind, ListSpec, Op};
use types::time::Millis;
use types::time::day;

/// The most characters of an expression.
const MOST_TEXT: usize = 4096;
/// The deepest nesting of `!` and brackets.
const MOST_NESTED: usize = 16;

/// Operators that are signs; a longer one comes before a shorter one that begins alike.
const SIGNS: [&str; 6] = ["==", "!=", ">=", "<=", ">", "<"];
const WORDS: [&str; 6] = ["contains", "in", "is", "isnot", "like", "ilike"];
/// The characters that end a value without quotes, like a space.
const ENDS: &str = "&|()[],\"!=<>";

type Read<T> = Result<T, Problem>;

/// Reads an expression as a filter of the list.
pub fn read(spec: &'static ListSpec, names: Names, text: &str) -> Read<Filter> {
    if text.chars().count() > MOST_TEXT {
        return Err(invalid_filter(format!("An expression has at most {MOST_TEXT} characters.")));
    }
    let mut reader = Reader { spec, names, rest: text, depth: 0 };
    let filter = reader.expression()?;
    match reader.rest.trim_start().chars().next() {
        None => Ok(filter),
        Some(next) => Err(invalid_filter(format!("Found “{next}” where &, | or the end was expected."))),
    }
}

struct Reader<'a> {
    spec: &'static ListSpec,
    names: Names,
    rest: &'a str,
    depth: usize,
}

/// A value, as written in the expression.
struct Literal {
    text: String,
    quoted: bool,
}

impl<'a> Reader<'a> {
    fn expression(&mut self) -> Read<Filter> {
        let mut parts = Vec::new();
        loop {
            match self.all()? {
                Filter::Any(inner) => parts.extend(inner),
                part => parts.push(part),
            }
            if !self.takes("|") {
                return Ok(joined(parts, Filter::Any));
            }
        }
    }

    fn all(&mut self) -> Read<Filter> {
        let mut parts = Vec::new();
        loop {
            match self.one()? {
                Filter::All(inner) => parts.extend(inner),
                part => parts.push(part),
            }
            if !self.takes("&") {
                return Ok(joined(parts, Filter::All));
            }
        }
    }

    fn one(&mut self) -> Read<Filter> {
        if self.takes("!") {
            return Ok(not(self.nested(Self::one)?));
        }
        if self.takes("(") {
            let inner = self.nested(Self::expression)?;
            return if self.takes(")") { Ok(inner) } else { Err(invalid_filter("A bracket is not closed.")) };
        }
        self.comparison()
    }

    /// Reads a part one level deeper, up to the deepest nesting.
    fn nested(&mut self, read: fn(&mut Self) -> Read<Filter>) -> Read<Filter> {
        if self.depth == MOST_NESTED {
            return Err(invalid_filter(format!("! and brackets can be nested at most {MOST_NESTED} deep.")));
        }
        self.depth += 1;
        let inner = read(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self) -> Read<Filter> {
        let field = self.word();
        if field.is_empty() {
            return Err(invalid_filter("A comparison must begin with a field."));
        }
        let key = key_of_field(self.names, field)?;
        let property =
            self.spec.property(key).ok_or_else(|| invalid_filter(format!("This list cannot be filtered by {field}.")))?;
        let field = Field { name: field, key, kind: property.kind };
        let op = self.operator().ok_or_else(|| invalid_filter(format!("There is no known operator after {}.", field.name)))?;
        if op != "in" {
            let value = self.value(field.name)?;
            return field.compared(op, &value);
        }
        let values = self.values(field.name)?;
        Ok(joined(values.iter().map(|value| field.equals(value)).collect::<Read<_>>()?, Filter::Any))
    }

    /// Steps over `text` if it comes next, and returns whether it did.
    fn takes(&mut self, text: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Reads the letters, digits and `_` that come next.
    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        word
    }

    fn operator(&mut self) -> Option<&'static str> {
        if let Some(sign) = SIGNS.into_iter().find(|sign| self.takes(sign)) {
            return Some(sign);
        }
        let word = self.word();
        WORDS.into_iter().find(|op| *op == word)
    }

    /// Reads one value: in quotes, or a bare number or word.
    fn value(&mut self, field: &str) -> Read<Literal> {
        let rest = self.rest.trim_start();
        if let Some(inside) = rest.strip_prefix('"') {
            let mut escaped = false;
            for (at, c) in inside.char_indices() {
                if c == '"' && !escaped {
                    self.rest = &inside[at + 1..];
                    return Ok(Literal { text: inside[..at].replace("\\\"", "\""), quoted: true });
                }
                escaped = c == '\\' && !escaped;
            }
            return Err(invalid_filter(format!("A quote after {field} is not closed.")));
        }
        let end = rest.find(|c: char| c.is_whitespace() || ENDS.contains(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(invalid_filter(format!("There is no value to compare {field} with.")));
        }
        let (text, after) = rest.split_at(end);
        self.rest = after;
        Ok(Literal { text: text.to_owned(), quoted: false })
    }

    fn values(&mut self, field: &str) -> Read<Vec<Literal>> {
        if !self.takes("[") {
            return Err(invalid_filter(format!("{field} in must be followed by a list, such as [1, 2].")));
        }
        let mut values = Vec::new();
        if self.takes("]") {
            return Ok(values);
        }
        loop {
            values.push(self.value(field)?);
            if self.takes("]") {
                return Ok(values);
            }
            if !self.takes(",") {
                return Err(invalid_filter(format!("The list after {field} is not closed.")));
            }
        }
    }
}

/// The field on the left of a comparison.
struct Field<'a> {
    /// Backend.AI's name.
    name: &'a str,
    key: &'static str,
    kind: Kind,
}

impl Field<'_> {
    fn compared(&self, op: &str, value: &Literal) -> Read<Filter> {
        match (op, self.kind) {
            ("==", _) => self.equals(value),
            ("!=", _) => self.equals(value).map(not),
            ("is", _) => self.is(value),
            ("isnot", _) => self.is(value).map(not),
            ("contains", Kind::Text) => self.condition(Op::Contains, &value.text),
            ("like" | "ilike", Kind::Text) => self.like(&value.text),
            (">=", Kind::Number) => self.condition(Op::Min, unsigned(value)),
            ("<=", Kind::Number) => self.condition(Op::Max, unsigned(value)),
            (">", Kind::Number) => self.condition(Op::Max, unsigned(value)).map(not),
            ("<", Kind::Number) => self.condition(Op::Min, unsigned(value)).map(not),
            ("<", Kind::Date) => Ok(self.before(self.moment(value)?)),
            ("<=", Kind::Date) => Ok(self.before(after(self.moment(value)?))),
            (">=", Kind::Date) => Ok(not(self.before(self.moment(value)?))),
            (">", Kind::Date) => Ok(not(self.before(after(self.moment(value)?)))),
            _ => Err(invalid_filter(format!("{} does not support the operator {op}.", self.name))),
        }
    }

    fn equals(&self, value: &Literal) -> Read<Filter> {
        let text = value.text.as_str();
        if value.is("null") || (self.kind == Kind::Text && text.is_empty()) {
            return Ok(Filter::Empty { key: self.key.into() });
        }
        match self.kind {
            Kind::Text | Kind::Id => self.condition(Op::Equals, text),
            Kind::Number => self.condition(Op::Equals, unsigned(value)),
            Kind::Flag => match text {
                "true" => self.condition(Op::Is, "yes"),
                "false" => self.condition(Op::Is, "no"),
                _ => Err(invalid_filter(format!("{} must be true or false.", self.name))),
            },
            Kind::Choice(options) => match choice(options, text) {
                Some(key) => self.condition(Op::Any, key),
                None => {
                    let keys: Vec<_> = options.iter().map(|(key, _)| *key).collect();
                    Err(invalid_filter(format!("{}: “{text}” is not one of {}.", self.name, keys.join(", "))))
                }
            },
            // Times are shown in whole seconds, so people compare with whole seconds.
            Kind::Date => {
                let second = self.moment(value)?.0.div_euclid(1000) * 1000;
                let (from, to) = (self.before(Millis(second)), self.before(Millis(second + 1000)));
                Ok(Filter::All(vec![not(from), to]))
            }
        }
    }

    fn is(&self, value: &Literal) -> Read<Filter> {
        let flag = self.kind == Kind::Flag && (value.is("true") || value.is("false"));
        if flag || value.is("null") {
            return self.equals(value);
        }
        Err(invalid_filter(format!("{}: is and isnot compare with null, and flags also with true and false.", self.name)))
    }

    /// Reads a pattern. `%text%` becomes `contains`, which has an index.
    fn like(&self, pattern: &str) -> Read<Filter> {
        let inside = pattern.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
        match inside {
            Some(text) if !text.is_empty() && !text.contains(['%', '_', '\\']) => self.condition(Op::Contains, text),
            _ => {
                self.check(pattern)?;
                Ok(Filter::Like { key: self.key.into(), pattern: pattern.to_owned() })
            }
        }
    }

    fn condition(&self, op: Op, value: &str) -> Read<Filter> {
        self.check(value)?;
        Ok(Filter::Is(Condition { key: self.key.into(), op, value: value.to_owned() }))
    }

    fn check(&self, value: &str) -> Read<()> {
        self.kind.check(value).map_err(|message| invalid_filter(format!("{}: {message}", self.name)))
    }

    fn before(&self, at: Millis) -> Filter {
        Filter::Before { key: self.key.into(), at }
    }

    fn moment(&self, value: &Literal) -> Read<Millis> {
        moment(&value.text)
            .ok_or_else(|| invalid_filter(format!("{}: Give a day or a time, such as 2026-11-24T09:30:00Z.", self.name)))
    }
}

impl Literal {
    /// Checks for this word without quotes.
    fn is(&self, word: &str) -> bool {
        !self.quoted && self.text == word
    }
}

fn joined(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

fn not(filter: Filter) -> Filter {
    match filter {
        Filter::Not(inner) => *inner,
        filter => Filter::Not(Box::new(filter)),
    }
}

/// A number without a leading `+`.
fn unsigned(value: &Literal) -> &str {
    value.text.strip_prefix('+').unwrap_or(&value.text)
}

/// The key of a choice that is given by key, by label, or by Backend.AI's name, such as `BEFORE_VERIFICATION`.
fn choice(options: &[(&'static str, &'static str)], text: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let text = plain(text);
    options.iter().find(|(key, label)| plain(key) == text || plain(label) == text).map(|(key, _)| *key)
}

fn after(at: Millis) -> Millis {
    Millis(at.0 + 1)
}

/// Reads a time, in UTC if it has no offset, or a day, which is its beginning.
pub(crate) fn moment(text: &str) -> Option<Millis> {
    if let Some(at) = day(text) {
        return Some(at);
    }
    // Python writes a time with a space in the middle.
    let text = text.trim().replacen(' ', "T", 1);
    let at = OffsetDateTime::parse(&text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&text, &Iso8601::DEFAULT))
        .or_else(|_| PrimitiveDateTime::parse(&text, &Iso8601::DEFAULT).map(PrimitiveDateTime::assume_utc))
        .ok()?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Millis)
}
