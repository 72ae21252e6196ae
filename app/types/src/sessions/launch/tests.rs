use super::*;
use crate::limits::presets::Preset;

fn batch(command: &str) -> StartSession {
    StartSession {
        name: "train".into(),
        kind: SessionType::Batch,
        command: command.into(),
        slots: Slots::cpu_mem(Quantity::whole(1), 1 << 30),
        ..StartSession::default()
    }
}

#[test]
fn a_request_is_refused_with_every_unacceptable_field() {
    let slots = Slots::cpu_mem(Quantity::ZERO, 2 << 50);
    let request = StartSession { name: "-x-".into(), slots, priority: 101, count: 51, ..batch(" ") };
    let Err(Problem::Invalid(errors)) = request.check() else { panic!("accepted") };
    let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
    assert_eq!(fields, ["name", "cpu", "mem", "command", "priority", "count"]);
    assert_eq!(batch("true").check(), Ok(()));
}

#[test]
fn an_interactive_session_has_no_command_start_time_or_timeout() {
    let request = StartSession { kind: SessionType::Interactive, starts_at: Some(Millis(1)), timeout: Some(60), ..batch("true") };
    let problem = request.check().unwrap_err();
    for field in ["command", "starts_at", "timeout"] {
        assert!(problem.of_field(field).is_some(), "{field}");
    }
}

#[test]
fn variables_have_valid_unique_names_and_values() {
    let env = |pairs: &[(&str, &str)]| {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        StartSession { env, ..batch("true") }.check().err().and_then(|problem| problem.of_field("env"))
    };
    assert_eq!(env(&[("A_1", "x"), ("_b", "y")]), None);
    for bad in [&[("1A", "x")][..], &[("A", "")], &[("A", "x"), ("A", "y")], &[("A-B", "x")]] {
        assert!(env(bad).is_some(), "{bad:?}");
    }
}

#[test]
fn at_most_ten_different_ports_above_1023_are_accepted() {
    let ports = |ports: Vec<u16>| {
        let refused = StartSession { ports, ..batch("true") }.check().err();
        refused.and_then(|problem| problem.of_field("ports"))
    };
    assert_eq!(ports((8000..8010).collect()), None);
    assert_eq!(ports((8000..8011).collect()).as_deref(), Some("At most 10 ports."));
    assert_eq!(ports(vec![8000, 9000, 8000]).as_deref(), Some("A port is listed twice. List each only once."));
    assert_eq!(ports(vec![1024, 65_535]), None);
    assert_eq!(ports(vec![8000, 1023]).as_deref(), Some("Ports from 1024 to 65535."));
}

#[test]
fn shared_memory_is_less_than_the_requested_memory() {
    let shared = |bytes: i64| {
        let refused = StartSession { shared_memory: Some(bytes), ..batch("true") }.check().err();
        refused.and_then(|problem| problem.of_field("shared_memory"))
    };
    assert_eq!(shared((1 << 30) - 1), None);
    for bytes in [1 << 30, 2 << 30] {
        assert_eq!(shared(bytes).as_deref(), Some("Memory should be larger than shared memory."));
    }
}

#[test]
fn amounts_below_the_images_minimum_are_raised_with_a_sentence() {
    let mut request = StartSession { image: "host".into(), ..batch("true") };
    let raised = request.raise_to(&Slots::cpu_mem(Quantity::whole(2), 1 << 20));
    assert_eq!(raised, ["Raised from 1 CPU core to 2 CPU cores, the minimum for the environment host."]);
    assert_eq!(request.slots, Slots::cpu_mem(Quantity::whole(2), 1 << 30));
    let mut shared = StartSession { image: "host".into(), shared_memory: Some(1 << 29), ..batch("true") };
    let raised = shared.raise_to(&Slots::cpu_mem(Quantity::whole(1), 1 << 30));
    let sentence =
        "Raised from 1 GiB of memory to 1.5 GiB of memory, the minimum for the environment host plus 512 MiB of shared memory.";
    assert_eq!(raised, [sentence]);
}

