//! Signatures of requests: HMAC-SHA256 over seven lines, with a key that is good for one day and one host (`docs/spec/api.md`,
//! "Signed requests").

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::OffsetDateTime;
use time::format_description::well_known::{Iso8601, Rfc2822, Rfc3339};

/// Seconds by which a request's date may differ from the server's clock, either way.
pub const WINDOW: i64 = 15 * 60;
/// SHA-256 of an empty body: bodies have not been part of the signature since version 4.
const EMPTY_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The signed parts of a request.
pub struct Signed<'a> {
    pub method: &'a str,
    /// Path and query, exactly as they were sent.
    pub target: &'a str,
    /// The text of the date header.
    pub date: &'a str,
    /// The host header: name and port.
    pub host: &'a str,
    pub content_type: &'a str,
    pub version: &'a str,
}

/// Reads the access key and the signature from an `Authorization` header.
pub fn credential(header: &str) -> Option<(&str, &str)> {
    let rest = header.strip_prefix("BackendAI ").or_else(|| header.strip_prefix("Sorna "))?;
    let part = |name: &str| rest.split(',').map(str::trim).find_map(|part| part.strip_prefix(name));
    if !part("signMethod=")?.eq_ignore_ascii_case("HMAC-SHA256") {
        return None;
    }
    part("credential=")?.split_once(':')
}

/// Reads a date header, in any of the formats that clients send.
pub fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::DEFAULT))
        .or_else(|_| OffsetDateTime::parse(text, &Rfc2822))
        .ok()
}

fn hmac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    // A key of any length is allowed, so this cannot fail; nobody could have made a signature with the empty key.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    mac.update(message);
    mac
}

impl Signed<'_> {
    /// Checks that `signature` was made from this request with `secret`. Takes the same time wherever the two differ.
    pub fn fits(&self, secret: &str, signature: &str) -> bool {
        let Some(day) = date(self.date).map(|at| at.to_offset(time::UtcOffset::UTC).date()) else { return false };
        let Some(signature) = unhex(signature) else { return false };
        let Self { method, target, date, host, version, .. } = self;
        let kind = self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let text = format!(
            "{}\n{target}\n{date}\nhost:{host}\ncontent-type:{kind}\nx-backendai-version:{version}\n{EMPTY_BODY}",
            method.to_uppercase()
        );
        let day = format!("{:04}{:02}{:02}", day.year(), u8::from(day.month()), day.day());
        let key = hmac(secret.as_bytes(), day.as_bytes()).finalize().into_bytes();
        let key = hmac(&key, host.as_bytes()).finalize().into_bytes();
        hmac(&key, text.as_bytes()).verify_slice(&signature).is_ok()
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|n| u8::from_str_radix(&text[n * 2..n * 2 + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn request<'a>(method: &'a str, target: &'a str, content_type: &'a str) -> Signed<'a> {
        let date = "2026-11-24T03:28:50.423494+00:00";
        Signed { method, target, date, host: "127.0.0.1:8081", content_type, version: "v9.20250722" }
    }

    #[test]
    fn signatures_made_by_the_official_client_fit() {
        let get = "9107d1dafe13f402fccda0f5f727988e7eaed01d4e37721a8bc9c216952b9b62";
        assert!(request("GET", "/folders?a=1%202", "text/plain").fits(SECRET, get));
        let post = "915a902b01ee44235e31442d7d578e3befce8e99ee842256eb846cc8d95f0c85";
        assert!(request("POST", "/admin/gql", "application/json; charset=utf-8").fits(SECRET, post));
    }

    #[test]
    fn a_signature_fits_only_its_own_request_host_and_secret() {
        let get = "9107d1dafe13f402fccda0f5f727988e7eaed01d4e37721a8bc9c216952b9b62";
        assert!(!request("GET", "/folders?a=1%203", "text/plain").fits(SECRET, get));
        assert!(!request("POST", "/folders?a=1%202", "text/plain").fits(SECRET, get));
        assert!(!request("GET", "/folders?a=1%202", "text/plain").fits("another secret", get));
        let host = Signed { host: "127.0.0.1:8082", ..request("GET", "/folders?a=1%202", "text/plain") };
        assert!(!host.fits(SECRET, get));
        for n in 0..get.len() {
            let mut changed = get.to_owned();
            changed.replace_range(n..=n, if &get[n..=n] == "0" { "1" } else { "0" });
            assert!(!request("GET", "/folders?a=1%202", "text/plain").fits(SECRET, &changed), "{n}");
        }
        assert!(!request("GET", "/folders?a=1%202", "text/plain").fits(SECRET, "short"));
    }

    #[test]
    fn a_credential_is_read_from_its_header() {
        assert_eq!(credential("BackendAI signMethod=HMAC-SHA256, credential=AKIA:ab"), Some(("AKIA", "ab")));
        assert_eq!(credential("Sorna signMethod=HMAC-SHA256, credential=AKIA:ab"), Some(("AKIA", "ab")));
        assert_eq!(credential("Basic QTpC"), None);
        assert_eq!(credential("BackendAI signMethod=HMAC-MD5, credential=AKIA:ab"), None);
    }

    #[test]
    fn dates_are_read_in_every_format_that_clients_send() {
        for text in ["2026-11-24T03:28:50.423494+00:00", "2026-11-24T03:28:50Z", "Tue, 24 Nov 2026 03:28:50 +0000"] {
            assert!(date(text).is_some(), "{text}");
        }
        assert!(date("yesterday").is_none());
    }
}
