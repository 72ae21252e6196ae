//! Correcting recorded usage to match running sessions (`docs/spec/cluster.md`, "Recalculating usage").

use console::api::system::settings::recalculate_usage;
use console::frame::{PageHead, use_me};
use console::problem_view::problem_view;
use leptos::prelude::*;
use types::Problem;
use types::cluster::agents::Recalculated;
use types::people::permissions::Permission;
use ui::{Button, Variant, use_toaster};

pub fn page() -> AnyView {
    if !use_me().may(Permission::Maintain) {
        return problem_view(&Problem::Forbidden(Permission::Maintain.verb().into()));
    }
    console::live::when_alive(|| ());
    let found = RwSignal::new(None::<Recalculated>);
    let toaster = use_toaster();
    let recalculate = Action::new(move |(): &()| async move {
        match recalculate_usage().await {
            // Corrections are announced to all administrators, this one included.
            Ok(result) => found.set(Some(result)),
            Err(problem) => toaster.bad(format!("Recalculation failed: {problem}")),
        }
    });
    let busy = recalculate.pending();
    let label = move || if busy.get() { "Recalculating…" } else { "Recalculate usage" };
    let result_text = move || {
        found.get().map(|Recalculated { sessions, corrections, first }| {
            let holders = if sessions == 1 { "1 session holds".to_owned() } else { format!("{sessions} sessions hold") };
            let summary = match corrections {
                0 => format!("Everything was correct: {holders} resources now."),
                1 => format!("1 thing was corrected; {holders} resources now."),
                n => format!("{n} things were corrected; {holders} resources now."),
            };
            let each: Vec<_> = first.into_iter().map(|text| view! { <li>{text}</li> }).collect();
            view! { <p>{summary}</p><ul>{each}</ul> }
        })
    };
    view! {
        <PageHead title="Maintenance" group="Administration"/>
        <section class="card" aria-labelledby="maintenance-of-usage">
            <header class="card-head">
                <h2 id="maintenance-of-usage">"Usage"</h2>
                <p class="hint">"Usage is the sum of what running sessions requested. This checks every session and container and corrects any difference."</p>
            </header>
            <div><Button variant=Variant::Primary busy=busy on_press=Callback::new(move |()| drop(recalculate.dispatch(())))>{label}</Button></div>
            <div role="status">{result_text}</div>
        </section>
    }
    .into_any()
}
