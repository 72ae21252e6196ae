//! Decisions about small queues, as sentences. Larger queues are in `tests/properties.rs`, worked examples in `tests/vectors`.

use crate::*;
use types::quantity::Quantity;
use types::sessions::ClusterMode;

/// Makes an id of any kind from number `n`.
pub(crate) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u32) -> T {
    format!("00000000-0000-0000-0000-{n:012}").parse().unwrap()
}

pub(crate) fn slots(amounts: &[(&str, i64)]) -> Slots {
    Slots(amounts.iter().map(|(slot, amount)| ((*slot).to_owned(), Quantity::whole(*amount))).collect())
}

pub(crate) fn room(agent: &str, capacity: &[(&str, i64)]) -> Room {
    let capacity = slots(capacity);
    Room {
        agent: agent.into(),
        engine: "local".into(),
        resource_group: "default".into(),
        schedulable: true,
        free: capacity.clone(),
        capacity,
    }
}

/// Makes session number `n`, requested by person number `who`.
pub(crate) fn waiting(n: u32, who: u32, asked: &[(&str, i64)]) -> Waiting {
    Waiting {
        id: id(n),
        name: format!("session{n}"),
        user: id(100 + who),
        access_key: format!("KEY{who}"),
        policy: "default".into(),
        project: id(200),
        domain: id(300),
        resource_group: "default".into(),
        priority: 10,
        engines: None,
        slots: slots(asked),
        cluster: Cluster::default(),
        created_at: Millis(i64::from(n)),
        starts_at: None,
        depends_on: Vec::new(),
        limit: None,
        lasts: None,
        refused: None,
    }
}

fn cpu(n: u32, who: u32, cpu: i64) -> Waiting {
    waiting(n, who, &[("cpu", cpu), ("mem", cpu << 30)])
}

/// Makes a snapshot of one agent with `cores` cores and as many GiB of memory.
fn snapshot(cores: i64, queue: Vec<Waiting>) -> Snapshot {
    let group =
        Group { scheduler: SchedulerKind::Fifo, placement: Placement::Dispersed, retries_to_skip: 0, pending_timeout: None };
    Snapshot {
        now: Millis(10_000),
        groups: [("default".to_owned(), group)].into(),
        agents: vec![room("vm", &[("cpu", cores), ("mem", cores << 30)])],
        queue,
        ..Snapshot::default()
    }
}

fn with_policy(mut snapshot: Snapshot, limit: impl Fn(&mut KeypairPolicy)) -> Snapshot {
    let mut policy = KeypairPolicy::new("default");
    limit(&mut policy);
    snapshot.policies.insert(policy.name.clone(), policy);
    snapshot
}

/// Describes each session's decision, by position: its agents, or the sentence.
fn outcomes(snapshot: &Snapshot) -> Vec<String> {
    let say = |decided: Decided| match decided.decision {
        Decision::Place(agents) => agents.join("+"),
        Decision::Wait(reason) | Decision::Cancel(reason) => reason.describe(),
    };
    schedule(snapshot).into_iter().map(say).collect()
}

#[test]
fn sessions_start_in_the_order_they_were_asked_for() {
    let outcomes = outcomes(&snapshot(3, vec![cpu(1, 1, 2), cpu(2, 2, 2), cpu(3, 3, 1)]));
    assert_eq!(outcomes[0], "vm");
    assert_eq!(
        outcomes[1],
        "Waiting for resources: it asks for 2 CPU cores, but the most any agent has free is 1 CPU core; \
         it asks for 2 GiB of memory, but the most any agent has free is 1 GiB of memory."
    );
    assert_eq!(outcomes[2], "Waiting its turn: 1 session is ahead of it.");
}

#[test]
fn a_session_that_can_never_start_says_why_and_holds_up_nobody() {
    let gpu = waiting(3, 3, &[("cpu", 1), ("cuda.device", 1)]);
    let outcomes = outcomes(&snapshot(2, vec![cpu(1, 1, 64), gpu, cpu(2, 2, 1)]));
    assert!(
        outcomes[0].starts_with("Cannot start here: it asks for 64 CPU cores, but the largest agent has 2 CPU cores"),
        "{}",
        outcomes[0]
    );
    assert_eq!(outcomes[1], "Cannot start here: it asks for 1 GPU, but the largest agent has 0 GPUs.");
    assert_eq!(outcomes[2], "vm");
}

