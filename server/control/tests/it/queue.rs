//! The queue as its owners see it: kept room, places, warnings and reasons (`docs/spec/sessions.md`).

use crate::yard::Yard;
use control::SeedRows;
use scheduler::{Decision, Sample, schedule};
use types::quantity::{CPU, Quantity};
use types::sessions::launch::{MOST_PENDING, StartSession};
use types::sessions::{SessionType, Status};
use types::time::Millis;

/// Starts batch sessions that each hold half an agent, with time limits of five to twenty minutes.
async fn four_halves(yard: &Yard) {
    for n in 1..=4u32 {
        let half = yard.cores("default", 4).await;
        yard.start(&StartSession { timeout: Some(n * 300), command: "sleep 86400".into(), ..half }).await;
    }
    yard.seconds(5).await;
}

#[tokio::test]
async fn the_what_if_in_the_browser_decides_like_the_server() {
    let yard = Yard::new().await;
    four_halves(&yard).await;
    let whole = yard.cores("default", 8).await;
    let one = yard.cores("default", 1).await;
    yard.start(&whole).await;
    for timeout in [None, Some(60), Some(7200)] {
        yard.start(&StartSession { timeout, ..one.clone() }).await;
    }
    yard.start(&yard.cores("default", 4).await).await;
    yard.seconds(20).await;
    let sample = yard.control.queue_snapshot(&yard.root, "default").await.unwrap();
    let sample: Sample = serde_json::from_str(&serde_json::to_string(&sample).unwrap()).unwrap();
    let browser: Vec<_> = schedule(&sample.snapshot)
        .into_iter()
        .map(|one| match one.decision {
            Decision::Wait(reason) => (one.id, one.position, reason.describe()),
            other => panic!("{other:?}"),
        })
        .collect();
    let server: Vec<_> = yard.queue("default").await.into_iter().map(|row| (row.id, row.position, row.info)).collect();
    assert!(browser.len() > 2);
    assert_eq!(browser, server);
}

#[tokio::test]
async fn room_is_kept_for_a_large_session_and_only_short_ones_pass() {
    let yard = Yard::new().await;
    four_halves(&yard).await;
    let first = yard.control.queue_snapshot(&yard.root, "default").await.unwrap().snapshot.running;
    assert!(first.iter().all(|running| running.ends_at.is_some()), "their time limits are known");
    // After five minutes half an agent is free; its other half will be after fifteen, before the other agent's two.
    yard.seconds(305).await;
    let large = yard.start(&yard.cores("default", 8).await).await;
    yard.seconds(30).await;
    let info = yard.info(large).await;
    assert!(info.ends_with("4 of 8 CPU cores kept for it."), "{info}");
    let half = yard.cores("default", 4).await;
    let long = yard.start(&StartSession { timeout: Some(86_400), command: "sleep 86400".into(), ..half.clone() }).await;
    let short = yard.start(&StartSession { timeout: Some(60), command: "sleep 30".into(), ..half }).await;
    yard.seconds(5).await;
    assert_eq!((yard.status(long).await, yard.status(short).await), (Status::Pending, Status::Running));
    let info = yard.info(large).await;
    assert!(info.contains("Passed over by 1 session since 20"), "{info}");
    yard.seconds(720).await;
    assert_eq!(yard.status(large).await, Status::Running, "{}", yard.info(large).await);
}

#[tokio::test]
async fn a_forced_end_after_a_gentle_one_records_both_reasons() {
    let yard = Yard::new().await;
    let shell = StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let id = yard.start(&shell).await;
    yard.seconds(5).await;
    yard.control.terminate(&yard.ann, id, false).await.unwrap();
    yard.control.terminate(&yard.root, id, true).await.unwrap();
    yard.seconds(10).await;
    let info = yard.info(id).await;
    assert!(info.starts_with("ann@example.org terminated it. root@example.org force-terminated it."), "{info}");
}

#[tokio::test]
async fn the_owner_of_an_idle_session_is_warned_once_before_it_is_ended() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.idle_timeout = Some(600)).await;
    let shell =
        StartSession { name: "shell".into(), kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let id = yard.start(&shell).await;
    yard.seconds(5).await;
    let warnings = async || {
        let mut after = 0;
        let mut found = Vec::new();
        loop {
            let (events, last) = yard.control.events(&yard.ann, after).await.unwrap().unwrap();
            if events.is_empty() && last == after {
                return found;
            }
            found.extend(events.into_iter().filter_map(|event| event.notice).filter(|notice| notice.contains("is idle")));
            after = last;
        }
    };
    yard.seconds(400).await;
    assert!(warnings().await.is_empty(), "there is time");
    yard.seconds(100).await;
    let warned = warnings().await;
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].starts_with("Session shell is idle and will be terminated in "), "{warned:?}");
    assert_eq!(yard.status(id).await, Status::Running);
    yard.seconds(120).await;
    assert_eq!(yard.status(id).await, Status::Terminated);
    assert_eq!(warnings().await.len(), 1);
}

#[tokio::test]
async fn one_person_cannot_fill_the_queue_and_what_they_hold_is_counted_beside_it() {
    let yard = Yard::new().await;
    yard.start(&yard.cores("default", 3).await).await;
    yard.seconds(5).await;
    let later = StartSession { starts_at: Some(Millis(yard.now().0 + 86_400_000)), count: 50, ..yard.asked().await };
    for _ in 0..20 {
        yard.control.start_session(&yard.ann, &later).await.unwrap();
    }
    let refused = yard.refused(&later).await;
    assert!(refused.starts_with("Policy default limits pending sessions to 1000; waiting now: 1000"), "{refused}");
    let held = yard.control.own_use_by_group(&yard.ann).await.unwrap();
    assert_eq!(held["default"].get(CPU), Quantity::whole(3));
}

#[tokio::test]
async fn the_whole_cluster_holds_only_so_many_waiting_sessions() {
    let mut yard = Yard::new().await;
    let many = StartSession { count: 50, ..yard.asked().await };
    yard.control
        .seed(SeedRows { people: 1, waiting: MOST_PENDING as u64 - 10, ..SeedRows::default() }, true, |_, _, _| {})
        .await
        .unwrap();
    // Seeding is for measuring: a running server does not hear of it.
    yard.restart().await;
    // A few of them have started meanwhile and made room.
    for _ in 0..20 {
        if let Err(refused) = yard.control.start_session(&yard.ann, &many).await {
            assert!(
                refused
                    .to_string()
                    .ends_with("sessions are waiting in this cluster; the maximum is 100000. Try again when some have started.")
            );
            return;
        }
    }
    panic!("nothing was refused");
}
