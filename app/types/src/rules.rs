//! Rules for names, addresses and passwords, in one place: forms apply them, and the server applies them again.

use crate::FieldError;

/// The most characters in an email address or a username (`docs/spec/people.md`, "Email and username").
pub const MAX_NAME: usize = 64;
/// The most characters in a description.
pub const MAX_DESCRIPTION: usize = 500;
/// The most bytes in a password; more would only feed the hash function.
pub const MAX_PASSWORD: usize = 256;

/// The refusal of a text with a character that [`is_hidden`].
pub const HIDDEN: &str = "It contains a character that cannot be seen, such as a control character. Type it again.";

/// Whether a character has no place in a text of one line: a control character, a line separator, or a mark that reverses or
/// hides what stands around it. Joiners stay, because some scripts need them.
pub fn is_hidden(c: char) -> bool {
    let marks = matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    c.is_control() || marks || is_override(c)
}

/// Whether a character changes the direction of what follows, or ends a line where no line break is.
fn is_override(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// Whether a character has no place in a text of several lines, which may have line breaks, tabs and the marks of writing from
/// right to left.
fn is_hidden_in_lines(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || is_override(c)
}

/// Checks an email address: a name, one `@`, a host without spaces; at most 64 characters.
pub fn email(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    let parts = value.split_once('@');
    let shaped = parts.is_some_and(|(name, host)| {
        !name.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains("..")
    });
    if value.is_empty() {
        errors.push(FieldError::new(field, "Type an email address."));
    } else if value.chars().count() > MAX_NAME {
        errors.push(FieldError::new(field, "An email address can have at most 64 characters here."));
    } else if !shaped || value.chars().any(|c| c.is_whitespace() || "<>(),;:\\\"[]".contains(c) || is_hidden(c)) {
        errors.push(FieldError::new(field, "Type an email address such as ann@example.org."));
    }
}

/// Checks a username: 1 to 64 letters, digits, `-`, `_`, `.`. It cannot contain `@`, so that it is never taken for an email.
pub fn username(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    if value.is_empty() {
        errors.push(FieldError::new(field, "Type a username."));
    } else if value.chars().count() > MAX_NAME {
        errors.push(FieldError::new(field, "A username can have at most 64 characters."));
    } else if !value.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
        errors.push(FieldError::new(field, "A username can contain only letters, digits, “-”, “_” and “.”."));
    }
}

/// Checks a password: at least 8 characters with a letter, a digit and a special character. An underscore counts as special.
pub fn password(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    let long = value.chars().count() >= 8;
    let letter = value.chars().any(char::is_alphabetic);
    let digit = value.chars().any(|c| c.is_ascii_digit());
    let special = value.chars().any(|c| !c.is_alphanumeric() && !c.is_whitespace());
    if value.len() > MAX_PASSWORD {
        errors.push(FieldError::new(field, "A password can have at most 256 bytes."));
    } else if !(long && letter && digit && special) {
        errors.push(FieldError::new(
            field,
            "A password needs at least 8 characters, including a letter, a digit and a special character.",
        ));
    }
}

/// Checks a text of one line, such as a full name, of at most `max` characters.
pub fn line(field: &str, value: &str, max: usize, errors: &mut Vec<FieldError>) {
    bounded(field, value, max, is_hidden, errors);
}

/// Checks a text of several lines, of at most `max` characters.
pub fn text(field: &str, value: &str, max: usize, errors: &mut Vec<FieldError>) {
    bounded(field, value, max, is_hidden_in_lines, errors);
}

fn bounded(field: &str, value: &str, max: usize, refused: fn(char) -> bool, errors: &mut Vec<FieldError>) {
    let length = value.chars().count();
    if length > max {
        errors.push(FieldError::new(field, format!("At most {max} characters; this has {length}.")));
    } else if value.chars().any(refused) {
        errors.push(FieldError::new(field, HIDDEN));
    }
}

