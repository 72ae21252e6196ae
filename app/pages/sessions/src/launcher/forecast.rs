//! The expected outcome of a request before it is sent, computed by the same functions that the server checks with.

use types::quantity::{Slots, describe};
use types::sessions::ClusterMode;
use types::sessions::launch::{GroupOffer, StartOptions, StartSession, against_policy, against_share};

/// The obstacles to a request, as sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// The server would refuse it, or it could never start.
    pub refusals: Vec<String>,
    /// It would wait.
    pub waits: Vec<String>,
    /// It would be changed.
    pub notes: Vec<String>,
    /// The total of all containers of all its sessions.
    pub total: Slots,
    /// Several containers need places of their own; whether they fit at the same time is not computed.
    pub several: bool,
}

/// Checks a request against everything that is offered.
pub fn forecast(asked: &StartSession, options: &StartOptions) -> Forecast {
    let mut asked = asked.clone();
    let image = options.images.iter().find(|image| image.name == asked.image);
    let notes = image.map(|image| asked.raise_to(&image.minimum)).unwrap_or_default();
    let verdict = against_policy(&asked, &options.policy, &options.using);
    let mut forecast = Forecast {
        refusals: verdict.refusals,
        waits: verdict.waits,
        notes,
        total: asked.cluster.of_all(&asked.slots).times(asked.count.max(1)),
        several: asked.count > 1 || (asked.cluster.mode == ClusterMode::MultiNode && asked.cluster.size > 1),
    };
    check_several(&asked, options, &mut forecast);
    let project = options.projects.iter().find(|project| project.id == asked.project);
    let project = project.map(|project| (format!("Project {}", project.name), &project.limit, &project.using));
    let domain = (format!("Domain {}", options.domain.name), &options.domain.limit, &options.domain.using);
    for (whose, limit, using) in project.into_iter().chain([domain]) {
        let verdict = against_share(&asked, &whose, limit, using);
        forecast.refusals.extend(verdict.refusals);
        forecast.waits.extend(verdict.waits);
    }
    of_group(&asked, options, &mut forecast);
    if !asked.depends_on.is_empty() {
        forecast.waits.push(format!("It waits for {} to finish successfully.", asked.depends_on.join(", ")));
    }
    if asked.starts_at.is_some() {
        forecast.waits.push("It does not start before its start time.".into());
    }
    forecast
}

/// Whether there is room for a request now, whoever waits before it.
pub fn fits_now(asked: &StartSession, options: &StartOptions) -> bool {
    let groups = options.groups.iter().map(|group| GroupOffer { pending: 0, ..group.clone() }).collect();
    let forecast = forecast(asked, &StartOptions { groups, ..options.clone() });
    forecast.refusals.is_empty() && forecast.waits.is_empty()
}

/// Checks several sessions: one of them may fit where all together do not.
fn check_several(asked: &StartSession, options: &StartOptions, forecast: &mut Forecast) {
    let (policy, one) = (&options.policy, asked.cluster.of_all(&asked.slots));
    for (slot, amount) in &one.0 {
        let Some(limit) = policy.limit(slot).filter(|_| asked.count > 1) else { continue };
        let (used, all) = (options.using.slots.get(slot), amount.times(asked.count));
        if amount.plus(used) <= limit && all.plus(used) > limit {
            forecast.waits.push(format!(
                "Policy {} allows {}; in use: {}; {} sessions ask for {} together, so some of them wait.",
                policy.name,
                describe(slot, limit),
                describe(slot, used),
                asked.count,
                describe(slot, all)
            ));
        }
    }
}

