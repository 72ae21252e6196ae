//! The HTML document around the console, as the server writes it.

#[cfg(feature = "ssr")]
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;

/// The names of the site's files below `/pkg/`.
#[cfg(feature = "ssr")]
#[derive(serde::Deserialize)]
pub struct Names {
    /// Whether every name carries a hash of what is in the file.
    pub hashed: bool,
    pub script: String,
    pub module: String,
    pub style: String,
    /// The font, where this build has one.
    #[serde(default)]
    pub typeface: Option<String>,
    /// The script that fetches chunks.
    pub loader: String,
    /// The chunks of each page, without their ending.
    pub chunks: std::collections::HashMap<String, Vec<String>>,
}

#[cfg(feature = "ssr")]
impl Default for Names {
    /// Those of cargo-leptos.
    fn default() -> Self {
        Self {
            hashed: false,
            script: "console.js".into(),
            module: "console.wasm".into(),
            style: "console.css".into(),
            typeface: None,
            loader: "__wasm_split.______________________.js".into(),
            chunks: Default::default(),
        }
    }
}

#[cfg(feature = "ssr")]
impl Names {
    /// By which leptos tells the browser early what a page will load; to be provided to every page.
    pub fn preloads(&self) -> leptos::WasmSplitManifest {
        leptos::WasmSplitManifest(ArcStoredValue::new(("/pkg".to_owned(), self.chunks.clone(), self.loader.clone())))
    }
}

/// Remembers a button that is pressed before the console's code is there, and shows that it was: `console::typed` presses it once
/// more as soon as it can.
#[cfg(feature = "ssr")]
const EARLY: &str = r#"addEventListener("click",e=>{const b=e.target.closest&&e.target.closest("button[type=button]:not([popovertarget])");if(b&&!document.documentElement.hasAttribute("data-hydrated")){window.pressedEarly=b;b.setAttribute("aria-busy","true")}},true)"#;

/// Fetches the console's code once a plain form stands and the browser has nothing else to do: the next page will need it.
#[cfg(feature = "ssr")]
fn later(files: &[&str]) -> String {
    let files = files.iter().map(|file| format!("fetch(\"{file}\",{{priority:\"low\"}})")).collect::<Vec<_>>().join(";");
    format!("addEventListener(\"load\",()=>(window.requestIdleCallback||setTimeout)(()=>{{{files}}}))")
}

/// The document. Built on the server alone; the browser takes over its body, except that of a page of plain forms.
#[cfg(feature = "ssr")]
pub fn document(names: &Names) -> AnyView {
    let theme = console::theme::current().key();
    let nonce = leptos::nonce::use_nonce();
    let plain = console::request::is_plain();
    let [style, script, module] = [&names.style, &names.script, &names.module].map(|name| format!("/pkg/{name}"));
    let typeface = names.typeface.as_ref().map(|name| format!("/pkg/{name}"));
    let code = if plain {
        let files: Vec<&str> = [&script, &module].into_iter().chain(&typeface).map(String::as_str).collect();
        view! { <script nonce=nonce>{later(&files)}</script> }.into_any()
    } else {
        let start =
            format!(r#"import start, {{ hydrate }} from "{script}"; await start({{ module_or_path: "{module}" }}); hydrate();"#);
        view! {
            {typeface.map(|file| view! { <link rel="preload" href=file r#as="font" r#type="font/woff2" crossorigin="anonymous"/> })}
            <link rel="modulepreload" href=script crossorigin="anonymous"/>
            <link rel="preload" href=module r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            <script nonce=nonce.clone()>{EARLY}</script>
            <script type="module" nonce=nonce>{start}</script>
        }
        .into_any()
    };
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-menu=console::looks::NARROW_MENU.of_request() data-density=console::looks::CLOSE_ROWS.of_request()
            data-hydrated=plain.then_some("") data-plain=plain.then_some("")>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                {code}
                <MetaTags/>
            </head>
            <body>
                <crate::App/>
            </body>
        </html>
    }
    .into_any()
}
