//! Two-factor authentication of the person's own account: turning it on with a QR code, recovery codes, turning it off
//! (`docs/spec/people.md`, "Two-factor authentication").

use console::api::people::two_factor::{begin_two_factor, disable_two_factor, enable_two_factor, renew_recovery_codes};
use console::chunk;
use console::dialog::{Asked, DialogForm, Opening, Saved, dialog};
use console::form::Refused;
use console::problem_view::problem_view;
use console::table::Loaded;
use leptos::prelude::*;
use types::Problem;
use types::list::encode;
use types::people::two_factor::{TwoFactorSetup, TwoFactorState};
use ui::{Badge, Button, CopyButton, Dialog, Field, Icon, IconName, Loss, Notice, PasswordInput, TextInput, Tone, Variant};

/// At this many recovery codes or fewer, a warning is shown.
const FEW_CODES: u32 = 3;

chunk!(parts:
    /// The dialogs that turn it on and off, and that make new recovery codes.
    fn changes(beginning: RwSignal<Asked<()>>, renew: RwSignal<Asked<()>>, off: RwSignal<Asked<()>>, changed: Callback<()>) {
        let begun = RwSignal::new(Asked::Nothing);
        let codes = RwSignal::new(Vec::<String>::new());
        let code = || RwSignal::new(String::new());
        view! {
            {begin(beginning, begun)}
            {dialog(TurnOn { setup: RwSignal::new(None), code: code(), codes }, begun, changed)}
            {dialog(Renew { code: code(), codes }, renew, changed)}
            {turn_off(off, changed)}
            {recovery_codes(codes)}
        }
        .into_any()
    }
);

/// The section's contents.
pub fn section(state: Loaded<TwoFactorState>) -> AnyView {
    let asked = || RwSignal::new(Asked::Nothing);
    let (beginning, off, renew) = (asked(), asked(), asked());
    let asks = Signal::derive(move || [beginning, off, renew].iter().any(|asked| Asked::asks(*asked).get()));
    let shown = move || match state.shown.get() {
        Some(Ok(TwoFactorState { on: false, .. })) => when_off(beginning),
        Some(Ok(TwoFactorState { codes_left, .. })) => when_on(codes_left, renew, off),
        Some(Err(problem)) => problem_view(&problem),
        None => ().into_any(),
    };
    view! {
        {shown}
        {changes::later(asks, beginning, renew, off, state.reload)}
    }
    .into_any()
}

fn when_off(beginning: RwSignal<Asked<()>>) -> AnyView {
    view! {
        <p><Badge tone=Tone::Neutral text="Off"/></p>
        <p class="hint">"Signing in then also asks for a code from an authenticator on your phone, so a stolen password alone is not enough."</p>
        <p><Button on_press=Callback::new(move |()| beginning.set(Asked::New))>"Turn on two-factor"</Button></p>
    }
    .into_any()
}

fn when_on(codes_left: u32, renew: RwSignal<Asked<()>>, off: RwSignal<Asked<()>>) -> AnyView {
    let few = (codes_left <= FEW_CODES)
        .then(|| view! { <Notice tone=Tone::Warn>"Few recovery codes are left. Make new ones before you need them."</Notice> });
    view! {
        <p><Badge tone=Tone::Good text="On"/>" "{format!("{codes_left} recovery codes left.")}</p>
        {few}
        <div class="session-actions">
            <Button on_press=Callback::new(move |()| renew.set(Asked::New))>"New recovery codes"</Button>
            <Button variant=Variant::Danger on_press=Callback::new(move |()| off.set(Asked::New))>"Turn off two-factor"</Button>
        </div>
    }
    .into_any()
}

fn read_code(code: RwSignal<String>) -> Result<String, Problem> {
    let typed = code.get_untracked().trim().to_owned();
    if typed.is_empty() { Err(Problem::field("code", "Type the six digits that your authenticator shows.")) } else { Ok(typed) }
}

/// Gives the secret to the authenticator, and asks for a code as proof.
#[derive(Clone, Copy)]
struct TurnOn {
    setup: RwSignal<Option<TwoFactorSetup>>,
    code: RwSignal<String>,
    codes: RwSignal<Vec<String>>,
}

impl DialogForm for TurnOn {
    type Thing = TwoFactorSetup;
    type Command = String;

    fn titles(self) -> (&'static str, &'static str) {
        ("Turn on two-factor", "Turn on two-factor")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Turn on", "Turn on")
    }

    fn fill(self, setup: Option<&TwoFactorSetup>) {
        self.setup.set(setup.cloned());
        self.code.set(String::new());
    }

    fn closed(self) {
        self.fill(None);
    }

    fn read(self) -> Result<String, Problem> {
        read_code(self.code)
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        let setup = self.setup;
        let picture = move || {
            setup.with(|setup| setup.as_ref().map(|s| format!("data:image/svg+xml,{}", encode(&s.picture))).unwrap_or_default())
        };
        let secret = move || setup.with(|setup| setup.as_ref().map(|s| s.secret.clone()).unwrap_or_default());
        view! {
            <p>"Scan this with an authenticator app on your phone, or type the secret into it. Then type the six digits that it shows."</p>
            <div class="two-factor">
                <img class="two-factor-code" src=picture alt="QR code with the secret shown beside it"/>
                <div class="field">
                    <span class="field-label">"Secret"</span>
                    <p><code class="two-factor-secret">{secret}</code>" "{move || view! { <CopyButton text=secret() label="Copy the secret"/> }}</p>
                </div>
            </div>
            <Field name="two-factor-code" label="Code" required=true error=refused.field_error("code")><TextInput name="two-factor-code" value=self.code max=10/></Field>
        }
        .into_any()
    }

