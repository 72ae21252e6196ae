//! The session launcher: four steps, with the typed values in the address, so that a reload or a shared link shows the same form
//! (`docs/spec/sessions.md`, "The launcher").

mod clock;
mod forecast;
mod form;
mod review;
mod steps;

use console::api::sessions::{start_options, start_session};
use console::form::Refused;
use console::frame::{ChosenProject, Head, PageHead, use_me};
use console::paths;
use console::problem_view::problem_view;
use console::table::{load, use_parameter};
use forecast::{Forecast, forecast};
use form::{Form, from_address, not_offered, to_address, usual_slots};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use review::{outlook, review};
use steps::Shared;
use types::list::encode;
use types::people::permissions::Permission;
use types::quantity::bytes;
use types::sessions::launch::{StartOptions, StartSession};
use types::system::events::Topic;
use types::{FieldError, Problem};
use ui::{Button, Confirm, Icon, IconName, Strength, Variant, use_toaster};

const HEAD: Head = Head { title: "Start session", group: "" };

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    SessionType,
    Resources,
    Network,
    Review,
}

impl Step {
    const ALL: [Self; 4] = [Self::SessionType, Self::Resources, Self::Network, Self::Review];

    fn key(self) -> &'static str {
        match self {
            Self::SessionType => "type",
            Self::Resources => "resources",
            Self::Network => "network",
            Self::Review => "review",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::SessionType => "Session type",
            Self::Resources => "Environment and resources",
            Self::Network => "Network",
            Self::Review => "Review and start",
        }
    }

    fn from_key(key: &str) -> Self {
        Self::ALL.into_iter().find(|step| step.key() == key).unwrap_or(Self::SessionType)
    }
}

/// The launcher's address with this request filled in.
pub fn address_of(asked: &StartSession) -> String {
    format!("{}?step={}&form={}", paths::LAUNCHER, Step::Review.key(), encode(&to_address(asked)))
}

/// Returns the step that a field is in.
fn step_of(field: &str) -> Step {
    match field {
        "name" | "kind" | "command" | "starts_at" | "timeout" | "depends_on" | "count" | "owner" => Step::SessionType,
        "ports" => Step::Network,
        _ => Step::Resources,
    }
}

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::StartSessions) {
        return problem_view(&Problem::Forbidden(Permission::StartSessions.verb().into()));
    }
    let form = Form::new();
    let typed = use_parameter("form");
    if let Some(asked) = typed.get_untracked().as_deref().and_then(from_address) {
        form.fill(&asked);
    }
    // The limits and groups of another person, once their email has been typed.
    let owner = Memo::new(move |_| {
        let owner = form.owner.get().trim().to_owned();
        if owner.contains('@') || owner.starts_with("AKIA") { owner } else { String::new() }
    });
    let offer = load(owner, &[Topic::Session, Topic::Agent, Topic::Group, Topic::Policy], start_options);
    let view = move || match offer.shown.get_untracked() {
        Some(Err(problem)) if offer.good().get_untracked().is_none() && owner.with_untracked(String::is_empty) => {
            view! { <PageHead title=HEAD.title/>{problem_view(&problem)} }.into_any()
        }
        _ => launcher(form, offer.good(), Signal::derive(move || offer.shown.get().and_then(Result::err))),
    };
    offer.view(HEAD, view)
}

fn launcher(form: Form, offered: Signal<Option<StartOptions>>, trouble: Signal<Option<Problem>>) -> AnyView {
    let refused = Refused::new();
    let options = last_offered(form, offered);
    let step = use_parameter("step");
    let step = Memo::new(move |_| step.with(|key| key.as_deref().map_or(Step::SessionType, Step::from_key)));
    console::live::when_alive(move || {
        form.awake.try_set(true);
    });
    let look = Memo::new(move |_| {
        let (asked, mut errors) = form.read();
        errors.extend(options.with(|options| options.as_ref().map(|options| not_offered(&asked, options)).unwrap_or_default()));
        (asked, errors)
    });
    let address = Memo::new(move |_| {
        let text = look.with(|(asked, _)| encode(&to_address(asked)));
        if text.len() > LONGEST_FORM { String::new() } else { text }
    });
    let link = Callback::new(move |step: Step| format!("{}?step={}&form={}", paths::LAUNCHER, step.key(), address.get()));
    keep_in_address(step, address);
    take_focus_along(step);
    let outcome = Memo::new(move |_| {
        let (asked, _) = look.get();
        options.with(|options| options.as_ref().map(|options| forecast(&asked, options)).unwrap_or_default())
    });
    let go = use_navigate();
    let to_step = Callback::new(move |next: Step| {
        // The browser's Back button leads to this step as it is now.
        replace_address(&link.run(step.get_untracked()));
        go(&link.run(next), NavigateOptions { scroll: false, ..Default::default() });
    });
    let reset = Callback::new(move |()| {
        form.fill(&StartSession { slots: usual_slots(), ..StartSession::default() });
        refused.clear();
        to_step.run(Step::SessionType);
    });
    // Mistakes are shown at their fields when the person continues, not while they type.
    let problem = Signal::derive(move || trouble.get().or_else(|| refused.problem()));
    // Nothing more is started until the page of the started session opens.
    let leaving = RwSignal::new(false);
    let start = starter(refused, to_step, leaving);
    let busy = start.pending();
    let busy = Signal::derive(move || busy.get() || leaving.get());
    // An unknown owner is reported beside the field before anything is sent.
    let nobody = Signal::derive(move || trouble.with(|problem| problem.as_ref().and_then(|problem| problem.of_field("owner"))));
    let shared = Shared { form, refused, options: options.into(), nobody };
    let fields = move || match step.get() {
        Step::SessionType => steps::session_type(shared),
        Step::Resources => steps::resources(shared),
        Step::Network => steps::network(shared),
        Step::Review => review(shared, look, link),
    };
    view! {
        <PageHead title=HEAD.title/>
        <p class="notice notice-warn without-scripts">"The launcher needs scripts, which this browser does not run."</p>
        {stepper(step, look, link)}
        <div class="launcher">
            <form class="form card" novalidate on:submit=move |event| {
                event.prevent_default();
                if !busy.get_untracked() {
                    send_or_go_on(step.get_untracked(), look, refused, to_step, start);
                }
            }>
                <h2 id=HEADING tabindex="-1">{move || step.get().label()}</h2>
                {fields}
                {move || problem.get().filter(|problem| !matches!(problem, Problem::Invalid(_))).map(|problem| {
                    view! { <p class="notice notice-bad" role="alert">{problem.to_string()}</p> }
                })}
                {buttons(step, link, reset, outcome, busy)}
            </form>
            <aside class="launcher-side">
                {outlook(outcome)}
                {recent(form, options.into(), to_step)}
            </aside>
        </div>
    }
    .into_any()
}

