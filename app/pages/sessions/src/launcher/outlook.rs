//! The outlook beside the form: the request's total, and everything that would refuse, delay or change it.

use super::forecast::Forecast;
use leptos::prelude::*;
use types::quantity::describe;

/// The request's total and obstacles, shown beside every step.
pub fn outlook(forecast: Memo<Forecast>) -> AnyView {
    let lines = |class: &'static str, pick: fn(&Forecast) -> &Vec<String>| {
        move || {
            let all = forecast.with(|forecast| pick(forecast).clone());
            all.into_iter().map(|text| view! { <li class=class>{text}</li> }).collect::<Vec<_>>()
        }
    };
    let total = move || {
        let total = forecast.with(|forecast| forecast.total.clone());
        total.0.iter().map(|(slot, amount)| view! { <li>{describe(slot, *amount)}</li> }).collect::<Vec<_>>()
    };
    let together = move || {
        if forecast.with(|forecast| forecast.several) {
            "Can probably start now. Room for all of them at once was not checked."
        } else {
            "Can start now."
        }
    };
    let clear = move || forecast.with(|forecast| forecast.refusals.is_empty() && forecast.waits.is_empty());
    view! {
        <section class="outlook" aria-label="Outlook">
            <h2>"Total"</h2>
            <ul class="outlook-total">{total}</ul>
            <ul class="outlook-notes" aria-live="polite">
                {lines("notice notice-bad", |forecast| &forecast.refusals)}
                {lines("notice notice-warn", |forecast| &forecast.waits)}
                {lines("notice", |forecast| &forecast.notes)}
                <li class="hint" hidden=move || !clear()>{together}</li>
            </ul>
        </section>
    }
    .into_any()
}
