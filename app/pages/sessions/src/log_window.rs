//! The part of a log that is in the page: pieces are added at its end while it grows, and older ones before it on request.

use super::log_text::{Printer, Run, with_addresses};
use leptos::prelude::document;
use std::collections::VecDeque;
use types::quantity::bytes;
use types::sessions::LogChunk;
use web_sys::{Element, Node};

/// Bytes kept in the page of a reader who is at the end, plus up to one piece; older ones come back on scrolling up.
const MOST: u64 = 1 << 20;
/// Bytes in the page of a reader who is not at the end, after which nothing more is added.
pub const MOST_READ: u64 = 16 << 20;
/// Bytes up to which a piece takes in the one after it.
const SMALL: u64 = 16 << 10;
/// Bytes after which a piece without lines ends nevertheless.
const LARGE: u64 = 256 << 10;

/// The part of the log before the first byte in the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    pub older: Older,
    /// Bytes at the log's beginning that are no longer kept.
    pub gone: u64,
}

/// Lines before the first one in the page that are still kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Older {
    #[default]
    None,
    /// They can be loaded.
    Some,
    /// They are too many for the page.
    TooMany,
}

struct Piece {
    from: u64,
    next: u64,
    span: Element,
}

/// The pieces in a log's element, and the lines after them that may still change.
pub struct Window {
    pre: Element,
    pieces: VecDeque<Piece>,
    open: Element,
    printer: Printer,
    /// The offset of the oldest byte that the server keeps, as far as is known.
    first: u64,
}

impl Window {
    /// Begins in an element, whose text is removed.
    pub fn new(pre: Element) -> Option<Self> {
        pre.set_text_content(None);
        let open = span("")?;
        pre.append_child(&open).ok()?;
        Some(Self { pre, pieces: VecDeque::new(), open, printer: Printer::default(), first: 0 })
    }

    /// Returns the offset of the first byte in the page.
    pub fn from(&self) -> u64 {
        self.pieces.front().map_or(0, |piece| piece.from)
    }

    fn next(&self) -> u64 {
        self.pieces.back().map_or(0, |piece| piece.next)
    }

    pub fn bytes(&self) -> u64 {
        self.next() - self.from()
    }

    pub fn before(&self) -> Before {
        let older = match self.from() {
            from if from <= self.first => Older::None,
            _ if self.bytes() > MOST_READ => Older::TooMany,
            _ => Older::Some,
        };
        Before { older, gone: self.first.min(self.from()) }
    }

    /// Adds a piece at the end. Returns `None` if the page is gone.
    pub fn append(&mut self, chunk: &LogChunk) -> Option<()> {
        self.first = chunk.first;
        if chunk.text.is_empty() {
            return self.close_if(chunk.end);
        }
        let missing = if self.pieces.is_empty() { 0 } else { chunk.from.saturating_sub(self.next()) };
        if missing > 0 {
            self.close_if(true)?;
        }
        let size = self.pieces.back().map_or(LARGE, |last| last.next - last.from);
        let joins = missing == 0 && size < if self.printer.at_line_start() { SMALL } else { LARGE };
        match self.pieces.back_mut().filter(|_| joins) {
            Some(last) => last.next = chunk.next,
            None => {
                let span = span("")?;
                if missing > 0 {
                    let gap = gap(missing)?;
                    span.append_child(&gap).ok()?;
                }
                self.pre.insert_before(&span, Some(&self.open)).ok()?;
                self.pieces.push_back(Piece { from: chunk.from, next: chunk.next, span });
            }
        }
        self.printer.print(&chunk.text, self.pieces.back()?.from);
        let closed = self.printer.take_closed();
        self.add(closed)?;
        self.open.set_text_content(None);
        draw(&self.open, &self.printer.open())?;
        self.close_if(chunk.end)
    }

    /// Adds a piece before the first one.
    pub fn prepend(&mut self, chunk: &LogChunk) -> Option<()> {
        self.first = chunk.first.max(self.first);
        if chunk.text.is_empty() {
            // The server has dropped it meanwhile.
            self.first = self.first.max(self.from());
            return Some(());
        }
        let span = span("")?;
        let mut printer = Printer::default();
        printer.print(&chunk.text, 0);
        for (_, runs) in printer.take_all() {
            draw(&span, &runs)?;
        }
        let before: &Node = self.pieces.front().map_or(&self.open, |piece| &piece.span);
        self.pre.insert_before(&span, Some(before)).ok()?;
        self.pieces.push_front(Piece { from: chunk.from, next: chunk.next, span });
        Some(())
    }

    /// Removes the oldest pieces if there are too many.
    pub fn trim(&mut self) {
        while self.pieces.len() > 1 && self.bytes() > MOST {
            if let Some(oldest) = self.pieces.pop_front() {
                oldest.span.remove();
            }
        }
    }

    /// Closes the open lines: nothing will change them any more.
    fn close_if(&mut self, end: bool) -> Option<()> {
        if end {
            let rest = self.printer.take_all();
            self.add(rest)?;
            self.open.set_text_content(None);
            self.printer = Printer::default();
        }
        Some(())
    }

    /// Adds lines to the pieces in which they began.
    fn add(&self, lines: Vec<(u64, Vec<Run>)>) -> Option<()> {
        for (mark, runs) in lines {
            if let Some(piece) = self.pieces.iter().rev().find(|piece| piece.from == mark) {
                draw(&piece.span, &runs)?;
            }
        }
        Some(())
    }
}

fn span(class: &str) -> Option<Element> {
    let span = document().create_element("span").ok()?;
    span.set_class_name(class);
    Some(span)
}

fn gap(missing: u64) -> Option<Element> {
    let gap = span("log-gap")?;
    let amount = bytes(i64::try_from(missing).unwrap_or(i64::MAX));
    gap.set_text_content(Some(&format!("\n{amount} are missing here: the log was written faster than it was read.\n")));
    Some(gap)
}

fn draw(into: &Element, runs: &[Run]) -> Option<()> {
    for run in runs {
        let class = run.ink.class();
        let target = if class.is_empty() { into.clone() } else { span(&class)? };
        match &run.link {
            Some(address) => {
                let link = link(address, &run.text)?;
                target.append_child(&link).ok()?;
            }
            None => {
                for (text, address) in with_addresses(&run.text) {
                    let node: Node = if address { link(text, text)?.into() } else { document().create_text_node(text).into() };
                    target.append_child(&node).ok()?;
                }
            }
        }
        if !class.is_empty() {
            into.append_child(&target).ok()?;
        }
    }
    Some(())
}

fn link(address: &str, text: &str) -> Option<Element> {
    let link = document().create_element("a").ok()?;
    for (name, value) in [("href", address), ("title", address), ("target", "_blank"), ("rel", "noopener noreferrer")] {
        link.set_attribute(name, value).ok()?;
    }
    link.set_text_content(Some(text));
    Some(link)
}