#[test]
fn a_verdict_names_the_limit_its_policy_and_what_is_in_use() {
    let policy = KeypairPolicy {
        total: Slots::cpu_mem(Quantity::whole(4), 8 << 30),
        max_sessions: Some(2),
        max_pending: Some(1),
        ..KeypairPolicy::new("student")
    };
    let using = InUse { sessions: 2, pending: 1, slots: Slots::cpu_mem(Quantity::whole(4), 1 << 30) };
    let verdict = against_policy(&batch("true"), &policy, &using);
    assert_eq!(
        verdict.waits,
        [
            "Policy student allows 4 CPU cores; in use: 4 CPU cores; this session asks for 1 CPU core.",
            "Policy student allows 2 sessions at a time; 2 are running.",
        ]
    );
    assert_eq!(verdict.refusals, ["Policy student limits pending sessions to 1; waiting now: 1; this asks for 1 more."]);
    let large = StartSession { cluster: Cluster { size: 5, ..Cluster::default() }, ..batch("true") };
    let verdict = against_policy(&large, &policy, &InUse::default());
    assert_eq!(
        verdict.refusals,
        [
            "Policy student allows 1 container in one session; this one asks for 5.",
            "Policy student allows 4 CPU cores in all; this session asks for 5 CPU cores.",
        ]
    );
}

#[test]
fn several_containers_can_use_only_whole_accelerators() {
    let mut request = batch("true");
    request.slots.0.insert("cuda.shares".into(), "0.5".parse().unwrap());
    assert_eq!(request.check(), Ok(()));
    request.cluster.size = 2;
    assert!(request.check().unwrap_err().of_field("cluster_size").is_some());
}

fn offered(free: &[Slots]) -> GroupOffer {
    GroupOffer {
        name: "v100".into(),
        description: String::new(),
        session_types: SessionType::ALL.to_vec(),
        projects: Vec::new(),
        free: free.to_vec(),
        capacity: free.to_vec(),
        free_in_all: Slots::default(),
        in_all: Slots::default(),
        pending: 0,
    }
}

fn preset(cpu: i64, gib: i64) -> Preset {
    let slots = Slots::cpu_mem(Quantity::whole(cpu), gib << 30);
    Preset { name: "small".into(), slots, shared_memory: None, resource_group: None }
}

fn fits_now(preset: &Preset, group: &GroupOffer, options: &StartOptions, project: Option<&ProjectOffer>) -> bool {
    preset_fit(preset, group, options, project) == PresetFit::Now
}

fn has(cpu: i64, gib: i64) -> Slots {
    preset(cpu, gib).slots
}

fn options(policy: &KeypairPolicy, using: InUse) -> StartOptions {
    StartOptions {
        projects: Vec::new(),
        domain: DomainOffer::default(),
        groups: Vec::new(),
        images: Vec::new(),
        presets: Vec::new(),
        slots: Vec::new(),
        policy: policy.clone(),
        using,
        recent: Vec::new(),
    }
}

#[test]
fn a_preset_fits_if_one_agent_has_enough_of_everything_free() {
    let policy = KeypairPolicy::new("student");
    let fits = |free: &[Slots]| fits_now(&preset(2, 4), &offered(free), &options(&policy, InUse::default()), None);
    assert!(fits(&[has(1, 8), has(2, 4)]), "exactly enough is enough");
    assert!(!fits(&[has(2, 3), has(1, 8)]), "amounts on two agents do not add up");
    assert!(!fits(&[]), "a group without agents starts nothing");
}

#[test]
fn a_preset_fits_while_the_policy_has_enough_left() {
    let total = Slots::cpu_mem(Quantity::whole(4), 8 << 30);
    let policy = KeypairPolicy { total, ..KeypairPolicy::new("student") };
    let fits = |used: Slots, policy: &KeypairPolicy| {
        let using = InUse { sessions: 1, pending: 0, slots: used };
        fits_now(&preset(2, 4), &offered(&[has(64, 256)]), &options(policy, using), None)
    };
    assert!(fits(Slots::default(), &policy));
    assert!(fits(has(2, 4), &policy), "up to the limit itself");
    assert!(!fits(has(3, 4), &policy), "too few cores are left");
    assert!(!fits(has(2, 5), &policy), "too little memory is left");
    assert!(fits(has(60, 200), &KeypairPolicy::new("open")), "use counts only against a limit");
    let none = KeypairPolicy { others_unlimited: false, ..KeypairPolicy::new("none") };
    assert!(!fits(Slots::default(), &none), "missing slots are not allowed");
}