#[test]
fn a_keypairs_own_limits_hold_back_only_its_own_sessions() {
    let queue = vec![cpu(1, 1, 1), cpu(2, 1, 1), cpu(3, 2, 1)];
    let one = outcomes(&with_policy(snapshot(8, queue.clone()), |policy| policy.max_sessions = Some(1)));
    assert_eq!(one, ["vm", "Waiting for one of its owner's sessions to end: policy default allows 1 at a time.", "vm"]);
    let total = outcomes(&with_policy(snapshot(8, queue.clone()), |policy| policy.total = slots(&[("cpu", 1)])));
    assert_eq!(
        total[1],
        "Waiting for its owner's sessions: policy default allows 1 CPU core; in use: 1 CPU core; this one asks for 1 CPU core."
    );
    assert_eq!(total[2], "vm");
    let others = outcomes(&with_policy(snapshot(8, queue), |policy| {
        policy.total = slots(&[("cpu", 9)]);
        policy.others_unlimited = false;
    }));
    assert!(others[0].contains("allows 0 B of memory"), "{}", others[0]);
}

#[test]
fn all_containers_count_against_the_cluster_size_and_the_limits() {
    let mut session = cpu(1, 1, 2);
    session.cluster = Cluster { mode: ClusterMode::MultiNode, size: 3 };
    let queue = vec![session];
    let one = outcomes(&with_policy(snapshot(8, queue.clone()), |_| {}));
    assert_eq!(one, ["Cannot start here: policy default allows 1 container in one session; this one asks for 3."]);
    let total = with_policy(snapshot(8, queue.clone()), |policy| {
        policy.max_cluster = 3;
        policy.total = slots(&[("cpu", 5)]);
    });
    assert!(outcomes(&total)[0].contains("allows 5 CPU cores; in use: 0 CPU cores; this one asks for 6 CPU cores"));
    assert_eq!(outcomes(&snapshot(8, queue)), ["vm+vm+vm"], "without a policy there is no limit");
}

#[test]
fn a_session_whose_containers_do_not_all_fit_says_how_many_would() {
    let mut session = cpu(1, 1, 2);
    session.cluster = Cluster { mode: ClusterMode::MultiNode, size: 3 };
    let never = outcomes(&snapshot(4, vec![session.clone()]));
    assert_eq!(never, ["Cannot start here: it asks for 3 containers, but even empty agents have room for only 2 of them."]);
    let now = outcomes(&snapshot(6, vec![cpu(2, 2, 1), session]));
    assert_eq!(
        now[1],
        "Waiting for resources: it asks for 3 containers, but there is room for only 2 of them now. \
         5 of 6 CPU cores kept for it. 5 GiB of 6 GiB of memory kept for it."
    );
}

#[test]
fn the_limits_of_a_project_and_a_domain_hold_back_their_sessions() {
    let share = |cpu| Share { name: "lab".into(), limit: slots(&[("cpu", cpu)]), used: slots(&[("cpu", 1)]) };
    let mut within = snapshot(8, vec![cpu(1, 1, 2), cpu(2, 2, 1)]);
    within.projects.insert(id(200), share(3));
    let waits =
        "Waiting for its project's sessions: project lab allows 3 CPU cores; in use: 3 CPU cores; this one asks for 1 CPU core.";
    assert_eq!(outcomes(&within), ["vm", waits]);
    within.projects.clear();
    within.domains.insert(id(300), share(2));
    let waits =
        "Waiting for its domain's sessions: domain lab allows 2 CPU cores; in use: 1 CPU core; this one asks for 2 CPU cores.";
    assert_eq!(outcomes(&within), [waits, "vm"]);
}

#[test]
fn a_session_waits_for_its_dependencies_and_is_cancelled_if_one_failed() {
    let on = |name: &str, state| Dependency { name: name.into(), state };
    let mut queue = vec![cpu(1, 1, 1), cpu(2, 2, 1), cpu(3, 3, 1)];
    queue[0].depends_on = vec![on("a", DependencyState::Done), on("b", DependencyState::Waiting)];
    queue[1].depends_on = vec![on("c", DependencyState::Waiting), on("d", DependencyState::Failed)];
    queue[2].depends_on = vec![on("e", DependencyState::Done)];
    let decided: Vec<_> = schedule(&snapshot(8, queue)).into_iter().map(|decided| decided.decision).collect();
    assert_eq!(decided[0], Decision::Wait(Reason::WaitsFor { names: vec!["b".into()] }));
    assert_eq!(decided[1], Decision::Cancel(Reason::DependencyFailed { name: "d".into() }));
    assert_eq!(decided[2], Decision::Place(vec!["vm".into()]));
}

#[test]
fn a_session_does_not_start_before_its_time() {
    let mut queue = vec![cpu(1, 1, 1), cpu(2, 2, 1)];
    queue[0].starts_at = Some(Millis(10_001));
    queue[1].starts_at = Some(Millis(10_000));
    let outcomes = outcomes(&snapshot(8, queue));
    assert_eq!(outcomes, ["Waiting for its start time, 1970-01-01 00:00:10 UTC.", "vm"]);
}

