//! How a person likes the console to look, besides its theme: a narrow menu, close rows. Attributes of the document, which the server
//! writes from cookies, so that the first paint is right and only the style sheet has to know of them.

use leptos::prelude::*;

/// One choice: the attribute and cookie, and the value that is not the default.
#[derive(Clone, Copy)]
pub struct Look {
    name: &'static str,
    value: &'static str,
}

/// The menu shows its icons alone.
pub const NARROW_MENU: Look = Look { name: "menu", value: "narrow" };
/// Rows of tables are close together.
pub const CLOSE_ROWS: Look = Look { name: "density", value: "compact" };

impl Look {
    /// Returns the value for the document that the server writes; `None` for the default.
    #[cfg(feature = "ssr")]
    pub fn of_request(self) -> Option<&'static str> {
        (crate::request::cookie(self.name)? == self.value).then_some(self.value)
    }

    fn attribute(self) -> String {
        format!("data-{}", self.name)
    }

    /// Switches between the two. In the browser only.
    pub fn switch(self) {
        let Some(root) = document().document_element() else { return };
        let on = root.get_attribute(&self.attribute()).as_deref() == Some(self.value);
        // Where it fails, everything stays as it is.
        let _ = if on { root.remove_attribute(&self.attribute()) } else { root.set_attribute(&self.attribute(), self.value) };
        crate::request::set_cookie(self.name, if on { "" } else { self.value });
    }
}

/// Listens for the keys that work on every page: `[` for the menu, `/` for the filter of a list.
pub fn follow_keys() {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            let typing = "input, textarea, select, [contenteditable], dialog[open] *";
            let elsewhere = document().active_element().is_none_or(|at| !at.matches(typing).unwrap_or(false));
            if !elsewhere || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            match event.key().as_str() {
                "[" => NARROW_MENU.switch(),
                "/" => {
                    let Ok(Some(filter)) = document().query_selector(".filter-form input[role=combobox]") else { return };
                    event.prevent_default();
                    let filter: web_sys::HtmlElement = wasm_bindgen::JsCast::unchecked_into(filter);
                    // If the browser refuses, the focus stays where it is.
                    let _ = filter.focus();
                }
                _ => {}
            }
        });
        on_cleanup(move || listener.remove());
    });
}
