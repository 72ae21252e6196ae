//! One session: its details, history, use and log, and a terminal in it.
//!
//! The open drawer is part of the address, `?session=ID`, and so is its panel, `&panel=log`.

use super::{accelerators, charts, elapsed, files, launcher, log, remedies, rename, terminate};
use console::frame::use_me;
use console::history::history_link;
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened, use_parameter};
use leptos::prelude::*;
use leptos_router::components::A;
use types::id::{ContainerId, SessionId, UserId};
use types::people::permissions::Permission;
use types::quantity::{MEM, bytes};
use types::sessions::Cluster;
use types::sessions::launch::StartSession;
use types::sessions::{
    CheckKind, DependencyState, Ending, IdleCheck, Outcome, SessionDetail, SessionRow, SessionType, Status, StatusChange,
    killed_for_memory,
};
use types::time::duration;
use ui::{Badge, CopyButton, Icon, IconName, Notice, Remaining, Tab, Tabs, Time, Tone, with_local_times};

/// The sign for nothing in a list.
const NONE: &str = "—";

const PANELS: [(&str, &str); 4] = [("", "Overview"), ("use", "Resources"), ("log", "Log"), ("terminal", "Terminal")];

/// The tone of a session's badge: that of how it ended, or of where it stands.
pub fn tone(session: &SessionRow) -> Tone {
    match session.ending {
        Some(Ending::Succeeded) => Tone::Good,
        Some(Ending::Failed | Ending::OutOfMemory | Ending::Lost | Ending::NotStarted) => Tone::Bad,
        Some(Ending::TimedOut | Ending::OverLimit) => Tone::Warn,
        Some(Ending::Terminated | Ending::Cancelled) => Tone::Neutral,
        None if session.never => Tone::Bad,
        None => status_tone(session.status),
    }
}

/// The tone of a status alone.
pub fn status_tone(status: Status) -> Tone {
    match status {
        Status::Pending | Status::Scheduled | Status::Preparing => Tone::Info,
        Status::Running => Tone::Good,
        Status::Terminating => Tone::Warn,
        Status::Terminated | Status::Cancelled => Tone::Neutral,
        Status::Error => Tone::Bad,
    }
}

