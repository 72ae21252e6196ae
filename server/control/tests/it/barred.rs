//! Waiting sessions whose owner, project or domain has lost the right to start them.

use crate::yard::Yard;
use crate::{PASSWORD, caller};
use control::Caller;
use types::Problem;
use types::id::{DomainId, ProjectId, SessionId};
use types::people::permissions::Role;
use types::people::users::{CreateUser, EditUser, UserStatus};
use types::projects::{EditDomain, EditProject};
use types::sessions::Status;
use types::sessions::launch::StartSession;

/// Curie in the project lab of the domain physics.
struct Lab {
    yard: Yard,
    curie: Caller,
    domain: DomainId,
    project: ProjectId,
}

impl Lab {
    async fn new() -> Self {
        let yard = Yard::new().await;
        let named = EditDomain { name: Some("physics".into()), ..EditDomain::default() };
        let domain = yard.control.create_domain(&yard.root, &named).await.unwrap();
        let lab = EditProject { name: Some("lab".into()), domain: Some(domain), ..EditProject::default() };
        let project = yard.control.create_project(&yard.root, &lab).await.unwrap();
        let new = CreateUser { password: PASSWORD.into(), projects: vec![project], ..CreateUser::example("curie", domain) };
        yard.control.create_user(&yard.root, &new).await.unwrap();
        let curie = caller(&yard.control, "curie").await;
        Self { yard, curie, domain, project }
    }

    /// A session of Curie's that starts in ten seconds.
    async fn planned(&self) -> SessionId {
        let starts_at = Some(types::time::Millis(self.yard.now().0 + 10_000));
        let asked = StartSession { project: self.project, starts_at, ..self.yard.asked().await };
        self.yard.start_as(&self.curie, &asked).await
    }

    async fn edit_curie(&self, edit: EditUser) {
        self.yard.control.edit_user(&self.yard.root, self.curie.me().unwrap().id, &edit).await.unwrap();
    }

    async fn edit_project(&self, edit: EditProject) {
        self.yard.control.edit_project(&self.yard.root, self.project, &edit).await.unwrap();
    }

    async fn edit_domain(&self, edit: EditDomain) {
        self.yard.control.edit_domain(&self.yard.root, self.domain, &edit).await.unwrap();
    }

    /// Takes the right away, or gives it back.
    async fn switch(&self, what: &str, on: bool) {
        match what {
            "account" => {
                let status = Some(if on { UserStatus::Active } else { UserStatus::Inactive });
                self.edit_curie(EditUser { status, ..EditUser::default() }).await;
            }
            "domain" => self.edit_domain(EditDomain { active: Some(on), ..EditDomain::default() }).await,
            "project" => self.edit_project(EditProject { active: Some(on), ..EditProject::default() }).await,
            "member" if on => self.edit_project(EditProject { add: vec!["curie".into()], ..EditProject::default() }).await,
            "member" => self.edit_project(EditProject { remove: vec!["curie".into()], ..EditProject::default() }).await,
            _ => {
                self.edit_curie(EditUser {
                    projects: Some(if on { vec![self.project] } else { Vec::new() }),
                    ..EditUser::default()
                })
                .await
            }
        }
    }
}

#[tokio::test]
async fn what_was_planned_does_not_start_after_the_right_has_ended_and_says_why() {
    for (what, says) in [
        ("account", "Its owner's account is not active."),
        ("domain", "Its owner's domain is deactivated."),
        ("project", "Its project is deactivated."),
        ("member", "Its owner is no longer a member of its project."),
        ("projects of the account", "Its owner is no longer a member of its project."),
    ] {
        let lab = Lab::new().await;
        let id = lab.planned().await;
        lab.yard.seconds(4).await;
        lab.switch(what, false).await;
        lab.yard.seconds(20).await;
        let session = lab.yard.session(id).await;
        assert_eq!((session.row.status, session.row.position), (Status::Pending, None), "{what}");
        assert!(session.row.info.starts_with(says), "{what}: {}", session.row.info);
        assert_eq!(session.row.owner_active, what != "account", "{what}");
        // It holds nobody up, and starts once the right is back.
        let other = lab.yard.start(&lab.yard.asked().await).await;
        lab.yard.seconds(4).await;
        assert_eq!(lab.yard.status(other).await, Status::Running, "{what}");
        lab.switch(what, true).await;
        lab.yard.seconds(4).await;
        assert_eq!(lab.yard.status(id).await, Status::Running, "{what}");
    }
}

#[tokio::test]
async fn what_runs_goes_on_after_the_right_to_start_it_has_ended() {
    for what in ["account", "domain", "project", "member"] {
        let lab = Lab::new().await;
        let id = lab.planned().await;
        lab.yard.seconds(16).await;
        assert_eq!(lab.yard.status(id).await, Status::Running, "{what}");
        lab.switch(what, false).await;
        lab.yard.seconds(10).await;
        assert_eq!(lab.yard.status(id).await, Status::Running, "{what}");
    }
}

#[tokio::test]
async fn nobody_starts_a_session_for_somebody_who_is_shut_out() {
    for (what, says) in [("account", "The account of curie@example.org is not active"), ("domain", "The domain physics of curie")]
    {
        let lab = Lab::new().await;
        lab.switch(what, false).await;
        let asked = StartSession { project: lab.project, owner: "curie".into(), ..lab.yard.asked().await };
        let refused = lab.yard.control.start_session(&lab.yard.root, &asked).await.unwrap_err();
        assert!(refused.of_field("owner").is_some_and(|text| text.starts_with(says)), "{refused:?}");
        assert!(matches!(lab.yard.control.start_options(&lab.yard.root, "curie").await, Err(Problem::Invalid(_))));
    }
}

#[tokio::test]
async fn what_waits_without_the_right_is_still_cancelled_by_the_pending_timeout() {
    let lab = Lab::new().await;
    lab.yard.group(|group| group.pending_timeout = Some(60)).await;
    let id = lab.planned().await;
    lab.switch("account", false).await;
    lab.yard.seconds(90).await;
    assert_eq!(lab.yard.status(id).await, Status::Cancelled);
}

#[tokio::test]
async fn the_lists_of_both_domains_hear_of_a_person_who_moves() {
    let lab = Lab::new().await;
    lab.yard.control.create_user_here("admin@example.org", "admin-2", "", PASSWORD, Role::Admin).await.unwrap();
    let admin = caller(&lab.yard.control, "admin-2").await;
    let newest = *lab.yard.control.events_grew(&admin).unwrap().borrow();
    let ann = lab.yard.ann.me().unwrap().id;
    let there = EditUser { domain: Some(lab.domain), ..EditUser::default() };
    lab.yard.control.edit_user(&lab.yard.root, ann, &there).await.unwrap();
    let (heard, _) = lab.yard.control.events(&admin, newest).await.unwrap().unwrap();
    assert!(heard.iter().any(|event| event.subject == ann.to_string()), "{heard:?}");
}
