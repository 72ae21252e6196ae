//! The browser's entry point: takes over the page that the server rendered. Everything else is in `console`.

/// Called by the page's loader script once the module is there.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_lazy(console::App);
}