    async fn save(self, code: String) -> Result<Saved, Problem> {
        // Shown no matter what is open by now, since they are never shown again.
        self.codes.try_set(enable_two_factor(code).await?);
        Ok(Saved::Silently)
    }
}

/// New recovery codes in place of the old ones.
#[derive(Clone, Copy)]
struct Renew {
    code: RwSignal<String>,
    codes: RwSignal<Vec<String>>,
}

impl DialogForm for Renew {
    type Thing = ();
    type Command = String;

    fn titles(self) -> (&'static str, &'static str) {
        ("New recovery codes", "New recovery codes")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Make new codes", "Make new codes")
    }

    fn fill(self, _: Option<&()>) {
        self.code.set(String::new());
    }

    fn closed(self) {
        self.fill(None);
    }

    fn read(self) -> Result<String, Problem> {
        read_code(self.code)
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        view! {
            <p>"Your current codes will stop working."</p>
            <Field name="renew-code" label="Code" required=true hint="The six digits that your authenticator shows." error=refused.field_error("code")><TextInput name="renew-code" value=self.code max=40/></Field>
        }
        .into_any()
    }

    async fn save(self, code: String) -> Result<Saved, Problem> {
        self.codes.try_set(renew_recovery_codes(code).await?);
        Ok(Saved::Silently)
    }
}

/// Asks for the password before a secret is made: a stolen sign-in must not bind somebody else's phone.
fn begin(asked: RwSignal<Asked<()>>, begun: RwSignal<Asked<TwoFactorSetup>>) -> AnyView {
    let words =
        PasswordWords { title: "Your password", why: "Confirm it to turn on two-factor authentication.", button: "Continue" };
    let work = move |password, opening: Opening| async move {
        let setup = begin_two_factor(password).await?;
        // A dialog that was closed in the meantime leads nowhere.
        if opening.is_current() {
            begun.set(Asked::edit(setup));
        }
        Ok(Saved::Silently)
    };
    dialog(PasswordForm::new(words, work), asked, Callback::new(|()| ()))
}

fn turn_off(asked: RwSignal<Asked<()>>, changed: Callback<()>) -> AnyView {
    let words = PasswordWords {
        title: "Turn off two-factor",
        why: "Your password alone will then open your account. Your recovery codes are deleted.",
        button: "Turn off",
    };
    let work = |password, _: Opening| async move {
        disable_two_factor(password).await?;
        Ok("Two-factor authentication is off.".into())
    };
    dialog(PasswordForm::new(words, work), asked, changed)
}

/// The texts of a dialog that asks for the password.
#[derive(Clone, Copy)]
struct PasswordWords {
    title: &'static str,
    why: &'static str,
    button: &'static str,
}

/// Asks for the password and does something with it. The typed text is forgotten when it closes.
#[derive(Clone, Copy)]
struct PasswordForm<W> {
    words: PasswordWords,
    password: RwSignal<String>,
    opening: StoredValue<Option<Opening>>,
    work: W,
}

impl<W> PasswordForm<W> {
    fn new(words: PasswordWords, work: W) -> Self {
        Self { words, password: RwSignal::new(String::new()), opening: StoredValue::new(None), work }
    }
}

impl<W, F> DialogForm for PasswordForm<W>
where
    W: Fn(String, Opening) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Saved, Problem>> + 'static,
{
    type Thing = ();
    type Command = (String, Opening);

    fn titles(self) -> (&'static str, &'static str) {
        (self.words.title, self.words.title)
    }

    fn buttons(self) -> (&'static str, &'static str) {
        (self.words.button, self.words.button)
    }

    fn fill(self, _: Option<&()>) {
        self.password.set(String::new());
    }

    fn opened(self, opening: Opening) {
        self.opening.set_value(Some(opening));
    }

    fn closed(self) {
        self.fill(None);
    }

    fn read(self) -> Result<Self::Command, Problem> {
        let typed = self.password.get_untracked();
        match self.opening.get_value() {
            Some(opening) if !typed.is_empty() => Ok((typed, opening)),
            _ => Err(Problem::field("password", "Type your password.")),
        }
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        let id = self.words.title.to_lowercase().replace(' ', "-");
        view! {
            <p>{self.words.why}</p>
            <Field name=id.clone() label="Current password" required=true error=refused.field_error("password")><PasswordInput name=id value=self.password/></Field>
        }
        .into_any()
    }

    fn save(self, (password, opening): Self::Command) -> impl Future<Output = Result<Saved, Problem>> {
        (self.work)(password, opening)
    }
}

/// New recovery codes, shown once.
fn recovery_codes(codes: RwSignal<Vec<String>>) -> AnyView {
    let open = Signal::derive(move || codes.with(|all| !all.is_empty()));
    let close = Callback::new(move |()| codes.set(Vec::new()));
    let text = move || codes.with(|all| all.join("\n"));
    let unsaved = Loss { question: "Close without saving the codes? They are not shown again.", stay: "Stay", leave: "Close" };
    view! {
        <Dialog open=open title="Recovery codes" loss=Signal::stored(Some(unsaved)) on_close=close>
            <p class="notice">"Save these now: they are shown only once. Each works once in place of a code, in case you lose your phone."</p>
            <ul class="recovery-codes">{move || codes.get().into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect::<Vec<_>>()}</ul>
            <div class="dialog-actions">
                {move || view! { <CopyButton text=text() label="Copy the recovery codes"/> }}
                <a class="button" download="recovery-codes.txt" href=move || format!("data:text/plain;charset=utf-8,{}", encode(&text()))><Icon name=IconName::Download/>"Download"</a>
                <Button variant=Variant::Primary on_press=close>"I have saved them"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}
