use super::*;
use crate::cluster::slots::slot_field;

fn refused_fields(policy: &KeypairPolicy) -> Vec<String> {
    match policy.check() {
        Err(Problem::Invalid(errors)) => errors.into_iter().map(|e| e.field).collect(),
        Ok(()) => Vec::new(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_keypair_policy_has_the_limits_of_the_specification() {
    let slots = |cpu: i64, mem: i64, gpu: i64, shares: &str| {
        Slots(
            [
                ("cpu".to_owned(), Quantity::whole(cpu)),
                ("mem".to_owned(), Quantity::whole(mem << 30)),
                ("cuda.device".to_owned(), Quantity::whole(gpu)),
                ("cuda.shares".to_owned(), shares.parse().unwrap()),
            ]
            .into(),
        )
    };
    let most = KeypairPolicy {
        total: slots(512, 1024, 64, "256"),
        max_sessions: Some(100),
        idle_timeout: Some(15_552_000),
        ..KeypairPolicy::new("most")
    };
    assert_eq!(refused_fields(&most), Vec::<String>::new());
    let beyond = KeypairPolicy {
        total: slots(513, 1025, 65, "256.001"),
        max_sessions: Some(101),
        idle_timeout: Some(15_552_001),
        max_cluster: 0,
        ..KeypairPolicy::new("beyond")
    };
    let fields = ["slot.cpu", "slot.cuda.device", "slot.cuda.shares", "slot.mem", "max_sessions", "max_cluster", "idle_timeout"];
    assert_eq!(refused_fields(&beyond), fields);
}

#[test]
fn each_limit_is_refused_at_its_own_field_only() {
    let holds = |slot: &str, most: i64| KeypairPolicy {
        total: Slots([(slot.to_owned(), Quantity::whole(most))].into()),
        ..KeypairPolicy::new("one")
    };
    for (slot, most) in [("cpu", 512), ("mem", 1024 << 30), ("cuda.device", 64), ("cuda.shares", 256)] {
        assert_eq!(refused_fields(&holds(slot, most)), Vec::<String>::new(), "{slot}");
        assert_eq!(refused_fields(&holds(slot, most + 1)), [slot_field(slot)]);
        assert_eq!(refused_fields(&holds(slot, -1)), [slot_field(slot)]);
    }
    let sessions = |most| KeypairPolicy { max_sessions: Some(most), ..KeypairPolicy::new("one") };
    let idle = |most| KeypairPolicy { idle_timeout: Some(most), ..KeypairPolicy::new("one") };
    assert_eq!((refused_fields(&sessions(100)).len(), refused_fields(&sessions(101))), (0, vec!["max_sessions".to_owned()]));
    assert_eq!(
        (refused_fields(&idle(15_552_000)).len(), refused_fields(&idle(15_552_001))),
        (0, vec!["idle_timeout".to_owned()])
    );
}

#[test]
fn only_cores_and_device_shares_can_be_fractions() {
    let with = |slot: &str, amount: &str| KeypairPolicy {
        total: Slots([(slot.to_owned(), amount.parse().unwrap())].into()),
        ..KeypairPolicy::new("parts")
    };
    assert_eq!(refused_fields(&with("cuda.shares", "0.5")), Vec::<String>::new());
    assert_eq!(refused_fields(&with("cpu", "0.5")), Vec::<String>::new());
    assert_eq!(refused_fields(&with("cuda.device", "0.5")), ["slot.cuda.device"]);
    assert_eq!(refused_fields(&with("GPU", "1")), ["slot.GPU"]);
}

#[test]
fn slots_missing_from_a_policy_are_unlimited_or_forbidden() {
    let open = KeypairPolicy::new("open");
    assert_eq!(open.limit("cuda.shares"), None);
    assert_eq!(KeypairPolicy { others_unlimited: false, ..open }.limit("cuda.shares"), Some(Quantity::ZERO));
}
