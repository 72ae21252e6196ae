//! The position in a list, and links to other pages.

use super::{Counts, Place};
use crate::show::{Icon, IconName};
use leptos::prelude::*;
use types::list::{COUNT_LIMIT, PAGE_SIZES};
use types::quantity::grouped;

/// Formats the position in a list: `1–20 of 10,000+ users`.
fn position(rows: u64, offset: u64, total: u64, more: bool, things: &str) -> String {
    let mark = if more { "+" } else { "" };
    match (rows, total) {
        (0, 0) => format!("No {things}"),
        (0, _) => format!("{}{mark} {things}", grouped(total)),
        _ => format!("{}–{} of {}{mark} {things}", grouped(offset + 1), grouped(offset + rows), grouped(total)),
    }
}

pub(super) fn pager(place: Place, counts: Counts, loading: Signal<bool>, things: String) -> AnyView {
    let text = Signal::derive(move || match counts.get() {
        Some(Ok((rows, total, more))) => position(rows, place.query.with(types::list::ListQuery::offset), total, more, &things),
        _ => String::new(),
    });
    // Screen readers announce the position when the person moves to another page, not whenever the list is refreshed.
    let announced = RwSignal::new(String::new());
    Effect::new(move |was_loading: Option<bool>| {
        let loading = loading.get();
        if was_loading == Some(true) && !loading {
            announced.set(text.get_untracked());
        }
        loading
    });
    let step = move |label: &'static str, icon: IconName, to: fn(u32) -> Option<u32>, reachable: fn(u64, u64) -> bool| {
        let target = move || {
            let (page, per) = place.query.with(|query| (query.page, u64::from(query.per)));
            let (total, more) = counts.get().and_then(Result::ok).map_or((0, false), |(_, total, more)| (total, more));
            let known = if more { COUNT_LIMIT } else { total };
            to(page).filter(|page| reachable(u64::from(page - 1) * per, known))
        };
        view! {
            {move || match target() {
                Some(page) => {
                    let address = place.query.with(|query| place.address(&query.at_page(page)));
                    view! { <a href=address data-noscroll class="button button-quiet button-icon" aria-label=label><Icon name=icon/></a> }.into_any()
                }
                None => view! { <span class="button button-quiet button-icon" aria-hidden="true" data-off><Icon name=icon/></span> }.into_any(),
            }}
        }
    };
    let size = move |per: u32| {
        let here = move || place.query.with(|query| query.per == per);
        let address = move || {
            place.query.with(|query| {
                let mut next = query.at_page(1);
                next.per = per;
                place.address(&next)
            })
        };
        view! { <li><a href=address data-noscroll aria-current=move || here().then_some("true") aria-label=format!("{per} rows per page")>{per}</a></li> }
    };
    view! {
        <nav class="pager" aria-label="Pages">
            <span class="pager-text">{move || text.get()}</span>
            <output class="visually-hidden">{move || announced.get()}</output>
            {step("Previous page", IconName::ChevronLeft, |page| page.checked_sub(1).filter(|page| *page > 0), |_, _| true)}
            <span class="pager-page">{move || place.query.with(|query| format!("Page {}", query.page))}</span>
            {step("Next page", IconName::ChevronRight, |page| page.checked_add(1), |offset, total| offset < total)}
            <ul class="pager-sizes">{PAGE_SIZES.into_iter().map(size).collect::<Vec<_>>()}</ul>
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_names_the_rows_and_the_known_total() {
        assert_eq!(position(10, 0, 12, false, "users"), "1–10 of 12 users");
        assert_eq!(position(20, 980, 10_000, true, "users"), "981–1,000 of 10,000+ users");
        assert_eq!(position(0, 0, 0, false, "users"), "No users");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