#[test]
fn a_session_that_waited_too_long_is_cancelled() {
    let mut queue = vec![cpu(1, 1, 1), cpu(2, 2, 1)];
    queue[0].created_at = Millis(5_000);
    queue[1].created_at = Millis(5_001);
    let mut five = snapshot(8, queue);
    let timeout = |seconds, snapshot: &mut Snapshot| snapshot.groups.get_mut("default").unwrap().pending_timeout = seconds;
    timeout(Some(5), &mut five);
    let reason = Reason::PendingTimeout { resource_group: "default".into(), seconds: 5 };
    assert_eq!(schedule(&five)[0].decision, Decision::Cancel(reason));
    assert_eq!(schedule(&five)[1].decision, Decision::Place(vec!["vm".into()]));
    timeout(Some(0), &mut five);
    assert_eq!(outcomes(&five), ["vm", "vm"], "0 is for ever");
}

#[test]
fn having_no_agents_and_having_none_that_take_sessions_differ() {
    let mut none = snapshot(8, vec![cpu(1, 1, 1)]);
    none.agents[0].schedulable = false;
    assert_eq!(outcomes(&none), ["Waiting for an agent: none in resource group default takes new sessions now."]);
    none.agents.clear();
    assert_eq!(outcomes(&none), ["Waiting for an agent: resource group default has none."]);
    none.queue[0].resource_group = "elsewhere".into();
    assert_eq!(outcomes(&none), ["Waiting for an agent: resource group elsewhere has none."]);
}

#[test]
fn groups_have_their_own_queues_and_share_the_limits() {
    let mut queue = vec![cpu(1, 1, 9), cpu(2, 2, 9), cpu(3, 1, 1)];
    queue[2].resource_group = "other".into();
    let mut two = snapshot(9, queue);
    two.agents[0].free = slots(&[]);
    two.groups.insert("other".into(), two.groups["default"].clone());
    two.agents.push(Room { resource_group: "other".into(), ..room("vm2", &[("cpu", 1), ("mem", 1 << 30)]) });
    let decided = schedule(&two);
    assert_eq!(decided.iter().map(|decided| decided.position).collect::<Vec<_>>(), [Some(1), Some(2), None]);
    assert_eq!(
        decided.iter().map(|decided| decided.tried).collect::<Vec<_>>(),
        [true, true, false],
        "a refusal counts for all with the same request"
    );
    assert_eq!(decided[2].decision, Decision::Place(vec!["vm2".into()]));
    assert_eq!(order(&two, "default"), [id(1), id(2)]);
    assert_eq!(order(&two, "nowhere"), []);
    two.agents[0].free = two.agents[0].capacity.clone();
    let one = with_policy(two, |policy| policy.max_sessions = Some(1));
    assert!(matches!(schedule(&one)[2].decision, Decision::Wait(Reason::TooManySessions { .. })));
}

#[test]
fn drf_serves_the_person_with_the_smallest_dominant_share() {
    // The group has 10 cores, 10 GiB and 4 devices. Person 1 holds 5 cores (1/2), 2 holds 1 device (1/4), 3 holds nothing.
    let ask = |n, who, cpu, gpu| waiting(n, who, &[("cpu", cpu), ("cuda.device", gpu)]);
    let queue = vec![ask(1, 1, 1, 0), ask(2, 1, 1, 0), ask(3, 2, 1, 1), ask(4, 2, 1, 0), ask(5, 3, 1, 2), ask(6, 3, 1, 0)];
    let mut fair = snapshot(10, queue);
    fair.agents = vec![room("vm", &[("cpu", 10), ("cuda.device", 4), ("mem", 10 << 30)])];
    fair.agents[0].free = slots(&[("cpu", 4), ("cuda.device", 3), ("mem", 10 << 30)]);
    let holds = |who: u32, slots| PersonHeld { user: id(100 + who), resource_group: "default".into(), slots };
    fair.people = vec![
        holds(1, slots(&[("cpu", 5)])),
        holds(2, slots(&[("cpu", 1), ("cuda.device", 1)])),
        // Resources held in other groups do not count.
        PersonHeld { resource_group: "other".into(), ..holds(3, slots(&[("cpu", 10)])) },
    ];
    fair.groups.get_mut("default").unwrap().scheduler = SchedulerKind::Drf;
    // Person 3 (0) takes 2 devices and has 1/2. Person 2 (1/4) takes 1 and has 1/2 as well. Now that all have 1/2, the oldest
    // request goes first: person 1, who then has 6/10. Person 2 takes the last core and still has 1/2. The other sessions of 3
    // and 1 find no core left.
    assert_eq!(order(&fair, "default"), [5, 3, 1, 4, 6, 2].map(id));
    let tried: Vec<_> = schedule(&fair).into_iter().map(|decided| decided.tried).collect();
    assert_eq!(tried, [false, false, false, false, true, true]);
}

