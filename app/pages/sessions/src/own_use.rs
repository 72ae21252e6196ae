//! Resources that the reader's own sessions hold, compared with their policy.

use console::slots::short;
use leptos::prelude::*;
use types::quantity::{MEM, Quantity, bytes};
use types::sessions::launch::OwnUse;
use ui::Meter;

/// One line of small meters, once the values are known. For those who look after other people's sessions, only while they have
/// sessions themselves.
pub fn own_use(used: Signal<Option<OwnUse>>, everybody: bool) -> AnyView {
    let shown = move |used: &OwnUse| !everybody || used.using.sessions > 0 || used.using.pending > 0;
    let line = move |used: &OwnUse| view! { <section class="own-use" aria-label="My resources">{items(used)}</section> };
    view! { {move || used.with(|used| used.as_ref().filter(|used| shown(used)).map(line))} }.into_any()
}

fn items(used: &OwnUse) -> AnyView {
    let OwnUse { policy, using, slots } = used;
    let count = |n: u32| Quantity::whole(i64::from(n));
    let sessions = usage_meter("Sessions", count(using.sessions), policy.max_sessions.map(count), |n| n.to_string());
    let slots: Vec<_> = slots
        .iter()
        .map(|slot| {
            usage_meter(short(slot), using.slots.get(slot), policy.limit(slot), |n| {
                if slot == MEM { bytes(n.floor()) } else { n.to_string() }
            })
        })
        .collect();
    let waiting = (using.pending > 0).then(|| view! { <li>{format!("{} waiting", using.pending)}</li> });
    view! {
        <h2>"My resources"</h2>
        <ul>{sessions}{waiting}{slots}<li class="hint">{format!("Policy {}", policy.name)}</li></ul>
    }
    .into_any()
}

/// `CPU 4 of 32`, with a meter where there is a limit.
fn usage_meter(name: &str, used: Quantity, limit: Option<Quantity>, display: impl Fn(Quantity) -> String) -> AnyView {
    let text = match limit {
        Some(limit) => format!("{} of {}", display(used), display(limit)),
        None => format!("{} of ∞", display(used)),
    };
    let meter = match limit {
        Some(limit) => view! { <Meter label=format!("{name} in use") share=used.ratio_of(limit) text=text/> }.into_any(),
        None => view! { <span class="amount"><span>{text}</span></span> }.into_any(),
    };
    view! { <li><span class="own-use-name">{name.to_owned()}</span>" "{meter}</li> }.into_any()
}
