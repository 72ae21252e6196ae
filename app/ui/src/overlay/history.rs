//! The browser's Back, which closes an open dialog instead of leaving the page with everything that was typed.
//!
//! An open dialog has an entry of its own in the tab's history, at the page's address, whose state is the number of dialogs then
//! open. Deliberately not the router's: nothing is shown at another address, and a dialog cannot be linked to.

use super::Loss;
use leptos::prelude::*;
use std::cell::Cell;

thread_local! {
    /// Dialogs that are open now.
    static OPEN: Cell<u32> = const { Cell::new(0) };
}

/// Makes Back close the dialog that `open` is about by way of `request`, which asks first where something would be lost.
pub(super) fn close_with_back(open: Signal<bool>, loss: Signal<Option<Loss>>, request: Callback<()>) {
    // The number of the dialog's entry while it is open.
    let entry = StoredValue::new(0);
    Effect::new(move |_| match (entry.get_value(), open.get()) {
        (0, true) => {
            OPEN.set(OPEN.get() + 1);
            entry.set_value(enter());
        }
        (0, false) | (_, true) => {}
        (mine, false) => {
            entry.set_value(0);
            OPEN.set(OPEN.get().saturating_sub(1));
            // Later: what closes it may lead to another address, whose entry must stay.
            request_animation_frame(move || leave(mine));
        }
    });
    on_cleanup(move || {
        if entry.try_get_value().is_some_and(|mine| mine > 0) {
            OPEN.set(OPEN.get().saturating_sub(1));
        }
    });
    Effect::new(move |_| {
        let listener = window_event_listener_untyped("popstate", move |_| {
            let mine = entry.try_get_value().unwrap_or_default();
            if mine == 0 || current() >= mine {
                return;
            }
            if loss.with_untracked(Option::is_some) {
                entry.set_value(enter());
            }
            request.run(());
        });
        on_cleanup(move || listener.remove());
    });
}

/// The number of the entry that the tab is at; 0 for one that is no dialog's.
fn current() -> u32 {
    let state = window().history().and_then(|history| history.state()).ok().and_then(|state| state.as_f64());
    state.map_or(0, |number| number as u32)
}

/// Where the browser refuses, Back leaves the page.
fn enter() -> u32 {
    let number = current() + 1;
    if let Ok(history) = window().history() {
        history.push_state(&number.into(), "").ok();
    }
    number
}

/// Takes the entries of closed dialogs back.
fn leave(mine: u32) {
    let steps = match (OPEN.get(), current()) {
        (_, 0) => 0,
        (0, all) => all,
        (_, now) => u32::from(now == mine),
    };
    if steps > 0
        && let Ok(history) = window().history()
    {
        history.go_with_delta(-i32::try_from(steps).unwrap_or_default()).ok();
    }
}
