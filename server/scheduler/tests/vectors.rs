//! The cases of `vectors/queue.json`, worked out by hand. The browser's tests read the same file, so that a page that forecasts a
//! queue and the server that serves it agree.

use scheduler::{Decided, Snapshot, order, schedule};
use serde::Deserialize;
use std::collections::BTreeMap;
use types::id::SessionId;

#[derive(Deserialize)]
struct Case {
    name: String,
    snapshot: Snapshot,
    /// The sessions of each group by position.
    order: BTreeMap<String, Vec<SessionId>>,
    decisions: Vec<Decided>,
}

#[test]
fn every_case_gives_the_decisions_worked_out_by_hand() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("vectors/queue.json")).unwrap();
    for case in cases {
        assert_eq!(schedule(&case.snapshot), case.decisions, "{}", case.name);
        for (group, ids) in case.order {
            assert_eq!(order(&case.snapshot, &group), ids, "{}", case.name);
        }
    }
}
