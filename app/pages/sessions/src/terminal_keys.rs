//! Bytes that keys send to a shell, as on a VT220 and in xterm. Plain characters are absent: they arrive as text, so that input
//! methods and phones work.

/// A pressed key, as the browser names it.
pub struct Key<'a> {
    pub name: &'a str,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
    pub meta: bool,
}

/// Returns the bytes of a key that is not plain text; `None` for keys that belong to the browser.
pub fn bytes_for(key: &Key<'_>, application_cursor: bool) -> Option<Vec<u8>> {
    // Shift+Tab leaves the terminal, and Ctrl+Shift belongs to the browser: copy and paste.
    if key.meta || (key.shift && key.name == "Tab") || (key.ctrl && key.shift) {
        return None;
    }
    let arrow =
        |letter: char| Some(if application_cursor { format!("\x1bO{letter}") } else { format!("\x1b[{letter}") }.into_bytes());
    let text = match key.name {
        "Enter" => "\r",
        "Backspace" => "\x7f",
        "Tab" => "\t",
        "Escape" => "\x1b",
        "ArrowUp" => return arrow('A'),
        "ArrowDown" => return arrow('B'),
        "ArrowRight" => return arrow('C'),
        "ArrowLeft" => return arrow('D'),
        "Home" => return arrow('H'),
        "End" => return arrow('F'),
        "Insert" => "\x1b[2~",
        "Delete" => "\x1b[3~",
        "PageUp" => "\x1b[5~",
        "PageDown" => "\x1b[6~",
        "F1" => "\x1bOP",
        "F2" => "\x1bOQ",
        "F3" => "\x1bOR",
        "F4" => "\x1bOS",
        "F5" => "\x1b[15~",
        "F6" => "\x1b[17~",
        "F7" => "\x1b[18~",
        "F8" => "\x1b[19~",
        "F9" => "\x1b[20~",
        "F10" => "\x1b[21~",
        name => return with_modifier(name, key),
    };
    Some(text.as_bytes().to_vec())
}

fn with_modifier(name: &str, key: &Key<'_>) -> Option<Vec<u8>> {
    let mut letters = name.chars();
    let (letter, None) = (letters.next()?, letters.next()) else { return None };
    match (key.ctrl, key.alt) {
        (true, false) => match letter.to_ascii_lowercase() {
            c @ 'a'..='z' => Some(vec![c as u8 - b'a' + 1]),
            ' ' | '@' => Some(vec![0]),
            '[' => Some(vec![0x1b]),
            '\\' => Some(vec![0x1c]),
            ']' => Some(vec![0x1d]),
            '_' | '/' => Some(vec![0x1f]),
            _ => None,
        },
        (false, true) => Some(format!("\x1b{letter}").into_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, ctrl: bool, alt: bool, shift: bool) -> Key<'_> {
        Key { name, ctrl, alt, shift, meta: false }
    }

    #[test]
    fn control_letters_and_arrows_send_the_bytes_a_shell_expects() {
        assert_eq!(bytes_for(&key("c", true, false, false), false), Some(vec![3]));
        assert_eq!(bytes_for(&key("ArrowUp", false, false, false), false), Some(b"\x1b[A".to_vec()));
        assert_eq!(bytes_for(&key("ArrowUp", false, false, false), true), Some(b"\x1bOA".to_vec()));
        assert_eq!(bytes_for(&key("b", false, true, false), false), Some(b"\x1bb".to_vec()));
        assert_eq!(bytes_for(&key("Enter", false, false, false), false), Some(b"\r".to_vec()));
    }

    #[test]
    fn text_shift_tab_and_the_browsers_own_keys_are_left_alone() {
        assert_eq!(bytes_for(&key("a", false, false, false), false), None);
        assert_eq!(bytes_for(&key("é", false, false, false), false), None);
        assert_eq!(bytes_for(&key("Tab", false, false, true), false), None);
        assert_eq!(bytes_for(&key("C", true, false, true), false), None);
        assert_eq!(bytes_for(&key("Shift", false, false, true), false), None);
    }
}