/// The available choices, from which the form preselects. The last ones stay while new ones are loading.
fn last_offered(form: Form, offered: Signal<Option<StartOptions>>) -> Memo<Option<StartOptions>> {
    let chosen = expect_context::<ChosenProject>().0;
    let options = Memo::new(move |before: Option<&Option<StartOptions>>| offered.get().or_else(|| before.cloned().flatten()));
    let choose = move |options: &Option<StartOptions>| {
        if let Some(options) = options {
            form.choose(options, chosen.get_untracked().map(|id| id.to_string()));
        }
    };
    options.with_untracked(choose);
    Effect::new(move |_| {
        form.project.track();
        options.with(choose);
    });
    options
}

/// Moves the focus to each new step's heading, since the focused element may be gone.
fn take_focus_along(step: Memo<Step>) {
    Effect::new(move |before: Option<Step>| {
        let now = step.get();
        if before.is_some_and(|before| before != now) {
            request_animation_frame(focus_step);
        }
        now
    });
}

/// The id of the step's heading.
const HEADING: &str = "launcher-step";

fn focus_step() {
    if let Some(heading) = document().get_element_by_id(HEADING) {
        let heading: web_sys::HtmlElement = wasm_bindgen::JsCast::unchecked_into(heading);
        // If the browser refuses, the focus stays where it is.
        let _ = heading.focus();
    }
}

type Start = Action<StartSession, ()>;

fn starter(refused: Refused, to_step: Callback<Step>, leaving: RwSignal<bool>) -> Start {
    let (go, toaster) = (use_navigate(), use_toaster());
    let go = StoredValue::new(go);
    Action::new(move |asked: &StartSession| {
        let asked = asked.clone();
        async move {
            match start_session(asked).await {
                Ok(started) => {
                    refused.clear();
                    leaving.set(true);
                    started.iter().flat_map(|one| &one.raised).take(3).for_each(|text| toaster.good(text.clone()));
                    let address = match started.as_slice() {
                        [one] => paths::session(one.id),
                        many => {
                            toaster.good(format!("{} sessions were added to the queue.", many.len()));
                            paths::SESSIONS.to_owned()
                        }
                    };
                    go.with_value(|go| go(&address, NavigateOptions::default()));
                }
                Err(problem) => {
                    if let Problem::Invalid(errors) = &problem
                        && let Some(first) = errors.first()
                    {
                        to_step.run(step_of(&first.field));
                    }
                    refused.set(problem);
                }
            }
        }
    })
}

fn send_or_go_on(
    step: Step,
    look: Memo<(StartSession, Vec<FieldError>)>,
    refused: Refused,
    to_step: Callback<Step>,
    start: Start,
) {
    let (asked, errors) = look.get_untracked();
    let here: Vec<_> = errors.iter().filter(|error| step == Step::Review || step_of(&error.field) == step).cloned().collect();
    let first = Step::ALL.into_iter().find(|one| here.iter().any(|error| step_of(&error.field) == *one));
    if let Some(first) = first {
        if step == Step::Review {
            to_step.run(first);
        }
        refused.set(Problem::Invalid(here));
        return;
    }
    refused.clear();
    match step {
        Step::SessionType => to_step.run(Step::Resources),
        Step::Resources => to_step.run(Step::Network),
        Step::Network => to_step.run(Step::Review),
        Step::Review => drop(start.dispatch(asked)),
    }
}

