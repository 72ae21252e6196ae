//! Response headers that isolate a page.

/// Sends the content security policy of the page that is being rendered. No `unsafe-inline`: Leptos marks its own inline scripts
/// with the page's nonce, and styles come from the style sheet alone.
///
/// `secure` also asks browsers to use only TLS from then on.
#[cfg(feature = "ssr")]
pub fn send_headers(secure: bool) {
    use axum::http::HeaderValue;
    use axum::http::header::{CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY};
    use leptos::nonce::use_nonce;
    use leptos::prelude::use_context;

    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<leptos_axum::ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    if secure {
        response.insert_header(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
