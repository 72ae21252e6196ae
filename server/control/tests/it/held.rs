//! Which resources count as held, against whom, and that none are given away twice.

use crate::yard::Yard;
use futures::future::join_all;
use types::Problem;
use types::limits::policies::{KeypairPolicy, SavePolicy};
use types::list::ListQuery;
use types::people::keypairs::{CreateKeypair, EditKeypair, KEYPAIRS};
use types::projects::{EditDomain, EditProject};
use types::quantity::{Quantity, Slots};
use types::sessions::Cluster;
use types::sessions::launch::StartSession;
use types::sessions::{SessionType, Status};
use types::time::Millis;

async fn main_key(yard: &Yard) -> String {
    let rows = yard.control.keypairs(&yard.ann, &ListQuery::new(&KEYPAIRS)).await.unwrap().rows;
    rows.into_iter().find(|row| row.main).unwrap().access_key
}

fn own(policy: &str) -> CreateKeypair {
    CreateKeypair { owner: String::new(), policy: policy.into(), rate_limit: 100 }
}

#[tokio::test]
async fn another_main_keypair_is_not_a_second_allowance() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.max_sessions = Some(1)).await;
    let first = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let other = yard.control.create_keypair(&yard.ann, &own("")).await.unwrap().access_key;
    let main = EditKeypair { main: Some(true), ..EditKeypair::default() };
    yard.control.edit_keypair(&yard.ann, &other, &main).await.unwrap();
    let second = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(first).await, Status::Running);
    assert_eq!(yard.info(second).await, "Waiting for one of its owner's sessions to end: policy default allows 1 at a time.");
    assert_eq!(yard.control.start_options(&yard.ann, "").await.unwrap().using.sessions, 1);
}

#[tokio::test]
async fn a_keypair_that_people_add_themselves_follows_their_own_policy() {
    let yard = Yard::new().await;
    let student = KeypairPolicy::new("student");
    yard.control.save_policy(&yard.root, &SavePolicy { policy: student, revision: None }).await.unwrap();
    let change = EditKeypair { policy: Some("student".into()), ..EditKeypair::default() };
    yard.control.edit_keypair(&yard.root, &main_key(&yard).await, &change).await.unwrap();
    let added = yard.control.create_keypair(&yard.ann, &own("default")).await.unwrap().access_key;
    let rows = yard.control.keypairs(&yard.ann, &ListQuery::new(&KEYPAIRS)).await.unwrap().rows;
    assert_eq!(rows.iter().find(|row| row.access_key == added).unwrap().policy, "student");
}

#[tokio::test]
async fn concurrent_rounds_never_give_away_the_same_room_twice() {
    let yard = Yard::new().await;
    yard.control.start_session(&yard.ann, &StartSession { count: 20, ..yard.asked().await }).await.unwrap();
    for _ in 0..3 {
        join_all((0..8).map(|_| yard.control.round())).await.into_iter().for_each(|round| round.unwrap());
    }
    yard.seconds(10).await;
    assert_eq!(yard.engine.running().len(), 16, "two machines with eight cores each");
}

#[tokio::test]
async fn a_silent_agent_gets_no_new_sessions() {
    let yard = Yard::new().await;
    yard.engine.lose_agent("vm-1");
    yard.seconds(4).await;
    for _ in 0..3 {
        let id = yard.start(&yard.asked().await).await;
        yard.seconds(4).await;
        assert_eq!(yard.session(id).await.row.agents, ["vm-2"]);
    }
    yard.seconds(60).await;
    assert_eq!(yard.engine.running().len(), 3);
}

#[tokio::test]
async fn time_before_a_start_time_is_neither_lifetime_nor_waiting() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.lifetime = Some(600)).await;
    yard.group(|group| group.pending_timeout = Some(300)).await;
    let at = Millis(yard.now().0 + 1_200_000);
    let id = yard.start(&StartSession { starts_at: Some(at), ..yard.asked().await }).await;
    let groups = yard.control.start_options(&yard.ann, "").await.unwrap().groups;
    assert_eq!(groups[0].pending, 0, "it is in nobody's way yet");
    yard.seconds(1_195).await;
    assert_eq!(yard.status(id).await, Status::Pending);
    yard.seconds(10).await;
    assert_eq!(yard.status(id).await, Status::Running);
    yard.seconds(600).await;
    assert_eq!(yard.status(id).await, Status::Terminated);
}

