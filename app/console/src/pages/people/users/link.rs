//! A link with which somebody who forgot their password chooses another one, for an administrator to pass on.

use crate::api::people::two_factor::make_password_link;
use leptos::prelude::*;
use types::id::UserId;
use types::people::two_factor::PasswordLink;
use ui::{Button, CodeBlock, Dialog, Time, Variant, use_toaster};

/// The dialog for the person in `who`: it makes a link when it is asked for, and shows it once.
pub fn dialog(who: RwSignal<Option<UserId>>, changed: Callback<()>) -> AnyView {
    let link = RwSignal::new(None::<(UserId, PasswordLink)>);
    let open = Signal::derive(move || who.with(Option::is_some));
    let toaster = use_toaster();
    let close = Callback::new(move |()| {
        who.set(None);
        link.set(None);
    });
    let make = Action::new(move |user: &UserId| {
        let user = *user;
        async move {
            match make_password_link(user).await {
                Ok(made) => {
                    link.set(Some((user, made)));
                    changed.run(());
                }
                Err(problem) => toaster.bad(problem.to_string()),
            }
        }
    });
    let busy = make.pending();
    let press = Callback::new(move |()| {
        if let Some(user) = who.get_untracked() {
            make.dispatch(user);
        }
    });
    // A link that comes late is never shown as somebody else's.
    let shown = move || match link.get().filter(|(of, _)| Some(*of) == who.get()) {
        None => question(close, press, busy),
        Some((_, link)) => answer(link, close),
    };
    view! { <Dialog open=open title="Password link" on_close=close>{move || shown()}</Dialog> }.into_any()
}

fn question(close: Callback<()>, make: Callback<()>, busy: Memo<bool>) -> AnyView {
    view! {
        <p>"The link opens a page on which the person chooses another password. It works once, within a day, and replaces any link before it. Their password stays as it is until they use it."</p>
        <div class="dialog-actions">
            <Button on_press=close>"Cancel"</Button>
            <Button variant=Variant::Primary busy=busy on_press=make>"Make a link"</Button>
        </div>
    }
    .into_any()
}

fn answer(link: PasswordLink, close: Callback<()>) -> AnyView {
    let PasswordLink { path, expires_at, mailed } = link;
    let origin = window().location().origin().unwrap_or_default();
    let how = if mailed { "It was also sent to them by mail." } else { "Pass it on yourself: it was not sent by mail." };
    view! {
        <CodeBlock text=format!("{origin}{path}") label="Password link"/>
        <p class="hint">"Shown only now. It holds until "<Time at=expires_at.0/>". "{how}</p>
        <div class="dialog-actions"><Button on_press=close>"Close"</Button></div>
    }
    .into_any()
}
