//! The current request as a page sees it: its cookies, and the status of its response.

use leptos::prelude::*;

/// Returns the value of a cookie of the current request.
#[cfg(feature = "ssr")]
pub fn cookie(name: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    let lines = parts.headers.get_all(http::header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    types::cookies::value(lines, name).map(str::to_owned)
}

/// Returns whether the page that is being rendered is one of plain forms, which need none of the console's code.
#[cfg(feature = "ssr")]
pub fn is_plain() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| crate::paths::OPEN.contains(&parts.uri.path()))
}

/// Sets the status of the page that is being rendered. Does nothing in the browser.
pub fn set_status(status: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(status)) = (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status)) {
        response.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}

/// Returns the value of a cookie that the page's scripts may read. In the browser only.
pub fn own_cookie(name: &str) -> Option<String> {
    use wasm_bindgen::JsCast;
    let all = document().dyn_into::<web_sys::HtmlDocument>().ok()?.cookie().ok()?;
    types::cookies::value([all.as_str()], name).map(str::to_owned)
}

/// Keeps a value that the server reads when it renders a page.
pub fn set_cookie(name: &str, value: &str) {
    use wasm_bindgen::JsCast;
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        let secure = if location().protocol().is_ok_and(|p| p == "https:") { "; Secure" } else { "" };
        // Without cookies the browser shows the system's theme; nothing else is lost.
        let _ = document.set_cookie(&format!("{name}={value}; Path=/; SameSite=Lax; Max-Age=31536000{secure}"));
    }
}
