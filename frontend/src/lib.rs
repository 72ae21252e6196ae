//! The browser's entry point, which hydrates the page that the server rendered. Everything else is in `pages`.

/// Hydrates the page. The page's loader script calls this once the module is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    console::typed::remember();
    leptos::mount::hydrate_lazy(pages::App);
}
