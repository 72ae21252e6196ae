//! Two-factor authentication of one's own account: on with a QR code, recovery codes, off (`features.md` §1.2).

use crate::api::security::{begin_two_factor, disable_two_factor, enable_two_factor, renew_recovery_codes};
use crate::form::{Refused, form_end, on_submit};
use crate::problem_view::problem_view;
use crate::table::Loaded;
use leptos::prelude::*;
use types::Problem;
use types::list::encode;
use types::security::{TwoFactorSetup, TwoFactorState};
use ui::{
    Badge, Button, CopyButton, Dialog, Field, Icon, IconName, Notice, PasswordInput, TextInput, Tone, Variant, use_toaster,
};

/// Recovery codes that are worth a warning.
const FEW_CODES: u32 = 3;

/// The section's contents.
pub fn section(state: Loaded<TwoFactorState>) -> AnyView {
    let (begun, off, renew) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let setup = RwSignal::new(None::<TwoFactorSetup>);
    let codes = RwSignal::new(Vec::<String>::new());
    let toaster = use_toaster();
    let begin = Action::new(move |()| async move {
        match begin_two_factor().await {
            Ok(made) => {
                setup.set(Some(made));
                begun.set(true);
            }
            Err(problem) => toaster.bad(problem.to_string()),
        }
    });
    let shown = move || {
        match state.shown.get() {
        Some(Ok(TwoFactorState { on: false, .. })) => view! {
            <p><Badge tone=Tone::Neutral text="Off"/></p>
            <p class="hint">"With it, signing in asks for a code from an authenticator on your phone as well: a stolen password alone opens nothing."</p>
            <p><Button busy=begin.pending() on_press=Callback::new(move |()| drop(begin.dispatch(())))>"Turn on two-factor"</Button></p>
        }
        .into_any(),
        Some(Ok(TwoFactorState { codes_left, .. })) => view! {
            <p><Badge tone=Tone::Good text="On"/>" "{format!("{codes_left} recovery codes left.")}</p>
            {(codes_left <= FEW_CODES).then(|| view! { <Notice tone=Tone::Warn>"Few recovery codes are left. Make new ones before you need them."</Notice> })}
            <div class="session-actions">
                <Button on_press=Callback::new(move |()| renew.set(true))>"New recovery codes"</Button>
                <Button variant=Variant::Danger on_press=Callback::new(move |()| off.set(true))>"Turn off two-factor"</Button>
            </div>
        }
        .into_any(),
        Some(Err(problem)) => problem_view(&problem),
        None => ().into_any(),
    }
    };
    view! {
        {shown}
        {confirm(begun, setup, codes, state.reload)}
        {renewed(renew, codes, state.reload)}
        {turn_off(off, state.reload)}
        {recovery_codes(codes)}
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
        let typed = typed.clone();
        async move {
            match enable_two_factor(typed).await {
                Ok(made) => {
                    close.run(());
                    codes.set(made);
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
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

fn read_code(code: RwSignal<String>) -> Result<String, Problem> {
    let typed = code.get_untracked().trim().to_owned();
    if typed.is_empty() { Err(Problem::field("code", "Type the six digits that your authenticator shows.")) } else { Ok(typed) }
}

fn renewed(open: RwSignal<bool>, codes: RwSignal<Vec<String>>, changed: Callback<()>) -> AnyView {
    let code = RwSignal::new(String::new());
    let refused = Refused::new();
    let save = Action::new(move |typed: &String| {
        let typed = typed.clone();
        async move {
            match renew_recovery_codes(typed).await {
                Ok(made) => {
                    open.set(false);
                    code.set(String::new());
                    codes.set(made);
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, move || read_code(code), move |typed| drop(save.dispatch(typed)));
    view! {
        <Dialog open=open title="New recovery codes" on_close=Callback::new(move |()| open.set(false))>
            <p>"The codes that you have now will open nothing any more."</p>
            <form class="form" novalidate on:submit=submit>
                <Field name="renew-code" label="Code" required=true hint="The six digits that your authenticator shows." error=refused.of("code")><TextInput name="renew-code" value=code max=40/></Field>
                {form_end(refused, open, "Make new codes", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}

fn turn_off(open: RwSignal<bool>, changed: Callback<()>) -> AnyView {
    let password = RwSignal::new(String::new());
    let refused = Refused::new();
    let toaster = use_toaster();
    let save = Action::new(move |typed: &String| {
        let typed = typed.clone();
        async move {
            match disable_two_factor(typed).await {
                Ok(()) => {
                    open.set(false);
                    password.set(String::new());
                    toaster.good("Two-factor authentication is off.");
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let read = move || {
        let typed = password.get_untracked();
        if typed.is_empty() { Err(Problem::field("password", "Type your password.")) } else { Ok(typed) }
    };
    let submit = on_submit(refused, read, move |typed| drop(save.dispatch(typed)));
    view! {
        <Dialog open=open title="Turn off two-factor" on_close=Callback::new(move |()| open.set(false))>
            <p>"From then on your password alone opens your account. Your recovery codes are thrown away."</p>
            <form class="form" novalidate on:submit=submit>
                <Field name="two-factor-password" label="Password now" required=true error=refused.of("password")><PasswordInput name="two-factor-password" value=password/></Field>
                {form_end(refused, open, "Turn off", save.pending())}
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
