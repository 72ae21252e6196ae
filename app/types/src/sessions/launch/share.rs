//! Checks a request against a project's or a domain's limit, in the launcher and again on the server.

use super::{StartSession, Verdict};
use crate::quantity::{Slots, describe};

/// Checks a request against the limit of a project or domain, given what its sessions hold. `whose` names it: `Project lab`.
pub fn against_share(asked: &StartSession, whose: &str, limit: &Slots, using: &Slots) -> Verdict {
    let mut verdict = Verdict::default();
    let one = asked.cluster.of_all(&asked.slots);
    let all = one.times(asked.count.max(1));
    for (slot, limit) in &limit.0 {
        let (wanted, used) = (one.get(slot), using.get(slot));
        if wanted > *limit {
            verdict.refusals.push(format!(
                "{whose} may hold {} in all; this session asks for {}.",
                describe(slot, *limit),
                describe(slot, wanted)
            ));
        } else if all.get(slot).plus(used) > *limit {
            let together = match asked.count {
                0 | 1 => String::new(),
                count => format!("; {count} sessions ask for {} together, so some of them wait", describe(slot, all.get(slot))),
            };
            verdict.waits.push(format!(
                "{whose} may hold {}; in use: {}{together}.",
                describe(slot, *limit),
                describe(slot, used)
            ));
        }
    }
    verdict
}
