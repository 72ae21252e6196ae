//! What becomes of small queues, in sentences. Larger ones are in `tests/properties.rs`, worked examples in `tests/vectors`.

use crate::*;
use types::quantity::Quantity;
use types::sessions::ClusterMode;

/// Number `n` as an id of any kind.
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

/// Session number `n`, asked for by person number `who`.
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
        tries: 0,
    }
}

fn cpu(n: u32, who: u32, cpu: i64) -> Waiting {
    waiting(n, who, &[("cpu", cpu), ("mem", cpu << 30)])
}

/// One agent with so many cores and as many GiB.
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

/// By position: the agents that it gets, or the sentence.
fn said(snapshot: &Snapshot) -> Vec<String> {
    let say = |decided: Decided| match decided.decision {
        Decision::Place(agents) => agents.join("+"),
        Decision::Wait(reason) | Decision::Cancel(reason) => reason.describe(),
    };
    schedule(snapshot).into_iter().map(say).collect()
}

#[test]
fn sessions_start_in_the_order_they_were_asked_for() {
    let said = said(&snapshot(3, vec![cpu(1, 1, 2), cpu(2, 2, 2), cpu(3, 3, 1)]));
    assert_eq!(said[0], "vm");
    assert_eq!(
        said[1],
        "Waits for resources: it asks for 2 CPU cores, the most that is free on one agent is 1 CPU core; \
         it asks for 2 GiB of memory, the most that is free on one agent is 1 GiB of memory."
    );
    assert_eq!(said[2], "Waits its turn: 1 session is ahead of it.");
}

#[test]
fn one_that_can_never_start_says_what_is_missing_and_holds_up_nobody() {
    let gpu = waiting(3, 3, &[("cpu", 1), ("cuda.device", 1)]);
    let said = said(&snapshot(2, vec![cpu(1, 1, 64), gpu, cpu(2, 2, 1)]));
    assert!(said[0].starts_with("Cannot start here: it asks for 64 CPU cores, the largest agent has 2 CPU cores"), "{}", said[0]);
    assert_eq!(said[1], "Cannot start here: it asks for 1 GPU, the largest agent has 0 GPUs.");
    assert_eq!(said[2], "vm");
}

#[test]
fn a_keypairs_own_limits_hold_back_only_its_own_sessions() {
    let queue = vec![cpu(1, 1, 1), cpu(2, 1, 1), cpu(3, 2, 1)];
    let one = said(&with_policy(snapshot(8, queue.clone()), |policy| policy.max_sessions = Some(1)));
    assert_eq!(one, ["vm", "Waits for a session of its owner to end: policy default allows 1 at a time.", "vm"]);
    let total = said(&with_policy(snapshot(8, queue.clone()), |policy| policy.total = slots(&[("cpu", 1)])));
    assert_eq!(
        total[1],
        "Waits for its owner's sessions: policy default allows 1 CPU core; in use: 1 CPU core; this one asks for 1 CPU core."
    );
    assert_eq!(total[2], "vm");
    let others = said(&with_policy(snapshot(8, queue), |policy| {
        policy.total = slots(&[("cpu", 9)]);
        policy.others_unlimited = false;
    }));
    assert!(others[0].contains("allows 0 B of memory"), "{}", others[0]);
}

#[test]
fn containers_count_against_the_cluster_size_and_all_of_them_against_the_limits() {
    let mut session = cpu(1, 1, 2);
    session.cluster = Cluster { mode: ClusterMode::MultiNode, size: 3 };
    let queue = vec![session];
    let one = said(&with_policy(snapshot(8, queue.clone()), |_| {}));
    assert_eq!(one, ["Cannot start here: policy default allows 1 container in one session; this one asks for 3."]);
    let total = with_policy(snapshot(8, queue.clone()), |policy| {
        policy.max_cluster = 3;
        policy.total = slots(&[("cpu", 5)]);
    });
    assert!(said(&total)[0].contains("allows 5 CPU cores; in use: 0 CPU cores; this one asks for 6 CPU cores"));
    assert_eq!(said(&snapshot(8, queue)), ["vm+vm+vm"], "without a policy there is no limit");
}

#[test]
fn containers_that_do_not_all_fit_say_how_many_would() {
    let mut session = cpu(1, 1, 2);
    session.cluster = Cluster { mode: ClusterMode::MultiNode, size: 3 };
    let never = said(&snapshot(4, vec![session.clone()]));
    assert_eq!(never, ["Cannot start here: it asks for 3 containers, empty agents have room for 2 of them."]);
    let now = said(&snapshot(6, vec![cpu(2, 2, 1), session]));
    assert_eq!(now[1], "Waits for resources: it asks for 3 containers, there is room for 2 of them now.");
}

