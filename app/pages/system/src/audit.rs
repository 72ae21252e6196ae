//! The audit trail: every change, sign-in and refusal, newest first.

use console::api::system::audit::{audit_record, audit_records};
use console::audit::{sentence, subject, who};
use console::columns::{text, time};
use console::frame::{Head, PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::table::{Opened, load_open, opened, settled};
use leptos::prelude::*;
use types::Problem;
use types::people::permissions::Permission;
use types::system::audit::{AUDIT, AuditRow, FieldChange, changes};
use types::system::events::Topic;
use ui::{CodeBlock, Column, EmptyState, IconName, Time};

const HEAD: Head = Head { title: "Audit trail", group: "Administration" };

fn columns() -> Vec<Column<AuditRow>> {
    vec![
        time("at", "When", |r: &AuditRow| r.at).sortable().required().opens(),
        Column::new("what", "What", |r: &AuditRow| view! { <span class="sentence">{sentence(r)}</span> }.into_any()),
        text("address", "Address", |r: &AuditRow| r.address.clone()),
        text("actor", "Who", |r: &AuditRow| who(r)).hidden(),
        text("action", "Action", |r: &AuditRow| r.action.clone()).hidden(),
        Column::new("subject", "Target", |r: &AuditRow| subject(r)).hidden(),
        Column::new("detail", "Detail", |r: &AuditRow| view! { <code>{r.detail.clone()}</code> }.into_any()).hidden(),
    ]
}

/// Records of the same person doing the same within one minute.
fn alike(row: &AuditRow) -> String {
    format!("{} {} {}", who(row), row.action, row.at.0 / 60_000)
}

fn contents(row: AuditRow) -> AnyView {
    let detail = serde_json::from_str::<serde_json::Value>(&row.detail).ok();
    let detail = detail.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(row.detail.clone());
    let change = |one: FieldChange| {
        view! { <tr><th scope="row">{one.field}</th><td>{one.before}</td><td>{one.after}</td></tr> }
    };
    let changed: Vec<_> = changes(&row.detail).into_iter().map(change).collect();
    let changed = (!changed.is_empty()).then(|| {
        view! {
            <h3 id="record-changes">"Changes"</h3>
            <table class="compare" aria-labelledby="record-changes">
                <thead><tr><th scope="col">"Field"</th><th scope="col">"Before"</th><th scope="col">"After"</th></tr></thead>
                <tbody>{changed}</tbody>
            </table>
        }
    });
    view! {
        <p class="sentence">{sentence(&row)}</p>
        {changed}
        <dl class="key-values">
            <dt>"When"</dt><dd><Time at=row.at.0/></dd>
            <dt>"Address"</dt><dd>{row.address}</dd>
            <dt>"Action"</dt><dd>{row.action}</dd>
            <dt>"Subject"</dt><dd><code>{row.subject}</code></dd>
        </dl>
        <h3>"Detail"</h3>
        <CodeBlock text=detail label="Detail"/>
    }
    .into_any()
}

pub fn page() -> AnyView {
    if !use_me().may(Permission::ReadAudit) {
        return problem_view(&Problem::Forbidden(Permission::ReadAudit.verb().into()));
    }
    let topics = &[Topic::User, Topic::Keypair, Topic::Project, Topic::Session];
    let list = List::new(&AUDIT, paths::AUDIT, "record", topics, audit_records);
    let detail = load_open(list.open, &[], "record", |id| id.parse().ok().map(audit_record));
    let loads = list.pending().into_iter().chain([detail.pending()]).collect();
    let view = move || {
        let state = opened(list.open, detail);
        let inside = move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, row))) => contents(row),
            _ => view! { <ui::Skeleton/> }.into_any(),
        };
        let shown = Shown {
            caption: "Records",
            columns: columns(),
            row_key: |r: &AuditRow| r.id.to_string(),
            row_label: |r: &AuditRow| r.action.clone(),
            export: "/export/audit.csv",
            empty: ViewFn::from(
                || view! { <EmptyState icon=IconName::Info title="No records" text="Changes that people make are recorded here."/> },
            ),
            selection: None,
            alike: Some(alike),
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group/>
            {list.table(shown)}
            {list.drawer(Signal::stored("Record".to_owned()), move || view! { {inside} }.into_any())}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}