/// The drawer's contents for the session in the address. `link` makes an address that keeps the list behind as it is.
pub fn drawer(
    id: Memo<Option<String>>,
    detail: Loaded<Option<(String, SessionDetail)>>,
    link: Callback<Option<String>, String>,
) -> AnyView {
    let panel = use_parameter("panel");
    let state = opened(id, detail);
    let session = Signal::derive(move || detail.good().get().flatten().map(|(_, session)| session));
    // Only values that decide the layout are followed here: a log that is being read must survive every change of status.
    let kind = Memo::new(move |_| session.with(|s| s.as_ref().map(|s| (s.row.id, s.row.kind))));
    view! {
        {move || match (state.get(), kind.get()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((id, kind))) => contents(id, kind, session, detail.reload, panel, link),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

/// The drawer's name: the session's.
pub fn title(detail: Loaded<Option<(String, SessionDetail)>>) -> Signal<String> {
    Signal::derive(move || {
        detail
            .good()
            .with(|d| d.as_ref().and_then(|d| d.as_ref()).map_or("Session".into(), |(_, s)| format!("Session {}", s.row.name)))
    })
}

fn contents(
    id: SessionId,
    kind: SessionType,
    session: Signal<Option<SessionDetail>>,
    reload: Callback<()>,
    panel: Memo<Option<String>>,
    link: Callback<Option<String>, String>,
) -> AnyView {
    let me = use_me().id;
    let tabs: Vec<Tab> = PANELS
        .into_iter()
        .filter(|(key, _)| *key != "terminal" || kind == SessionType::Interactive)
        .map(|(key, label)| Tab {
            label,
            href: Signal::derive(move || link.run((!key.is_empty()).then(|| key.to_owned()))),
            here: Signal::derive(move || panel.get().unwrap_or_default() == key),
        })
        .collect();
    let head_link = link;
    let at_once = Signal::stored(true);
    let waits = Signal::derive(move || {
        session.with(|s| s.as_ref().is_some_and(|s| s.row.status == Status::Pending && s.row.owner == me))
    });
    view! {
        {move || session.get().map(|session| head(session, me))}
        {remedies::links::later(waits, session)}
        <div class="session-actions">
            {move || session.get().and_then(|session| primary(&session, head_link))}
            {rename::button(id, session, reload)}
            {files::buttons(id, session, reload)}
            {terminate::buttons(id, session, reload)}
        </div>
        <Tabs label="Session" tabs=tabs/>
        {move || match panel.get().as_deref() {
            Some("log") => log::panel::later(at_once, id, session, link),
            Some("use") => charts::panel::later(at_once, id, session),
            Some("terminal") if kind == SessionType::Interactive => terminal_panel(id, session),
            _ => view! { {move || session.get().map(|session| overview(session, link))} }.into_any(),
        }}
    }
    .into_any()
}

/// The likeliest next step with a session as it is: type into it, read why it failed, or ask for it again.
fn primary(session: &SessionDetail, link: Callback<Option<String>, String>) -> Option<AnyView> {
    let row = &session.row;
    let panel = move |panel: &'static str, icon: IconName, label: &'static str| {
        let address = move || link.run(Some(panel.to_owned()));
        view! { <a class="button button-primary" href=address data-noscroll><Icon name=icon/>{label}</a> }.into_any()
    };
    match (row.status, row.kind) {
        (Status::Running, SessionType::Interactive) if session.may_control => {
            Some(panel("terminal", IconName::Terminal, "Open terminal"))
        }
        (Status::Running | Status::Preparing | Status::Terminating, _) => Some(panel("log", IconName::Rows, "Read the log")),
        _ => {
            let label = if row.status.is_final() { "Start again" } else { "Start a copy" };
            let may = use_me().may(Permission::StartSessions);
            let address = launcher::address_of(&StartSession::again(session));
            may.then(|| {
                view! { <A href=address attr:class="button button-primary"><Icon name=IconName::Refresh/>{label}</A> }.into_any()
            })
        }
    }
}

fn head(session: SessionDetail, me: UserId) -> AnyView {
    let row = session.row;
    // A warning, because this is somebody else's work.
    let others = (row.owner != me).then(|| {
        let text = format!("This session belongs to {}.", row.owner_email);
        view! { <Notice tone=Tone::Info>{text}</Notice> }
    });
    // While it runs, the line of facts says more.
    let info = (!row.info.is_empty() && row.status != Status::Running).then(|| {
        view! { <p class="session-info">{with_local_times(&row.info)}</p> }
    });
    view! {
        <div class="session-head">
            <p class="session-status">
                <span role="status"><Badge tone=tone(&row) text=row.state_label()/></span>
                // Not announced to screen readers: in a busy queue it changes all the time.
                {row.position.map(|position| format!(" Place {position} in the queue"))}
                {facts(&row)}
            </p>
            {info}
            {others}
        </div>
    }
    .into_any()
}

/// For how long, where and with how much: `4 min on v100-3 · 2 GPUs · 4 CPU cores · 32 GiB`.
fn facts(row: &SessionRow) -> AnyView {
    let time = elapsed(row);
    let ran = row.started_at.is_some().then(|| view! { <span>{time}</span> });
    let place = super::agents(row);
    let place = (row.status.occupies() && place != NONE).then(|| format!(" on {place}"));
    let amounts = super::amounts(&row.cluster.of_all(&row.slots));
    let dot = (ran.is_some() || place.is_some()).then_some(" · ");
    view! { <span class="facts">{ran}{place}{dot}{amounts}</span> }.into_any()
}

/// A name and its value, unless there is none.
fn fact(name: &'static str, value: impl Into<String>) -> Option<AnyView> {
    let value = value.into();
    (!value.is_empty() && value != NONE).then(|| view! { <dt>{name}</dt><dd>{value}</dd> }.into_any())
}

fn linked(name: &'static str, href: String, text: String) -> AnyView {
    view! { <dt>{name}</dt><dd><A href=href>{text}</A></dd> }.into_any()
}

fn overview(session: SessionDetail, link: Callback<Option<String>, String>) -> AnyView {
    let row = session.row.clone();
    let me = use_me();
    let id = row.id.to_string();
    let audit = history_link(&id);
    let time =
        |name: &'static str, at: Option<types::time::Millis>| at.map(|at| view! { <dt>{name}</dt><dd><Time at=at.0/></dd> });
    let asked = format!("{} CPU, {} memory", row.cpu(), bytes(row.mem()));
    let size = row.cluster.size;
    let cluster = if size > 1 { format!("{}, size {size}", row.cluster.mode.label()) } else { String::new() };
    let owner = row.owner_and_state();
    let owner = match me.may(Permission::ReadUsers) {
        true => linked("Owner", paths::user(row.owner), owner),
        false => view! { <dt>"Owner"</dt><dd>{owner}</dd> }.into_any(),
    };
    let project = match me.may(Permission::ReadProjects) {
        true => linked("Project", paths::project(session.project), row.project.clone()),
        false => view! { <dt>"Project"</dt><dd>{row.project.clone()}</dd> }.into_any(),
    };
    let group = match me.may_beyond_own(Permission::ReadGroups) {
        true => linked("Resource group", paths::resource_group(&row.resource_group), row.resource_group.clone()),
        false => view! { <dt>"Resource group"</dt><dd>{row.resource_group.clone()}</dd> }.into_any(),
    };
    let variables = session
        .env
        .iter()
        .map(|(name, value)| if value.is_empty() { format!("{name} (hidden)") } else { format!("{name}={value}") });
    let variables = list(variables);
    let depends_on = (!session.depends_on.is_empty()).then(|| view! { <dt>"Starts after"</dt><dd>{dependencies(&session)}</dd> });
    let outcome = session.outcome.as_ref().map_or(String::new(), Outcome::describe);
    let kills = (row.memory_kills > 0).then(|| {
        view! { <dt>"Out-of-memory kills"</dt><dd>{killed_for_memory(row.memory_kills, row.slots.get(MEM).floor())}</dd> }
    });
    let command = (!session.command.is_empty())
        .then(|| view! { <h3>"Start-up command"</h3><ui::CodeBlock text=session.command.clone() label="Start-up command"/> });
    let failed = matches!(row.ending, Some(Ending::Failed | Ending::OutOfMemory | Ending::NotStarted));
    let last_lines = failed.then(|| log::last_lines::later(Signal::stored(true), row.id));
    view! {
        {last_lines}
        <dl class="key-values">
            {fact("Outcome", outcome)}
            {kills}
            {owner}
            {project}
            {group}
            <dt>"Type"</dt><dd>{row.kind.label()}</dd>
            <dt>"Environment"</dt><dd>{row.image.clone()}</dd>
            <dt>"Requested"</dt><dd>{asked}</dd>
            {fact("AI accelerator", accelerators(&row))}
            {fact("Shared memory", session.shared_memory.map_or_else(String::new, bytes))}
            {fact("Cluster", cluster)}
            <dt>"Priority"</dt><dd>{row.priority}</dd>
            {fact("Preopen ports", list(session.ports.iter().map(u16::to_string)))}
            {fact("Variables", variables)}
            {time("Start time", session.starts_at)}
            {session.timeout.map(|seconds| view! { <dt>"Batch job timeout"</dt><dd>{duration(i64::from(seconds) * 1000)}</dd> })}
            {depends_on}
            {time("Created", Some(row.created_at))}
            {time("Started", row.started_at)}
            {time("Ended", row.ended_at)}
            {row.started_at.map(|_| view! { <dt>"Duration"</dt><dd>{elapsed(&row)}</dd> })}
            <dt>"Session ID"</dt><dd><code>{id.clone()}</code>" "<CopyButton text=id label="Copy the session ID"/></dd>
        </dl>
        {containers(&row, link)}
        {checks(&session)}
        {command}
        {audit}
        <h3>"History"</h3>
        <ol class="history">{session.history.into_iter().map(step).collect::<Vec<_>>()}</ol>
    }
    .into_any()
}

fn list(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    parts.join(", ")
}

/// The agents of a placed session's containers, with a link to each container's log.
fn containers(session: &SessionRow, link: Callback<Option<String>, String>) -> Option<AnyView> {
    let one = |(agent, number): (&String, u32)| {
        let (name, id) = (Cluster::host_name(number), ContainerId::of(session.id, number).to_string());
        let (copy, log) = (format!("Copy the ID of {name}"), format!("Log of {name}"));
        let address = move || paths::with_parameter(&link.run(Some("log".into())), "container", &number.to_string());
        view! {
            <tr>
                <td>{name}</td>
                <td>{if number == 0 { "Main" } else { "Sub" }}</td>
                <td><code>{id.clone()}</code>" "<CopyButton text=id label=copy/></td>
                <td>{agent_name(agent)}</td>
                <td><a href=address aria-label=log>"Log"</a></td>
            </tr>
        }
    };
    let all: Vec<_> = session.agents.iter().zip(0..).map(one).collect();
    (!all.is_empty()).then(|| {
        view! {
            <h3 id="session-containers">"Containers"</h3>
            <table class="compare" aria-labelledby="session-containers">
                <thead>
                    <tr>
                        <th scope="col">"Container"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"Container ID"</th>
                        <th scope="col">"Agent"</th>
                        <th scope="col">"Log"</th>
                    </tr>
                </thead>
                <tbody>{all}</tbody>
            </table>
        }
        .into_any()
    })
}

/// An agent's name, which leads to its details for those who may read them.
fn agent_name(agent: &str) -> AnyView {
    let (address, name) = (paths::agent(agent), agent.to_owned());
    if use_me().may(Permission::ReadAgents) { view! { <A href=address>{name}</A> }.into_any() } else { name.into_any() }
}

fn dependencies(session: &SessionDetail) -> AnyView {
    let one = |on: &DependencyState| {
        let state = match (on.status.is_final(), on.success) {
            (true, true) => "finished successfully",
            (true, false) => "did not finish successfully",
            (false, _) => on.status.label(),
        };
        let (address, name) = (paths::session(on.id), on.name.clone());
        view! { <li><A href=address>{name}</A>{format!(" ({state})")}</li> }.into_any()
    };
    view! { <ul class="plain">{session.depends_on.iter().map(one).collect::<Vec<_>>()}</ul> }.into_any()
}

/// The checks that would end the session automatically, with the time left.
fn checks(session: &SessionDetail) -> Option<AnyView> {
    let one = |check: &IdleCheck| {
        let by = match check.kind {
            CheckKind::PendingTimeout => format!("resource group {}", check.policy),
            _ if check.policy.is_empty() => "as requested".into(),
            _ => format!("policy {}", check.policy),
        };
        let limit = duration(i64::from(check.limit) * 1000);
        view! { <dt>{check.kind.label()}</dt><dd><Remaining until=check.at.0/>{format!(" left of {limit}, {by}")}</dd> }
    };
    let disk = session.disk.iter().map(|disk| {
        let used = format!("{} used of {}, policy {}", bytes(disk.used), bytes(disk.limit), disk.policy);
        view! { <dt>"Disk"</dt><dd>{used}</dd> }
    });
    let disk: Vec<_> = disk.collect();
    let all: Vec<_> = session.checks.iter().map(one).collect();
    let any = !all.is_empty() || !disk.is_empty();
    any.then(|| view! { <h3>"Automatic termination"</h3><dl class="key-values idle-checks">{all}{disk}</dl> }.into_any())
}

fn step(change: StatusChange) -> AnyView {
    view! {
        <li>
            <Badge tone=status_tone(change.status) text=change.status.label()/>
            <span class="history-reason">{with_local_times(&change.reason)}</span>
            <Time at=change.at.0/>
        </li>
    }
    .into_any()
}

fn terminal_panel(id: SessionId, session: Signal<Option<SessionDetail>>) -> AnyView {
    let ready = Memo::new(move |_| session.with(|s| s.as_ref().map(|s| (s.row.status, s.may_control))));
    // Opens in the browser only, since a server cannot draw a terminal.
    let in_browser = RwSignal::new(false);
    Effect::new(move |_| in_browser.set(true));
    // A terminal that was opened stays after the end of its session, with its text and the reason.
    let open = Memo::new(move |before: Option<&bool>| {
        before.copied().unwrap_or(false) || (in_browser.get() && ready.get() == Some((Status::Running, true)))
    });
    let hint = move || match ready.get()? {
        (_, false) => Some("Only its owner and administrators may open a terminal in this session."),
        (Status::Running, _) => Some("The terminal needs scripts and opens once they have loaded."),
        (status, _) if status.is_final() => Some("The session has ended, and its terminals with it."),
        _ => Some("A terminal opens as soon as the session runs."),
    };
    view! {
        {move || if open.get() {
            view! { <Suspense>{Suspend::new(super::terminal::terminal(id))}</Suspense> }.into_any()
        } else {
            view! { <p class="hint"><Icon name=IconName::Terminal/>" "{hint}</p> }.into_any()
        }}
    }
    .into_any()
}
