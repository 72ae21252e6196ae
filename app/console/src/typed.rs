//! Keeps what people type and press before the page is interactive. Hydration writes the components' empty values over it, and they
//! would not know of it: so it is remembered before, and typed once more afterwards.
//!
//! Deliberately not in the components: this holds for every field of every page, whatever it is made of.

use leptos::prelude::*;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventInit, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};

/// The value of a field that a person can fill in.
#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Ticked(bool),
    Chosen(String),
}

thread_local! {
    static TYPED: RefCell<Vec<(Element, Value)>> = const { RefCell::new(Vec::new()) };
    static DONE: RefCell<bool> = const { RefCell::new(false) };
}

/// The field's value, if it differs from the one that the server sent.
fn changed(field: &Element) -> Option<Value> {
    if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        return (area.value() != area.default_value().unwrap_or_default()).then(|| Value::Text(area.value()));
    }
    if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
        let options = select.query_selector_all("option[selected]").ok()?;
        // Without a choice of the server, the first option is selected.
        let sent = match options.get(0) {
            Some(option) => option.dyn_into::<web_sys::HtmlOptionElement>().ok()?.value(),
            None => select.query_selector("option").ok()??.dyn_into::<web_sys::HtmlOptionElement>().ok()?.value(),
        };
        return (select.value() != sent).then(|| Value::Chosen(select.value()));
    }
    let input = field.dyn_ref::<HtmlInputElement>()?;
    match input.type_().as_str() {
        "checkbox" => (input.checked() != input.default_checked()).then(|| Value::Ticked(input.checked())),
        // The one that is no longer chosen says nothing.
        "radio" => (input.checked() && !input.default_checked()).then_some(Value::Ticked(true)),
        "hidden" | "file" | "submit" | "button" => None,
        _ => (input.value() != input.default_value()).then(|| Value::Text(input.value())),
    }
}

/// Remembers what was typed before the scripts arrived, and what is typed until [`restore`]. Called before the page hydrates.
pub fn remember() {
    take_in();
    // A page's own part of the scripts may arrive later, and people go on typing meanwhile.
    for name in ["input", "change"] {
        let follow = move |_| {
            if !DONE.with_borrow(|done| *done) {
                take_in();
            }
        };
        drop(window_event_listener_untyped(name, follow));
    }
}

fn take_in() {
    let Ok(fields) = document().query_selector_all("input, textarea, select") else { return };
    let all = (0..fields.length()).filter_map(|n| fields.get(n)?.dyn_into::<Element>().ok());
    let typed: Vec<_> = all.filter_map(|field| changed(&field).map(|value| (field, value))).collect();
    TYPED.with_borrow_mut(|known| {
        for (field, value) in typed {
            match known.iter_mut().find(|(other, _)| *other == field) {
                Some((_, old)) => *old = value,
                None => known.push((field, value)),
            }
        }
    });
}

/// Types it once more, now that the components listen. Later calls do nothing: from then on the components hold what is typed.
pub(crate) fn restore() {
    if DONE.replace(true) {
        return;
    }
    press();
    for (field, value) in TYPED.take() {
        let events: &[&str] = match &value {
            Value::Text(text) => {
                if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
                    area.set_value(text);
                } else if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
                    input.set_value(text);
                }
                &["input", "change"]
            }
            Value::Ticked(on) => {
                if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
                    input.set_checked(*on);
                }
                &["change"]
            }
            Value::Chosen(key) => {
                if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
                    select.set_value(key);
                }
                &["change"]
            }
        };
        for name in events {
            let bubbling = EventInit::new();
            bubbling.set_bubbles(true);
            if let Ok(event) = web_sys::Event::new_with_event_init_dict(name, &bubbling) {
                // Where it fails, the field keeps its text, and the next key tells the component.
                let _ = field.dispatch_event(&event);
            }
        }
    }
}

/// Presses the button that was pressed too early, which the document's own script remembers.
fn press() {
    let name = "pressedEarly".into();
    let pressed = js_sys::Reflect::get(&window(), &name).ok().and_then(|pressed| pressed.dyn_into::<web_sys::HtmlElement>().ok());
    let Some(button) = pressed else { return };
    // Where these fail, the button stays as it is, and can be pressed again.
    let _ = js_sys::Reflect::delete_property(&window(), &name);
    let _ = button.remove_attribute("aria-busy");
    if button.is_connected() {
        button.click();
    }
}
