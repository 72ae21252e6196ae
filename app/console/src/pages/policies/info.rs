//! Everything of one policy, to read and to copy.

use super::Policy;
use leptos::prelude::*;
use types::policy::PolicyRow;
use ui::{CopyButton, Dialog, Time};

/// The dialog of whatever policy is asked for.
pub fn dialog<P: Policy>(asked: RwSignal<Option<PolicyRow<P>>>) -> AnyView {
    let name = move || asked.with(|row| row.as_ref().map(|row| row.policy.name().to_owned()).unwrap_or_default());
    let title = Signal::derive(move || format!("Resource Policy: '{}'", name()));
    let open = Signal::derive(move || asked.with(Option::is_some));
    view! {
        <Dialog open=open title=title on_close=Callback::new(move |()| asked.set(None))>
            {move || asked.get().map(contents)}
        </Dialog>
    }
    .into_any()
}

fn contents<P: Policy>(row: PolicyRow<P>) -> AnyView {
    let fields = row.policy.fields();
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
            <dt>"Followed by"</dt><dd>{row.followers.to_string()}</dd>
            <dt>"Created"</dt><dd><Time at=row.created_at.0/></dd>
        </dl>
        <p class="hint">"Copy all of it "<CopyButton text=lines.join("\n") label="Copy everything"/></p>
    }
    .into_any()
}
