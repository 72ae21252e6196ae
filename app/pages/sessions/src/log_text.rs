//! Output as a terminal would show it: returned carriages overwrite, colours are colours, links are links.
//!
//! The last lines stay open, since a progress bar may go back up to them. Deliberately absent: a screen of fixed size, so that
//! nothing is cut off and lines are as long as they are.

use super::ink::{Color, Ink};
use std::rc::Rc;
use types::rules::is_hidden;
use vte::{Params, Parser, Perform};

/// Lines that output may still go back up to.
const OPEN_LINES: usize = 40;
/// Characters after which a line is continued in another one, without a break in the text.
const LONGEST_LINE: usize = 4_096;

/// Text with one look. It may hold several lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub ink: Ink,
    pub link: Option<Rc<str>>,
    pub text: String,
}

#[derive(Clone, Default)]
struct Cell {
    text: char,
    ink: Ink,
    link: Option<Rc<str>>,
}

#[derive(Default)]
struct Line {
    cells: Vec<Cell>,
    /// Whether a line break follows.
    broken: bool,
    /// The mark of the piece that it began in.
    mark: u64,
}

/// Lays out output that arrives in pieces.
#[derive(Default)]
pub struct Printer {
    parser: Parser,
    page: Page,
}

struct Page {
    /// The open lines; there is always one.
    lines: Vec<Line>,
    row: usize,
    column: usize,
    ink: Ink,
    link: Option<Rc<str>>,
    mark: u64,
}

impl Default for Page {
    fn default() -> Self {
        Self { lines: vec![Line::default()], row: 0, column: 0, ink: Ink::default(), link: None, mark: 0 }
    }
}

impl Printer {
    /// Adds a piece. Lines that begin in it carry its mark.
    pub fn print(&mut self, text: &str, mark: u64) {
        self.page.mark = mark;
        if let [only] = self.page.lines.as_mut_slice()
            && only.cells.is_empty()
        {
            only.mark = mark;
        }
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                // An unfinished code is cancelled at the end of its line: in binary output it would swallow all the rest.
                Some(whole) => {
                    self.parser.advance(&mut self.page, whole.as_bytes());
                    self.parser.advance(&mut self.page, b"\x18\n");
                }
                None => self.parser.advance(&mut self.page, line.as_bytes()),
            }
        }
    }

    /// Whether the next piece begins a line.
    pub fn at_line_start(&self) -> bool {
        self.page.column == 0
    }

    /// Takes the lines that nothing will change any more, by mark.
    pub fn take_closed(&mut self) -> Vec<(u64, Vec<Run>)> {
        let page = &mut self.page;
        let closed = page.lines.len().saturating_sub(OPEN_LINES).min(page.row);
        page.row -= closed;
        by_mark(page.lines.drain(..closed))
    }

    /// Takes all lines: no more output follows.
    pub fn take_all(&mut self) -> Vec<(u64, Vec<Run>)> {
        by_mark(std::mem::take(&mut self.page).lines.into_iter())
    }

    /// Returns the lines that may still change.
    pub fn open(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        self.page.lines.iter().for_each(|line| add_line(&mut runs, line));
        runs
    }
}

fn by_mark(lines: impl Iterator<Item = Line>) -> Vec<(u64, Vec<Run>)> {
    let mut groups: Vec<(u64, Vec<Run>)> = Vec::new();
    for line in lines {
        match groups.last_mut() {
            Some((mark, runs)) if *mark == line.mark => add_line(runs, &line),
            _ => {
                let mut runs = Vec::new();
                add_line(&mut runs, &line);
                groups.push((line.mark, runs));
            }
        }
    }
    groups
}

fn add_line(runs: &mut Vec<Run>, line: &Line) {
    let mut add = |text: char, ink: Ink, link: &Option<Rc<str>>| match runs.last_mut() {
        Some(run) if run.ink == ink && run.link == *link => run.text.push(text),
        _ => runs.push(Run { ink, link: link.clone(), text: text.into() }),
    };
    line.cells.iter().for_each(|cell| add(cell.text, cell.ink, &cell.link));
    if line.broken {
        add('\n', Ink::default(), &None);
    }
}

impl Page {
    fn put(&mut self, text: char) {
        if self.column >= LONGEST_LINE {
            self.begin_line(false);
        }
        let cell = Cell { text, ink: self.ink, link: self.link.clone() };
        let cells = &mut self.lines[self.row].cells;
        while cells.len() < self.column {
            cells.push(Cell { text: ' ', ..Cell::default() });
        }
        match cells.get_mut(self.column) {
            Some(old) => *old = cell,
            None => cells.push(cell),
        }
        self.column += 1;
    }

