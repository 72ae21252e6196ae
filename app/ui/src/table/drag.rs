//! Columns by drag: a title is dragged to another place, its edge to another width. The same can be typed in the dialog of columns,
//! which needs no pointer.
//!
//! A width that anybody chose makes all columns keep theirs, so that an edge follows the pointer and none of the others moves. The
//! last column takes what is left of the table's place.

use super::About;
use leptos::ev::{MouseEvent, PointerEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use types::list::{COLUMN_WIDTHS, ColumnLayout, ColumnWidths};
use web_sys::{Element, HtmlElement};

/// The width of a column that was not there when the widths were chosen.
const NEW: u16 = 140;
/// The width of the boxes that select rows (`.select-cell` in the style sheet).
const BOXES: u32 = 32;
/// The pixels after which a pressed title is dragged. Fewer are a click.
const SLACK: i32 = 6;

#[derive(Clone, Default)]
enum Drag {
    #[default]
    Nothing,
    /// The pointer's distance from the width.
    Edge { key: String, apart: i32 },
    /// The place where the pointer was pressed.
    Title { key: String, from: i32, moved: bool },
}

/// The columns of one table as they can be dragged.
#[derive(Clone, Copy)]
pub(super) struct Draggable {
    pub visible: Memo<Vec<About>>,
    /// Empty while every column is as wide as its contents need.
    pub widths: Memo<ColumnWidths>,
    pub head: NodeRef<leptos::html::Tr>,
    /// The column in whose place the dragged one would come.
    pub over: RwSignal<Option<String>>,
    on_layout: Callback<ColumnLayout>,
    /// Whether rows can be selected.
    boxes: bool,
    /// The widths while an edge is dragged, before they are kept.
    passing: RwSignal<Option<ColumnWidths>>,
    drag: StoredValue<Drag>,
}

impl Draggable {
    pub fn new(visible: Memo<Vec<About>>, layout: Signal<ColumnLayout>, on_layout: Callback<ColumnLayout>, boxes: bool) -> Self {
        let passing = RwSignal::new(None::<ColumnWidths>);
        let widths = Memo::new(move |_| passing.get().unwrap_or_else(|| layout.with(|layout| layout.widths.clone())));
        Self {
            visible,
            widths,
            head: NodeRef::new(),
            over: RwSignal::new(None),
            on_layout,
            boxes,
            passing,
            drag: StoredValue::default(),
        }
    }

    fn is_last(self, key: &str) -> bool {
        self.visible.with(|visible| visible.last().is_some_and(|last| last.key == key))
    }

    /// The `width` of a column's title.
    pub fn width(self, key: &str) -> Option<String> {
        let chosen = self.widths.with(|widths| (!widths.is_empty()).then(|| widths.get(key).copied().unwrap_or(NEW)));
        chosen.filter(|_| !self.is_last(key)).map(|width| width.to_string())
    }

    /// The `width` of the table: that of all its columns.
    pub fn table_width(self) -> Option<String> {
        self.widths.with(|widths| {
            let of = |column: &About| u32::from(widths.get(column.key).copied().unwrap_or(NEW));
            let boxes = if self.boxes { BOXES } else { 0 };
            (!widths.is_empty()).then(|| self.visible.with(|visible| (boxes + visible.iter().map(of).sum::<u32>()).to_string()))
        })
    }

    /// The columns' widths as they are on the page.
    pub fn measured(self) -> ColumnWidths {
        let width = |title: &HtmlElement| u16::try_from(title.offset_width()).unwrap_or(NEW);
        let bounded = |width: u16| width.clamp(*COLUMN_WIDTHS.start(), *COLUMN_WIDTHS.end());
        self.titles().into_iter().map(|(key, title)| (key, bounded(width(&title)))).collect()
    }

    fn titles(self) -> Vec<(String, HtmlElement)> {
        let Some(nodes) = self.head.get_untracked().and_then(|head| head.query_selector_all("[data-column]").ok()) else {
            return Vec::new();
        };
        let title = |at| nodes.get(at).and_then(|node| node.dyn_into::<HtmlElement>().ok());
        let named = |title: HtmlElement| Some((title.get_attribute("data-column")?, title));
        (0..nodes.length()).filter_map(title).filter_map(named).collect()
    }

    pub fn press(self, event: &PointerEvent) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let title = target.as_ref().and_then(|target| target.closest("[data-column]").ok().flatten());
        let (Some(target), Some(key)) = (target, title.and_then(|title| title.get_attribute("data-column"))) else { return };
        let x = event.client_x();
        if event.button() != 0 {
            return;
        }
        if target.class_list().contains("column-edge") {
            let width = self.measured().get(&key).copied().unwrap_or(NEW);
            self.drag.set_value(Drag::Edge { key, apart: x - i32::from(width) });
            // Or the text of the titles would be selected.
            event.prevent_default();
        } else if event.pointer_type() != "touch" {
            self.drag.set_value(Drag::Title { key, from: x, moved: false });
        }
    }

    /// Lets the pointer's movements come here wherever it is.
    fn follow(self, event: &PointerEvent) {
        if let Some(head) = self.head.get_untracked() {
            let _ = head.set_pointer_capture(event.pointer_id());
        }
    }

    pub fn pull(self, event: &PointerEvent) {
        let x = event.client_x();
        match self.drag.get_value() {
            Drag::Nothing => {}
            Drag::Edge { key, apart } => {
                let (least, most) = (i32::from(*COLUMN_WIDTHS.start()), i32::from(*COLUMN_WIDTHS.end()));
                let width = u16::try_from((x - apart).clamp(least, most)).unwrap_or(NEW);
                if self.passing.with_untracked(Option::is_none) {
                    if self.measured().get(&key) == Some(&width) {
                        return;
                    }
                    // Not before: a click would be one of the whole row.
                    self.follow(event);
                }
                self.passing.update(|widths| {
                    widths.get_or_insert_with(|| self.measured()).insert(key, width);
                });
            }
            Drag::Title { from, moved: false, .. } if (x - from).abs() < SLACK => {}
            Drag::Title { key, from, moved } => {
                if !moved {
                    self.follow(event);
                    self.drag.set_value(Drag::Title { key, from, moved: true });
                }
                let there = |title: &HtmlElement| {
                    let place = title.get_bounding_client_rect();
                    (place.left()..place.right()).contains(&f64::from(x))
                };
                self.over.set(self.titles().into_iter().find(|(_, title)| there(title)).map(|(key, _)| key));
            }
        }
    }

    /// Keeps what was dragged, where the pointer is released.
    pub fn release(self) {
        let over = self.over.try_update(Option::take).flatten();
        match self.drag.get_value() {
            Drag::Nothing => {}
            Drag::Edge { .. } => {
                // A press alone changes nothing.
                if let Some(widths) = self.passing.get_untracked() {
                    self.keep(self.shown(), widths);
                }
                self.drag.set_value(Drag::Nothing);
            }
            Drag::Title { moved: false, .. } => self.drag.set_value(Drag::Nothing),
            // The click that follows ends it.
            Drag::Title { key, .. } => {
                if let Some(shown) = over.and_then(|over| moved(self.shown(), &key, &over)) {
                    self.keep(shown, self.widths.get_untracked());
                }
            }
        }
        self.passing.set(None);
    }

    /// Leaves everything as it was: the browser took the pointer for something else, such as scrolling.
    pub fn cancel(self) {
        self.drag.set_value(Drag::Nothing);
        self.over.set(None);
        self.passing.set(None);
    }

    /// A title that was dragged is not a link that was pressed.
    pub fn click(self, event: &MouseEvent) {
        if matches!(self.drag.get_value(), Drag::Title { moved: true, .. }) {
            event.prevent_default();
            self.drag.set_value(Drag::Nothing);
        }
    }

    /// Makes every column as wide as its contents need.
    pub fn reset(self, event: &MouseEvent) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| target.class_list().contains("column-edge")) {
            self.keep(self.shown(), ColumnWidths::new());
        }
    }

    fn shown(self) -> Vec<String> {
        self.visible.with_untracked(|visible| visible.iter().map(|column| column.key.to_owned()).collect())
    }

    fn keep(self, shown: Vec<String>, widths: ColumnWidths) {
        self.on_layout.run(ColumnLayout { shown, widths });
    }
}

/// The columns with one of them in the place of another; nothing when that changes nothing.
fn moved(mut shown: Vec<String>, key: &str, over: &str) -> Option<Vec<String>> {
    let place = |key: &str| shown.iter().position(|one| one == key);
    let (from, to) = (place(key)?, place(over)?);
    if from == to {
        return None;
    }
    let one = shown.remove(from);
    shown.insert(to, one);
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn a_dragged_column_comes_where_it_is_dropped_and_the_others_make_room() {
        let shown = || ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(moved(shown(), "a", "c").unwrap(), ["b", "c", "a", "d"]);
        assert_eq!(moved(shown(), "d", "b").unwrap(), ["a", "d", "b", "c"]);
        assert_eq!(moved(shown(), "b", "b"), None);
        assert_eq!(moved(shown(), "b", "gone"), None);
    }
}
