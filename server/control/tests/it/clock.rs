//! A clock that is set while sessions run: it ends nobody's work, and durations are the true ones.

use crate::PASSWORD;
use crate::yard::Yard;
use control::{Caller, Keep, SignInAnswer};
use types::list::ListQuery;
use types::sessions::launch::StartSession;
use types::sessions::{SessionType, Status};
use types::system::audit::AUDIT;

const HOUR: i64 = 3_600;

/// Lets these seconds pass with the clock set an hour forth and back again and again.
async fn seconds_with_a_wild_clock(yard: &Yard, seconds: i64) {
    let mut left = seconds;
    for by in [HOUR, -HOUR].into_iter().cycle() {
        if left <= 0 {
            break;
        }
        yard.set_clock(by);
        yard.seconds(left.min(40)).await;
        left -= 40;
    }
}

#[tokio::test]
async fn an_idle_session_ends_after_its_true_time_however_the_clock_is_set() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.idle_timeout = Some(600)).await;
    let asked = StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let id = yard.start(&asked).await;
    yard.seconds(10).await;
    assert_eq!(yard.status(id).await, Status::Running);
    seconds_with_a_wild_clock(&yard, 560).await;
    assert_eq!(yard.status(id).await, Status::Running);
    seconds_with_a_wild_clock(&yard, 120).await;
    assert!(yard.info(id).await.contains("It was idle for 10 min"), "{}", yard.info(id).await);
}

#[tokio::test]
async fn a_lifetime_lasts_its_true_time_however_the_clock_is_set() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.lifetime = Some(900)).await;
    let asked = StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let id = yard.start(&asked).await;
    yard.seconds(10).await;
    let before = yard.session(id).await;
    seconds_with_a_wild_clock(&yard, 840).await;
    assert_eq!(yard.status(id).await, Status::Running);
    assert_eq!(yard.session(id).await.row.started_at, before.row.started_at, "what people see stays");
    seconds_with_a_wild_clock(&yard, 120).await;
    assert!(yard.info(id).await.contains("It reached its maximum lifetime"), "{}", yard.info(id).await);
}

#[tokio::test]
async fn a_clock_that_is_set_ends_no_sign_in() {
    let yard = Yard::new().await;
    let asked = Caller::nobody("127.0.0.1", "test");
    let SignInAnswer::Done(signed_in) = yard.control.sign_in(&asked, "ann@example.org", PASSWORD, None).await.unwrap() else {
        panic!("a code is asked for")
    };
    for days in [10, -10] {
        yard.set_clock(days * 24 * HOUR);
        yard.round().await;
        assert!(yard.control.caller(asked.clone(), Some(&signed_in.token)).await.unwrap().me().is_some(), "{days}");
    }
}

#[tokio::test]
async fn audit_records_and_histories_of_ended_sessions_are_kept_as_long_as_was_chosen() {
    let yard = Yard::new().await;
    yard.control.keep(Keep { audit: 10, history: 20, ..Keep::default() });
    let short = yard.start(&StartSession { command: "true".into(), ..yard.asked().await }).await;
    yard.control.terminate(&yard.ann, short, true).await.unwrap();
    yard.seconds(20).await;
    assert!(yard.status(short).await.is_final());
    let later = types::time::Millis(yard.now().0 + 30 * 24 * HOUR * 1000);
    let long = yard.start(&StartSession { starts_at: Some(later), ..yard.asked().await }).await;
    let records = async || yard.control.audit_records(&yard.root, &ListQuery::new(&AUDIT)).await.unwrap().total;
    assert!(records().await > 0);
    yard.pass(9 * 24 * HOUR * 1000).await;
    yard.control.clean().await.unwrap();
    assert!(records().await > 0);
    yard.pass(2 * 24 * HOUR * 1000).await;
    yard.control.clean().await.unwrap();
    assert_eq!(records().await, 0);
    assert!(!yard.session(short).await.history.is_empty());
    yard.pass(10 * 24 * HOUR * 1000).await;
    yard.control.clean().await.unwrap();
    assert_eq!(yard.session(short).await.history.len(), 0);
    assert!(!yard.session(long).await.history.is_empty(), "its session has not ended");
}

#[tokio::test]
async fn a_busy_session_is_not_idle_while_the_clock_is_set_back() {
    let busy = "[[agents]]\nname = \"vm\"\nslots = { cpu = \"8\", mem = \"32g\" }\n\n[sessions]\nstart_seconds = 1.0\ninteractive_cpu = 1.0\n";
    let yard = Yard::of(busy).await;
    yard.limit(|policy| policy.idle_timeout = Some(120)).await;
    yard.seconds(20).await;
    yard.set_clock(-HOUR);
    let asked = StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let id = yard.start(&asked).await;
    yard.seconds(400).await;
    assert_eq!(yard.status(id).await, Status::Running, "{}", yard.info(id).await);
}

#[tokio::test]
async fn an_agent_that_is_silent_for_a_moment_is_not_lost_because_the_clock_is_set() {
    let yard = Yard::new().await;
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(6).await;
    let agent = yard.session(id).await.row.agents.concat();
    yard.engine.lose_agent(&agent);
    yard.seconds(2).await;
    yard.set_clock(120);
    yard.seconds(2).await;
    yard.engine.return_agent(&agent);
    yard.seconds(2).await;
    assert_eq!(yard.status(id).await, Status::Running, "{}", yard.info(id).await);
}

#[tokio::test]
async fn a_sign_in_that_is_used_outlives_a_step_of_the_clock_by_more_than_it_may_last() {
    let yard = Yard::new().await;
    let asked = Caller::nobody("127.0.0.1", "test");
    let SignInAnswer::Done(signed_in) = yard.control.sign_in(&asked, "ann@example.org", PASSWORD, None).await.unwrap() else {
        panic!("a code is asked for")
    };
    yard.set_clock(40 * 24 * HOUR);
    for _ in 0..3 {
        yard.seconds(600).await;
        assert!(yard.control.caller(asked.clone(), Some(&signed_in.token)).await.unwrap().me().is_some());
    }
}
