//! The session launcher: one page, with the typed values in the address, so that a reload or a shared link shows the same form
//! (`docs/spec/sessions.md`, "The launcher").

mod amounts;
mod clock;
mod forecast;
mod form;
mod outlook;
mod place;
mod rare;
mod what;

use console::api::sessions::{start_options, start_session};
use console::form::Refused;
use console::frame::{ChosenProject, Head, PageHead, use_me};
use console::paths;
use console::problem_view::problem_view;
use console::table::{load, use_parameter};
pub use forecast::fits_now;
use forecast::{Forecast, forecast};
use form::{Form, from_address, not_offered, to_address, usual_slots};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use types::list::encode;
use types::people::permissions::Permission;
use types::quantity::bytes;
use types::sessions::launch::{StartOptions, StartSession};
use types::system::events::Topic;
use types::{FieldError, Problem};
use ui::{Button, Confirm, Icon, IconName, Strength, Variant, use_toaster};

const HEAD: Head = Head { title: "Start session", group: "" };

/// Shared by the parts of the form.
#[derive(Clone, Copy)]
struct Shared {
    form: Form,
    refused: Refused,
    options: Signal<Option<StartOptions>>,
    /// The form as a request, and every mistake in it.
    look: Memo<(StartSession, Vec<FieldError>)>,
    /// The problem with the named owner, if there is no such person.
    nobody: Signal<Option<String>>,
}

/// The launcher's address with this request filled in.
pub fn address_of(asked: &StartSession) -> String {
    paths::with_parameter(paths::LAUNCHER, "form", &to_address(asked))
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
    console::live::when_alive(move || {
        form.awake.try_set(true);
    });
    let look = Memo::new(move |_| {
        let (asked, mut errors) = form.read();
        errors.extend(options.with(|options| options.as_ref().map(|options| not_offered(&asked, options)).unwrap_or_default()));
        (asked, errors)
    });
    keep_in_address(Memo::new(move |_| {
        let text = look.with(|(asked, _)| encode(&to_address(asked)));
        if text.len() > LONGEST_FORM { String::new() } else { text }
    }));
    let outcome = Memo::new(move |_| {
        let (asked, _) = look.get();
        options.with(|options| options.as_ref().map(|options| forecast(&asked, options)).unwrap_or_default())
    });
    let reset = Callback::new(move |()| {
        form.fill(&StartSession { slots: usual_slots(), ..StartSession::default() });
        refused.clear();
    });
    // Mistakes are shown at their fields when the person starts, not while they type.
    let problem = Signal::derive(move || trouble.get().or_else(|| refused.problem()));
    // Nothing more is started until the page of the started session opens.
    let leaving = RwSignal::new(false);
    let start = starter(refused, leaving);
    let busy = start.pending();
    let busy = Signal::derive(move || busy.get() || leaving.get());
    // An unknown owner is reported beside the field before anything is sent.
    let nobody = Signal::derive(move || trouble.with(|problem| problem.as_ref().and_then(|problem| problem.of_field("owner"))));
    let shared = Shared { form, refused, options: options.into(), look, nobody };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (asked, errors) = look.get_untracked();
        let read = if errors.is_empty() { Ok(asked) } else { Err(Problem::Invalid(errors)) };
        if !busy.get_untracked()
            && let Some(asked) = refused.accept(read)
        {
            start.dispatch(asked);
        }
    };
    let part = |id: &'static str, title: &'static str, fields: AnyView| {
        view! { <section class="card form" aria-labelledby=id><h2 id=id>{title}</h2>{fields}</section> }
    };
    view! {
        <PageHead title=HEAD.title/>
        <p class="notice notice-warn without-scripts">"The launcher needs JavaScript, which is off in this browser."</p>
        <form class="launcher" novalidate on:submit=submit>
            <div class="launcher-fields">
                {part("start-what", "What", what::what(shared))}
                {part("start-where", "Where", place::place(shared))}
                {part("start-amounts", "How much", amounts::amounts(shared))}
                <div class="card form">{rare::rare(shared)}</div>
            </div>
            <aside class="launcher-side">
                <div class="card launcher-go">
                    {outlook::outlook(outcome)}
                    {move || problem.get().filter(|problem| !matches!(problem, Problem::Invalid(_))).map(|problem| {
                        view! { <p class="notice notice-bad" role="alert">{problem.to_string()}</p> }
                    })}
                    {buttons(reset, outcome, busy)}
                </div>
                {recent(form, options.into())}
            </aside>
        </form>
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

type Start = Action<StartSession, ()>;

fn starter(refused: Refused, leaving: RwSignal<bool>) -> Start {
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
                Err(problem) => refused.set(problem),
            }
        }
    })
}

/// Maximum characters of a form in the address; a longer one is kept only in the page.
const LONGEST_FORM: usize = 24_000;
/// The pause before the address is updated: browsers refuse a page that changes its address with every key.
const FOLLOW_AFTER: std::time::Duration = std::time::Duration::from_millis(300);

/// Keeps the typed values in the address, so that a reload loses nothing.
fn keep_in_address(address: Memo<String>) {
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(timer) = timer.try_get_value().flatten() {
            timer.clear();
        }
    };
    let write = move || {
        if let Some(form) = address.try_get_untracked() {
            replace_address(&format!("{}?form={form}", paths::LAUNCHER));
        }
    };
    Effect::new(move |before: Option<String>| {
        let now = address.get();
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

fn buttons(reset: Callback<()>, outcome: Memo<Forecast>, busy: Signal<bool>) -> AnyView {
    let impossible = Signal::derive(move || outcome.with(|outcome| !outcome.refusals.is_empty()));
    view! {
        <div class="launcher-buttons">
            <Button variant=Variant::Primary submit=true busy=busy disabled=impossible>"Start"</Button>
            <Confirm name="launcher-reset" strength=Strength::Bubble label="Reset" question="Clear the whole form?" on_confirm=reset/>
        </div>
    }
    .into_any()
}

/// Recent requests, which can be used again.
fn recent(form: Form, options: Signal<Option<StartOptions>>) -> AnyView {
    let all = move || options.with(|options| options.as_ref().map(|options| options.recent.clone()).unwrap_or_default());
    let one = move |asked: StartSession| {
        let name = if asked.name.is_empty() { "unnamed session".to_owned() } else { asked.name.clone() };
        let amounts =
            format!("{} · {} CPU · {}", asked.kind.label(), asked.slots.get("cpu"), bytes(asked.slots.get("mem").floor()));
        let label = format!("Use again {name}");
        let again = Callback::new(move |()| {
            // The name stays with the existing session.
            form.fill(&StartSession { name: String::new(), starts_at: None, ..asked.clone() });
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
