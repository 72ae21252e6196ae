//! Bodies that a client encodes when it talks over plain http: `X-BackendAI-Encoded: true`, and the body as `iv:base64` of
//! AES-256-CBC with PKCS#7 padding (`docs/spec/api.md`, "Encoded bodies").
//!
//! The key follows from the address of the server and from the text itself, so this hides nothing from somebody who listens. It is
//! understood because clients send it, and promises nothing: TLS does.

use crate::problem::Refused;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The header that marks an encoded body.
const ENCODED: &str = "x-backendai-encoded";
/// The most bytes of one; what it holds are a few short fields.
const LARGEST: usize = 64 << 10;

/// Decodes the body of a request that says that it is encoded.
pub async fn decode(mut request: Request, next: Next) -> Response {
    if !request.headers().contains_key(ENCODED) {
        return next.run(request).await;
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let body = std::mem::take(request.body_mut());
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return Refused::bad("invalid-api-params", "The encoded body is too large.").into_response();
    };
    if !bytes.is_empty() {
        let text = std::str::from_utf8(&bytes).ok();
        let Some(json) = text.and_then(|text| endpoints(&host).iter().find_map(|endpoint| decoded(endpoint, text))) else {
            let says = "The encoded body cannot be read. Its key is made from the address of the server as the client knows it.";
            return Refused::bad("invalid-api-params", says).into_response();
        };
        *request.body_mut() = Body::from(json);
        request.headers_mut().remove(CONTENT_LENGTH);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    next.run(request).await
}

/// The addresses by which the client may know this server: behind a proxy its scheme is not the one of this connection, and a
/// usual port may be left out of the host.
fn endpoints(host: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (scheme, port) in [("http", "80"), ("https", "443")] {
        all.push(format!("{scheme}://{host}"));
        all.push(match host.strip_suffix(&format!(":{port}")) {
            Some(alone) => format!("{scheme}://{alone}"),
            None => format!("{scheme}://{host}:{port}"),
        });
    }
    all
}

/// The JSON in an encoded body, if it was encoded for this endpoint.
fn decoded(endpoint: &str, text: &str) -> Option<Vec<u8>> {
    let (start, payload) = text.trim().split_once(':')?;
    let key = format!("{}{start}{start}", STANDARD.encode(endpoint));
    let cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(key.as_bytes().get(..32)?, start.as_bytes()).ok()?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&STANDARD.decode(payload).ok()?).ok()?;
    // Padding fits by chance once in a while; JSON does not.
    serde_json::from_slice::<serde_json::Value>(&plain).ok().map(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::cipher::BlockModeEncrypt;

    fn encoded(endpoint: &str, json: &str) -> String {
        let start = "0123456789abcdef";
        let key = format!("{}{start}{start}", STANDARD.encode(endpoint));
        let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key.as_bytes()[..32], start.as_bytes()).unwrap();
        format!("{start}:{}", STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(json.as_bytes())))
    }

    #[test]
    fn a_body_encoded_for_any_address_of_this_server_is_read() {
        let json = r#"{"username":"ann","password":"Correct-Horse-9"}"#;
        for endpoint in ["http://yard.example:8080", "https://yard.example:8080"] {
            let text = encoded(endpoint, json);
            assert!(endpoints("yard.example:8080").iter().any(|one| decoded(one, &text).as_deref() == Some(json.as_bytes())));
        }
        let usual = encoded("http://yard.example:80", json);
        assert!(endpoints("yard.example").iter().any(|one| decoded(one, &usual).is_some()));
        for wrong in ["", "x", ":", "short:AAAA", "0123456789abcdef:AAAA", &encoded("http://elsewhere", json)] {
            assert!(endpoints("yard.example:8080").iter().all(|one| decoded(one, wrong).is_none()), "{wrong}");
        }
    }
}
