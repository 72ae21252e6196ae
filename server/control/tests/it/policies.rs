//! Resource policies (`docs/spec/limits.md`, "Keypair policies" and "User policies"): their limits and their followers.

use crate::yard::Yard;
use types::Problem;
use types::limits::policies::{
    KEYPAIR_POLICIES, KeypairPolicy, PROJECT_POLICIES, PolicyKind, PolicyRow, ProjectPolicy, SavePolicy, UserPolicy,
};
use types::list::ListQuery;
use types::people::keypairs::{CreateKeypair, EditKeypair};
use types::people::users::EditUser;
use types::quantity::{Quantity, Slots};
use types::sessions::Status;

/// The names of a policy's followers.
async fn followers(yard: &Yard, kind: PolicyKind, policy: &str) -> Vec<String> {
    let followers = yard.control.policy_followers(&yard.root, kind, policy).await.unwrap();
    assert_eq!(followers.count as usize, followers.first.len());
    followers.first
}

async fn new_keypair_policies(yard: &Yard, names: &[&str]) {
    for name in names {
        let save = SavePolicy { policy: KeypairPolicy::new(*name), revision: None };
        yard.control.save_policy(&yard.root, &save).await.unwrap();
    }
}

async fn project_policy(yard: &Yard, name: &str) -> Option<PolicyRow<ProjectPolicy>> {
    let rows = yard.control.policies::<ProjectPolicy>(&yard.root, &ListQuery::new(&PROJECT_POLICIES)).await.unwrap().rows;
    rows.into_iter().find(|row| row.policy.name == name)
}

fn holding(slot: &str, most: i64) -> KeypairPolicy {
    KeypairPolicy { total: Slots([(slot.to_owned(), Quantity::whole(most))].into()), ..KeypairPolicy::new("") }
}

#[tokio::test]
async fn each_limit_of_a_keypair_policy_is_accepted_up_to_its_maximum_only() {
    let yard = Yard::new().await;
    let sessions = |most| KeypairPolicy { max_sessions: Some(most), ..KeypairPolicy::new("") };
    let idle = |most| KeypairPolicy { idle_timeout: Some(most), ..KeypairPolicy::new("") };
    let bounds = [
        ("slot.cpu", holding("cpu", 512), holding("cpu", 513)),
        ("slot.mem", holding("mem", 1024 << 30), holding("mem", (1024 << 30) + 1)),
        ("slot.cuda.device", holding("cuda.device", 64), holding("cuda.device", 65)),
        ("slot.cuda.shares", holding("cuda.shares", 256), holding("cuda.shares", 257)),
        ("max_sessions", sessions(100), sessions(101)),
        ("idle_timeout", idle(15_552_000), idle(15_552_001)),
    ];
    for (n, (field, most, beyond)) in bounds.into_iter().enumerate() {
        let named = |policy| SavePolicy { policy: KeypairPolicy { name: format!("bound-{n}"), ..policy }, revision: None };
        let Err(Problem::Invalid(errors)) = yard.control.save_policy(&yard.root, &named(beyond)).await else {
            panic!("{field} has no maximum")
        };
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [field]);
        let most = named(most);
        yard.control.save_policy(&yard.root, &most).await.unwrap_or_else(|problem| panic!("{field}: {problem:?}"));
        let rows = yard.control.policies::<KeypairPolicy>(&yard.root, &ListQuery::new(&KEYPAIR_POLICIES)).await.unwrap().rows;
        assert!(rows.iter().any(|row| row.policy == most.policy), "{field} is kept as it was given");
    }
}

#[tokio::test]
async fn a_user_follows_only_one_user_policy_at_a_time() {
    let yard = Yard::new().await;
    for name in ["student", "staff"] {
        let save = SavePolicy { policy: UserPolicy::new(name), revision: None };
        yard.control.save_policy(&yard.root, &save).await.unwrap();
    }
    let ann = yard.ann.me().unwrap().id;
    let both = followers(&yard, PolicyKind::User, "default").await;
    assert_eq!(both, ["ann@example.org", "root@example.org"]);
    for (now, other) in [("student", "staff"), ("staff", "student")] {
        let edit = EditUser { policy: Some(now.into()), ..EditUser::default() };
        yard.control.edit_user(&yard.root, ann, &edit).await.unwrap();
        assert_eq!(followers(&yard, PolicyKind::User, now).await, ["ann@example.org"]);
        assert!(followers(&yard, PolicyKind::User, other).await.is_empty(), "one at a time");
        assert_eq!(followers(&yard, PolicyKind::User, "default").await, ["root@example.org"]);
    }
    let unknown = EditUser { policy: Some("nowhere".into()), ..EditUser::default() };
    let refused = yard.control.edit_user(&yard.root, ann, &unknown).await.unwrap_err();
    assert!(refused.of_field("policy").is_some(), "{refused:?}");
    assert_eq!(followers(&yard, PolicyKind::User, "staff").await, ["ann@example.org"]);
}

