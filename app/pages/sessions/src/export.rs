//! The sessions as a file: everything that the filter selects, under a chosen name (`docs/spec/sessions.md`, "Sessions as a
//! file"). For administrators.

use console::chunk;
use console::download::file_dialog;
use leptos::prelude::*;
use types::list::ListQuery;
use types::sessions::SESSIONS;
use ui::Menu;

chunk!(parts:
    /// The dialog that asks for the file's name.
    fn file(open: RwSignal<bool>, address: Signal<String>, nothing: Signal<bool>) {
        file_dialog(open, "Export session list to CSV file", address, "sessions", nothing)
    }
);

/// The `…` menu beside the tabs. The filter may select `nothing`.
pub fn menu(query: Signal<ListQuery>, nothing: Signal<bool>) -> AnyView {
    let open = RwSignal::new(false);
    let address = Signal::derive(move || {
        let query = query.with(|query| query.to_query_string(&SESSIONS));
        if query.is_empty() { "/export/sessions.csv".to_owned() } else { format!("/export/sessions.csv?{query}") }
    });
    let items = vec![("Export CSV".to_owned(), Callback::new(move |()| open.set(true)))];
    view! {
        <Menu name="sessions-more" label="…" title="More about this list" items=items/>
        {file::later(open.into(), open, address, nothing)}
    }
    .into_any()
}
