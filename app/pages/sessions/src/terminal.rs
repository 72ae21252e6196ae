//! A terminal in the browser: bytes from a WebSocket go through a terminal emulator, and the rows that changed are drawn.
//!
//! A separate chunk, loaded when somebody opens a terminal. Tab goes to the shell, so Shift+Tab leaves the terminal.

use super::terminal_keys::{Key, bytes_for};
use console::paths;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{SinkExt, StreamExt};
use gloo_net::websocket::{Message, WebSocketError, futures::WebSocket};
use leptos::html::{Div, Span, Textarea};
use leptos::prelude::*;
use std::num::NonZeroU16;
use types::id::SessionId;
use vt100::{Cell, Color, Parser};

/// Lines that can be scrolled back to.
const SCROLLBACK: usize = 1_000;

/// A run of cells in one row with the same style.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    class: String,
    text: String,
}

#[derive(Clone)]
enum State {
    Connecting,
    Open,
    Ended(String),
}

/// Typed bytes, or the new size of the window.
enum Sent {
    Bytes(Vec<u8>),
    Size(u16, u16),
}

fn size(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    let at_least_two = |n: u16| NonZeroU16::new(n.max(2)).unwrap_or(NonZeroU16::MIN);
    (at_least_two(rows), at_least_two(columns))
}

/// The terminal of a session.
#[lazy]
pub fn terminal(id: SessionId) -> AnyView {
    let (rows, columns) = size(80, 24);
    let parser = StoredValue::new_local(Parser::new(rows, columns, SCROLLBACK));
    let screen: RwSignal<Vec<RwSignal<Vec<Run>>>> = RwSignal::new(Vec::new());
    let state = RwSignal::new(State::Connecting);
    let sender: StoredValue<Option<UnboundedSender<Sent>>, LocalStorage> = StoredValue::new_local(None);
    let (frame, ruler, input) = (NodeRef::<Div>::new(), NodeRef::<Span>::new(), NodeRef::<Textarea>::new());
    let back = RwSignal::new(0usize);

    let send = move |sent: Sent| {
        sender.with_value(|sender| {
            if let Some(sender) = sender {
                // A terminal that has ended takes no more keys.
                let _ = sender.unbounded_send(sent);
            }
        });
    };
    let draw = move || parser.update_value(|parser| draw(parser, screen, back.get_untracked()));
    let fit = move || {
        let (Some(frame), Some(ruler)) = (frame.get_untracked(), ruler.get_untracked()) else { return };
        let cell = ruler.get_bounding_client_rect();
        let (wide, high) = (cell.width() / 10.0, cell.height());
        if wide <= 0.0 || high <= 0.0 {
            return;
        }
        let columns = (f64::from(frame.client_width()) / wide).floor().clamp(20.0, 300.0) as u16;
        let lines = (f64::from(frame.client_height()) / high).floor().clamp(6.0, 120.0) as u16;
        let (rows, columns) = size(columns, lines);
        let now = parser.with_value(|parser| parser.screen().size());
        if now != (rows, columns) {
            parser.update_value(|parser| parser.set_size(rows, columns));
            send(Sent::Size(columns.get(), rows.get()));
            draw();
        }
    };

    Effect::new(move |_| {
        fit();
        let (rows, columns) = parser.with_value(|parser| parser.screen().size());
        let address = paths::session_terminal(id, columns.get(), rows.get());
        let (keys, typed) = unbounded();
        sender.set_value(Some(keys));
        leptos::task::spawn_local(async move {
            let opened = move || {
                state.set(State::Open);
                // Not earlier, since only an element in the page can take the focus.
                if let Some(input) = input.get_untracked() {
                    let _ = input.focus();
                }
            };
            let reason = relay(&address, typed, parser, opened, draw).await;
            // The page may be gone; then nobody reads the reason.
            state.try_set(State::Ended(reason));
        });
        let watch = window_event_listener(leptos::ev::resize, move |_| fit());
        on_cleanup(move || {
            watch.remove();
            sender.set_value(None);
        });
    });

    // Text that an input method is still composing is not typed yet; its keys belong to the input method.
    let composing = StoredValue::new(false);
    let key_down = move |event: leptos::ev::KeyboardEvent| {
        if event.is_composing() || composing.get_value() {
            return;
        }
        let application = parser.with_value(|parser| parser.screen().application_cursor());
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
            back.set(0);
            send(Sent::Bytes(bytes));
        }
    };
    let typed = move || {
        let Some(input) = input.get_untracked() else { return };
        let text = input.value();
        if composing.get_value() || text.is_empty() {
            return;
        }
        input.set_value("");
        back.set(0);
        send(Sent::Bytes(text.replace('\n', "\r").into_bytes()));
    };
    let composed = move |_| {
        composing.set_value(false);
        typed();
    };
    // A click focuses the shell, unless it ends a selection for copying.
    let focus = move |_| {
        let selecting = window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed());
        if let Some(input) = input.get_untracked().filter(|_| !selecting) {
            let _ = input.focus();
        }
    };
    let scroll = move |event: leptos::ev::WheelEvent| {
        event.prevent_default();
        let lines = if event.delta_y() < 0.0 { 3isize } else { -3 };
        back.update(|back| *back = back.saturating_add_signed(lines).min(SCROLLBACK));
        draw();
    };
    view! {
        <div class="terminal" on:click=focus>
            <p class="terminal-state" role="status">{move || match state.get() {
                State::Connecting => "Connecting…".to_owned(),
                State::Open => "Connected. Shift+Tab leaves the terminal.".to_owned(),
                State::Ended(why) => why,
            }}</p>
            <div class="terminal-frame" node_ref=frame on:wheel=scroll>
                <span class="terminal-ruler" node_ref=ruler aria-hidden="true">"MMMMMMMMMM"</span>
                <div class="terminal-screen" role="log" aria-label="Terminal" aria-live="off">
                    {move || screen.get().into_iter().map(|row| view! { <div class="terminal-row">{move || runs(row.get())}</div> }).collect::<Vec<_>>()}
                </div>
                <textarea class="terminal-input" node_ref=input aria-label="Terminal input" autocapitalize="off" autocomplete="off" spellcheck="false"
                    on:keydown=key_down on:input=move |_| typed() on:compositionstart=move |_| composing.set_value(true) on:compositionend=composed></textarea>
            </div>
        </div>
    }
    .into_any()
}