#[tokio::test]
async fn each_of_a_users_keypairs_follows_the_policy_chosen_for_it() {
    let yard = Yard::new().await;
    new_keypair_policies(&yard, &["student", "staff"]).await;
    let first = yard.control.my_keypairs(&yard.ann).await.unwrap().remove(0).access_key;
    let new = CreateKeypair { owner: "ann@example.org".into(), policy: "staff".into(), rate_limit: 100 };
    yard.control.create_keypair(&yard.root, &new).await.unwrap();
    assert!(followers(&yard, PolicyKind::Keypair, "student").await.is_empty());
    let choose = |policy: &str| EditKeypair { policy: Some(policy.into()), ..EditKeypair::default() };
    yard.control.edit_keypair(&yard.root, &first, &choose("student")).await.unwrap();
    assert_eq!(yard.control.keypair(&yard.root, &first).await.unwrap().policy, "student");
    assert_eq!(followers(&yard, PolicyKind::Keypair, "student").await, ["ann@example.org"]);
    assert_eq!(followers(&yard, PolicyKind::Keypair, "staff").await, ["ann@example.org"], "her other keypair");
    assert_eq!(followers(&yard, PolicyKind::Keypair, "default").await, ["root@example.org"]);
    yard.control.edit_keypair(&yard.root, &first, &choose("default")).await.unwrap();
    assert!(followers(&yard, PolicyKind::Keypair, "student").await.is_empty());
    assert_eq!(followers(&yard, PolicyKind::Keypair, "default").await, ["ann@example.org", "root@example.org"]);
    assert!(yard.control.edit_keypair(&yard.ann, &first, &choose("staff")).await.is_err(), "nobody chooses their own limits");
}

#[tokio::test]
async fn a_project_policy_can_be_created_edited_and_deleted_but_not_renamed() {
    let yard = Yard::new().await;
    let policy = ProjectPolicy { max_folders: Some(5), max_networks: Some(2), ..ProjectPolicy::new("lab") };
    let save = async |policy: &ProjectPolicy, revision| {
        yard.control.save_policy(&yard.root, &SavePolicy { policy: policy.clone(), revision }).await
    };
    save(&policy, None).await.unwrap();
    let taken = save(&policy, None).await.unwrap_err().of_field("name");
    assert_eq!(taken.as_deref(), Some("Resource policy name already exists. Please change the name to add."));
    let created = project_policy(&yard, "lab").await.unwrap();
    assert_eq!((&created.policy, created.followers), (&policy, 0));

    let unlimited = ProjectPolicy { max_folders: None, max_folder_bytes: Some(100 << 30), ..policy };
    save(&unlimited, Some(created.revision)).await.unwrap();
    let edited = project_policy(&yard, "lab").await.unwrap();
    assert_eq!(edited.policy, unlimited);
    // Saving does not rename: another name means another policy, which does not exist.
    let renamed = ProjectPolicy { name: "renamed".into(), ..unlimited };
    assert_eq!(save(&renamed, Some(edited.revision)).await, Err(Problem::NotFound("resource policy".into())));
    assert!(project_policy(&yard, "renamed").await.is_none() && project_policy(&yard, "lab").await.is_some());

    yard.control.delete_policy(&yard.root, PolicyKind::Project, "lab", None).await.unwrap();
    assert!(project_policy(&yard, "lab").await.is_none());
    let mine = SavePolicy { policy: ProjectPolicy::new("anns"), revision: None };
    assert!(matches!(yard.control.save_policy(&yard.ann, &mine).await, Err(Problem::Forbidden(_))));
}

/// The name is also the subject of events about the queue, which change no session.
#[tokio::test]
async fn a_policy_called_queue_is_followed_like_any_other() {
    let yard = Yard::new().await;
    let policy = KeypairPolicy::new("queue");
    yard.control.save_policy(&yard.root, &SavePolicy { policy: policy.clone(), revision: None }).await.unwrap();
    let key = yard.control.my_keypairs(&yard.ann).await.unwrap().remove(0).access_key;
    let edit = EditKeypair { policy: Some("queue".into()), ..EditKeypair::default() };
    yard.control.edit_keypair(&yard.root, &key, &edit).await.unwrap();
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(60).await;
    assert_eq!(yard.status(id).await, Status::Running);
    let policy = KeypairPolicy { lifetime: Some(30), ..policy };
    yard.control.save_policy(&yard.root, &SavePolicy { policy, revision: Some(1) }).await.unwrap();
    yard.seconds(10).await;
    assert!(yard.info(id).await.starts_with("It reached its maximum lifetime: policy queue"), "{}", yard.info(id).await);
}
