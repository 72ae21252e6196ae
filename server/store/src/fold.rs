//! The one folding of text (`docs/spec/people.md`, "Case and form"): two texts that a person would call the same have the same
//! key, whatever their case and normal form. Columns that hold keys are written with [`fold`]; the short lists are folded by the
//! database, which has the same function under the same name.
//!
//! Every connection has it, because indexes use it. Another program can read the file, but not write the columns behind them.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use libsqlite3_sys as ffi;
use sqlx_sqlite::SqliteConnection;
use std::ffi::{c_char, c_int};

/// Folds a text: compatibility normal form and full case folding. The Turkish letters `ı` and `İ` count as `i`, because folding
/// cannot know the language of a name.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Folding may undo the normal form, and the normal form may bring back capitals.
    let once = normalized(&cased(&normalized(text)));
    let plain = without_dots(&cased(&once));
    normalized(&plain)
}

fn normalized(text: &str) -> String {
    const { ComposingNormalizer::new_nfkc() }.normalize(text).into_owned()
}

fn cased(text: &str) -> String {
    const { CaseMapper::new() }.fold_string(text).into_owned()
}

/// Turns `ı`, and `i` with the dot that folding `İ` leaves behind, into `i`.
fn without_dots(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            'ı' => plain.push('i'),
            '\u{307}' if plain.ends_with('i') => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Gives a connection the function `fold`.
pub(crate) async fn teach(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut handle = connection.lock_handle().await?;
    // SAFETY: the handle is locked and open, the name ends with a zero byte, and `folded` needs no data of its own.
    let code = unsafe {
        ffi::sqlite3_create_function_v2(
            handle.as_raw_handle().as_ptr(),
            c"fold".as_ptr(),
            1,
            ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS,
            std::ptr::null_mut(),
            Some(folded),
            None,
            None,
            None,
        )
    };
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => Err(sqlx::Error::Configuration(format!("SQLite refused a function with code {code}").into())),
    }
}

/// `fold(text)` for the database. NULL stays NULL.
unsafe extern "C" fn folded(context: *mut ffi::sqlite3_context, _: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls this with the one value that the function was declared with; its text lives until the call returns,
    // and the result is copied before `key` is dropped.
    unsafe {
        let text = ffi::sqlite3_value_text(*values);
        if text.is_null() {
            return ffi::sqlite3_result_null(context);
        }
        let length = usize::try_from(ffi::sqlite3_value_bytes(*values)).unwrap_or(0);
        let key = fold(&String::from_utf8_lossy(std::slice::from_raw_parts(text, length)));
        match c_int::try_from(key.len()) {
            Ok(length) => ffi::sqlite3_result_text(context, key.as_ptr().cast::<c_char>(), length, ffi::SQLITE_TRANSIENT()),
            Err(_) => ffi::sqlite3_result_error_toobig(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_normal_form_make_no_difference() {
        for (one, other) in [
            ("Ömer", "ÖMER"),
            ("Ömer", "o\u{308}mer"),
            ("straße", "STRASSE"),
            ("σίγμας", "ΣΊΓΜΑΣ"),
            ("İstanbul Işık", "istanbul ışık"),
            ("ＡＤＭＩＮ", "admin"),
            ("ⅼab", "Lab"),
            ("ﬁnance", "Finance"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("omer"), fold("ömer"), "accents count");
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in any::<String>()) {
            let key = fold(&text);
            prop_assert_eq!(fold(&key), key);
        }
    }
}