/// Maximum characters of a form in the address; a longer one is kept only in the page.
const LONGEST_FORM: usize = 24_000;
/// The pause before the address is updated: browsers refuse a page that changes its address with every key.
const FOLLOW_AFTER: std::time::Duration = std::time::Duration::from_millis(300);

/// Keeps the typed values in the address, so that a reload loses nothing.
fn keep_in_address(step: Memo<Step>, address: Memo<String>) {
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(timer) = timer.try_get_value().flatten() {
            timer.clear();
        }
    };
    let write = move || {
        if let Some((step, form)) = step.try_get_untracked().zip(address.try_get_untracked()) {
            replace_address(&format!("{}?step={}&form={form}", paths::LAUNCHER, step.key()));
        }
    };
    // Each step is its own history entry, which may hold the form as it was at the last visit.
    Effect::new(move |before: Option<(Step, String)>| {
        let now = (step.get(), address.get());
        if before.is_some_and(|before| before != now) {
            stop();
            timer.set_value(set_timeout_with_handle(write, FOLLOW_AFTER).ok());
        }
        now
    });
    on_cleanup(stop);
}

/// Bypasses the router, which has nothing to redraw. Not for a page that is being left.
fn replace_address(address: &str) {
    if location().pathname().is_ok_and(|path| path == paths::LAUNCHER)
        && let Ok(history) = window().history()
    {
        let state = history.state().unwrap_or_default();
        // If the browser refuses, the address keeps an older form.
        let _ = history.replace_state_with_url(&state, "", Some(address));
    }
}

fn stepper(step: Memo<Step>, look: Memo<(StartSession, Vec<FieldError>)>, link: Callback<Step, String>) -> AnyView {
    let item = move |(one, number): (Step, usize)| {
        let here = move || step.get() == one;
        let wrong = move || look.with(|(_, errors)| errors.iter().any(|error| step_of(&error.field) == one));
        view! {
            <li>
                <a href=move || link.run(one) class="step" class:step-wrong=wrong aria-current=move || here().then_some("step")>
                    <span class="step-number" aria-hidden="true">{number}</span>{one.label()}
                    <span class="visually-hidden">{move || if wrong() { " (something is missing)" } else { "" }}</span>
                </a>
            </li>
        }
    };
    let items: Vec<_> = Step::ALL.into_iter().zip(1..).map(item).collect();
    view! { <nav aria-label="Steps"><ol class="stepper">{items}</ol></nav> }.into_any()
}

fn buttons(
    step: Memo<Step>,
    link: Callback<Step, String>,
    reset: Callback<()>,
    outcome: Memo<Forecast>,
    busy: Signal<bool>,
) -> AnyView {
    let before = move || Step::ALL.into_iter().rev().skip_while(|one| *one != step.get()).nth(1);
    let last = move || step.get() == Step::Review;
    let impossible = Signal::derive(move || last() && outcome.with(|outcome| !outcome.refusals.is_empty()));
    view! {
        <div class="dialog-actions">
            <Confirm name="launcher-reset" strength=Strength::Bubble label="Reset" question="Clear the whole form?" on_confirm=reset/>
            {move || before().map(|one| view! { <a class="button" href=link.run(one)>"Previous"</a> })}
            {move || (!last()).then(|| view! { <a class="button" href=link.run(Step::Review)>"Skip to review"</a> })}
            <Button variant=Variant::Primary submit=true busy=busy disabled=impossible>
                {move || if last() { "Start" } else { "Next" }}
            </Button>
        </div>
        <p class="hint" hidden=move || !impossible.get()>"See “In all” for why it cannot start."</p>
    }
    .into_any()
}

/// Recent requests, which can be used again.
fn recent(form: Form, options: Signal<Option<StartOptions>>, to_step: Callback<Step>) -> AnyView {
    let all = move || options.with(|options| options.as_ref().map(|options| options.recent.clone()).unwrap_or_default());
    let one = move |asked: StartSession| {
        let name = if asked.name.is_empty() { "unnamed session".to_owned() } else { asked.name.clone() };
        let amounts =
            format!("{} · {} CPU · {}", asked.kind.label(), asked.slots.get("cpu"), bytes(asked.slots.get("mem").floor()));
        let label = format!("Use again {name}");
        let again = Callback::new(move |()| {
            // The name stays with the existing session.
            form.fill(&StartSession { name: String::new(), starts_at: None, ..asked.clone() });
            to_step.run(Step::Review);
        });
        view! {
            <li><span class="recent-what"><strong>{name}</strong><span class="hint">{amounts}</span></span>
                <Button label=label on_press=again><Icon name=IconName::Refresh/>"Use again"</Button></li>
        }
    };
    view! {
        <section class="card" aria-labelledby="recent-history">
            <h2 id="recent-history">"Recent history"</h2>
            <p class="hint" hidden=move || !all().is_empty()>"Sessions that you start appear here, so that you can start them again."</p>
            <ul class="recent">{move || all().into_iter().map(one).collect::<Vec<_>>()}</ul>
        </section>
    }
    .into_any()
}
