//! The audit trail: every change, sign-in and refusal, newest first.

use crate::api::audit::{audit_record, audit_rows};
use crate::frame::{PageHead, use_me};
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{Opened, load, load_open, opened, settled, use_columns, use_list_query, use_parameter};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use types::Problem;
use types::audit::{AUDIT, AuditRow};
use types::event::Topic;
use types::permission::Permission;
use ui::{CodeBlock, Column, Drawer, EmptyState, IconName, Table, Time};

fn who(row: &AuditRow) -> String {
    if row.actor_email.is_empty() { "—".into() } else { row.actor_email.clone() }
}

fn columns() -> Vec<Column<AuditRow>> {
    vec![
        Column::new("at", "When", |r: &AuditRow| {
            let at = r.at.0;
            view! { <A href=paths::audit_record(r.id)><Time at=at/></A> }.into_any()
        })
        .sortable()
        .required(),
        Column::new("actor", "Who", |r: &AuditRow| who(r).into_any()),
        Column::new("action", "Action", |r: &AuditRow| r.action.clone().into_any()),
        Column::new("subject", "Of what", |r: &AuditRow| view! { <code>{r.subject.clone()}</code> }.into_any()),
        Column::new("address", "From where", |r: &AuditRow| r.address.clone().into_any()),
        Column::new("detail", "Detail", |r: &AuditRow| view! { <code>{r.detail.clone()}</code> }.into_any()).hidden(),
    ]
}

fn contents(row: AuditRow) -> AnyView {
    let person = match row.actor {
        Some(id) => view! { <A href=paths::user(id)>{row.actor_email.clone()}</A> }.into_any(),
        None => "Nobody who was signed in".into_any(),
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
    let query = use_list_query(&AUDIT);
    let rows = load(query, &[Topic::User, Topic::Keypair, Topic::Project, Topic::Session], audit_rows);
    let (layout, keep_layout) = use_columns(AUDIT.name);
    let open_record = use_parameter("record");
    let detail = load_open(open_record, &[], "record", |id| id.parse().ok().map(audit_record));
    let is_open = Memo::new(move |_| open_record.with(Option::is_some));
    let list_address = Memo::new(move |_| {
        let query = query.get().to_query_string(&AUDIT);
        if query.is_empty() { paths::AUDIT.to_owned() } else { format!("{}?{query}", paths::AUDIT) }
    });
    let go = use_navigate();
    let close =
        Callback::new(move |()| go(&list_address.get_untracked(), NavigateOptions { scroll: false, ..Default::default() }));
    let view = move || {
        let state = opened(open_record, detail);
        let keep = Signal::derive(move || open_record.get().map(|id| vec![("record".to_owned(), id)]).unwrap_or_default());
        let inside = move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, row))) => contents(row),
            _ => view! { <ui::Skeleton/> }.into_any(),
        };
        view! {
            <PageHead title="Audit trail" group="Administration"/>
            <Table
                spec=&AUDIT
                columns=columns()
                caption="Records"
                path=paths::AUDIT
                query=query
                page=Signal::derive(move || rows.shown.get().map(|page| page.map_err(|problem| problem.to_string())))
                loading=rows.loading
                keep=keep
                row_key=|r: &AuditRow| r.id.to_string()
                row_label=|r: &AuditRow| r.action.clone()
                layout=Signal::derive(move || layout.good().get().unwrap_or_default())
                on_layout=keep_layout
                export="/export/audit.csv"
                on_refresh=rows.reload
                empty=ViewFn::from(move || view! {
                    <EmptyState icon=IconName::Info title="No records" text="What people change is written down here."/>
                })
            />
            {move || is_open.get().then(|| view! {
                <Drawer open=Signal::stored(true) title="Record" on_close=close close_href=list_address.get_untracked()>{inside}</Drawer>
            })}
        }
        .into_any()
    };
    let waiting = || view! { <PageHead title="Audit trail" group="Administration"/><ui::Skeleton/> }.into_any();
    settled(vec![layout.pending(), rows.pending(), detail.pending()], waiting, view)
}