fn runs(runs: Vec<Run>) -> AnyView {
    runs.into_iter().map(|run| view! { <span class=run.class>{run.text}</span> }).collect::<Vec<_>>().into_any()
}

/// Carries bytes both ways until the terminal ends; returns why.
async fn relay(
    address: &str,
    mut typed: futures::channel::mpsc::UnboundedReceiver<Sent>,
    parser: StoredValue<Parser, LocalStorage>,
    opened: impl Fn(),
    draw: impl Fn(),
) -> String {
    let Ok(socket) = WebSocket::open(address) else { return "This browser could not open a connection.".into() };
    let (mut write, mut read) = socket.split();
    let sending = async move {
        while let Some(sent) = typed.next().await {
            let message = match sent {
                Sent::Bytes(bytes) => Message::Bytes(bytes),
                Sent::Size(columns, rows) => Message::Text(format!("{columns}x{rows}")),
            };
            if write.send(message).await.is_err() {
                break;
            }
        }
        // The terminal has ended, so the shell is hung up.
        let _ = write.close().await;
        std::future::pending::<()>().await;
    };
    let mut any = false;
    let reading = async {
        while let Some(message) = read.next().await {
            match message {
                Ok(Message::Bytes(bytes)) => {
                    if !any {
                        opened();
                        any = true;
                    }
                    if parser.try_update_value(|parser| parser.process(&bytes)).is_none() {
                        return "Closed.".into();
                    }
                    draw();
                }
                Ok(Message::Text(_)) => {}
                Err(WebSocketError::ConnectionClose(close)) if !close.reason.is_empty() => return close.reason,
                Err(_) => break,
            }
        }
        if any {
            "The connection was lost. Open the terminal again to continue in a new shell.".into()
        } else {
            "The terminal could not be opened: the session may have ended.".into()
        }
    };
    futures::pin_mut!(sending, reading);
    match futures::future::select(sending, reading).await {
        futures::future::Either::Left(((), _)) => "Closed.".into(),
        futures::future::Either::Right((reason, _)) => reason,
    }
}

/// Copies the emulator's screen into the rows' signals; only changed rows are drawn again.
fn draw(parser: &mut Parser, screen: RwSignal<Vec<RwSignal<Vec<Run>>>>, back: usize) {
    parser.screen_mut().set_scrollback(back);
    let shown = parser.screen();
    let (rows, columns) = shown.size();
    let cursor = (!shown.hide_cursor() && back == 0).then(|| shown.cursor_position());
    if screen.try_with_untracked(Vec::len).is_none_or(|n| n != usize::from(rows.get())) {
        screen.try_set((0..rows.get()).map(|_| RwSignal::new(Vec::new())).collect());
    }
    let Some(signals) = screen.try_get_untracked() else { return };
    for (row, signal) in (0..rows.get()).zip(signals) {
        let mut runs: Vec<Run> = Vec::new();
        for column in 0..columns.get() {
            let Some(cell) = shown.cell(row, column) else { continue };
            if cell.is_wide_continuation() {
                continue;
            }
            let class = class(cell, cursor == Some((row, column)));
            let text = if cell.has_contents() { cell.contents() } else { " " };
            match runs.last_mut() {
                Some(run) if run.class == class => run.text.push_str(text),
                _ => runs.push(Run { class, text: text.into() }),
            }
        }
        if signal.try_with_untracked(|old| *old != runs).unwrap_or(false) {
            signal.set(runs);
        }
    }
}

/// Colours beyond the sixteen are mapped to the nearest of them: no style attribute is needed, and both themes stay readable.
fn class(cell: &Cell, cursor: bool) -> String {
    let mut class = String::new();
    let (fg, bg) = if cell.inverse() { ("b", "f") } else { ("f", "b") };
    for (which, color) in [(fg, cell.fgcolor()), (bg, cell.bgcolor())] {
        match color {
            Color::Default if cell.inverse() => class.push_str(if which == "f" { "t-fx " } else { "t-bx " }),
            Color::Default => {}
            Color::Idx(n) => class.push_str(&format!("t-{which}{} ", nearest(n))),
            Color::Rgb(r, g, b) => class.push_str(&format!("t-{which}{} ", nearest_rgb(r, g, b))),
        }
    }
    for (on, name) in
        [(cell.bold(), "t-bold "), (cell.italic(), "t-italic "), (cell.underline(), "t-underline "), (cursor, "t-cursor ")]
    {
        if on {
            class.push_str(name);
        }
    }
    class
}

fn nearest(n: u8) -> u8 {
    match n {
        0..=15 => n,
        16..=231 => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
            let n = n - 16;
            nearest_rgb(level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => [0, 8, 7, 15][usize::from((n - 232) / 6)],
    }
}

fn nearest_rgb(r: u8, g: u8, b: u8) -> u8 {
    let most = r.max(g).max(b);
    if most < 48 {
        return 0;
    }
    let bit = |value: u8, bit: u8| if u16::from(value) * 2 > u16::from(most) { bit } else { 0 };
    let color = bit(r, 1) | bit(g, 2) | bit(b, 4);
    if most > 192 { color + 8 } else { color }
}
