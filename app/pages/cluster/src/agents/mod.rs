//! Agents: their capacity, the resources that sessions hold, and current use (`docs/spec/cluster.md`, "Agents" and "Schedulable
//! agents").

mod drawer;

use console::act::act;
use console::api::cluster::agents::{agent, agents, set_schedulable};
use console::chunk;
use console::columns::text;
use console::dialog::{Asked, DialogForm, Opening, Saved, dialog};
use console::form::Refused;
use console::frame::{Head, PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::slots::{label, short};
use console::table::{load_open, settled};
use leptos::prelude::*;
use types::Problem;
use types::cluster::agents::{AGENTS, Agent, AgentDetail, MAX_REASON, SetSchedulable};
use types::people::permissions::Permission;
use types::quantity::{CPU, MEM, Quantity, bytes};
use types::system::events::Topic;
use ui::{
    Ago, Badge, Button, Checkbox, Column, Elapsed, EmptyState, Field, Icon, IconName, Meter, Switch, TextInput, Time, Tone,
    Variant,
};

const HEAD: Head = Head { title: "Agents", group: "Administration" };

/// Milliseconds between loads of an open page: current use changes every second and has no events.
const REFRESH: u32 = 3_000;

const UPDATED: &str = "Agent setting updated.";

/// The agent whose settings dialog is requested, and whether it gets new sessions.
type AskedSettings = RwSignal<Asked<(String, bool)>>;

fn columns(open: Callback<String>, asked: Option<AskedSettings>) -> Vec<Column<Agent>> {
    vec![
        text("name", "Agent", |a: &Agent| a.report.name.clone())
            .beside(|a| view! { <span class="row-note">{a.report.address.clone()}</span> }.into_any())
            .sortable()
            .required()
            .opens(),
        Column::new("schedulable", "Schedulable", |a: &Agent| {
            let (tone, text) = match (&a.report.refusal, a.schedulable) {
                (Some(_), _) => (Tone::Bad, "Not possible"),
                (None, true) => (Tone::Good, "Enabled"),
                (None, false) => (Tone::Warn, "Disabled"),
            };
            let why = (!a.schedulable).then(|| closed_note(a));
            view! { <span class="state"><Badge tone=tone text=text/>{why}</span> }.into_any()
        }),
        Column::new("accelerators", "AI accelerators", |a: &Agent| {
            let others: Vec<_> = others(a).into_iter().map(|name| slot(a, &name)).collect();
            if others.is_empty() { "—".into_any() } else { others.into_any() }
        }),
        Column::new("cpu", "CPU", |a: &Agent| slot(a, CPU)),
        Column::new("mem", "Memory", |a: &Agent| slot(a, MEM)),
        text("sessions", "Sessions", |a: &Agent| a.sessions.to_string()).number(),
        text("resource_group", "Resource group", |a: &Agent| a.resource_group.clone()).sortable(),
        Column::new("engine", "Engine", |a: &Agent| {
            format!("{} {} · {}", a.report.engine, a.report.version, a.report.architecture).into_any()
        })
        .hidden(),
        Column::new("first_contact", "First contact", |a: &Agent| {
            let now = match a.lost_at {
                Some(at) => view! { "terminated "<Time at=at.0/> }.into_any(),
                None => view! { <Elapsed since=a.first_contact.0/>" ago" }.into_any(),
            };
            view! { <Time at=a.first_contact.0/><span class="row-note">{now}</span> }.into_any()
        })
        .sortable()
        .hidden(),
        Column::new("control", "Control", move |a: &Agent| row_actions(a, open, asked)),
    ]
}

/// Why an agent is out of service, or since when.
pub(crate) fn closed_note(agent: &Agent) -> AnyView {
    let since = agent.closed_at.map(|at| view! { <Ago at=at.0/> });
    let reason = agent.closed_reason.clone();
    if reason.is_empty() {
        return view! { <span class="status-info">"Out of service "{since}</span> }.into_any();
    }
    let title = reason.clone();
    view! { <span class="status-info" title=title>{reason}</span> }.into_any()
}

/// The button that opens the drawer and, for people who may change them, the settings of a connected agent.
fn row_actions(agent: &Agent, open: Callback<String>, asked: Option<AskedSettings>) -> AnyView {
    let (name, schedulable) = (agent.report.name.clone(), agent.schedulable);
    let (id, label) = (name.clone(), format!("Info of {name}"));
    let info = Callback::new(move |()| open.run(id.clone()));
    let settings = asked.filter(|_| agent.lost_at.is_none()).map(|asked| {
        let label = format!("Settings of {name}");
        let ask = Callback::new(move |()| asked.set(Asked::edit((name.clone(), schedulable))));
        view! { <Button variant=Variant::Quiet label=label on_press=ask><Icon name=IconName::Gear/></Button> }
    });
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=label on_press=info><Icon name=IconName::Info/></Button>
            {settings}
        </div>
    }
    .into_any()
}

