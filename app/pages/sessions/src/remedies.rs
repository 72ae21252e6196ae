//! Ways out for the owner of a session that waits: ask for the same where it fits now, or for less.

use super::amounts;
use super::launcher::{address_of, fits_now};
use console::api::sessions::start_options;
use console::chunk;
use console::frame::use_me;
use leptos::prelude::*;
use leptos_router::components::A;
use types::quantity::{CPU, MEM, Quantity, Slots};
use types::sessions::launch::{StartOptions, StartSession};
use types::sessions::{SessionDetail, Status};

chunk!(parts:
    /// Links under the reason of the reader's own waiting session; nothing while it does not wait, or where nothing would help.
    pub fn links(session: Signal<Option<SessionDetail>>) {
        let me = use_me().id;
        // Asked for again when the reason changes, not with every move in the queue.
        let waiting = Memo::new(move |_| {
            session.with(|session| {
                let session = session.as_ref().filter(|s| s.row.status == Status::Pending && s.row.owner == me)?;
                (!session.row.brief.is_empty()).then(|| (session.row.brief.clone(), StartSession::again(session)))
            })
        });
        let found = RwSignal::new(Vec::<(String, String)>::new());
        Effect::new(move |_| {
            let Some((brief, asked)) = waiting.get() else { return found.set(Vec::new()) };
            leptos::task::spawn_local(async move {
                // Without an answer the reason stands alone.
                let Ok(options) = start_options(String::new()).await else { return };
                let still = waiting.try_get_untracked().flatten().is_some_and(|(now, _)| now == brief);
                if still {
                    found.try_set(ways_out(&asked, &options));
                }
            });
        });
        let link = |(address, text): (String, String)| view! { <li><A href=address>{text}</A></li> };
        view! {
            {move || found.with(|found| !found.is_empty()).then(|| view! {
                <ul class="remedies" aria-label="What you can do">{found.get().into_iter().map(link).collect::<Vec<_>>()}</ul>
            })}
        }
        .into_any()
    }
);

/// The launcher's addresses with what would fit now, each with its text.
fn ways_out(asked: &StartSession, options: &StartOptions) -> Vec<(String, String)> {
    let mine = options.groups.iter().filter(|group| group.projects.contains(&asked.project));
    let elsewhere = mine.filter(|group| group.name != asked.resource_group).filter_map(|group| {
        let there = StartSession { resource_group: group.name.clone(), ..asked.clone() };
        let text = format!("Start a copy in {}: it fits there now", group.name);
        fits_now(&there, options).then(|| (address_of(&there), text))
    });
    let smaller = smaller(asked, options).map(|less| {
        let text = format!("Start a smaller copy: {} fit now", amounts(&less.slots));
        (address_of(&less), text)
    });
    elsewhere.chain(smaller).collect()
}

/// The largest request of the same proportions that fits now in the same resource group.
fn smaller(asked: &StartSession, options: &StartOptions) -> Option<StartSession> {
    let group = options.groups.iter().find(|group| group.name == asked.resource_group)?;
    if asked.cluster.size > 1 {
        return None;
    }
    let mut shares: Vec<_> = group
        .free
        .iter()
        .map(|room| Share::of(&asked.slots, room))
        .filter(|share| share.part > 0 && *share < Share::ALL)
        .collect();
    shares.sort_unstable_by(|a, b| b.cmp(a));
    shares.dedup();
    shares.into_iter().find_map(|share| {
        let less = StartSession { slots: reduced(&asked.slots, share)?, shared_memory: None, ..asked.clone() };
        fits_now(&less, options).then_some(less)
    })
}

/// A part of a whole, exactly: a third of three GPUs is one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Share {
    part: i128,
    whole: i128,
}

impl Share {
    const ALL: Self = Self { part: 1, whole: 1 };

    /// The share of `whole` that `part` is in every amount, at most all of it.
    fn of(whole: &Slots, part: &Slots) -> Self {
        let of = |(slot, whole): (&String, &Quantity)| Self {
            part: part.get(slot).as_thousandths().into(),
            whole: whole.as_thousandths().into(),
        };
        whole.0.iter().filter(|(_, amount)| **amount > Quantity::ZERO).map(of).fold(Self::ALL, Self::min)
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.part * other.whole).cmp(&(other.part * self.whole))
    }
}

/// This share of every amount, in steps that are of use: whole GPUs, tenths of one that was asked for in parts, half cores, 256 MiB.
/// Nothing when one of them would be none at all.
fn reduced(slots: &Slots, share: Share) -> Option<Slots> {
    let step = |slot: &str, amount: i64| match slot {
        CPU => 500,
        MEM => 1000 * (256 << 20),
        _ if amount % 1000 == 0 => 1000,
        _ => 100,
    };
    let stepped = |share: Share| {
        let all = slots.0.iter().filter(|(_, amount)| **amount > Quantity::ZERO).map(|(slot, amount)| {
            let amount = amount.as_thousandths();
            let step = step(slot, amount);
            let part = i64::try_from(i128::from(amount) * share.part / share.whole).unwrap_or(amount);
            (slot.clone(), Quantity::thousandths(part / step * step))
        });
        Slots(all.collect())
    };
    // The scarcest decides: half of three GPUs is one, and then a third of the rest.
    let less = stepped(Share::of(slots, &stepped(share)));
    less.0.values().all(|amount| *amount > Quantity::ZERO).then_some(less)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(gpus: i64, cores: i64, gib: i64) -> Slots {
        let mut slots = Slots::cpu_mem(Quantity::whole(cores), gib << 30);
        slots.0.insert("cuda.device".into(), Quantity::whole(gpus));
        slots
    }

    #[test]
    fn a_smaller_request_has_the_same_proportions_in_whole_gpus() {
        let half = Share::of(&slots(3, 12, 96), &slots(2, 6, 96));
        assert_eq!((half.part, half.whole), (6_000, 12_000));
        let less = reduced(&slots(3, 13, 96), half).unwrap();
        assert_eq!((less.get("cuda.device"), less.get(CPU)), (Quantity::whole(1), Quantity::whole(4)));
        assert_eq!(less.get(MEM), Quantity::whole(32 << 30));
        assert_eq!(reduced(&slots(1, 4, 8), half), None, "half a GPU is none");
    }
}
