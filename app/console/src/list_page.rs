//! Shared by every page around one list: the list's state in the address, its table, and a drawer that is in the address as well.
//!
//! Deliberately not a page: columns, actions, dialogs and the drawer's contents stay in the pages' own files.

use crate::paths;
use crate::table::{Loaded, Pending, load, use_columns, use_list_query, use_parameter};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};
use types::Problem;
use types::address::parameters;
use types::list::{ColumnLayout, ListQuery, ListSpec, Page};
use types::system::events::Topic;
use ui::{Column, Drawer, Table};

/// Said when a long list was not searched through.
const BEGINNINGS: &str = "Long list: access keys, IDs and text shorter than three letters match only at the beginning.";

/// The parameter of a drawer over the whole width.
const WIDE: &str = "wide";

/// One list and its open thing.
pub struct List<T: Clone + PartialEq + Send + Sync + 'static> {
    spec: &'static ListSpec,
    path: &'static str,
    /// The address parameter that names the thing open in the drawer.
    parameter: &'static str,
    pub query: Memo<ListQuery>,
    /// A sentence about each part of the address that was not understood.
    ignored: Memo<Vec<String>>,
    pub rows: Loaded<Page<T>>,
    layout: Loaded<ColumnLayout>,
    keep_layout: Callback<ColumnLayout>,
    /// The id of the thing open in the drawer.
    pub open: Memo<Option<String>>,
    /// Whether the drawer takes the whole width.
    wide: Memo<bool>,
    /// The address of the list as it is, with nothing open.
    pub address: Memo<String>,
    /// Another address parameter that is kept.
    also: Option<(&'static str, Memo<String>)>,
}

impl<T: Clone + PartialEq + Send + Sync + 'static> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Clone + PartialEq + Send + Sync + 'static> Copy for List<T> {}

/// A table's contents and texts.
pub struct Shown<T> {
    pub caption: &'static str,
    pub columns: Vec<Column<T>>,
    pub row_key: fn(&T) -> String,
    /// The accessible name of a row's checkbox.
    pub row_label: fn(&T) -> String,
    /// The address of the whole list as CSV; empty when there is none.
    pub export: &'static str,
    /// Shown in place of rows when there are none at all.
    pub empty: ViewFn,
    /// The selected rows, and the buttons for them.
    pub selection: Option<(RwSignal<Vec<String>>, ViewFn)>,
    /// The text that neighbours have in common which are folded into the first of them; empty for a row that stands alone.
    pub alike: Option<fn(&T) -> String>,
}

