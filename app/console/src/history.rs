//! The tabs of a drawer with audit records, for people who may read the audit trail: what was done to the open thing and, for a
//! person, what they did.

use crate::api::system::audit::audit_records;
use crate::audit::sentence;
use crate::frame::use_me;
use crate::list_page::List;
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{Loaded, Pending, load_open, use_parameter};
use leptos::prelude::*;
use leptos_router::components::A;
use types::list::{Condition, ListQuery, Op, Page, suggest};
use types::people::permissions::Permission;
use types::system::audit::{AUDIT, AuditRow};
use types::system::events::Topic;
use types::time::Millis;
use ui::{Ago, Tab, Tabs};

/// The address parameter of the tabs.
const PART: &str = "part";
const HISTORY: &str = "history";
const DID: &str = "did";
/// Maximum records in a tab.
const SHOWN: u32 = 50;

/// The tabs' records, loaded only while one of them is open.
#[derive(Clone, Copy)]
pub struct History {
    part: Memo<String>,
    records: Loaded<Option<(String, Page<AuditRow>)>>,
    may_read: bool,
    /// Whether the open thing is a person, who has done things.
    person: bool,
}

impl History {
    /// The history of the thing that `open` names. Created together with the page's other loads.
    pub fn new(open: Memo<Option<String>>, topics: &'static [Topic]) -> Self {
        Self::of(open, topics, false)
    }

    /// The same of a person, with what they did.
    pub fn of_person(open: Memo<Option<String>>, topics: &'static [Topic]) -> Self {
        Self::of(open, topics, true)
    }

    fn of(open: Memo<Option<String>>, topics: &'static [Topic], person: bool) -> Self {
        let may_read = use_me().may(Permission::ReadAudit);
        let part = use_parameter(PART);
        let part = Memo::new(move |_| {
            let known = |part: &String| may_read && (part == HISTORY || (person && part == DID));
            part.get().filter(known).unwrap_or_default()
        });
        // The part belongs to the question: the same id has two answers.
        let asked =
            Memo::new(move |_| part.with(|part| open.get().filter(|_| !part.is_empty()).map(|id| format!("{part} {id}"))));
        let records = load_open(asked, topics, "record", |asked| {
            let (part, id) = asked.split_once(' ')?;
            Some(audit_records(query(part, id)))
        });
        Self { part, records, may_read, person }
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
        let part = self.part;
        let tab = move |label: &'static str, key: &'static str| Tab {
            label,
            href: list.open_address((!key.is_empty()).then_some((PART, key))),
            here: Signal::derive(move || part.with(|part| part == key)),
        };
        let tabs = if self.person {
            vec![tab("Details", ""), tab("Activity", DID), tab("Changes by others", HISTORY)]
        } else {
            vec![tab("Details", ""), tab("History", HISTORY)]
        };
        view! {
            <Tabs label="Parts of the detail" tabs=tabs/>
            {move || if part.with(String::is_empty) { details() } else { self.list() }}
        }
        .into_any()
    }

    fn list(self) -> AnyView {
        let records = self.records;
        let shown = move || match records.shown.get() {
            Some(Ok(Some((asked, page)))) => view(&asked, page),
            Some(Err(problem)) => problem_view(&problem),
            _ => view! { <ui::Skeleton/> }.into_any(),
        };
        view! { {shown} }.into_any()
    }
}

/// The records of one part about the thing with this id.
fn query(part: &str, id: &str) -> ListQuery {
    let key = if part == DID { "actor_id" } else { "subject" };
    let condition = Condition { key: key.into(), op: Op::Equals, value: id.to_owned() };
    ListQuery { per: SHOWN, conditions: vec![condition], ..ListQuery::new(&AUDIT) }
}

/// A link to all audit records of `subject`, for people who may read them.
pub fn history_link(subject: &str) -> Option<AnyView> {
    let address = paths::history(subject);
    use_me().may(Permission::ReadAudit).then(|| view! { <p><A href=address>"History in the audit trail"</A></p> }.into_any())
}

fn view(asked: &str, page: Page<AuditRow>) -> AnyView {
    let (part, id) = asked.split_once(' ').unwrap_or_default();
    let nothing = page.rows.is_empty().then(|| view! { <p class="hint">"Nothing has been recorded yet."</p> });
    let query = query(part, id);
    let rows: Vec<_> = page.rows.into_iter().map(record).collect();
    let more = (page.total > u64::from(SHOWN)).then(|| format!("The newest {SHOWN}. "));
    let all = ListQuery { per: ListQuery::new(&AUDIT).per, ..query };
    let link = |query: &ListQuery| format!("{}?{}", paths::AUDIT, query.to_query_string(&AUDIT));
    view! {
        {days(&all)}
        {nothing}
        <ol class="history history-sentences">{rows}</ol>
        <p class="hint">{more}<A href=link(&all)>"All records in the audit trail"</A></p>
    }
    .into_any()
}

/// Links to the records of days that people ask for. In the browser, whose clock says which they are.
fn days(all: &ListQuery) -> AnyView {
    let (all, now) = (all.clone(), RwSignal::new(None::<i64>));
    Effect::new(move |_| now.set(Some(js_sys::Date::now() as i64)));
    let links = move || {
        let now = now.get()?;
        let day = |text: &'static str| {
            let meant = suggest(&AUDIT, text, Some(Millis(now))).into_iter().rfind(|one| one.label.starts_with("When"))?;
            let query = all.with_all(&AUDIT, &meant.conditions).ok()?;
            let address = format!("{}?{}", paths::AUDIT, query.to_query_string(&AUDIT));
            Some(view! { <A href=address>{text}</A>" " })
        };
        Some(["Today", "Yesterday", "Last 7 days"].map(day).into_iter().collect::<Vec<_>>())
    };
    view! { <p class="days">{links}</p> }.into_any()
}

fn record(row: AuditRow) -> AnyView {
    let address = paths::audit_record(row.id);
    view! {
        <li>
            <span class="history-reason">{sentence(&row)}</span>
            <A href=address><Ago at=row.at.0/></A>
        </li>
    }
    .into_any()
}