/// Checks the addresses that a person may sign in from (`docs/spec/people.md`, "Allowed addresses"): each an IP address or a
/// network such as `10.0.0.0/8`.
pub fn addresses(field: &str, values: &[String], errors: &mut Vec<FieldError>) {
    const MOST: usize = 32;
    let wrong: Vec<&str> = values.iter().map(String::as_str).filter(|value| network(value).is_none()).collect();
    if !wrong.is_empty() {
        let wrong = wrong.join(", ");
        errors.push(FieldError::new(
            field,
            format!("Not an IP address or network: {wrong}. Write one such as 192.0.2.7 or 10.0.0.0/8."),
        ));
    } else if values.len() > MOST {
        errors.push(FieldError::new(field, format!("At most {MOST} addresses and networks.")));
    }
}

/// Checks the id of a Unix user or group: 1 to 2³¹−1 (`docs/spec/people.md`, "Container numbers").
pub fn unix_id(field: &str, value: Option<u32>, errors: &mut Vec<FieldError>) {
    if value.is_some_and(|id| id == 0 || id > i32::MAX.unsigned_abs()) {
        errors.push(FieldError::new(field, "A whole number from 1 to 2147483647, or leave it empty."));
    }
}

/// Checks supplementary groups: ids of Unix groups without repetition.
pub fn unix_ids(field: &str, values: &[u32], errors: &mut Vec<FieldError>) {
    const MOST: usize = 32;
    let (before, mut sorted) = (errors.len(), values.to_vec());
    values.iter().for_each(|id| unix_id(field, Some(*id), errors));
    errors.truncate(before + 1);
    sorted.sort_unstable();
    sorted.dedup();
    if errors.len() > before {
        return;
    }
    if sorted.len() < values.len() {
        errors.push(FieldError::new(field, "A group is listed twice. List each only once."));
    } else if values.len() > MOST {
        errors.push(FieldError::new(field, format!("At most {MOST} supplementary groups.")));
    }
}

/// Parses an address or network. A single address becomes a network that contains only itself.
pub fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from))
}

/// Whether a text can be an access key: 4 to 64 letters, digits, `-` and `_`. Nothing else is looked up or kept.
pub fn is_access_key(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether the allowed addresses and networks include `address`. An empty list allows every address.
pub fn may_come_from(allowed: &[String], address: &str) -> bool {
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return allowed.is_empty() };
    let address = address.to_canonical();
    allowed.is_empty() || allowed.iter().filter_map(|text| network(text)).any(|network| network.contains(&address))
}

/// Checks a domain's or project's name: 1 to 64 letters, digits, `-`, `_`, `.` (and inner spaces, for a project), with no
/// separator at either end or next to another one.
pub fn slug(field: &str, value: &str, spaces: bool, errors: &mut Vec<FieldError>) {
    let separator = |c: char| "-_.".contains(c) || (spaces && c == ' ');
    let inside = value.chars().all(|c| c.is_alphanumeric() || separator(c));
    let ends = value.chars().next().is_some_and(char::is_alphanumeric) && value.chars().last().is_some_and(char::is_alphanumeric);
    let twice = value.chars().zip(value.chars().skip(1)).any(|(a, b)| separator(a) && separator(b));
    if value.chars().count() > MAX_NAME || !inside || !ends || twice {
        let room = if spaces { "“-”, “_”, “.” and spaces" } else { "“-”, “_” and “.”" };
        errors.push(FieldError::new(field, format!("1 to 64 letters and digits, with single {room} between them.")));
    }
}

/// Checks the address of another server, which may be empty.
pub fn address(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    const LONGEST: usize = 1024;
    let host = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://"));
    let good = host.is_some_and(|host| {
        !host.is_empty() && !host.starts_with('/') && !host.chars().any(|c| c.is_whitespace() || is_hidden(c))
    });
    if !value.is_empty() && (!good || value.len() > LONGEST) {
        errors.push(FieldError::new(
            field,
            "An address with http:// or https://, such as http://10.0.0.1:10200, or leave it empty.",
        ));
    }
}