impl<T> List<T>
where
    T: Clone + PartialEq + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    /// Creates the list of `spec` at `path`. It is loaded with `fetch`, again whenever one of `topics` changes.
    pub fn new<F>(
        spec: &'static ListSpec,
        path: &'static str,
        parameter: &'static str,
        topics: &'static [Topic],
        fetch: impl Fn(ListQuery) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Page<T>, Problem>> + Send + 'static,
    {
        Self::with_parameter((spec, path, parameter), topics, None, fetch)
    }

    /// Creates a list that also depends on another address parameter: `also` is kept in every address of the list.
    pub fn with_parameter<F>(
        (spec, path, parameter): (&'static ListSpec, &'static str, &'static str),
        topics: &'static [Topic],
        also: Option<(&'static str, Memo<String>)>,
        fetch: impl Fn(ListQuery) -> F + Copy + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Page<T>, Problem>> + Send + 'static,
    {
        let (query, ignored) = use_list_query(spec);
        let rows = load(query, topics, fetch);
        let (layout, keep_layout) = use_columns(spec.name);
        let address = Memo::new(move |_| {
            let query = query.with(|query| query.to_query_string(spec));
            let list = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            also.map_or(list.clone(), |(name, value)| paths::with_parameter(&list, name, &value.get()))
        });
        let wide = use_parameter(WIDE);
        let wide = Memo::new(move |_| wide.with(Option::is_some));
        let open = use_parameter(parameter);
        Self { spec, path, parameter, query, ignored, rows, layout, keep_layout, open, wide, address, also }
    }

    /// Returns the list's current address with this thing open in the drawer. Reactive where it is read, like all of these.
    fn link_to(self, id: &str) -> String {
        paths::with_parameter(&self.address.get(), self.parameter, id)
    }

    /// Opens a thing in the drawer, for a button beside its row.
    pub fn opener(self) -> Callback<String> {
        let go = use_navigate();
        Callback::new(move |id: String| {
            let address = paths::with_parameter(&self.address.get_untracked(), self.parameter, &id);
            go(&address, NavigateOptions { scroll: false, ..Default::default() });
        })
    }

    /// A row's link to its drawer: the list's address, which stays as it is, with one parameter more.
    fn row_link(self, id: String, contents: AnyView) -> AnyView {
        let mine = id.clone();
        let here = move || self.open.with(|open| open.as_ref() == Some(&mine));
        view! { <a href=move || self.link_to(&id) data-noscroll aria-current=move || here().then_some("page")>{contents}</a> }
            .into_any()
    }

    /// Makes the address of a panel of the open thing, or of the open thing itself.
    pub fn panels(self) -> Callback<Option<String>, String> {
        Callback::new(move |panel: Option<String>| {
            let address = self.open_address_now();
            match panel {
                Some(panel) => paths::with_parameter(&address, "panel", &panel),
                None => address,
            }
        })
    }

    /// The address of the thing open in the drawer, with or without one of its parts.
    pub fn open_address(self, part: Option<(&'static str, &'static str)>) -> Signal<String> {
        Signal::derive(move || {
            let address = self.open_address_now();
            match part {
                Some((name, value)) if self.open.with(Option::is_some) => paths::with_parameter(&address, name, value),
                _ => address,
            }
        })
    }

    fn open_address_now(self) -> String {
        match self.open.get() {
            Some(id) if self.wide.get() => paths::with_parameter(&self.link_to(&id), WIDE, "yes"),
            Some(id) => self.link_to(&id),
            None => self.address.get(),
        }
    }

    /// Whether a default column is currently visible.
    pub fn shows(self, column: &'static str) -> Memo<bool> {
        let layout = self.layout;
        Memo::new(move |_| {
            layout.shown.with(|layout| match layout {
                Some(Ok(ColumnLayout { shown, .. })) => shown.is_empty() || shown.iter().any(|key| key == column),
                _ => true,
            })
        })
    }

    /// The loads that the page waits for.
    pub fn pending(self) -> Vec<Pending> {
        vec![self.layout.pending(), self.rows.pending()]
    }

    /// The table.
    pub fn table(self, shown: Shown<T>) -> AnyView {
        self.table_with(shown, None)
    }

    /// The table, with something beside its last tab.
    pub fn table_with(self, shown: Shown<T>, after_tabs: Option<ViewFn>) -> AnyView {
        let Shown { caption, columns, row_key, row_label, export, empty, selection, alike } = shown;
        let Self { parameter, open, layout, rows, also, ignored, .. } = self;
        let link = move |row: &T, contents| self.row_link(row_key(row), contents);
        let columns = columns.into_iter().map(|column| column.with_link(link)).collect();
        let keep = Signal::derive(move || {
            let open = open.get().map(|id| (parameter.to_owned(), id));
            open.into_iter().chain(also.map(|(name, value)| (name.to_owned(), value.get()))).collect::<Vec<_>>()
        });
        let (selection, bulk) = selection.unzip();
        // Computed once for all readers, since every row reads it.
        let page = Memo::new(move |_| rows.shown.get().map(|page| page.map_err(|problem| problem.to_string())));
        let understood = move || {
            let ignored = ignored.get();
            (!ignored.is_empty()).then(|| {
                view! { <p class="notice notice-warn" role="status">"Not applied, because it was not understood: "{ignored.join(" ")}</p> }
            })
        };
        let beginnings = Memo::new(move |_| page.with(|page| matches!(page, Some(Ok(page)) if page.beginnings)));
        let narrowed = move || beginnings.get().then(|| view! { <p class="notice" role="status">{BEGINNINGS}</p> });
        view! {
            {understood}
            {narrowed}
            <Table
                spec=self.spec
                columns=columns
                caption=caption
                path=self.path
                query=self.query
                page=page
                loading=rows.loading
                keep=keep
                row_key=row_key
                row_label=row_label
                alike=alike
                selection=selection
                after_tabs=after_tabs
                bulk=bulk.unwrap_or_else(|| ViewFn::from(|| ()))
                layout=Signal::derive(move || layout.good().get().unwrap_or_default())
                on_layout=self.keep_layout
                on_density=Callback::new(|()| crate::looks::CLOSE_ROWS.switch())
                export=export
                on_refresh=rows.reload
                empty=empty
            />
        }
        .into_any()
    }

    /// The drawer, while something is open in it.
    pub fn drawer(self, title: Signal<String>, contents: impl Fn() -> AnyView + Clone + Send + Sync + 'static) -> AnyView {
        let is_open = Memo::new(move |_| self.open.with(Option::is_some));
        let go = use_navigate();
        let close =
            Callback::new(move |()| go(&self.address.get_untracked(), NavigateOptions { scroll: false, ..Default::default() }));
        // From the address as it is: panels and the like stay.
        let search = use_location().search;
        let wide_hrefs = Signal::derive(move || {
            let mut kept = search.with(|search| parameters(search));
            kept.retain(|(name, _)| name != WIDE);
            let narrow =
                kept.iter().fold(self.path.to_owned(), |address, (name, value)| paths::with_parameter(&address, name, value));
            let wide = paths::with_parameter(&narrow, WIDE, "yes");
            if self.wide.get() { (wide, narrow) } else { (wide.clone(), wide) }
        });
        let wide = self.wide;
        view! {
            {move || is_open.get().then(|| {
                let inside = contents();
                let close_href = self.address.get_untracked();
                view! { <Drawer open=Signal::stored(true) title=title wide=wide wide_hrefs=wide_hrefs on_close=close close_href=close_href>{inside}</Drawer> }
            })}
        }
        .into_any()
    }
}