#[test]
fn a_preset_fits_while_the_project_has_enough_left() {
    let policy = KeypairPolicy::new("open");
    let fits = |limit: Slots, using: Slots| {
        let project = ProjectOffer { id: StartSession::default().project, name: "vision".into(), limit, using };
        fits_now(&preset(2, 4), &offered(&[has(64, 256)]), &options(&policy, InUse::default()), Some(&project))
    };
    assert!(fits(has(4, 8), has(2, 4)), "up to the limit itself");
    assert!(!fits(has(4, 8), has(3, 4)), "too few cores are left");
    assert!(fits(Slots::default(), has(60, 200)), "missing slots are unlimited");
}

#[test]
fn a_preset_fits_while_the_domain_has_enough_left() {
    let fits = |limit: Slots, using: Slots| {
        let domain = DomainOffer { name: "lab".into(), limit, using };
        let options = StartOptions { domain, ..options(&KeypairPolicy::new("open"), InUse::default()) };
        fits_now(&preset(2, 4), &offered(&[has(64, 256)]), &options, None)
    };
    assert!(fits(has(4, 8), has(2, 4)), "up to the limit itself");
    assert!(!fits(has(4, 8), has(2, 5)), "too little memory is left");
    assert!(fits(Slots::default(), has(60, 200)), "missing slots are unlimited");
}

#[test]
fn a_preset_for_which_only_others_leave_no_room_would_wait() {
    let total = Slots::cpu_mem(Quantity::whole(4), 8 << 30);
    let policy = KeypairPolicy { total, ..KeypairPolicy::new("student") };
    let fit = |cpu: i64, free: Slots, used: Slots| {
        let using = InUse { sessions: 1, pending: 0, slots: used };
        let group = GroupOffer { capacity: vec![has(16, 64)], ..offered(&[free]) };
        preset_fit(&preset(cpu, 4), &group, &options(&policy, using), None)
    };
    assert_eq!(fit(2, has(16, 64), has(2, 4)), PresetFit::Now);
    assert_eq!(fit(2, has(1, 64), has(0, 0)), PresetFit::Waits, "the agent is full");
    assert_eq!(fit(2, has(16, 64), has(3, 4)), PresetFit::Waits, "the policy's share is in use");
    assert_eq!(fit(5, has(16, 64), has(0, 0)), PresetFit::Never, "the policy allows no more than 4");
    assert_eq!(fit(17, has(16, 64), has(0, 0)), PresetFit::Never);
}

#[test]
fn a_preset_of_one_group_fits_only_there() {
    let policy = KeypairPolicy::new("student");
    let fits = |group: Option<&str>| {
        let preset = Preset { resource_group: group.map(String::from), ..preset(1, 1) };
        fits_now(&preset, &offered(&[has(8, 8)]), &options(&policy, InUse::default()), None)
    };
    assert!(fits(None) && fits(Some("v100")));
    assert!(!fits(Some("p100")));
}

#[test]
fn a_preset_with_a_gpu_fits_only_where_an_agent_has_one_free() {
    let policy = KeypairPolicy::new("student");
    let with = |slots: &Slots, gpus: &str| {
        let mut slots = slots.clone();
        slots.0.insert("cuda.shares".into(), gpus.parse().unwrap());
        slots
    };
    let fits = |asked: &str, free: Slots| {
        let preset = Preset { slots: with(&has(1, 1), asked), ..preset(1, 1) };
        fits_now(&preset, &offered(&[free]), &options(&policy, InUse::default()), None)
    };
    assert!(fits("0.5", with(&has(8, 8), "0.5")));
    assert!(!fits("0.5", with(&has(8, 8), "0.4")));
    assert!(!fits("0.5", has(8, 8)), "no agent has any");
    assert!(fits("0", has(8, 8)), "none of it is asked for");
}

#[test]
fn every_value_is_hidden_unless_its_owner_lets_it_be_seen() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let env = vec![pair("DATABASE_URL", "postgres://u:hush@db"), pair("EPOCHS", "3"), pair("EPOCH", "4")];
    let asked = StartSession { env, visible_env: vec!["EPOCHS".into()], ..StartSession::default() };
    assert_eq!(asked.without_hidden_values().env, [pair("DATABASE_URL", ""), pair("EPOCHS", "3"), pair("EPOCH", "")]);
}