/// Checks a session's name: 4 to 64 letters, digits, `-`, `_`, `.`, with a letter, a digit or `_` at both ends.
pub fn session_name(field: &str, value: &str, errors: &mut Vec<FieldError>) {
    let edge = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let inside = value.chars().all(|c| edge(c) || "-.".contains(c));
    let ends = value.chars().next().is_some_and(edge) && value.chars().last().is_some_and(edge);
    if !(4..=64).contains(&value.chars().count()) || !inside || !ends {
        errors.push(FieldError::new(
            field,
            "4 to 64 letters, digits, “-”, “_” and “.”, with a letter, a digit or “_” at both ends.",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(rule: fn(&str, &str, &mut Vec<FieldError>), value: &str) -> bool {
        let mut errors = Vec::new();
        rule("field", value, &mut errors);
        !errors.is_empty()
    }

    #[test]
    fn a_password_needs_eight_characters_with_a_letter_a_digit_and_a_special_one() {
        for good in ["abcdef1!", "abcdef1_", "пароль1!x", "Correct-Horse-9"] {
            assert!(!is_refused(password, good), "{good}");
        }
        for bad in ["", "abc1!", "abcdefgh", "abcdefg1", "1234567!", "abcdefg!", "abcdef1 "] {
            assert!(is_refused(password, bad), "{bad}");
        }
    }

    #[test]
    fn emails_and_usernames_have_at_most_64_characters() {
        assert!(!is_refused(email, &format!("{}@example.org", "a".repeat(52))));
        assert!(is_refused(email, &format!("{}@example.org", "a".repeat(53))));
        assert!(!is_refused(username, &"u".repeat(64)));
        assert!(is_refused(username, &"u".repeat(65)));
    }

    #[test]
    fn a_person_may_come_from_the_listed_addresses_or_from_any_if_none_are() {
        let allowed = ["10.0.0.0/8".to_owned(), "192.0.2.7".to_owned(), "2001:db8::/32".to_owned()];
        for good in ["10.1.2.3", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert!(may_come_from(&allowed, good), "{good}");
        }
        for bad in ["11.1.2.3", "192.0.2.8", "2001:db9::1", "somewhere"] {
            assert!(!may_come_from(&allowed, bad), "{bad}");
        }
        assert!(may_come_from(&[], "11.1.2.3"));
    }

    #[test]
    fn an_access_key_is_a_short_word() {
        assert!(is_access_key("AKIAIOSFODNN7EXAMPLE") && is_access_key(&"a".repeat(64)));
        for bad in ["", "abc", "AKIA KEY", "ключик", &"a".repeat(65)] {
            assert!(!is_access_key(bad), "{bad}");
        }
    }

    #[test]
    fn invalid_email_addresses_are_refused() {
        for bad in ["", "ann", "@x", "ann@", "a b@x.y", "a@b@c", "a@.x", "<a>@x.y"] {
            assert!(is_refused(email, bad), "{bad}");
        }
        assert!(is_refused(username, "ann@example.org"));
    }

    #[test]
    fn a_text_has_no_characters_that_cannot_be_seen() {
        let lines = |field: &str, value: &str, errors: &mut Vec<FieldError>| text(field, value, 20, errors);
        let one = |field: &str, value: &str, errors: &mut Vec<FieldError>| line(field, value, 20, errors);
        for bad in ["a\0b", "a\u{1b}[31mb", "a\u{85}b", "a\u{202e}b", "a\u{2028}b", "a\u{2066}b"] {
            assert!(is_refused(one, bad) && is_refused(lines, bad), "{bad:?}");
        }
        for only_in_lines in ["a\nb", "a\tb", "a\r\nb", "a\u{200f}b"] {
            assert!(is_refused(one, only_in_lines) && !is_refused(lines, only_in_lines), "{only_in_lines:?}");
        }
        for good in ["Ömer Ünal", "می\u{200c}خواهم", "👩\u{200d}🔬"] {
            assert!(!is_refused(one, good) && !is_refused(lines, good), "{good:?}");
        }
        assert!(is_refused(email, "a\u{202e}b@example.org"));
    }

    #[test]
    fn session_names_follow_the_incumbents_rule() {
        for good in ["train", "a.b-c_d", "_x__", "1234"] {
            assert!(!is_refused(session_name, good), "{good}");
        }
        for bad in ["abc", "-abcd", "abcd.", "ab cd", "naïve1"] {
            assert!(is_refused(session_name, bad), "{bad}");
        }
    }
}
