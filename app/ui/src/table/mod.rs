//! The table. Columns are declared once. Filter, order and page are links and forms, so that the address determines the contents
//! and the table works before scripts arrive. The server does the filtering, ordering and paging.
//!
//! The table knows its rows only through their columns. Code that does not depend on the type of row is in the other files of
//! this folder, compiled once for all tables.

mod body;
mod column;
mod drag;
mod filter;
mod head;
mod pager;
mod settings;

use crate::form::{Button, Variant};
use crate::show::{Icon, IconName};
use body::{Rows, body};
pub use column::Column;
use column::{About, Cell, visible_columns};
use drag::Draggable;
use leptos::prelude::*;
use types::list::{ColumnLayout, ListQuery, ListSpec, Page};

/// Returns what a row has in common with neighbours that are folded into the first of them; empty for a row that never is.
pub type Alike<T> = fn(&T) -> String;

/// The table's spec, address and query, which every part of it needs.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub spec: &'static ListSpec,
    pub path: &'static str,
    pub query: Signal<ListQuery>,
    pub keep: Signal<Vec<(String, String)>>,
}

impl Place {
    /// Returns the address of this table with another query. Other parameters of the address are kept.
    pub fn address(self, query: &ListQuery) -> String {
        let mut parts = vec![query.to_query_string(self.spec)];
        parts.retain(|part| !part.is_empty());
        self.keep.with(|keep| parts.extend(keep.iter().map(|(name, value)| format!("{name}={}", types::list::encode(value)))));
        if parts.is_empty() { self.path.to_owned() } else { format!("{}?{}", self.path, parts.join("&")) }
    }
}

/// A table of a list.
#[component]
pub fn Table<T>(
    spec: &'static ListSpec,
    columns: Vec<Column<T>>,
    #[prop(into)] caption: String,
    /// The page's own path.
    path: &'static str,
    #[prop(into)] query: Signal<ListQuery>,
    /// The last answer; `None` during the very first load. An error is a sentence.
    #[prop(into)]
    page: Signal<Option<Result<Page<T>, String>>>,
    /// Whether newer rows are loading. The old ones stay, dimmed.
    #[prop(into)]
    loading: Signal<bool>,
    /// Other parameters of the address, kept in links.
    #[prop(optional, into)]
    keep: Signal<Vec<(String, String)>>,
    row_key: fn(&T) -> String,
    /// The accessible name of a row's checkbox.
    row_label: fn(&T) -> String,
    /// The text that neighbours have in common which are folded into the first of them.
    #[prop(optional)]
    alike: Option<Option<Alike<T>>>,
    #[prop(optional)] selection: Option<Option<RwSignal<Vec<String>>>>,
    /// Contents beside the last tab, such as a menu.
    #[prop(optional)]
    after_tabs: Option<Option<ViewFn>>,
    /// Buttons for the selected rows.
    #[prop(optional)]
    bulk: Option<ViewFn>,
    #[prop(into)] layout: Signal<ColumnLayout>,
    on_layout: Callback<ColumnLayout>,
    /// Called to bring the rows closer together, or apart.
    on_density: Callback<()>,
    /// The address of the whole list as CSV.
    export: &'static str,
    on_refresh: Callback<()>,
    /// Shown if the list is empty without a filter.
    empty: ViewFn,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let place = Place { spec, path, query, keep };
    let about: Vec<About> = columns.iter().map(|column| column.about.clone()).collect();
    let cells: Vec<(&'static str, Cell<T>)> = columns.iter().map(|column| (column.about.key, column.cell.clone())).collect();
    let visible = {
        let about = about.clone();
        Memo::new(move |_| layout.with(|layout| visible_columns(&about, layout)))
    };
    let selection = selection.flatten();
    // Only rows in view can be selected: another filter, order or page clears the selection.
    if let Some(selection) = selection {
        Effect::new(move |before: Option<ListQuery>| {
            let now = query.get();
            if before.is_some_and(|before| before != now) {
                selection.set(Vec::new());
            }
            now
        });
    }
    let alike = alike.flatten();
    let rows: Rows = Rows {
        alike: Memo::new(move |_| {
            let Some(alike) = alike else { return Vec::new() };
            page.with(|page| match page {
                Some(Ok(page)) => page.rows.iter().map(alike).collect(),
                _ => Vec::new(),
            })
        }),
        keys: Memo::new(move |_| {
            page.with(|page| match page {
                Some(Ok(page)) => page.rows.iter().map(|row| (row_key(row), row_label(row))).collect(),
                _ => Vec::new(),
            })
        }),
        cells: Callback::new(move |key: String| {
            let cells = cells.clone();
            // A memo of the row, so that only changed rows are rendered again.
            let row = Memo::new(move |_| {
                page.with(|page| page.as_ref()?.as_ref().ok()?.rows.iter().find(|row| row_key(row) == key).cloned())
            });
            Callback::new(move |column: &'static str| {
                let cell = cells.iter().find(|(key, _)| *key == column).map(|(_, cell)| cell.clone());
                let view = row.with(|row| row.as_ref().zip(cell).map(|(row, cell)| cell(row)));
                view.into_any()
            })
        }),
    };
    // A row that is gone from the page cannot stay selected, not even if it was the last one: bulk actions apply only to rows in
    // view.
    if let Some(selection) = selection {
        Effect::new(move |_| {
            rows.keys.with(|keys| {
                let gone = |chosen: &String| !keys.iter().any(|(key, _)| key == chosen);
                if selection.with_untracked(|all| all.iter().any(gone)) {
                    selection.update(|all| all.retain(|one| !gone(one)));
                }
            });
        });
    }
    let counts = Memo::new(move |_| {
        page.with(|page| match page {
            Some(Ok(page)) => Some(Ok((page.rows.len() as u64, page.total, page.more))),
            Some(Err(problem)) => Some(Err(problem.clone())),
            None => None,
        })
    });
    let after_tabs = after_tabs.flatten();
    frame(Frame {
        place,
        about,
        columns: Draggable::new(visible, layout, on_layout, selection.is_some()),
        caption,
        rows,
        counts,
        loading,
        selection,
        bulk,
        after_tabs,
        on_layout,
        on_density,
        export,
        on_refresh,
        empty,
    })
}

