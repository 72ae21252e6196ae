//! The History tab of a drawer: audit records of the open thing, for people who may read the audit trail.

use crate::api::system::audit::audit_records;
use crate::frame::use_me;
use crate::list_page::List;
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{Loaded, Pending, load_open, use_parameter};
use leptos::prelude::*;
use leptos_router::components::A;
use types::list::{Condition, ListQuery, Op, Page};
use types::people::permissions::Permission;
use types::system::audit::{AUDIT, AuditRow};
use types::system::events::Topic;
use ui::{Tab, Tabs, Time};

/// The address parameter while the tab is open.
const PART: (&str, &str) = ("part", "history");
/// Maximum records in the tab.
const SHOWN: u32 = 50;

/// The tab's records, loaded only while it is open.
#[derive(Clone, Copy)]
pub struct History {
    open: Memo<bool>,
    records: Loaded<Option<(String, Page<AuditRow>)>>,
    may_read: bool,
}

impl History {
    /// The history of the thing that `open` names. Created together with the page's other loads.
    pub fn new(open: Memo<Option<String>>, topics: &'static [Topic]) -> Self {
        let may_read = use_me().may(Permission::ReadAudit);
        let part = use_parameter(PART.0);
        let here = Memo::new(move |_| may_read && part.with(|part| part.as_deref() == Some(PART.1)));
        let subject = Memo::new(move |_| open.get().filter(|_| here.get()));
        let records = load_open(subject, topics, "record", |subject| {
            let condition = Condition { key: "subject".into(), op: Op::Equals, value: subject };
            let query = ListQuery { per: SHOWN, conditions: vec![condition], ..ListQuery::new(&AUDIT) };
            Some(audit_records(query))
        });
        Self { open: here, records, may_read }
    }

    /// The load that the page waits for.
    pub fn pending(self) -> Pending {
        self.records.pending()
    }

    /// `details`, or the records, below the tabs that choose between them.
    pub fn beside<T>(self, list: List<T>, details: impl Fn() -> AnyView + Send + Sync + 'static) -> AnyView
    where
        T: Clone + PartialEq + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    {
        if !self.may_read {
            return details();
        }
        let open = self.open;
        let tabs = vec![
            Tab { label: "Details", href: list.open_address(None), here: Signal::derive(move || !open.get()) },
            Tab { label: "History", href: list.open_address(Some(PART)), here: open.into() },
        ];
        view! {
            <Tabs label="Parts of the detail" tabs=tabs/>
            {move || if open.get() { self.list() } else { details() }}
        }
        .into_any()
    }

    fn list(self) -> AnyView {
        let records = self.records;
        let shown = move || match records.shown.get() {
            Some(Ok(Some((subject, page)))) => view(&subject, page),
            Some(Err(problem)) => problem_view(&problem),
            _ => view! { <ui::Skeleton/> }.into_any(),
        };
        view! { {shown} }.into_any()
    }
}

/// A link to all audit records of `subject`, for people who may read them.
pub fn history_link(subject: &str) -> Option<AnyView> {
    let address = paths::history(subject);
    use_me().may(Permission::ReadAudit).then(|| view! { <p><A href=address>"History in the audit trail"</A></p> }.into_any())
}

fn view(subject: &str, page: Page<AuditRow>) -> AnyView {
    let nothing = page.rows.is_empty().then(|| view! { <p class="hint">"Nothing has been recorded about it yet."</p> });
    let rows: Vec<_> = page.rows.into_iter().map(record).collect();
    let more = (page.total > u64::from(SHOWN)).then(|| format!("The newest {SHOWN}. "));
    view! {
        {nothing}
        <ol class="history">{rows}</ol>
        <p class="hint">{more}<A href=paths::history(subject)>"All records in the audit trail"</A></p>
    }
    .into_any()
}

fn record(row: AuditRow) -> AnyView {
    let who = match (row.actor, row.address.as_str()) {
        (Some(_), from) => format!("{}, from {from}", row.actor_email),
        (None, "command line") => "On the server's command line".to_owned(),
        (None, from) => format!("Not signed in, from {from}"),
    };
    view! {
        <li>
            <A href=paths::audit_record(row.id)>{row.action}</A>
            <span class="history-reason">{who}</span>
            <Time at=row.at.0/>
        </li>
    }
    .into_any()
}
