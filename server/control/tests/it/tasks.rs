//! Background tasks: they outlive the page that started them and the server that ran them, and can be cancelled.

use crate::yard::Yard;
use control::{Caller, Control};
use types::Problem;
use types::id::TaskId;
use types::list::ListQuery;
use types::people::many_users::{Batch, CreateMany, Defaults};
use types::people::permissions::Role;
use types::people::users::{USERS, UserStatus};
use types::system::tasks::{Task, TaskState};

/// A file of `count` people.
async fn people(yard: &Yard, count: usize) -> CreateMany {
    let domains = yard.control.domain_choices(&yard.root).await.unwrap();
    let lines: String = (0..count).map(|n| format!("person-{n}@example.org,person-{n}\n")).collect();
    let defaults = Defaults {
        role: Role::User,
        status: UserStatus::Active,
        domain: domains[0].id,
        projects: Vec::new(),
        policy: String::new(),
        keypair_policy: String::new(),
        must_change_password: true,
        description: String::new(),
    };
    CreateMany { batch: Batch::File(format!("email,username\n{lines}")), defaults }
}

/// Waits until the caller's only task satisfies `is`, and returns it.
async fn task(control: &Control, who: &Caller, is: impl Fn(&Task) -> bool) -> Task {
    let mut changed = control.tasks_changed(who).unwrap();
    loop {
        if let Some(task) = control.tasks(who, 0).unwrap().0.into_iter().find(|task| is(task)) {
            return task;
        }
        changed.changed().await.unwrap();
    }
}

fn has_ended(task: &Task) -> bool {
    task.state != TaskState::Running
}

async fn everybody(yard: &Yard) -> u64 {
    yard.control.users(&yard.root, &ListQuery::new(&USERS)).await.unwrap().total
}

#[tokio::test]
async fn a_task_continues_without_its_page_and_its_passwords_can_be_read_later() {
    let yard = Yard::new().await;
    let (before, many) = (everybody(&yard).await, people(&yard, 120).await);
    let (control, root) = (yard.control.clone(), yard.root.clone());
    let page = tokio::spawn(async move { control.create_users(&root, &many).await });
    let id = task(&yard.control, &yard.root, |_| true).await.id;
    page.abort();
    let ended = task(&yard.control, &yard.root, has_ended).await;
    assert_eq!((ended.state, ended.id), (TaskState::Done, id));
    assert_eq!(ended.message, "120 users created, each with a keypair.");
    assert_eq!(everybody(&yard).await, before + 120);
    let created = yard.control.created_people(&yard.root, id).await.unwrap();
    assert_eq!(created.len(), 120);
    assert!(created[0].password.as_ref().is_some_and(|password| password.len() > 10));
}

#[tokio::test]
async fn a_task_of_a_killed_server_is_begun_again_and_done_once() {
    let mut yard = Yard::new().await;
    let (before, many) = (everybody(&yard).await, people(&yard, 2_000).await);
    let (control, root) = (yard.control.clone(), yard.root.clone());
    // A runtime of its own, so that everything the server runs ends with it, at any point.
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let server = tokio::runtime::Runtime::new().unwrap();
    server.spawn(async move {
        let asked = {
            let (control, root) = (control.clone(), root.clone());
            tokio::spawn(async move { control.create_users(&root, &many).await })
        };
        task(&control, &root, |task| task.current > 0).await;
        begun.send(()).unwrap();
        asked.await
    });
    has_begun.await.unwrap();
    server.shutdown_background();
    yard.restart().await;
    let run = tokio::spawn(yard.control.clone().run());
    let ended = task(&yard.control, &yard.root, has_ended).await;
    assert_eq!((ended.state, ended.message.as_str()), (TaskState::Done, "2000 users created, each with a keypair."));
    assert_eq!(everybody(&yard).await, before + 2_000);
    assert_eq!(yard.control.created_people(&yard.root, ended.id).await.unwrap().len(), 2_000);
    run.abort();
    // A finished task is not repeated: the next server only reports it.
    yard.restart().await;
    let run = tokio::spawn(yard.control.clone().run());
    let known = task(&yard.control, &yard.root, |_| true).await;
    assert_eq!((known.id, known.state), (ended.id, TaskState::Done));
    run.abort();
}