/// Whether the table is wider than its place: only then does it scroll in a box of its own. Until it is measured, it may be.
fn keep_measuring(scroll: NodeRef<leptos::html::Div>, columns: Draggable, rows: Rows) -> RwSignal<bool> {
    let wide = RwSignal::new(true);
    let measure = move || {
        if let Some(scroll) = scroll.try_get_untracked().flatten() {
            let now = scroll.scroll_width() > scroll.client_width();
            if wide.try_get_untracked() == Some(!now) {
                wide.set(now);
            }
        }
    };
    Effect::new(move |_| {
        columns.visible.track();
        columns.widths.track();
        rows.keys.track();
        request_animation_frame(measure);
    });
    Effect::new(move |_| {
        let listener = window_event_listener_untyped("resize", move |_| measure());
        on_cleanup(move || listener.remove());
    });
    wide
}

/// The number of rows in view, the total, and whether there are more than the total; or the error; `None` while loading.
pub(crate) type Counts = Memo<Option<Result<(u64, u64, bool), String>>>;

struct Frame {
    place: Place,
    about: Vec<About>,
    columns: Draggable,
    caption: String,
    rows: Rows,
    counts: Counts,
    loading: Signal<bool>,
    selection: Option<RwSignal<Vec<String>>>,
    bulk: Option<ViewFn>,
    after_tabs: Option<ViewFn>,
    on_layout: Callback<ColumnLayout>,
    on_density: Callback<()>,
    export: &'static str,
    on_refresh: Callback<()>,
    empty: ViewFn,
}

/// Everything around the rows.
fn frame(f: Frame) -> AnyView {
    let Frame { place, about, columns, caption, rows, counts, loading, selection, bulk, after_tabs, .. } = f;
    let Frame { on_layout, on_density, export, on_refresh, empty, .. } = f;
    let settings = RwSignal::new(false);
    let scroll = NodeRef::<leptos::html::Div>::new();
    let wide = keep_measuring(scroll, columns, rows);
    let things = caption.to_lowercase();
    let scroller = format!("{caption}, scrolls sideways");
    let name = caption.clone();
    let export_address = move || {
        let query = place.query.with(|query| query.at_page(1).to_query_string(place.spec));
        if query.is_empty() { export.to_owned() } else { format!("{export}?{query}") }
    };
    let covered = move || selection.is_some_and(|selection| !selection.with(Vec::is_empty));
    let selected = selection.map(|selection| {
        view! {
            <Show when=move || !selection.with(Vec::is_empty)>
                <div class="bulk" role="group" aria-label="Selected rows">
                    <output>{move || format!("{} selected", selection.with(Vec::len))}</output>
                    {bulk.as_ref().map(|bulk| bulk.run())}
                    <Button variant=Variant::Quiet on_press=Callback::new(move |()| selection.set(Vec::new()))>"Clear"</Button>
                </div>
            </Show>
        }
    });
    view! {
        <section class="list" aria-label=name>
            {head::tabs(place, after_tabs)}
            <div class="toolbar-place">
            // Controls covered by the buttons for selected rows cannot be reached.
            <div class="toolbar" inert=covered>
                {filter::filter(place, things.clone())}
                <div class="toolbar-end">
                    <Button variant=Variant::Quiet label="Refresh" busy=loading on_press=on_refresh><Icon name=IconName::Refresh/></Button>
                    {(!export.is_empty()).then(|| view! {
                        <a class="button button-quiet" href=export_address rel="external" download><Icon name=IconName::Download/>"CSV"</a>
                    })}
                </div>
            </div>
            {selected}
            </div>
            <div class="table-scroll" tabindex="0" role="region" aria-label=scroller node_ref=scroll data-wide=move || wide.get().then_some("")
                aria-busy=move || loading.get().then_some("true")>
                <table class="table" {..leptos::attr::width(move || columns.table_width())} data-fixed=move || columns.table_width().map(|_| "")>
                    <caption class="visually-hidden">{caption}</caption>
                    {head::head(place, columns, rows.keys, selection)}
                    {body(place, columns.visible, rows, counts, selection, empty, on_refresh)}
                </table>
            </div>
            <div class="table-foot">
                {pager::pager(place, counts, loading, things)}
                <div class="table-foot-end">
                    <Button variant=Variant::Quiet label="Switch between close and wide rows" on_press=on_density><Icon name=IconName::Rows/></Button>
                    <Button variant=Variant::Quiet label="Choose columns" on_press=Callback::new(move |()| settings.set(true))><Icon name=IconName::Gear/></Button>
                </div>
            </div>
            {settings::dialog(settings, about, columns, on_layout)}
        </section>
    }
    .into_any()
}