#[tokio::test]
async fn a_start_time_in_the_past_is_refused_at_its_field() {
    let yard = Yard::new().await;
    let asked = StartSession { starts_at: Some(Millis(yard.now().0 - 3_600_000)), ..yard.asked().await };
    assert_eq!(yard.refused(&asked).await, "The start time is in the past. Choose a later one, or none.");
}

#[tokio::test]
async fn absurd_numbers_of_sessions_or_slots_are_refused_at_once() {
    let yard = Yard::new().await;
    let asked = StartSession { name: "many".into(), count: u32::MAX, ..yard.asked().await };
    assert_eq!(yard.refused(&asked).await, "Start 1 to 50 sessions at once.");
    assert_eq!(asked.names().len(), 50);
    let mut slots = Slots::cpu_mem(Quantity::whole(1), 1 << 30);
    slots.0.extend((0..1_000).map(|n| (format!("a.{n}"), Quantity::ZERO)));
    assert_eq!(yard.refused(&StartSession { slots, ..yard.asked().await }).await, "At most 32 kinds of resources.");
    let mut asked = yard.asked().await;
    asked.slots.0.insert("cuda.device".into(), Quantity::ZERO);
    let id = yard.start(&asked).await;
    assert!(!yard.session(id).await.row.slots.0.contains_key("cuda.device"), "nothing is asked of what is not wanted");
}

#[tokio::test]
async fn people_may_name_themselves_as_owner_and_learn_nothing_about_others() {
    let yard = Yard::new().await;
    let mine = main_key(&yard).await;
    for owner in ["ann", "ann@example.org", mine.as_str()] {
        yard.start(&StartSession { owner: owner.into(), ..yard.asked().await }).await;
    }
    let asked = yard.asked().await;
    for owner in ["root@example.org", "nobody@example.org"] {
        let asked = StartSession { owner: owner.into(), ..asked.clone() };
        let refused = yard.control.start_session(&yard.ann, &asked).await.unwrap_err();
        assert!(matches!(refused, Problem::Forbidden(_)), "{owner}: {refused}");
    }
    for owner in ["root@example.org", "nobody@example.org"] {
        let refused = yard.control.session_named(&yard.ann, owner, "some-name").await.unwrap_err();
        assert_eq!(refused, Problem::NotFound("session some-name".into()), "{owner}");
    }
}

#[tokio::test]
async fn a_name_like_the_beginning_of_an_id_finds_only_the_named_session() {
    let yard = Yard::new().await;
    let id = yard.start(&yard.asked().await).await;
    let beginning: String = id.to_string().chars().take(8).collect();
    assert_eq!(yard.control.session_named(&yard.ann, "", &beginning).await.unwrap().row.id, id);
    let name = format!("{}-job", &beginning[..3]);
    assert!(yard.control.session_named(&yard.ann, "", &name).await.is_err());
}

#[tokio::test]
async fn a_session_can_be_ended_in_any_status() {
    let yard = Yard::new().await;
    for rounds in 0..4 {
        let id = yard.start(&yard.asked().await).await;
        for _ in 0..rounds {
            yard.seconds(1).await;
        }
        yard.control.terminate(&yard.ann, id, false).await.unwrap();
        yard.seconds(10).await;
        assert!(yard.status(id).await.is_final(), "after {rounds} seconds");
    }
    assert_eq!(yard.engine.running().len(), 0);
}

