//! Two-factor authentication of one's own account: on with a QR code, recovery codes, off (`docs/spec/people.md`, "Two-factor
//! authentication").

use crate::api::people::two_factor::{begin_two_factor, disable_two_factor, enable_two_factor, renew_recovery_codes};
use crate::form::{Refused, form_end, on_submit};
use crate::problem_view::problem_view;
use crate::table::Loaded;
use leptos::prelude::*;
use types::Problem;
use types::list::encode;
use types::people::two_factor::{TwoFactorSetup, TwoFactorState};
use ui::{
    Badge, Button, CopyButton, Dialog, Field, Icon, IconName, Notice, PasswordInput, TextInput, Tone, Variant, use_toaster,
};

/// Recovery codes that are worth a warning.
const FEW_CODES: u32 = 3;

/// The section's contents.
pub fn section(state: Loaded<TwoFactorState>) -> AnyView {
    let dialog = || RwSignal::new(false);
    let (beginning, begun, off, renew) = (dialog(), dialog(), dialog(), dialog());
    let setup = RwSignal::new(None::<TwoFactorSetup>);
    let codes = RwSignal::new(Vec::<String>::new());
    let shown = move || match state.shown.get() {
        Some(Ok(TwoFactorState { on: false, .. })) => when_off(beginning),
        Some(Ok(TwoFactorState { codes_left, .. })) => when_on(codes_left, renew, off),
        Some(Err(problem)) => problem_view(&problem),
        None => ().into_any(),
    };
    view! {
        {shown}
        {begin(beginning, begun, setup)}
        {confirm(begun, setup, codes, state.reload)}
        {renewed(renew, codes, state.reload)}
        {turn_off(off, state.reload)}
        {recovery_codes(codes)}
    }
    .into_any()
}

fn when_off(beginning: RwSignal<bool>) -> AnyView {
    view! {
        <p><Badge tone=Tone::Neutral text="Off"/></p>
        <p class="hint">"With it, signing in asks for a code from an authenticator on your phone as well: a stolen password alone opens nothing."</p>
        <p><Button on_press=Callback::new(move |()| beginning.set(true))>"Turn on two-factor"</Button></p>
    }
    .into_any()
}

fn when_on(codes_left: u32, renew: RwSignal<bool>, off: RwSignal<bool>) -> AnyView {
    let few = (codes_left <= FEW_CODES)
        .then(|| view! { <Notice tone=Tone::Warn>"Few recovery codes are left. Make new ones before you need them."</Notice> });
    view! {
        <p><Badge tone=Tone::Good text="On"/>" "{format!("{codes_left} recovery codes left.")}</p>
        {few}
        <div class="session-actions">
            <Button on_press=Callback::new(move |()| renew.set(true))>"New recovery codes"</Button>
            <Button variant=Variant::Danger on_press=Callback::new(move |()| off.set(true))>"Turn off two-factor"</Button>
        </div>
    }
    .into_any()
}

