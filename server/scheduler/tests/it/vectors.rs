//! Queues with their orders, written down once: the what-if page is held against the same file in the browser.

use scheduler::{Decision, Snapshot, schedule};
use serde::Deserialize;
use std::collections::BTreeMap;
use types::id::SessionId;

#[derive(Deserialize)]
struct Case {
    name: String,
    snapshot: Snapshot,
    /// Ids by group, in the order in which they will start.
    order: BTreeMap<String, Vec<SessionId>>,
    /// Which of them start now.
    starts: Vec<SessionId>,
}

#[test]
fn every_case_of_the_shared_file_has_the_order_that_is_written_there() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../vectors/queue.json")).unwrap();
    assert!(cases.len() >= 5);
    for case in cases {
        for (group, order) in &case.order {
            assert_eq!(&scheduler::order(&case.snapshot, group), order, "{}", case.name);
        }
        let started = schedule(&case.snapshot).into_iter().filter(|one| matches!(one.decision, Decision::Place(_)));
        assert_eq!(started.map(|one| one.id).collect::<Vec<_>>(), case.starts, "{}", case.name);
    }
}
