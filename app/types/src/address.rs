//! Parameters of addresses: the one reader and the one writer, in the browser and on the server. Nothing is decoded twice.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// The characters to encode in a value of a query string: all but letters, digits and those removed here.
const QUERY_VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b'@').remove(b':');

/// Percent-encodes a value of a query string.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY_VALUE).to_string()
}

/// Decodes the parameters of an address, given without its `?`, in their order. A plus is a space, as in a form. Bytes that are
/// not text become U+FFFD, which no filter accepts.
pub fn parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode(text.replace('+', " ").as_bytes()).decode_utf8_lossy().into_owned();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

/// Returns the last value of a parameter.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    parameters(query).into_iter().rev().find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_decoded_once() {
        for text in ["%41", "a%20b", "%22hi%22", "a+b=c&d", "änn@example.org", "100%", ""] {
            assert_eq!(parameter(&format!("x=1&f={}", encode(text)), "f").as_deref(), Some(text));
        }
        assert_eq!(parameters("a=b+c&&d&e=%zz"), [("a", "b c"), ("d", ""), ("e", "%zz")].map(|(k, v)| (k.into(), v.into())));
        assert_eq!(parameter("f=%ff", "f").as_deref(), Some("\u{fffd}"));
        assert_eq!(parameter("f=1&f=2", "f").as_deref(), Some("2"));
    }
}