#[tokio::test]
async fn each_container_has_its_own_log_and_usage_covers_all_containers() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.max_cluster = 2).await;
    let cluster = Cluster { size: 2, ..Cluster::default() };
    let asked = StartSession { cluster, kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let id = yard.start(&asked).await;
    yard.seconds(30).await;
    for container in 0..2 {
        yard.control.session_log(&yard.ann, id, container, 0, false).await.unwrap();
    }
    let refused = yard.control.session_log(&yard.ann, id, 2, 0, false).await.unwrap_err();
    assert_eq!(refused, Problem::NotFound("container".into()));
    let usage = yard.control.session_usage(&yard.ann, id, Millis(0)).await.unwrap();
    assert!(usage.last().is_some_and(|last| last.processes >= 2), "{usage:?}");
}

#[tokio::test]
async fn the_limit_of_a_project_or_domain_covers_all_its_sessions() {
    let yard = Yard::new().await;
    let project = yard.asked().await.project;
    let cores = |cpu: i64| Slots([("cpu".to_owned(), Quantity::whole(cpu))].into());
    let with = |cpu: i64| Slots::cpu_mem(Quantity::whole(cpu), 1 << 30);
    let limit = EditProject { limit: Some(cores(2)), ..EditProject::default() };
    yard.control.edit_project(&yard.root, project, &limit).await.unwrap();
    yard.start(&StartSession { slots: with(2), ..yard.asked().await }).await;
    let second = yard.start(&StartSession { slots: with(2), ..yard.asked().await }).await;
    yard.seconds(5).await;
    assert_eq!(
        yard.info(second).await,
        "Waiting for its project's sessions: project default allows 2 CPU cores; in use: 2 CPU cores; this one asks for 2 CPU cores."
    );
    let refused = yard.refused(&StartSession { slots: with(3), ..yard.asked().await }).await;
    assert!(refused.starts_with("Project default may hold 2 CPU cores in all; this session asks for 3 CPU cores."), "{refused}");

    let none = EditProject { limit: Some(Slots::default()), ..EditProject::default() };
    yard.control.edit_project(&yard.root, project, &none).await.unwrap();
    let domain = yard.control.project(&yard.root, project).await.unwrap().row.domain_id;
    let limit = EditDomain { limit: Some(cores(3)), ..EditDomain::default() };
    yard.control.edit_domain(&yard.root, domain, &limit).await.unwrap();
    yard.seconds(5).await;
    assert!(yard.info(second).await.starts_with("Waiting for its domain's sessions: domain default allows 3 CPU cores"));
    let refused = yard.refused(&StartSession { slots: with(4), ..yard.asked().await }).await;
    assert_eq!(refused, "Domain default may hold 3 CPU cores in all; this session asks for 4 CPU cores. Ask for less.");
    let offered = yard.control.start_options(&yard.ann, "").await.unwrap().domain;
    assert_eq!((offered.limit, offered.using.get("cpu")), (cores(3), Quantity::whole(2)));
    yard.control.edit_domain(&yard.root, domain, &EditDomain { limit: Some(cores(4)), ..EditDomain::default() }).await.unwrap();
    yard.seconds(5).await;
    assert_eq!(yard.status(second).await, Status::Running);
    let too_much = EditProject { limit: Some(cores(513)), ..EditProject::default() };
    assert!(yard.control.edit_project(&yard.root, project, &too_much).await.is_err());
}

#[tokio::test]
async fn waiting_for_a_session_ends_with_the_right_to_see_it() {
    let yard = Yard::new().await;
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(10).await;
    let seen = yard.session(id).await.history.len();
    let (control, mut permit) = (yard.control.clone(), yard.control.permit(&yard.ann, control::Needs::ToSee(id)).unwrap());
    let waits = tokio::spawn(async move { control.session_moved(&mut permit, id, seen).await });
    let edit = types::people::users::EditUser { status: Some(types::people::users::UserStatus::Inactive), ..Default::default() };
    let owner = yard.session(id).await.row.owner;
    yard.control.edit_user(&yard.root, owner, &edit).await.unwrap();
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), waits).await.expect("it goes on waiting").unwrap();
    assert!(matches!(answer, Err(Problem::SignInRequired)), "{answer:?}");
}
