//! Shared by the pages for people who are not signed in and the routes behind them: the way back, and the message that survives a
//! redirect.

/// The cookie that carries a [`Flash`].
pub const FLASH: &str = "sign-in-message";

/// The kind of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Says {
    #[default]
    Refused,
    /// Success.
    Done,
    /// The password was correct, and a code is required.
    Code,
}

/// Data that a form leaves for the next page: the typed login (never a password) and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Flash {
    pub login: String,
    pub message: String,
    #[serde(default)]
    pub says: Says,
}

impl Flash {
    /// Returns the cookie's value: hexadecimal, since a cookie allows few characters.
    pub fn to_cookie(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        json.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the cookie's value back.
    pub fn from_cookie(value: &str) -> Option<Self> {
        if !value.is_ascii() || !value.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..value.len()).step_by(2).map(|i| u8::from_str_radix(&value[i..i + 2], 16).ok()).collect();
        serde_json::from_slice(&bytes?).ok()
    }
}

/// Returns `next` if it is a path of this console, else the home page, so that a link to the sign-in page cannot lead elsewhere.
pub fn local_path(next: &str) -> &str {
    // Addresses are ASCII; others could not be sent in a header.
    let plain =
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && next.chars().all(|c| c.is_ascii_graphic());
    if plain && !crate::paths::OPEN.iter().any(|open| next.starts_with(open)) { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_back_only_to_paths_of_this_console() {
        assert_eq!(local_path("/users?tab=inactive"), "/users?tab=inactive");
        for away in ["", "//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\r\nb", "/ä", "/sign-in?next=/"]
        {
            assert_eq!(local_path(away), "/", "{away}");
        }
    }

    #[test]
    fn a_message_survives_its_cookie() {
        let flash = Flash { login: "änn; x=1".into(), message: "Check both.".into(), says: Says::Code };
        let cookie = flash.to_cookie();
        assert!(cookie.chars().all(|c| c.is_ascii_hexdigit()));
        assert_eq!(Flash::from_cookie(&cookie), Some(flash));
        assert_eq!(Flash::from_cookie("zz"), None);
        assert_eq!(Flash::from_cookie("é"), None);
    }
}
