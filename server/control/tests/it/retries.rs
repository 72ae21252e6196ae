//! Retries to skip: how long a session that finds no room holds up those behind it (`docs/spec/cluster.md`, "Retries to skip").

use crate::yard::Yard;
use types::cluster::resource_groups::SchedulerSettings;
use types::sessions::Status;

/// More tries than any of these tests needs.
const MANY: u32 = 15;

/// Two agents, each with room for a small session but not for a large one.
async fn half_full() -> Yard {
    let yard = Yard::new().await;
    for _ in 0..2 {
        yard.start(&yard.cores("default", 5).await).await;
    }
    yard.seconds(5).await;
    yard
}

/// Queues a large session and a small one behind it. Returns the tries of the large one before the small one started, if it did.
async fn tries_before_the_small_one(yard: &Yard) -> Option<u32> {
    let large = yard.start(&yard.cores("default", 8).await).await;
    let small = yard.start(&yard.cores("default", 1).await).await;
    let mut tries = None;
    for counted in 0..MANY {
        // The scheduler's next look, long enough after the last one to count as a try.
        yard.seconds(2).await;
        if yard.status(small).await != Status::Pending {
            tries = Some(counted);
            break;
        }
        assert_eq!(yard.info(small).await, "Waiting its turn: 1 session is ahead of it.");
    }
    assert_eq!(yard.status(large).await, Status::Pending);
    for id in [small, large] {
        yard.control.terminate(&yard.ann, id, true).await.unwrap();
    }
    yard.seconds(6).await;
    tries
}

async fn system_retries(yard: &Yard, retries_to_skip: Option<u32>) {
    let settings = yard.control.scheduler_settings(&yard.root).await.unwrap();
    let settings = SchedulerSettings { retries_to_skip, ..settings };
    yard.control.save_scheduler_settings(&yard.root, &settings).await.unwrap();
}

#[tokio::test]
async fn a_session_without_room_is_skipped_after_three_tries_by_default() {
    let yard = half_full().await;
    assert_eq!(tries_before_the_small_one(&yard).await, Some(3));
}

#[tokio::test]
async fn the_systems_value_applies_if_the_group_has_none() {
    let yard = half_full().await;
    system_retries(&yard, Some(6)).await;
    assert_eq!(tries_before_the_small_one(&yard).await, Some(6));
    system_retries(&yard, None).await;
    assert_eq!(tries_before_the_small_one(&yard).await, Some(3));
}

#[tokio::test]
async fn a_groups_own_value_overrides_the_systems_and_zero_never_skips() {
    let yard = half_full().await;
    system_retries(&yard, Some(6)).await;
    yard.group(|group| group.retries_to_skip = Some(2)).await;
    assert_eq!(tries_before_the_small_one(&yard).await, Some(2));
    yard.group(|group| group.retries_to_skip = Some(0)).await;
    assert_eq!(tries_before_the_small_one(&yard).await, None);
}

#[tokio::test]
async fn looks_in_quick_succession_count_as_one_try() {
    let yard = half_full().await;
    yard.start(&yard.cores("default", 8).await).await;
    let small = yard.start(&yard.cores("default", 1).await).await;
    for _ in 0..MANY {
        yard.round().await;
    }
    assert_eq!(yard.status(small).await, Status::Pending);
}

#[tokio::test]
async fn a_failed_start_is_tried_again() {
    let yard = Yard::new().await;
    yard.engine.refuse_starts(2);
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(10).await;
    assert_eq!(yard.status(id).await, Status::Running, "{}", yard.info(id).await);
}

#[tokio::test]
async fn a_session_that_keeps_failing_is_given_up_and_the_next_one_starts() {
    let yard = Yard::new().await;
    system_retries(&yard, Some(2)).await;
    yard.engine.refuse_starts(2);
    let first = yard.start(&yard.asked().await).await;
    yard.seconds(10).await;
    let next = yard.start(&yard.asked().await).await;
    yard.seconds(10).await;
    assert_eq!(yard.status(first).await, Status::Error);
    assert_eq!(yard.info(first).await, "Could not be started: the engine refused it 2 times; see the server's log");
    assert_eq!(yard.status(next).await, Status::Running);
}

#[tokio::test]
async fn an_unsupported_request_is_explained_and_not_tried_again() {
    let yard = Yard::new().await;
    system_retries(&yard, Some(5)).await;
    yard.engine.cannot_start("This engine cannot mount folders.");
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(2).await;
    assert_eq!(yard.status(id).await, Status::Error);
    assert_eq!(yard.info(id).await, "Could not be started: This engine cannot mount folders.");
}