/// Slots that are neither cores nor memory.
fn others(agent: &Agent) -> Vec<String> {
    agent.report.capacity.0.keys().filter(|slot| *slot != CPU && *slot != MEM).cloned().collect()
}

/// Formats an amount of a slot.
pub(crate) fn amount(slot: &str, amount: Quantity) -> String {
    if slot == MEM { bytes(amount.floor()) } else { amount.to_string() }
}

/// Current use of a slot; `None` where it is not measured, as on an agent that is lost.
pub(crate) fn in_use(agent: &Agent, slot: &str) -> Option<Quantity> {
    agent.report.used.0.get(slot).copied().filter(|_| agent.lost_at.is_none())
}

/// The amount of a slot that sessions hold, and its current use.
fn slot(agent: &Agent, name: &str) -> AnyView {
    let (has, held, label) = (agent.report.capacity.get(name), agent.occupied.get(name), label(name));
    let what = if name == CPU || name == MEM { String::new() } else { format!("{}: ", short(name)) };
    let text = format!("{what}{} / {}", amount(name, held), amount(name, has));
    let live = in_use(agent, name).map(|used| {
        // A tenth of a core is as exact as anybody reads it.
        let shown = if name == MEM { amount(name, used) } else { format!("{:.1}", used.as_thousandths() as f64 / 1000.0) };
        let class = if used > has { "row-note fact-lacking" } else { "row-note" };
        let text = if used > has { format!("{shown} in use, more than it has") } else { format!("{shown} in use") };
        view! { <span class=class>{text}</span> }
    });
    view! {
        <span class="slot">
            <Meter label=format!("{label} held by sessions on {}", agent.report.name) share=held.ratio_of(has) text=text/>
            {live}
        </span>
    }
    .into_any()
}

/// Loads again while the page is visible; a hidden tab makes no requests.
pub(crate) fn refresh_while_shown(reload: Callback<()>) {
    Effect::new(move |_| {
        let timer = set_interval_with_handle(
            move || {
                if !document().hidden() {
                    reload.run(());
                }
            },
            std::time::Duration::from_millis(u64::from(REFRESH)),
        );
        if let Ok(timer) = timer {
            on_cleanup(move || timer.clear());
        }
    });
}