    fn begin_line(&mut self, broken: bool) {
        let line = &mut self.lines[self.row];
        line.broken |= broken;
        (self.row, self.column) = (self.row + 1, 0);
        if self.row == self.lines.len() {
            self.lines.push(Line { mark: self.mark, ..Line::default() });
        }
    }

    fn erase_line(&mut self, how: u16) {
        let (column, cells) = (self.column, &mut self.lines[self.row].cells);
        match how {
            0 => cells.truncate(column),
            1 => cells.iter_mut().take(column + 1).for_each(|cell| *cell = Cell { text: ' ', ..Cell::default() }),
            _ => cells.clear(),
        }
    }

    fn set_ink(&mut self, params: &Params) {
        let mut codes = params.iter().flat_map(|part| part.iter().copied());
        while let Some(code) = codes.next() {
            let ink = &mut self.ink;
            match code {
                0 => *ink = Ink::default(),
                1 => ink.bold = true,
                3 => ink.italic = true,
                4 => ink.underline = true,
                7 => ink.inverse = true,
                22 => ink.bold = false,
                23 => ink.italic = false,
                24 => ink.underline = false,
                27 => ink.inverse = false,
                30..=37 => ink.text = Color::Index(code as u8 - 30),
                40..=47 => ink.ground = Color::Index(code as u8 - 40),
                90..=97 => ink.text = Color::Index(code as u8 - 90 + 8),
                100..=107 => ink.ground = Color::Index(code as u8 - 100 + 8),
                39 => ink.text = Color::Default,
                49 => ink.ground = Color::Default,
                38 | 48 => {
                    let mut next = || codes.next().and_then(|n| u8::try_from(n).ok());
                    let color = match next() {
                        Some(5) => next().map(Color::Index),
                        Some(2) => next().zip(next()).zip(next()).map(|((r, g), b)| Color::Rgb(r, g, b)),
                        _ => None,
                    };
                    let color = color.unwrap_or_default();
                    if code == 38 { ink.text = color } else { ink.ground = color }
                }
                _ => {}
            }
        }
    }
}

