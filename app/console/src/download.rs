//! Saving files: those that the server makes from a list, and those that the page makes itself. The latter are browser objects,
//! not `data:` addresses, which are limited to 2 MB.

use crate::paths;
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use types::csv::{BOM, marked};
use ui::{Button, Dialog, Field, TextInput};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Maximum characters in a file's name (`docs/spec/sessions.md`, "Sessions as a file").
const LONGEST_NAME: usize = 255;

/// The dialog that asks for the name of a list's file and links to the file, unless there is `nothing` to put into it.
pub fn file_dialog(
    open: RwSignal<bool>,
    title: &'static str,
    address: Signal<String>,
    plain: &'static str,
    nothing: Signal<bool>,
) -> AnyView {
    let name = RwSignal::new(plain.to_owned());
    let wrong = Signal::derive(move || name.with(|name| mistake(name)));
    let blocked = Memo::new(move |_| nothing.get() || wrong.with(Option::is_some));
    let href = move || paths::with_parameter(&address.get(), "name", name.get().trim());
    let close = Callback::new(move |()| open.set(false));
    // Enter in the field does what the link does.
    let link = NodeRef::<html::A>::new();
    let enter = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(link) = link.get_untracked().filter(|_| !blocked.get_untracked()) {
            link.click();
        }
    };
    view! {
        <Dialog open=open title=title on_close=close>
            <form class="form" novalidate on:submit=enter>
                <Field name=format!("file-name-{plain}") label="File name" hint="Up to 255 characters. The file contains every row that matches the current filter." error=wrong>
                    <TextInput name=format!("file-name-{plain}") value=name/>
                </Field>
                {move || nothing.get().then(|| view! { <p class="notice">"There is nothing to export."</p> })}
                <div class="dialog-actions">
                    <Button on_press=close>"Cancel"</Button>
                    {move || if blocked.get() {
                        view! { <Button disabled=true>"Export"</Button> }.into_any()
                    } else {
                        view! { <a class="button button-primary" node_ref=link href=href rel="external" download on:click=move |_| open.set(false)>"Export"</a> }.into_any()
                    }}
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// Returns the mistake in a file's name, if there is one.
fn mistake(name: &str) -> Option<String> {
    match name.trim().chars().count() {
        0 => Some("Type a name for the file.".into()),
        n if n > LONGEST_NAME => Some(format!("At most {LONGEST_NAME} characters; this has {n}.")),
        _ if name.chars().any(|c| types::rules::is_hidden(c) || "/\\:*?\"<>|".contains(c)) => {
            Some("Leave out / \\ : * ? \" < > and |: some systems do not allow them in file names.".into())
        }
        _ => None,
    }
}

/// Saves `text` as a file. If the browser refuses, nothing happens.
pub fn save(name: &str, kind: &str, text: &str) {
    // Nothing can be done if the browser refuses.
    let _ = try_save(name, kind, text);
}

fn try_save(name: &str, kind: &str, text: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let blob = Blob::new_with_str_sequence_and_options(&js_sys::Array::of1(&text.into()), &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = leptos::prelude::document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&address)
}

/// A CSV file: its columns' names, then a line for each row.
pub fn csv<const N: usize>(columns: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("{BOM}{}\n", columns.join(","));
    for row in rows {
        text.push_str(&row.each_ref().map(|value| cell(value)).join(","));
        text.push('\n');
    }
    text
}

/// Quotes a cell of a CSV file so that no spreadsheet takes it for a formula.
fn cell(text: &str) -> String {
    format!("\"{}\"", marked(text).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_has_at_most_255_characters_valid_on_every_system() {
        assert_eq!(mistake("limits of May"), None);
        assert_eq!(mistake(&"x".repeat(255)), None);
        for wrong in ["", "  ", "a/b", "a\\b", "a\"b", "a\nb", &"x".repeat(256)] {
            assert!(mistake(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
    }

    #[test]
    fn a_csv_file_has_a_line_for_its_columns_and_one_for_each_row() {
        let rows = [["ann".to_owned(), "a, b".to_owned()], ["=ben".to_owned(), String::new()]];
        assert_eq!(csv(["who", "what"], rows), "\u{feff}who,what\n\"ann\",\"a, b\"\n\"'=ben\",\"\"\n");
    }
}