#[tokio::test]
async fn a_cancelled_task_creates_nobody_and_says_so() {
    let yard = Yard::new().await;
    let (before, many) = (everybody(&yard).await, people(&yard, 2_000).await);
    let (control, root) = (yard.control.clone(), yard.root.clone());
    let page = tokio::spawn(async move { control.create_users(&root, &many).await });
    let id = task(&yard.control, &yard.root, |task| task.current > 0).await.id;
    yard.control.cancel_task(&yard.root, id).await.unwrap();
    let ended = task(&yard.control, &yard.root, has_ended).await;
    assert_eq!((ended.state, ended.message.as_str()), (TaskState::Cancelled, "The task was cancelled."));
    assert_eq!(page.await.unwrap(), Err(Problem::Conflict("The task was cancelled.".into())));
    assert_eq!(everybody(&yard).await, before);
    assert_eq!(yard.control.cancel_task(&yard.root, id).await, Err(Problem::Conflict("The task has already ended.".into())));
}

#[tokio::test]
async fn mistakes_are_reported_at_once_and_leave_no_task() {
    let yard = Yard::new().await;
    let many = CreateMany { batch: Batch::File("email,username\nnobody,x y\n".into()), ..people(&yard, 1).await };
    assert!(matches!(yard.control.create_users(&yard.root, &many).await, Err(Problem::Invalid(_))));
    assert_eq!(yard.control.tasks(&yard.root, 0).unwrap().0, []);
}

#[tokio::test]
async fn the_tasks_of_others_are_not_found() {
    let yard = Yard::new().await;
    yard.control.recalculate_usage(&yard.root).await.unwrap();
    let id = task(&yard.control, &yard.root, has_ended).await.id;
    assert_eq!(yard.control.tasks(&yard.ann, 0).unwrap().0, []);
    let not_found = |problem| assert_eq!(problem, Problem::NotFound("task".into()));
    not_found(yard.control.cancel_task(&yard.ann, id).await.unwrap_err());
    not_found(yard.control.created_people(&yard.ann, id).await.unwrap_err());
    not_found(yard.control.cancel_task(&yard.ann, TaskId(uuid::Uuid::nil())).await.unwrap_err());
}

#[tokio::test]
async fn a_finished_task_and_its_passwords_are_forgotten_after_a_day() {
    let yard = Yard::new().await;
    yard.control.create_users(&yard.root, &people(&yard, 2).await).await.unwrap();
    let id = task(&yard.control, &yard.root, has_ended).await.id;
    yard.pass(types::system::tasks::KEPT - 1_000).await;
    yard.control.forget_old_tasks().await.unwrap();
    assert_eq!(yard.control.created_people(&yard.root, id).await.unwrap().len(), 2);
    yard.pass(2_000).await;
    yard.control.forget_old_tasks().await.unwrap();
    assert_eq!(yard.control.created_people(&yard.root, id).await, Err(Problem::NotFound("task".into())));
}

#[tokio::test]
async fn a_person_has_at_most_three_running_tasks_however_many_ask_at_once() {
    let yard = Yard::new().await;
    let many = people(&yard, 1_500).await;
    let ask = |n: usize| {
        let (control, root) = (yard.control.clone(), yard.root.clone());
        let Batch::File(text) = &many.batch else { unreachable!() };
        let many = CreateMany { batch: Batch::File(text.replace("person-", &format!("person-{n}-"))), ..many.clone() };
        async move { control.create_users(&root, &many).await }
    };
    let answers = futures::future::join_all((0..6).map(ask)).await;
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Problem::Limit(_)))).count();
    assert_eq!((refused, answers.iter().filter(|answer| answer.is_ok()).count()), (3, 3));
}
