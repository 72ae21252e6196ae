//! The emulator's screen as rows of text, each run with one look.
//!
//! Every character that the font may lack stands in a box of its own, as wide as its cells: fallback fonts have other widths, and
//! tables and editors would shift.

use super::ink::{Color, Ink};
use leptos::prelude::*;
use types::rules::is_hidden;
use vt100::{Cell, MouseProtocolEncoding, MouseProtocolMode, Screen};

/// A run of cells in one row with the same look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub class: String,
    pub text: String,
}

/// The rows of a screen; only those that changed are drawn again.
#[derive(Clone, Copy)]
pub struct Rows {
    pub rows: RwSignal<Vec<RwSignal<Vec<Run>>>>,
    /// Row and column.
    pub cursor: RwSignal<(u16, u16)>,
}

impl Rows {
    pub fn new() -> Self {
        Self { rows: RwSignal::new(Vec::new()), cursor: RwSignal::new((0, 0)) }
    }

    pub fn draw(self, screen: &Screen) {
        let (rows, columns) = screen.size();
        let at = screen.cursor_position();
        let cursor = (!screen.hide_cursor() && screen.scrollback() == 0).then_some(at);
        if self.rows.try_with_untracked(Vec::len).is_none_or(|n| n != usize::from(rows.get())) {
            self.rows.try_set((0..rows.get()).map(|_| RwSignal::new(Vec::new())).collect());
        }
        if self.cursor.try_get_untracked().is_some_and(|old| old != at) {
            self.cursor.try_set(at);
        }
        let Some(signals) = self.rows.try_get_untracked() else { return };
        for (row, signal) in (0..rows.get()).zip(signals) {
            let cells = (0..columns.get()).filter_map(|column| screen.cell(row, column));
            let runs = runs(cells, cursor.filter(|(at, _)| *at == row).map(|(_, column)| column));
            if signal.try_with_untracked(|old| *old != runs).unwrap_or(false) {
                signal.set(runs);
            }
        }
    }
}

/// The properties of cells that make up a run's class.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    ink: Ink,
    cursor: bool,
    /// The width of the box, in cells; 0 for text that needs none.
    boxed: u8,
}

fn runs<'a>(cells: impl Iterator<Item = &'a Cell>, cursor: Option<u16>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last = None;
    for (cell, column) in cells.zip(0u16..) {
        if cell.is_wide_continuation() {
            continue;
        }
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let plain = text.len() == 1 || text.chars().all(|c| c < '\u{100}');
        let boxed = if plain { 0 } else { 1 + u8::from(cell.is_wide()) };
        let look = Look { ink: ink(cell), cursor: cursor == Some(column), boxed };
        match runs.last_mut() {
            Some(run) if last == Some(look) && boxed == 0 => run.text.push_str(text),
            _ => runs.push(Run { class: class(look), text: text.chars().filter(|c| !is_hidden(*c)).collect() }),
        }
        last = Some(look);
    }
    runs
}

fn class(look: Look) -> String {
    let boxed = ["", "t-w1 ", "t-w2 "][usize::from(look.boxed.min(2))];
    format!("{boxed}{}{}", look.ink.class(), if look.cursor { "t-cursor " } else { "" })
}

fn ink(cell: &Cell) -> Ink {
    let color = |color| match color {
        vt100::Color::Default => Color::Default,
        vt100::Color::Idx(n) => Color::Index(n),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    };
    Ink {
        text: color(cell.fgcolor()),
        ground: color(cell.bgcolor()),
        bold: cell.bold(),
        italic: cell.italic(),
        underline: cell.underline(),
        inverse: cell.inverse(),
    }
}

/// The bytes that a turn of the wheel sends to a program that asked for the mouse or draws the whole screen; `None` if the turn
/// scrolls back. Row and column are those of the pointer, from 0.
pub fn wheel(screen: &Screen, up: bool, (row, column): (u16, u16)) -> Option<Vec<u8>> {
    if screen.mouse_protocol_mode() == MouseProtocolMode::None {
        let arrow = match (screen.application_cursor(), up) {
            (true, true) => "\x1bOA",
            (true, false) => "\x1bOB",
            (false, true) => "\x1b[A",
            (false, false) => "\x1b[B",
        };
        return screen.alternate_screen().then(|| arrow.repeat(3).into_bytes());
    }
    let button = if up { 64u8 } else { 65 };
    Some(match screen.mouse_protocol_encoding() {
        MouseProtocolEncoding::Sgr => format!("\x1b[<{button};{};{}M", column + 1, row + 1).into_bytes(),
        // Both are the same for the places that fit into one byte of text.
        MouseProtocolEncoding::Default | MouseProtocolEncoding::Utf8 => {
            let place = |at: u16| u8::try_from(at.min(94)).unwrap_or(94) + 33;
            vec![0x1b, b'[', b'M', button + 32, place(column), place(row)]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU16;

    fn screen(bytes: &str) -> vt100::Parser {
        let size = |n| NonZeroU16::new(n).unwrap();
        let mut parser = vt100::Parser::new(size(2), size(12), 0);
        parser.process(bytes.as_bytes());
        parser
    }

    fn row(bytes: &str) -> Vec<(String, String)> {
        let parser = screen(bytes);
        let cells = (0..12).filter_map(|column| parser.screen().cell(0, column));
        runs(cells, None).into_iter().map(|run| (run.class, run.text)).collect()
    }

    fn pair(class: &str, text: &str) -> (String, String) {
        (class.to_owned(), text.to_owned())
    }

    #[test]
    fn wide_and_rare_characters_stand_in_boxes_as_wide_as_their_cells() {
        assert_eq!(row("a漢é│b"), [pair("", "a"), pair("t-w2 ", "漢"), pair("", "é"), pair("t-w1 ", "│"), pair("", "b      ")]);
        assert_eq!(row("\x1b[31mre\x1b[0md"), [pair("t-f1 ", "re"), pair("", "d         ")]);
    }

    #[test]
    fn marks_of_direction_do_not_reach_the_page() {
        let text: String = row("ab\u{202e}cd").into_iter().map(|(_, text)| text).collect();
        assert!(text.starts_with("abcd") && !text.contains('\u{202e}'), "{text:?}");
    }

    #[test]
    fn the_wheel_scrolls_back_unless_a_program_has_the_screen_or_the_mouse() {
        let turn = |bytes: &str| wheel(screen(bytes).screen(), true, (4, 9)).map(|sent| String::from_utf8(sent).unwrap());
        assert_eq!(turn("shell"), None);
        assert_eq!(turn("\x1b[?1049h").as_deref(), Some("\x1b[A\x1b[A\x1b[A"));
        assert_eq!(turn("\x1b[?1049h\x1b[?1000h\x1b[?1006h").as_deref(), Some("\x1b[<64;10;5M"));
        assert_eq!(turn("\x1b[?1000h").as_deref(), Some("\x1b[M`*%"));
    }
}
