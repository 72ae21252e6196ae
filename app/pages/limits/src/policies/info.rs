//! Everything of one policy, to read and to copy.

use super::{Policy, followed_by};
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use types::limits::policies::{PolicyKind, PolicyRow};
use ui::{CopyButton, Time};

/// The drawer's title.
pub fn title(open: Memo<Option<String>>) -> Signal<String> {
    Signal::derive(move || format!("Resource Policy: '{}'", open.get().unwrap_or_default()))
}

/// The drawer's contents for the policy in the address.
pub fn drawer<P: Policy>(
    kind: PolicyKind,
    open: Memo<Option<String>>,
    detail: Loaded<Option<(String, PolicyRow<P>)>>,
    known: Signal<Vec<String>>,
) -> AnyView {
    let (state, row) = (opened(open, detail), detail.good());
    view! {
        {move || match (state.get(), row.get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, row))) => contents(kind, &row, &known.get()),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn contents<P: Policy>(kind: PolicyKind, row: &PolicyRow<P>, known: &[String]) -> AnyView {
    let fields = row.policy.readable_fields(known);
    let lines: Vec<_> = fields.iter().map(|(label, value)| format!("{label}: {value}")).collect();
    let pairs: Vec<_> = fields
        .into_iter()
        .map(|(label, value)| {
            let value = if value.is_empty() { "-".to_owned() } else { value };
            let copy = (label == "Name").then(|| view! { " "<CopyButton text=value.clone() label="Copy the name"/> });
            view! { <dt>{label}</dt><dd>{value}{copy}</dd> }
        })
        .collect();
    view! {
        <dl class="key-values key-values-wide">
            {pairs}
            <dt>"Used by"</dt><dd>{followed_by(kind, row)}</dd>
            <dt>"Created"</dt><dd><Time at=row.created_at.0/></dd>
        </dl>
        <p class="hint">"Copy all "<CopyButton text=lines.join("\n") label="Copy everything"/></p>
    }
    .into_any()
}