/// Makes a session of person `n` that asks for devices and has been tried `tries` times.
fn gpus(n: u32, gpus: i64, tries: u32) -> Waiting {
    let refused = (tries > 0).then(|| Refused { tries, passed: 126, ..Refused::default() });
    Waiting { refused, ..waiting(n, n, &[("cpu", 1), ("cuda.device", gpus)]) }
}

/// Makes a snapshot of one agent with 8 devices, of which 3 are free; one more becomes free at each full minute.
fn five_of_eight_busy(queue: Vec<Waiting>) -> Snapshot {
    let mut busy = snapshot(64, queue);
    busy.agents = vec![room("vm", &[("cpu", 64), ("cuda.device", 8)])];
    busy.agents[0].free = slots(&[("cpu", 59), ("cuda.device", 3)]);
    let running = |minute: i64| Running {
        user: id(199),
        access_key: "KEY99".into(),
        project: id(200),
        domain: id(300),
        resource_group: "default".into(),
        agents: vec!["vm".into()],
        slots: slots(&[("cpu", 1), ("cuda.device", 1)]),
        ends_at: Some(Millis(minute * 60_000)),
    };
    busy.running = (1..=5).map(running).collect();
    busy.groups.get_mut("default").unwrap().retries_to_skip = 3;
    busy
}

#[test]
fn room_is_kept_for_a_large_session_under_every_scheduler_and_others_use_it_only_if_they_end_in_time() {
    for scheduler in SchedulerKind::ALL.iter().copied() {
        let small = |n, limit| Waiting { limit, ..gpus(n, 1, 0) };
        let queue = vec![
            Waiting { priority: 100, ..gpus(1, 8, 3) },
            small(2, None),
            small(3, Some(291)),
            // The room comes together at the fifth minute, and it is ten seconds past the start.
            small(4, Some(290)),
            waiting(5, 5, &[("cpu", 30)]),
        ];
        let mut busy = five_of_eight_busy(queue);
        busy.groups.get_mut("default").unwrap().scheduler = scheduler;
        let decided: BTreeMap<_, _> = schedule(&busy).into_iter().map(|one| (one.id, one)).collect();
        let of = |n: u32| &decided[&id::<SessionId>(n)];
        let Decision::Wait(reason) = &of(1).decision else { panic!("{scheduler:?}: it started") };
        assert_eq!(
            reason.describe(),
            "Waiting for resources: it asks for 8 GPUs, but the most any agent has free is 3 GPUs. \
             3 of 8 GPUs kept for it. Passed over by 126 sessions since 1970-01-01 00:00:00 UTC.",
            "{scheduler:?}"
        );
        assert_eq!((of(1).position, of(1).passed, of(1).kept), (Some(1), 1, true), "{scheduler:?}");
        assert!(matches!(of(2).decision, Decision::Wait(Reason::Behind { .. })), "{scheduler:?}: it may run for ever");
        assert!(matches!(of(3).decision, Decision::Wait(Reason::Behind { .. })), "{scheduler:?}: it would end too late");
        assert_eq!(of(4).decision, Decision::Place(vec!["vm".into()]), "{scheduler:?}: it ends in time");
        assert_eq!(of(5).decision, Decision::Place(vec!["vm".into()]), "{scheduler:?}: it asks for nothing scarce");
    }
}

#[test]
fn a_refusal_counts_for_all_sessions_with_the_same_request() {
    // The second one has never been tried, but its request has.
    let queue = vec![gpus(1, 4, 3), gpus(2, 4, 0), Waiting { limit: Some(50), ..gpus(3, 1, 0) }];
    let decided = schedule(&five_of_eight_busy(queue));
    assert_eq!(decided.iter().map(|one| one.tried).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(decided[2].decision, Decision::Place(vec!["vm".into()]), "it passes both");
}

#[test]
fn a_session_that_can_never_start_or_whose_time_has_not_come_has_no_place_in_line() {
    let mut queue = vec![cpu(1, 1, 64), cpu(2, 2, 2), cpu(3, 3, 1), cpu(4, 4, 2), cpu(5, 5, 1)];
    queue[2].starts_at = Some(Millis(20_000));
    let places: Vec<_> = schedule(&snapshot(2, queue)).into_iter().map(|one| one.position).collect();
    assert_eq!(places, [None, None, None, Some(1), Some(2)], "too large, starts, too early, and two in line");
}

#[test]
fn a_session_whose_image_no_agent_can_run_waits_and_holds_up_nobody() {
    let stranger = Waiting { engines: Some(vec!["docker".into()]), ..cpu(1, 1, 1) };
    let decided = schedule(&snapshot(4, vec![stranger, cpu(2, 1, 1)]));
    let reason = Reason::NoImage { resource_group: "default".into() };
    assert_eq!(decided[0].decision, Decision::Wait(reason));
    assert_eq!(decided[1].decision, Decision::Place(vec!["vm".into()]));
}