/// The authenticator is shown the secret, and shows that it has it.
fn confirm(
    open: RwSignal<bool>,
    setup: RwSignal<Option<TwoFactorSetup>>,
    codes: RwSignal<Vec<String>>,
    changed: Callback<()>,
) -> AnyView {
    let code = RwSignal::new(String::new());
    let refused = Refused::new();
    let close = Callback::new(move |()| {
        open.set(false);
        setup.set(None);
        code.set(String::new());
        refused.clear();
    });
    let save = Action::new(move |typed: &String| {
        let asked = enable_two_factor(typed.clone());
        async move { show_codes(asked.await, refused, close, codes, changed) }
    });
    let submit = on_submit(refused, move || read_code(code), move |typed| drop(save.dispatch(typed)));
    let picture = move || {
        setup.with(|setup| setup.as_ref().map(|s| format!("data:image/svg+xml,{}", encode(&s.picture))).unwrap_or_default())
    };
    let secret = move || setup.with(|setup| setup.as_ref().map(|s| s.secret.clone()).unwrap_or_default());
    view! {
        <Dialog open=open title="Turn on two-factor" on_close=close>
            <p>"Scan this with an authenticator app on your phone, or type the secret into it. Then type the six digits that it shows."</p>
            <div class="two-factor">
                <img class="two-factor-code" src=picture alt="QR code with the secret that stands beside it"/>
                <div class="field">
                    <span class="field-label">"Secret"</span>
                    <p><code class="two-factor-secret">{secret}</code>" "{move || view! { <CopyButton text=secret() label="Copy the secret"/> }}</p>
                </div>
            </div>
            <form class="form" novalidate on:submit=submit>
                <Field name="two-factor-code" label="Code" required=true error=refused.of("code")><TextInput name="two-factor-code" value=code max=10/></Field>
                {form_end(refused, open, "Turn on", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}

/// What follows a code that was sent: fresh recovery codes in place of the dialog that asked, or what is wrong in it.
fn show_codes(
    answer: Result<Vec<String>, Problem>,
    refused: Refused,
    close: Callback<()>,
    codes: RwSignal<Vec<String>>,
    changed: Callback<()>,
) {
    match answer {
        Ok(made) => {
            close.run(());
            codes.set(made);
            changed.run(());
        }
        Err(problem) => refused.set(problem),
    }
}

fn read_code(code: RwSignal<String>) -> Result<String, Problem> {
    let typed = code.get_untracked().trim().to_owned();
    if typed.is_empty() { Err(Problem::field("code", "Type the six digits that your authenticator shows.")) } else { Ok(typed) }
}

fn renewed(open: RwSignal<bool>, codes: RwSignal<Vec<String>>, changed: Callback<()>) -> AnyView {
    let code = RwSignal::new(String::new());
    let refused = Refused::new();
    let close = Callback::new(move |()| {
        open.set(false);
        code.set(String::new());
        refused.clear();
    });
    let save = Action::new(move |typed: &String| {
        let asked = renew_recovery_codes(typed.clone());
        async move { show_codes(asked.await, refused, close, codes, changed) }
    });
    let submit = on_submit(refused, move || read_code(code), move |typed| drop(save.dispatch(typed)));
    view! {
        <Dialog open=open title="New recovery codes" on_close=close>
            <p>"The codes that you have now will open nothing any more."</p>
            <form class="form" novalidate on:submit=submit>
                <Field name="renew-code" label="Code" required=true hint="The six digits that your authenticator shows." error=refused.of("code")><TextInput name="renew-code" value=code max=40/></Field>
                {form_end(refused, open, "Make new codes", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}

/// Asks for the password before a secret is made: a stolen sign-in must not bind somebody else's phone.
fn begin(open: RwSignal<bool>, begun: RwSignal<bool>, setup: RwSignal<Option<TwoFactorSetup>>) -> AnyView {
    let what = PasswordAsked {
        title: "Your password",
        why: "It is asked for once more before two-factor is turned on.",
        button: "Go on",
    };
    with_password(open, what, move |password| async move {
        setup.set(Some(begin_two_factor(password).await?));
        begun.set(true);
        Ok(())
    })
}

fn turn_off(open: RwSignal<bool>, changed: Callback<()>) -> AnyView {
    let toaster = use_toaster();
    let what = PasswordAsked {
        title: "Turn off two-factor",
        why: "From then on your password alone opens your account. Your recovery codes are thrown away.",
        button: "Turn off",
    };
    with_password(open, what, move |password| async move {
        disable_two_factor(password).await?;
        toaster.good("Two-factor authentication is off.");
        changed.run(());
        Ok(())
    })
}

/// The words of a dialog that asks for the password.
#[derive(Clone, Copy)]
struct PasswordAsked {
    title: &'static str,
    why: &'static str,
    button: &'static str,
}

/// A dialog that asks for the password and does something with it. Closed, it forgets what was typed.
fn with_password<F>(
    open: RwSignal<bool>,
    what: PasswordAsked,
    work: impl Fn(String) -> F + Copy + Send + Sync + 'static,
) -> AnyView
where
    F: Future<Output = Result<(), Problem>> + Send + 'static,
{
    let password = RwSignal::new(String::new());
    let refused = Refused::new();
    let close = Callback::new(move |()| {
        open.set(false);
        password.set(String::new());
        refused.clear();
    });
    let send = Action::new(move |typed: &String| {
        let typed = typed.clone();
        async move {
            match work(typed).await {
                Ok(()) => close.run(()),
                Err(problem) => refused.set(problem),
            }
        }
    });
    let read = move || {
        let typed = password.get_untracked();
        if typed.is_empty() { Err(Problem::field("password", "Type your password.")) } else { Ok(typed) }
    };
    let submit = on_submit(refused, read, move |typed| drop(send.dispatch(typed)));
    let id = StoredValue::new(what.title.to_lowercase().replace(' ', "-"));
    view! {
        <Dialog open=open title=what.title on_close=close>
            <p>{what.why}</p>
            <form class="form" novalidate on:submit=submit>
                <Field name=id.get_value() label="Password now" required=true error=refused.of("password")><PasswordInput name=id.get_value() value=password/></Field>
                {form_end(refused, open, what.button, send.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}

/// Fresh recovery codes, shown once.
fn recovery_codes(codes: RwSignal<Vec<String>>) -> AnyView {
    let open = Signal::derive(move || codes.with(|all| !all.is_empty()));
    let close = Callback::new(move |()| codes.set(Vec::new()));
    let text = move || codes.with(|all| all.join("\n"));
    view! {
        <Dialog open=open title="Recovery codes" on_close=close>
            <p class="notice">"Keep these now: they are shown once. Each signs you in once in place of a code, for the day when your phone is gone."</p>
            <ul class="recovery-codes">{move || codes.get().into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect::<Vec<_>>()}</ul>
            <div class="dialog-actions">
                {move || view! { <CopyButton text=text() label="Copy the recovery codes"/> }}
                <a class="button" download="recovery-codes.txt" href=move || format!("data:text/plain;charset=utf-8,{}", encode(&text()))><Icon name=IconName::Download/>"Download"</a>
                <Button variant=Variant::Primary on_press=close>"I have kept them"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}