fn of_group(asked: &StartSession, options: &StartOptions, forecast: &mut Forecast) {
    let Some(group) = options.groups.iter().find(|group| group.name == asked.resource_group) else { return };
    let name = &group.name;
    if !group.session_types.contains(&asked.kind) {
        forecast.refusals.push(format!("Resource group {name} does not accept {} sessions.", asked.kind.label().to_lowercase()));
    }
    let single = asked.cluster.mode == ClusterMode::SingleNode;
    let part = if single { asked.cluster.of_all(&asked.slots) } else { asked.slots.clone() };
    let fits = |rooms: &[Slots]| rooms.iter().any(|room| part.beyond(room).next().is_none());
    if group.capacity.is_empty() {
        forecast.waits.push(format!("Resource group {name} has no agent that takes sessions now."));
    } else if !fits(&group.capacity) {
        forecast
            .refusals
            .push(format!("It cannot start in resource group {name}: no agent there has that much, even when empty."));
    } else if !fits(&group.free) {
        forecast.waits.push(format!("No agent of resource group {name} has room for it now: it will wait."));
    } else if group.pending > 0 {
        let sessions = if group.pending == 1 { "1 session waits".into() } else { format!("{} sessions wait", group.pending) };
        forecast.waits.push(format!("{sessions} in resource group {name}: it may have to wait its turn."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::id::ProjectId;
    use types::limits::policies::KeypairPolicy;
    use types::quantity::Quantity;
    use types::sessions::SessionType;
    use types::sessions::launch::{DomainOffer, ImageOffer, InUse, ProjectOffer};

    fn options() -> StartOptions {
        let slots = |cpu: i64| Slots::cpu_mem(Quantity::whole(cpu), cpu << 30);
        let project = ProjectId(Default::default());
        StartOptions {
            projects: vec![ProjectOffer { id: project, name: "lab".into(), limit: slots(8), using: slots(7) }],
            domain: DomainOffer { name: "default".into(), ..DomainOffer::default() },
            groups: vec![GroupOffer {
                name: "default".into(),
                description: String::new(),
                session_types: vec![SessionType::Interactive],
                projects: vec![project],
                free: vec![slots(2)],
                capacity: vec![slots(4)],
                free_in_all: slots(2),
                in_all: slots(4),
                pending: 0,
            }],
            images: vec![ImageOffer { name: "host".into(), label: "host".into(), minimum: slots(1) }],
            presets: Vec::new(),
            slots: Vec::new(),
            policy: KeypairPolicy::new("default"),
            using: InUse::default(),
            recent: Vec::new(),
        }
    }

    fn asked(cpu: i64) -> StartSession {
        StartSession {
            resource_group: "default".into(),
            image: "host".into(),
            slots: Slots::cpu_mem(Quantity::thousandths(cpu), (cpu << 30) / 1000),
            ..StartSession::default()
        }
    }

    #[test]
    fn waits_refusals_and_raised_amounts_are_forecast() {
        assert_eq!(forecast(&asked(1_000), &options()).waits, Vec::<String>::new());
        let busy = forecast(&asked(3_000), &options());
        assert!(busy.waits.iter().any(|text| text == "No agent of resource group default has room for it now: it will wait."));
        assert!(busy.waits.iter().any(|text| text.starts_with("Project lab may hold 8 CPU cores; in use: 7 CPU cores")));
        let large = forecast(&asked(6_000), &options());
        assert_eq!(large.refusals, ["It cannot start in resource group default: no agent there has that much, even when empty."]);
        let small = forecast(&asked(500), &options());
        assert!(small.notes[0].starts_with("Raised from 0.5 CPU cores to 1 CPU core"), "{:?}", small.notes);
        let policy = KeypairPolicy { total: Slots::cpu_mem(Quantity::whole(5), 99 << 30), ..KeypairPolicy::new("student") };
        let several = forecast(&StartSession { count: 3, ..asked(2_000) }, &StartOptions { policy, ..options() });
        assert!(several.waits[0].contains("3 sessions ask for 6 CPU cores together"), "{:?}", several.waits);
        // One of them would have room, so the result for all is unknown.
        let two = forecast(&StartSession { count: 2, ..asked(1_000) }, &options());
        assert!(two.several && !busy.several);
        let project = "Project lab may hold 8 CPU cores; in use: 7 CPU cores; 2 sessions ask for 2 CPU cores together";
        assert!(two.waits.iter().any(|text| text.starts_with(project)), "{:?}", two.waits);
        let batch = forecast(&StartSession { kind: SessionType::Batch, ..asked(1_000) }, &options());
        assert_eq!(batch.refusals, ["Resource group default does not accept batch sessions."]);
    }
}
