//! The preview of creating many people: the first of them, or every mistake, line by line.

use console::download::{csv, save};
use leptos::prelude::*;
use types::people::many_users::{LineError, Planned, Preview};
use ui::{Button, Icon, IconName};

/// Errors shown at first, and added by each press of the button.
const STEP: usize = 100;

/// The preview.
pub fn view(plan: Preview) -> AnyView {
    if plan.errors.is_empty() { people(plan) } else { errors(plan.count, plan.errors) }
}

fn people(plan: Preview) -> AnyView {
    let more = plan.count.saturating_sub(plan.first.len() as u64);
    let rows: Vec<_> = plan.first.into_iter().map(person).collect();
    view! {
        <p class="notice" role="status">{match plan.count { 1 => "Ready: 1 user, no problems.".to_owned(), count => format!("Ready: {count} users, no problems.") }}</p>
        <div class="table-scroll table-scroll-low" tabindex="0" role="region" aria-label="Users to be created">
            <table class="table">
                <caption class="visually-hidden">"Users to be created"</caption>
                <thead><tr>
                    <th scope="col">"Line"</th><th scope="col">"Email"</th><th scope="col">"Username"</th><th scope="col">"Full name"</th>
                    <th scope="col">"Role"</th><th scope="col">"Domain"</th><th scope="col">"Projects"</th><th scope="col">"Password"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {(more > 0).then(|| view! { <p class="hint">{format!("And {more} more.")}</p> })}
    }
    .into_any()
}

fn person(one: Planned) -> AnyView {
    view! {
        <tr>
            <td>{one.line}</td><td>{one.email}</td><td>{one.username}</td><td>{one.full_name}</td><td>{one.role.label()}</td>
            <td>{one.domain}</td><td>{one.projects.join(", ")}</td><td>{if one.made_up { "Generated" } else { "Given" }}</td>
        </tr>
    }
    .into_any()
}

fn errors(count: u64, all: Vec<LineError>) -> AnyView {
    let total = all.len();
    let mut lines: Vec<u64> = all.iter().map(|error| error.line).collect();
    lines.dedup();
    let summary = format!(
        "{} of {count} lines have problems ({total} values in total). Nobody is created until all are corrected.",
        lines.len()
    );
    let shown = RwSignal::new(STEP);
    let all = StoredValue::new(all);
    let rows = move || all.with_value(|all| all.iter().take(shown.get()).cloned().map(error).collect::<Vec<_>>());
    view! {
        <p class="notice notice-bad" role="alert">{summary}</p>
        <div class="table-scroll table-scroll-low" tabindex="0" role="region" aria-label="Mistakes">
            <table class="table">
                <caption class="visually-hidden">"Mistakes"</caption>
                <thead><tr><th scope="col">"Line"</th><th scope="col">"Who"</th><th scope="col">"Column"</th><th scope="col">"Mistake"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <div class="dialog-actions">
            <Show when=move || { shown.get() < total }>
                <button class="button" type="button" on:click=move |_| shown.update(|n| *n += STEP)>{move || format!("Show more of {total}")}</button>
            </Show>
            <Button on_press=Callback::new(move |()| save("mistakes.csv", "text/csv", &all.with_value(|all| file(all))))><Icon name=IconName::Download/>"Download all"</Button>
        </div>
    }
    .into_any()
}

fn error(one: LineError) -> AnyView {
    view! { <tr><td>{one.line}</td><td>{one.who}</td><td><code>{one.field}</code></td><td>{one.message}</td></tr> }.into_any()
}

fn file(all: &[LineError]) -> String {
    let row =
        |LineError { line, who, field, message }: &LineError| [line.to_string(), who.clone(), field.clone(), message.clone()];
    csv(["line", "who", "column", "mistake"], all.iter().map(row))
}