#[test]
fn the_limits_of_a_project_and_a_domain_hold_back_their_sessions() {
    let share = |cpu| Share { name: "lab".into(), limit: slots(&[("cpu", cpu)]), used: slots(&[("cpu", 1)]) };
    let mut within = snapshot(8, vec![cpu(1, 1, 2), cpu(2, 2, 1)]);
    within.projects.insert(id(200), share(3));
    let waits =
        "Waits for its project's sessions: project lab allows 3 CPU cores; in use: 3 CPU cores; this one asks for 1 CPU core.";
    assert_eq!(said(&within), ["vm", waits]);
    within.projects.clear();
    within.domains.insert(id(300), share(2));
    let waits =
        "Waits for its domain's sessions: domain lab allows 2 CPU cores; in use: 1 CPU core; this one asks for 2 CPU cores.";
    assert_eq!(said(&within), [waits, "vm"]);
}

#[test]
fn a_session_waits_for_those_it_depends_on_and_is_cancelled_when_one_failed() {
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
    let said = said(&snapshot(8, queue));
    assert_eq!(said, ["Waits for its start time, 1970-01-01 00:00:10 UTC.", "vm"]);
}

#[test]
fn a_session_that_waited_for_too_long_is_cancelled() {
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
    assert_eq!(said(&five), ["vm", "vm"], "0 is for ever");
}

#[test]
fn a_group_without_agents_says_whether_there_are_none_or_none_takes_sessions() {
    let mut none = snapshot(8, vec![cpu(1, 1, 1)]);
    none.agents[0].schedulable = false;
    assert_eq!(said(&none), ["Waits for an agent: none of resource group default gets new sessions now."]);
    none.agents.clear();
    assert_eq!(said(&none), ["Waits for an agent: resource group default has none."]);
    none.queue[0].resource_group = "elsewhere".into();
    assert_eq!(said(&none), ["Waits for an agent: resource group elsewhere has none."]);
}

#[test]
fn groups_have_queues_of_their_own_and_share_the_limits() {
    let mut queue = vec![cpu(1, 1, 9), cpu(2, 2, 9), cpu(3, 1, 1)];
    queue[2].resource_group = "other".into();
    let mut two = snapshot(9, queue);
    two.agents[0].free = slots(&[]);
    two.groups.insert("other".into(), two.groups["default"].clone());
    two.agents.push(Room { resource_group: "other".into(), ..room("vm2", &[("cpu", 1), ("mem", 1 << 30)]) });
    let decided = schedule(&two);
    assert_eq!(decided.iter().map(|decided| decided.position).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(decided.iter().map(|decided| decided.tried).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(decided[2].decision, Decision::Place(vec!["vm2".into()]));
    assert_eq!(order(&two, "default"), [id(1), id(2)]);
    assert_eq!(order(&two, "nowhere"), []);
    two.agents[0].free = two.agents[0].capacity.clone();
    let one = with_policy(two, |policy| policy.max_sessions = Some(1));
    assert!(matches!(schedule(&one)[2].decision, Decision::Wait(Reason::TooManySessions { .. })));
}

#[test]
fn drf_goes_by_what_each_person_holds_most_of() {
    // The group has 10 cores, 10 GiB, 4 devices. One holds 5 cores (1/2), two holds 1 device (1/4), three holds nothing.
    let ask = |n, who, cpu, gpu| waiting(n, who, &[("cpu", cpu), ("cuda.device", gpu)]);
    let queue = vec![ask(1, 1, 1, 0), ask(2, 1, 1, 0), ask(3, 2, 1, 1), ask(4, 2, 1, 0), ask(5, 3, 1, 2), ask(6, 3, 1, 0)];
    let mut fair = snapshot(10, queue);
    fair.agents = vec![room("vm", &[("cpu", 10), ("cuda.device", 4), ("mem", 10 << 30)])];
    fair.agents[0].free = slots(&[("cpu", 4), ("cuda.device", 3), ("mem", 10 << 30)]);
    let holds = |who: u32, slots| PersonHeld { user: id(100 + who), resource_group: "default".into(), slots };
    fair.people = vec![
        holds(1, slots(&[("cpu", 5)])),
        holds(2, slots(&[("cpu", 1), ("cuda.device", 1)])),
        // What is held elsewhere does not count.
        PersonHeld { resource_group: "other".into(), ..holds(3, slots(&[("cpu", 10)])) },
    ];
    fair.groups.get_mut("default").unwrap().scheduler = SchedulerKind::Drf;
    // Three (0) takes 2 devices and has 1/2. Two (1/4) takes 1 and has 1/2 as well. Everybody has 1/2 now, so who asked first goes
    // first: one, who has 6/10 then. Two takes the last core and still has 1/2. Three's session and one's find no core left.
    assert_eq!(order(&fair, "default"), [5, 3, 1, 4, 6, 2].map(id));
    let tried: Vec<_> = schedule(&fair).into_iter().map(|decided| decided.tried).collect();
    assert_eq!(tried, [false, false, false, false, true, true]);
}

#[test]
fn a_session_whose_image_no_agent_has_waits_and_holds_up_nobody() {
    let stranger = Waiting { engines: Some(vec!["docker".into()]), ..cpu(1, 1, 1) };
    let decided = schedule(&snapshot(4, vec![stranger, cpu(2, 1, 1)]));
    let reason = Reason::NoImage { resource_group: "default".into() };
    assert_eq!(decided[0].decision, Decision::Wait(reason));
    assert_eq!(decided[1].decision, Decision::Place(vec!["vm".into()]));
}