impl Perform for Page {
    fn print(&mut self, c: char) {
        if c == '\u{7f}' {
            // No terminal shows it.
        } else if is_hidden(c) {
            // Shown instead of obeyed.
            format!("<U+{:04X}>", u32::from(c)).chars().for_each(|c| self.put(c));
        } else {
            self.put(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.begin_line(true),
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.saturating_sub(1),
            b'\t' => self.put('\t'),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        if !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|part| part.first().copied()).unwrap_or(0);
        let many = usize::from(first.max(1));
        match action {
            'm' => self.set_ink(params),
            'K' => self.erase_line(first),
            'J' if first == 0 => {
                self.erase_line(0);
                self.lines.truncate(self.row + 1);
                self.lines[self.row].broken = false;
            }
            'A' | 'F' => self.row = self.row.saturating_sub(many),
            'B' | 'E' => self.row = (self.row + many).min(self.lines.len() - 1),
            'C' => self.column = (self.column + many).min(LONGEST_LINE),
            'D' => self.column = self.column.saturating_sub(many),
            'G' => self.column = (many - 1).min(LONGEST_LINE),
            _ => {}
        }
        if matches!(action, 'E' | 'F') {
            self.column = 0;
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        if params.first() == Some(&&b"8"[..]) {
            let address = params.get(2..).unwrap_or_default().join(&b';');
            let address = String::from_utf8(address).ok();
            // Anything else could run something.
            self.link = address.filter(|text| text.starts_with("http://") || text.starts_with("https://")).map(Rc::from);
        }
    }
}

/// A part of a text: its address if it is one.
pub type Part<'a> = (&'a str, bool);

/// Finds the addresses in a text.
pub fn with_addresses(mut text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let begins = |text: &str| match (text.find("http://"), text.find("https://")) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    while let Some(at) = begins(text) {
        let (before, rest) = text.split_at(at);
        let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\u{fffd}');
        let address = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
        parts.push((before, false));
        // Without anything after its scheme it is only text.
        parts.push((address, !address.ends_with('/') || address.matches('/').count() > 2));
        text = &rest[address.len()..];
    }
    parts.push((text, false));
    parts.retain(|(text, _)| !text.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[&str]) -> Vec<Run> {
        let mut printer = Printer::default();
        pieces.iter().for_each(|piece| printer.print(piece, 0));
        printer.open()
    }

    fn text(pieces: &[&str]) -> String {
        shown(pieces).into_iter().map(|run| run.text).collect()
    }

    #[test]
    fn a_returned_carriage_overwrites_the_line() {
        assert_eq!(text(&["  1 %\r 50 %", "\r100 %\ndone\n"]), "100 %\ndone\n");
        assert_eq!(text(&["long line\rshort\x1b[K\n"]), "short\n");
        assert_eq!(text(&["windows\r\nlines\r\n"]), "windows\nlines\n");
        assert_eq!(text(&["ab\x08c\x07\0\n"]), "ac\n");
    }

    #[test]
    fn progress_bars_of_several_lines_are_drawn_over() {
        assert_eq!(text(&["a 1\nb 1\n", "\x1b[2A\ra 2\nb 2\n", "end"]), "a 2\nb 2\nend");
        assert_eq!(text(&["one\ntwo\n\x1b[2A\x1b[Jonly"]), "only");
    }

    #[test]
    fn colours_last_until_they_are_reset_and_leave_no_codes_behind() {
        let runs = shown(&["\x1b[1;31merror\x1b[0m: \x1b[38;5;10mok\x1b[38;2;1;2;3mrgb\x1b[m\n"]);
        let red = Ink { text: Color::Index(1), bold: true, ..Ink::default() };
        let of = |text| Ink { text, ..Ink::default() };
        let inks: Vec<_> = runs.iter().map(|run| (run.text.as_str(), run.ink)).collect();
        let plain = Ink::default();
        assert_eq!(
            inks,
            [("error", red), (": ", plain), ("ok", of(Color::Index(10))), ("rgb", of(Color::Rgb(1, 2, 3))), ("\n", plain)]
        );
        assert_eq!(text(&["\x1b[31", "mred\x1b]0;title\x07\n"]), "red\n", "a code cut in two, and a title");
    }

    #[test]
    fn an_unfinished_code_ends_with_its_line() {
        for begun in ["\x1b]0;title", "\x1bPq", "\x1b[3", "\x1bX", "\x1b"] {
            assert_eq!(text(&[&format!("a{begun}\nthe end\n")]), "a\nthe end\n", "{begun:?}");
        }
    }

    #[test]
    fn a_link_leads_only_to_pages() {
        let runs =
            shown(&["\x1b]8;;https://docs.example/a;b\x1b\\here\x1b]8;;\x1b\\ \x1b]8;;javascript:alert(1)\x07there\x1b]8;;\x07"]);
        let links: Vec<_> = runs.iter().map(|run| (run.text.as_str(), run.link.as_deref())).collect();
        assert_eq!(links, [("here", Some("https://docs.example/a;b")), (" there", None)]);
        let parts = with_addresses("see http://127.0.0.1:8888/?token=ab, or (https://x.example). http:// is none");
        assert_eq!(
            parts.iter().filter(|(_, address)| *address).map(|(text, _)| *text).collect::<Vec<_>>(),
            ["http://127.0.0.1:8888/?token=ab", "https://x.example"]
        );
        assert_eq!(
            parts.iter().map(|(text, _)| *text).collect::<String>(),
            "see http://127.0.0.1:8888/?token=ab, or (https://x.example). http:// is none"
        );
    }

    #[test]
    fn marks_of_direction_are_shown_instead_of_obeyed() {
        assert_eq!(text(&["pay \u{202e}001\u{2069}"]), "pay <U+202E>001<U+2069>");
    }

    #[test]
    fn only_the_last_lines_stay_open_and_closed_ones_belong_to_the_piece_they_began_in() {
        let mut printer = Printer::default();
        printer.print("a\nb", 7);
        let more: String = (0..OPEN_LINES + 1).map(|n| format!("{n}\n")).collect();
        assert!(!printer.at_line_start());
        printer.print(&more, 9);
        assert!(printer.at_line_start());
        let closed = printer.take_closed();
        let words = |runs: &[Run]| runs.iter().map(|run| run.text.as_str()).collect::<String>();
        assert_eq!(
            closed.iter().map(|(mark, runs)| (*mark, words(runs))).collect::<Vec<_>>(),
            [(7, "a\nb0\n".to_owned()), (9, "1\n".into())]
        );
        assert!(words(&printer.open()).starts_with("2\n"));
        assert_eq!(printer.take_all().len(), 1);
        assert!(printer.open().is_empty());
    }

    #[test]
    fn a_line_without_an_end_is_continued_without_a_break() {
        let long = "x".repeat(3 * LONGEST_LINE);
        assert_eq!(text(&[&long]), long);
    }
}
