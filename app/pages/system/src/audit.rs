//! The audit trail: every change, sign-in and refusal, newest first.

use console::api::system::audit::{audit_record, audit_records};
use console::columns::{text, time};
use console::frame::{Head, PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::table::{Opened, load_open, opened, settled};
use leptos::prelude::*;
use leptos_router::components::A;
use types::Problem;
use types::people::permissions::Permission;
use types::system::audit::{AUDIT, AuditRow};
use types::system::events::Topic;
use ui::{CodeBlock, Column, EmptyState, IconName, Time};

const HEAD: Head = Head { title: "Audit trail", group: "Administration" };

fn who(row: &AuditRow) -> String {
    if row.actor_email.is_empty() { "—".into() } else { row.actor_email.clone() }
}

fn columns() -> Vec<Column<AuditRow>> {
    vec![
        time("at", "When", |r: &AuditRow| r.at).sortable().required().opens(),
        text("actor", "Who", |r: &AuditRow| who(r)),
        text("action", "Action", |r: &AuditRow| r.action.clone()),
        Column::new("subject", "Of what", |r: &AuditRow| view! { <code>{r.subject.clone()}</code> }.into_any()),
        text("address", "From where", |r: &AuditRow| r.address.clone()),
        Column::new("detail", "Detail", |r: &AuditRow| view! { <code>{r.detail.clone()}</code> }.into_any()).hidden(),
    ]
}

fn contents(row: AuditRow) -> AnyView {
    let person = match row.actor {
        Some(id) => view! { <A href=paths::user(id)>{row.actor_email.clone()}</A> }.into_any(),
        None => "Not signed in".into_any(),
    };
    let detail = serde_json::from_str::<serde_json::Value>(&row.detail).ok();
    let detail = detail.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(row.detail);
    view! {
        <dl class="key-values">
            <dt>"When"</dt><dd><Time at=row.at.0/></dd>
            <dt>"Who"</dt><dd>{person}</dd>
            <dt>"Action"</dt><dd>{row.action}</dd>
            <dt>"Of what"</dt><dd><code>{row.subject}</code></dd>
            <dt>"From where"</dt><dd>{row.address}</dd>
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
