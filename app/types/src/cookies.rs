//! Reading a cookie from the lines of a request, the same way wherever one is asked for.

/// The value of the cookie `name` in these `Cookie` lines.
///
/// `None` as well if the name has different values: a neighbouring host can add a cookie of ours in front of our own, and the
/// order does not tell which one we set.
pub fn value<'a>(lines: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let pairs = lines.into_iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'));
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_found_among_others() {
        let lines = ["theme=dark; session=abc", "x=\"y\""];
        assert_eq!(value(lines, "session"), Some("abc"));
        assert_eq!(value(lines, "x"), Some("y"));
        assert_eq!(value(lines, "sess"), None);
    }

    #[test]
    fn a_cookie_with_two_values_has_none() {
        assert_eq!(value(["session=theirs; session=ours"], "session"), None);
        assert_eq!(value(["session=theirs", "session=ours"], "session"), None);
        assert_eq!(value(["session=ours; session=ours"], "session"), Some("ours"));
    }
}
