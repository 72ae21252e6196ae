//! A terminal in the browser: bytes from a WebSocket go through a terminal emulator, and the rows that changed are drawn, once in
//! a frame.
//!
//! A separate chunk, loaded when somebody opens a terminal. Tab goes to the shell, so Shift+Tab leaves the terminal. The screen is
//! our own and not a kept component such as xterm.js: that one writes its styles into the page, which the content security policy
//! forbids, and weighs more than all the rest of the page.

use super::terminal_keys::{Key, bytes_for};
use super::terminal_link::{Sent, pasted, relay};
use super::terminal_screen::{Rows, Run, wheel};
use console::paths;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use leptos::html::{Div, Span, Textarea};
use leptos::prelude::*;
use std::num::NonZeroU16;
use std::time::Duration;
use types::id::SessionId;
use vt100::Parser;

/// Lines that can be scrolled back to.
const SCROLLBACK: usize = 1_000;
/// The longest time without drawing: a page in the background gets no frames, and its programs must not wait for it.
const LONGEST_FRAME: Duration = Duration::from_millis(200);

#[derive(Clone)]
enum State {
    Connecting,
    Open,
    Ended(String),
}

fn size(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    let at_least_two = |n: u16| NonZeroU16::new(n.max(2)).unwrap_or(NonZeroU16::MIN);
    (at_least_two(rows), at_least_two(columns))
}

/// An open terminal's state in the page.
#[derive(Clone, Copy)]
struct Terminal {
    parser: StoredValue<Parser, LocalStorage>,
    rows: Rows,
    sender: StoredValue<Option<UnboundedSender<Sent>>, LocalStorage>,
    /// Lines that are scrolled back.
    back: RwSignal<usize>,
    /// Bytes that the emulator has and the page has not drawn yet.
    undrawn: StoredValue<usize>,
    frame: NodeRef<Div>,
    ruler: NodeRef<Span>,
    input: NodeRef<Textarea>,
    /// Text that an input method is still composing. It is not typed yet, and its keys belong to the input method.
    composed: RwSignal<Option<String>>,
}

impl Terminal {
    fn new() -> Self {
        let (rows, columns) = size(80, 24);
        Self {
            parser: StoredValue::new_local(Parser::new(rows, columns, SCROLLBACK)),
            rows: Rows::new(),
            sender: StoredValue::new_local(None),
            back: RwSignal::new(0),
            undrawn: StoredValue::new(0),
            frame: NodeRef::new(),
            ruler: NodeRef::new(),
            input: NodeRef::new(),
            composed: RwSignal::new(None),
        }
    }

    fn send(self, sent: Sent) {
        self.sender.try_with_value(|sender| {
            if let Some(sender) = sender {
                // A terminal that has ended takes no more keys.
                let _ = sender.unbounded_send(sent);
            }
        });
    }

    fn draw(self) {
        let back = self.back.try_get_untracked().unwrap_or_default();
        self.parser.try_update_value(|parser| {
            parser.screen_mut().set_scrollback(back);
            self.rows.draw(parser.screen());
        });
    }

    /// Draws what has come since the last frame, and lets the shell know that there is room for more.
    fn end_frame(self) {
        let Some(bytes) = self.undrawn.try_update_value(std::mem::take).filter(|bytes| *bytes > 0) else { return };
        self.draw();
        self.send(Sent::Drawn(bytes));
    }

    /// Takes in output. Returns whether the page is still there.
    fn read(self, bytes: &[u8]) -> bool {
        let Some(waiting) = self.undrawn.try_get_value() else { return false };
        self.undrawn.set_value(waiting + bytes.len());
        if waiting == 0 {
            request_animation_frame(move || self.end_frame());
            set_timeout(move || self.end_frame(), LONGEST_FRAME);
        }
        self.parser.try_update_value(|parser| parser.process(bytes)).is_some()
    }

    /// Fits the screen to the window.
    fn fit(self) {
        let (Some(frame), Some(ruler)) = (self.frame.get_untracked(), self.ruler.get_untracked()) else { return };
        let cell = ruler.get_bounding_client_rect();
        let (wide, high) = (cell.width() / 10.0, cell.height());
        if wide <= 0.0 || high <= 0.0 {
            return;
        }
        let columns = (f64::from(frame.client_width()) / wide).floor().clamp(20.0, 300.0) as u16;
        let lines = (f64::from(frame.client_height()) / high).floor().clamp(6.0, 120.0) as u16;
        let (rows, columns) = size(columns, lines);
        let now = self.parser.with_value(|parser| parser.screen().size());
        if now != (rows, columns) {
            self.parser.update_value(|parser| parser.set_size(rows, columns));
            self.send(Sent::Size(columns.get(), rows.get()));
            self.draw();
        }
    }

    fn type_bytes(self, bytes: Vec<u8>) {
        self.back.set(0);
        self.send(if bytes == [3] { Sent::Interrupt } else { Sent::Bytes(bytes) });
    }

    fn key_down(self, event: leptos::ev::KeyboardEvent) {
        if event.is_composing() || self.composed.with_untracked(Option::is_some) {
            return;
        }
        let application = self.parser.with_value(|parser| parser.screen().application_cursor());
        let key = Key {
            name: &event.key(),
            ctrl: event.ctrl_key(),
            alt: event.alt_key(),
            shift: event.shift_key(),
            meta: event.meta_key(),
        };
        if let Some(bytes) = bytes_for(&key, application) {
            event.prevent_default();
            event.stop_propagation();
            self.type_bytes(bytes);
        }
    }

