//! The dialog that deletes a policy: directly if it has no followers, otherwise with the policy that they are moved to.

use super::describe_followers;
use console::api::limits::policies::{delete_policy, policy_followers};
use console::api::people::keypairs::keypair_policy_names;
use console::api::people::users::user_policy_names;
use console::api::projects::project_policy_names;
use console::dialog::{Asked, Opening, Shell};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::limits::policies::{Followers, PolicyKind};
use ui::{Button, Field, Select, Skeleton, Variant};

/// The policy that everything new follows. It cannot be deleted.
const FIRST: &str = "default";

async fn names(kind: PolicyKind) -> Result<Vec<String>, Problem> {
    match kind {
        PolicyKind::Keypair => keypair_policy_names().await,
        PolicyKind::User => user_policy_names().await,
        PolicyKind::Project => project_policy_names().await,
    }
}

/// Returns the followers of a policy, and the names of the other policies.
async fn situation(kind: PolicyKind, name: &str) -> Result<(Followers, Vec<String>), Problem> {
    let followers = policy_followers(kind, name.to_owned()).await?;
    let mut others = if followers.count > 0 { names(kind).await? } else { Vec::new() };
    others.retain(|other| other != name);
    Ok((followers, others))
}

/// The dialog for the requested policy; `changed` is called after one is deleted.
pub fn dialog(kind: PolicyKind, asked: RwSignal<Asked<String>>, changed: Callback<()>) -> AnyView {
    let shell = Shell::new();
    let name = RwSignal::new(String::new());
    let found = RwSignal::new(None::<(Followers, Vec<String>)>);
    let target = RwSignal::new(String::new());
    let look = move |opening: Opening| {
        let of = name.get_untracked();
        opening.ask(async move { situation(kind, &of).await }, move |(followers, others)| {
            if target.with_untracked(|chosen| !others.contains(chosen)) {
                let usual = others.iter().find(|other| *other == FIRST).or(others.first());
                target.set(usual.cloned().unwrap_or_default());
            }
            found.set(Some((followers, others)));
        });
    };
    let fill = move |of: Option<String>| {
        name.set(of.unwrap_or_default());
        found.set(None);
    };
    let opened = move |opening| {
        if name.with_untracked(|name| name != FIRST) {
            look(opening);
        }
    };
    shell.open_when(asked, fill, opened);
    let submit = Callback::new(move |()| {
        shell.refused.clear();
        let followed = found.with_untracked(|found| found.as_ref().is_some_and(|(followers, _)| followers.count > 0));
        let deleting = delete_policy(kind, name.get_untracked(), followed.then(|| target.get_untracked()));
        let opening = shell.opening();
        let deleting = async move {
            let answer = deleting.await;
            // It may have gained followers while the dialog was open.
            if answer.is_err() && opening.is_current() {
                look(opening);
            }
            answer.map(|()| "Resource policy successfully deleted.".into())
        };
        shell.send(deleting, || (), changed);
    });
    let title = Signal::derive(move || format!("Delete Policy '{}'", name.get()));
    let button = move || match found.get() {
        Some((followers, _)) if followers.count == 0 => Some("Delete"),
        Some((_, others)) if !others.is_empty() => Some("Move and delete"),
        _ => None,
    };
    let contents = ViewFn::from(move || {
        view! {
            {move || match found.get() {
                _ if name.with(|name| name == FIRST) => stays(kind),
                Some((followers, others)) => question(kind, &followers, others, target, shell.refused),
                None => view! { <Skeleton lines=2/> }.into_any(),
            }}
            {shell.refused.notice()}
            <div class="dialog-actions">
                <Button on_press=Callback::new(move |()| shell.open.set(false))>"Cancel"</Button>
                {move || button().map(|label| view! { <Button variant=Variant::Danger submit=true busy=shell.pending>{label}</Button> })}
            </div>
        }
    });
    shell.view(title, submit, Callback::new(|()| ()), contents)
}

/// The text in place of the question for the policy that always stays, in the words of the server, which would refuse.
fn stays(kind: PolicyKind) -> AnyView {
    let (_, many) = kind.followers();
    view! { <p>{format!("New {many} use the policy {FIRST}, so it cannot be deleted. Change its limits instead.")}</p> }
        .into_any()
}

fn question(kind: PolicyKind, followers: &Followers, others: Vec<String>, target: RwSignal<String>, refused: Refused) -> AnyView {
    if followers.count == 0 {
        return view! { <p>"Nobody uses it. This cannot be undone."</p> }.into_any();
    }
    let description = describe_followers(kind, followers);
    if others.is_empty() {
        return view! {
            <p>{description}" Inactive ones are included."</p>
            <p>"There is no other policy to move them to. Create one first."</p>
        }
        .into_any();
    }
    let options = Signal::stored(others.into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>());
    view! {
        <p>{description}" Inactive ones are included."</p>
        <Field name="policy-move-to" label="Move them to" hint="They will use this policy." error=refused.field_error("move_to")>
            <Select name="policy-move-to" value=target options=options/>
        </Field>
        <p>"This cannot be undone."</p>
    }
    .into_any()
}
