//! A password link for somebody who forgot their password, for an administrator to pass on.

use console::api::people::two_factor::make_password_link;
use console::dialog::{Asked, Saved, Shell};
use leptos::prelude::*;
use types::id::UserId;
use types::people::two_factor::PasswordLink;
use ui::{Button, CodeBlock, Dialog, Time, Variant};

/// The dialog for the person in `who`: it creates a link on request and shows it once.
pub fn dialog(who: RwSignal<Asked<UserId>>, changed: Callback<()>) -> AnyView {
    let shell = Shell::new();
    let user = RwSignal::new(None::<UserId>);
    let link = RwSignal::new(None::<PasswordLink>);
    let fill = move |asked| {
        user.set(asked);
        link.set(None);
    };
    shell.open_when(who, fill, |_| ());
    let make = Callback::new(move |()| {
        let (Some(user), opening) = (user.get_untracked(), shell.opening()) else { return };
        let making = async move {
            let made = make_password_link(user).await?;
            // A late link is never shown as somebody else's.
            if opening.is_current() {
                link.set(Some(made));
            }
            changed.try_run(());
            Ok(Saved::NotYet)
        };
        shell.send(making, || (), changed);
    });
    let shown = move || match link.get() {
        None => question(shell, make),
        Some(link) => answer(link, shell.open),
    };
    let close = Callback::new(move |()| {
        shell.open.set(false);
        link.set(None);
    });
    view! { <Dialog open=shell.open title="Password link" on_close=close>{move || shown()}</Dialog> }.into_any()
}

fn question(shell: Shell, make: Callback<()>) -> AnyView {
    view! {
        <p>"The link opens a page where the person chooses a new password. It works once, within a day, and replaces any earlier link. Their password does not change until they use it."</p>
        {shell.refused.notice()}
        <div class="dialog-actions">
            <Button on_press=Callback::new(move |()| shell.open.set(false))>"Cancel"</Button>
            <Button variant=Variant::Primary busy=shell.pending on_press=make>"Create link"</Button>
        </div>
    }
    .into_any()
}

fn answer(link: PasswordLink, open: RwSignal<bool>) -> AnyView {
    let PasswordLink { path, expires_at, mailed } = link;
    let origin = window().location().origin().unwrap_or_default();
    let how = if mailed { "It was also emailed to them." } else { "It was not emailed: pass it on yourself." };
    view! {
        <CodeBlock text=format!("{origin}{path}") label="Password link"/>
        <p class="hint">"Shown only now. Valid until "<Time at=expires_at.0/>". "{how}</p>
        <div class="dialog-actions"><Button on_press=Callback::new(move |()| open.set(false))>"Close"</Button></div>
    }
    .into_any()
}