    /// Sends what stands in the input's element, unless it is still being composed.
    fn typed(self) {
        let Some(input) = self.input.get_untracked() else { return };
        let text = input.value();
        if self.composed.with_untracked(Option::is_some) || text.is_empty() {
            return;
        }
        input.set_value("");
        self.type_bytes(text.replace('\n', "\r").into_bytes());
    }

    fn paste(self, event: leptos::ev::ClipboardEvent) {
        let Some(text) = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok()) else { return };
        event.prevent_default();
        let bracketed = self.parser.with_value(|parser| parser.screen().bracketed_paste());
        self.back.set(0);
        self.send(Sent::Bytes(pasted(&text, bracketed)));
    }

    fn scroll(self, event: leptos::ev::WheelEvent) {
        event.prevent_default();
        let up = event.delta_y() < 0.0;
        let cell = self.ruler.get_untracked().map(|ruler| ruler.get_bounding_client_rect());
        let frame = self.frame.get_untracked().map(|frame| frame.get_bounding_client_rect());
        let at = cell.zip(frame).map_or((0, 0), |(cell, frame)| {
            let place = |at: f64, from: f64, size: f64| ((at - from) / size).clamp(0.0, 300.0) as u16;
            let row = place(f64::from(event.client_y()), frame.top(), cell.height());
            (row, place(f64::from(event.client_x()), frame.left(), cell.width() / 10.0))
        });
        if let Some(bytes) = self.parser.with_value(|parser| wheel(parser.screen(), up, at)) {
            return self.send(Sent::Bytes(bytes));
        }
        let lines = if up { 3isize } else { -3 };
        self.back.update(|back| *back = back.saturating_add_signed(lines).min(SCROLLBACK));
        self.draw();
    }

    /// Moves the focus to the shell, unless a selection for copying has just been made.
    fn focus(self) {
        let selecting = window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed());
        if let Some(input) = self.input.get_untracked().filter(|_| !selecting) {
            let _ = input.focus();
        }
    }
}

/// The terminal of a session.
#[lazy]
pub fn terminal(id: SessionId) -> AnyView {
    let terminal = Terminal::new();
    let state = RwSignal::new(State::Connecting);

    Effect::new(move |_| {
        terminal.fit();
        let (rows, columns) = terminal.parser.with_value(|parser| parser.screen().size());
        let address = paths::session_terminal(id, columns.get(), rows.get());
        let (keys, typed) = unbounded();
        terminal.sender.set_value(Some(keys));
        leptos::task::spawn_local(async move {
            let mut opened = false;
            let read = move |bytes: &[u8]| {
                if !std::mem::replace(&mut opened, true) {
                    state.try_set(State::Open);
                    // Not earlier, since only an element in the page can take the focus.
                    if let Some(input) = terminal.input.try_get_untracked().flatten() {
                        let _ = input.focus();
                    }
                }
                terminal.read(bytes)
            };
            let reason = relay(&address, typed, read).await;
            // The page may be gone; then nobody reads the reason.
            state.try_set(State::Ended(reason));
        });
        let watch = window_event_listener(leptos::ev::resize, move |_| terminal.fit());
        on_cleanup(move || {
            watch.remove();
            terminal.sender.set_value(None);
        });
    });

    let composed = move |_| {
        terminal.composed.set(None);
        terminal.typed();
    };
    let left = move || format!("{}ch", terminal.rows.cursor.get().1);
    let top = move || format!("{}px", u32::from(terminal.rows.cursor.get().0) * ROW);
    let Terminal { frame, ruler, input, rows, .. } = terminal;
    view! {
        <div class="terminal" on:click=move |_| terminal.focus()>
            <p class="terminal-state" role="status">{move || match state.get() {
                State::Connecting => "Connecting…".to_owned(),
                State::Open => "Connected. Shift+Tab leaves the terminal.".to_owned(),
                State::Ended(why) => why,
            }}</p>
            <div class="terminal-frame" node_ref=frame on:wheel=move |event| terminal.scroll(event)>
                <span class="terminal-ruler" node_ref=ruler aria-hidden="true">"MMMMMMMMMM"</span>
                <div class="terminal-screen" role="log" aria-label="Terminal" aria-live="off">
                    {move || rows.rows.get().into_iter().map(|row| view! { <div class="terminal-row">{move || runs(row.get())}</div> }).collect::<Vec<_>>()}
                </div>
                // At the cursor, where the input method opens its window.
                <span class="terminal-composed" style:left=left style:top=top hidden=move || terminal.composed.with(Option::is_none)>
                    {move || terminal.composed.get()}
                </span>
                <textarea class="terminal-input" node_ref=input aria-label="Terminal input" autocapitalize="off" autocomplete="off" spellcheck="false"
                    style:left=left style:top=top
                    on:keydown=move |event| terminal.key_down(event) on:input=move |_| terminal.typed() on:paste=move |event| terminal.paste(event)
                    on:compositionstart=move |_| terminal.composed.set(Some(String::new()))
                    on:compositionupdate=move |event| terminal.composed.set(Some(event.data().unwrap_or_default()))
                    on:compositionend=composed></textarea>
            </div>
        </div>
    }
    .into_any()
}

/// The height of a row in pixels, as in `style/pages/terminal.css`.
const ROW: u32 = 18;

fn runs(runs: Vec<Run>) -> AnyView {
    runs.into_iter().map(|run| view! { <span class=run.class>{run.text}</span> }).collect::<Vec<_>>().into_any()
}
