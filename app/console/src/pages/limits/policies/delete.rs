//! The dialog that deletes a policy: at once when nobody follows it, otherwise with the policy that its followers are moved to.

use super::followers_told;
use crate::api::limits::policies::{delete_policy, policy_followers};
use crate::api::people::keypairs::keypair_policy_names;
use crate::api::people::users::user_policy_names;
use crate::api::projects::project_policy_names;
use crate::form::{Refused, on_submit};
use leptos::prelude::*;
use types::Problem;
use types::limits::policies::{Followers, PolicyKind};
use ui::{Button, Dialog, Field, Select, Skeleton, Variant, use_toaster};

/// The policy that everything new follows: it always stays.
const FIRST: &str = "default";

async fn names(kind: PolicyKind) -> Result<Vec<String>, Problem> {
    match kind {
        PolicyKind::Keypair => keypair_policy_names().await,
        PolicyKind::User => user_policy_names().await,
        PolicyKind::Project => project_policy_names().await,
    }
}

/// Who follows a policy, and the names of the others.
async fn situation(kind: PolicyKind, name: &str) -> Result<(Followers, Vec<String>), Problem> {
    let followers = policy_followers(kind, name.to_owned()).await?;
    let mut others = if followers.count > 0 { names(kind).await? } else { Vec::new() };
    others.retain(|other| other != name);
    Ok((followers, others))
}

/// The dialog for whatever policy is asked for; `changed` is called when one is gone.
pub fn dialog(kind: PolicyKind, asked: RwSignal<Option<String>>, changed: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let name = RwSignal::new(String::new());
    let found = RwSignal::new(None::<(Followers, Vec<String>)>);
    let target = RwSignal::new(String::new());
    let refused = Refused::new();
    let toaster = use_toaster();
    let look = move |of: String| {
        leptos::task::spawn_local(async move {
            let answer = situation(kind, &of).await;
            // An answer about a policy that is no longer asked about.
            if name.with_untracked(|now| *now != of) {
                return;
            }
            match answer {
                Ok((followers, others)) => {
                    if target.with_untracked(|chosen| !others.contains(chosen)) {
                        let usual = others.iter().find(|other| *other == FIRST).or(others.first());
                        target.set(usual.cloned().unwrap_or_default());
                    }
                    found.set(Some((followers, others)));
                }
                Err(problem) => refused.set(problem),
            }
        });
    };
    Effect::new(move |_| {
        let Some(of) = asked.get() else { return };
        name.set(of.clone());
        found.set(None);
        refused.clear();
        open.set(true);
        asked.set(None);
        if of != FIRST {
            look(of);
        }
    });
    let delete = Action::new(move |(of, move_to): &(String, Option<String>)| {
        let (of, move_to) = (of.clone(), move_to.clone());
        async move {
            let answer = delete_policy(kind, of.clone(), move_to).await;
            // The dialog may ask about another policy by now, or be closed.
            let here = open.try_get_untracked() == Some(true) && name.try_with_untracked(|now| *now == of) == Some(true);
            match answer {
                Ok(()) => {
                    if here {
                        open.set(false);
                    }
                    toaster.good("Resource policy successfully deleted.");
                    changed.run(());
                }
                Err(problem) if !here => toaster.bad(problem.to_string()),
                Err(problem) => {
                    refused.set(problem);
                    // Somebody may have come to follow it while the dialog was open.
                    look(of);
                }
            }
        }
    });
    let read = move || {
        let followed = found.with_untracked(|found| found.as_ref().is_some_and(|(followers, _)| followers.count > 0));
        Ok((name.get_untracked(), followed.then(|| target.get_untracked())))
    };
    let submit = on_submit(refused, read, move |what| drop(delete.dispatch(what)));
    let title = Signal::derive(move || format!("Delete Policy '{}'", name.get()));
    let cancel = Callback::new(move |()| open.set(false));
    let button = move || match found.get() {
        Some((followers, _)) if followers.count == 0 => Some("Delete"),
        Some((_, others)) if !others.is_empty() => Some("Move and delete"),
        _ => None,
    };
    view! {
        <Dialog open=open title=title on_close=cancel>
            <form class="form" novalidate on:submit=submit>
                {move || match found.get() {
                    _ if name.with(|name| name == FIRST) => stays(kind),
                    Some((followers, others)) => question(kind, &followers, others, target, refused),
                    None => view! { <Skeleton lines=2/> }.into_any(),
                }}
                {refused.notice()}
                <div class="dialog-actions">
                    <Button on_press=cancel>"Cancel"</Button>
                    {move || button().map(|label| view! { <Button variant=Variant::Danger submit=true busy=delete.pending()>{label}</Button> })}
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}

/// What is said in place of a question, in the words of the server, which would refuse it.
fn stays(kind: PolicyKind) -> AnyView {
    let (_, many) = kind.followers();
    view! { <p>{format!("New {many} follow the policy {FIRST}, so it stays. Change its limits.")}</p> }.into_any()
}

fn question(kind: PolicyKind, followers: &Followers, others: Vec<String>, target: RwSignal<String>, refused: Refused) -> AnyView {
    if followers.count == 0 {
        return view! { <p>"Nobody follows it. This cannot be undone."</p> }.into_any();
    }
    let told = followers_told(kind, followers);
    if others.is_empty() {
        return view! {
            <p>{told}" Inactive ones are counted."</p>
            <p>"There is no other policy to move them to. Create one first."</p>
        }
        .into_any();
    }
    let options = Signal::stored(others.into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>());
    view! {
        <p>{told}" Inactive ones are counted."</p>
        <Field name="policy-move-to" label="Move them to" hint="They follow this policy from then on." error=refused.of("move_to")>
            <Select name="policy-move-to" value=target options=options/>
        </Field>
        <p>"This cannot be undone."</p>
    }
    .into_any()
}