chunk!(parts:
    /// The dialog that takes agents out of service and back.
    fn changes(asked: AskedSettings, changed: Callback<()>) {
        dialog(Settings::new(), asked, changed)
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadAgents) {
        return problem_view(&Problem::Forbidden(Permission::ReadAgents.verb().into()));
    }
    let may_change = me.may(Permission::ChangeAgents);
    let list = List::new(&AGENTS, paths::AGENTS, "agent", &[Topic::Agent, Topic::Session], agents);
    let detail = load_open(list.open, &[Topic::Agent, Topic::Session], "agent", |name| Some(agent(name)));
    refresh_while_shown(list.rows.reload);
    refresh_while_shown(Callback::new(move |()| {
        if list.open.with_untracked(Option::is_some) {
            detail.reload.run(());
        }
    }));
    let loads = list.pending().into_iter().chain([detail.pending()]).collect();
    let view = move || {
        let asked: AskedSettings = RwSignal::new(Asked::Nothing);
        let selection = RwSignal::new(Vec::<String>::new());
        let reload = Callback::new(move |()| {
            selection.set(Vec::new());
            list.rows.reload.run(());
            detail.reload.run(());
        });
        let connected = Signal::derive(move || list.query.with(|query| query.tab == "connected"));
        let buttons = ViewFn::from(move || bulk(selection, connected, reload));
        let shown = Shown {
            caption: "Agents",
            columns: columns(list.opener(), may_change.then_some(asked)),
            row_key: |a: &Agent| a.report.name.clone(),
            row_label: |a: &Agent| a.report.name.clone(),
            export: "",
            empty: ViewFn::from(move || {
                let gone = list.query.with(|query| query.tab == "terminated");
                let text = if gone {
                    "No disconnection or termination has occurred."
                } else {
                    "No agent has reported yet. The engine is checked every few seconds."
                };
                view! { <EmptyState icon=IconName::Server title="No Agents to display" text=text/> }
            }),
            selection: may_change.then_some((selection, buttons)),
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group/>
            {list.table(shown)}
            {may_change.then(|| changes::later(Asked::asks(asked), asked, reload))}
            {list.drawer(Signal::stored("Agent info".to_owned()), move || drawer::drawer(list.open, detail, may_change.then_some(asked)))}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}

/// Changes these agents, or gives each agent's reason for the refusal.
async fn change(set: SetSchedulable) -> Result<(), Problem> {
    let SetSchedulable { names, schedulable, reason, tell } = set;
    let results = set_schedulable(names, schedulable, Some(reason), Some(tell)).await?;
    let failed: Vec<_> = results.into_iter().filter_map(|one| one.problem.map(|why| format!("{}: {why}", one.name))).collect();
    if failed.is_empty() { Ok(()) } else { Err(Problem::Conflict(failed.join(" "))) }
}

/// The buttons for the selected agents, while the list shows connected agents.
fn bulk(selection: RwSignal<Vec<String>>, connected: Signal<bool>, changed: Callback<()>) -> AnyView {
    let press = move |schedulable: bool| {
        let set = move || SetSchedulable { names: selection.get_untracked(), schedulable, ..SetSchedulable::default() };
        act(move || change(set()), UPDATED, changed)
    };
    view! {
        <Show when=move || connected.get()>
            <Button on_press=press(true)>"Enable scheduling"</Button>
            <Button on_press=press(false)>"Disable scheduling"</Button>
        </Show>
    }
    .into_any()
}

/// Whether an agent gets new sessions, and if not, why.
#[derive(Clone, Copy)]
struct Settings {
    name: RwSignal<String>,
    schedulable: RwSignal<bool>,
    reason: RwSignal<String>,
    tell: RwSignal<bool>,
    /// The agent with its sessions; nothing until it is known.
    there: RwSignal<Option<AgentDetail>>,
}

impl Settings {
    fn new() -> Self {
        Self {
            name: RwSignal::new(String::new()),
            schedulable: RwSignal::new(true),
            reason: RwSignal::new(String::new()),
            tell: RwSignal::new(true),
            there: RwSignal::new(None),
        }
    }

    /// The fate of the sessions on an agent that goes out of service.
    fn consequences(self) -> AnyView {
        let Some(there) = self.there.get() else { return ().into_any() };
        let sessions = there.agent.sessions;
        if sessions == 0 {
            return view! { <p class="notice">"Nothing runs on it."</p> }.into_any();
        }
        let (run, endless) = match sessions {
            1 => ("1 session is running on it and will continue.".to_owned(), "It has no time limit.".to_owned()),
            many => (
                format!("{many} sessions are running on it and will continue."),
                format!("{} have no time limit.", there.endless),
            ),
        };
        let last = there.last_end.map(|at| view! { " The last with a time limit ends "<Ago at=at.0/>"." });
        let endless = (there.endless > 0).then(|| format!(" {endless}"));
        view! {
            <p class="notice notice-warn">{run}{last}{endless}</p>
            <Checkbox name="agent-tell" label="Notify the owners of these sessions" value=self.tell/>
        }
        .into_any()
    }
}

impl DialogForm for Settings {
    type Thing = (String, bool);
    type Command = SetSchedulable;

    fn titles(self) -> (&'static str, &'static str) {
        ("Agent settings", "Agent settings")
    }

    fn fill(self, agent: Option<&(String, bool)>) {
        let Some((name, schedulable)) = agent else { return };
        self.name.set(name.clone());
        self.schedulable.set(*schedulable);
        self.reason.set(String::new());
        self.tell.set(true);
        self.there.set(None);
    }

    fn opened(self, opening: Opening) {
        opening.ask(agent(self.name.get_untracked()), move |there| {
            if self.reason.with_untracked(String::is_empty) {
                self.reason.set(there.agent.closed_reason.clone());
            }
            self.there.set(Some(there));
        });
    }

    fn read(self) -> Result<SetSchedulable, Problem> {
        let set = SetSchedulable {
            names: vec![self.name.get_untracked()],
            schedulable: self.schedulable.get_untracked(),
            reason: self.reason.with_untracked(|text| text.trim().to_owned()),
            tell: self.tell.get_untracked()
                && self.there.with_untracked(|there| there.as_ref().is_some_and(|one| one.agent.schedulable)),
        };
        set.check()?;
        Ok(set)
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        let reason = refused.field_error("reason");
        view! {
            <p>{move || self.name.get()}</p>
            <Switch name="agent-schedulable" label="Schedulable" value=self.schedulable/>
            <p class="hint">"Off: no new sessions; running ones continue."</p>
            <Show when=move || !self.schedulable.get()>
                <Field name="agent-reason" label="Reason" hint="Shown on the Agents page, in the queue and to the notified owners." error=reason>
                    <TextInput name="agent-reason" value=self.reason max=MAX_REASON/>
                </Field>
                {move || self.consequences()}
            </Show>
        }
        .into_any()
    }

    async fn save(self, set: SetSchedulable) -> Result<Saved, Problem> {
        let (name, open) = (set.names.concat(), set.schedulable);
        change(set).await?;
        Ok(if open { format!("{name} accepts sessions again.") } else { format!("{name} accepts no new sessions.") }.into())
    }
}
