//! The policy of a person's main keypair limits all of their sessions, whichever keypair started them and whichever was the main
//! one then.

use crate::yard::Yard;
use control::Caller;
use types::Problem;
use types::limits::policies::{KeypairPolicy, SavePolicy};
use types::list::ListQuery;
use types::people::keypairs::{CreateKeypair, DEFAULT_RATE_LIMIT, EditKeypair, KEYPAIRS};
use types::people::users::EditUser;
use types::sessions::Status;
use types::sessions::launch::StartSession;

impl Yard {
    /// Adds a second keypair for Ann.
    async fn second_key(&self) -> String {
        let own = CreateKeypair { owner: String::new(), policy: String::new(), rate_limit: DEFAULT_RATE_LIMIT };
        self.control.create_keypair(&self.ann, &own).await.unwrap().access_key
    }

    async fn main_key(&self) -> String {
        let rows = self.control.keypairs(&self.ann, &ListQuery::new(&KEYPAIRS)).await.unwrap().rows;
        rows.into_iter().find(|row| row.main).unwrap().access_key
    }

    async fn policy(&self, name: &str, max_sessions: u32) {
        let policy = KeypairPolicy { max_sessions: Some(max_sessions), ..KeypairPolicy::new(name) };
        self.control.save_policy(&self.root, &SavePolicy { policy, revision: None }).await.unwrap();
    }

    async fn follow(&self, key: &str, policy: &str) {
        let edit = EditKeypair { policy: Some(policy.to_owned()), ..EditKeypair::default() };
        self.control.edit_keypair(&self.root, key, &edit).await.unwrap();
    }

    async fn make_main(&self, who: &Caller, key: &str) -> Result<(), Problem> {
        self.control.edit_keypair(who, key, &EditKeypair { main: Some(true), ..EditKeypair::default() }).await
    }
}

#[tokio::test]
async fn another_main_key_is_not_a_way_out_of_a_policy() {
    let yard = Yard::new().await;
    yard.policy("small", 1).await;
    let (main, second) = (yard.main_key().await, yard.second_key().await);
    yard.make_main(&yard.ann, &second).await.unwrap();
    yard.make_main(&yard.ann, &main).await.unwrap();
    yard.follow(&main, "small").await;
    let refused = yard.make_main(&yard.ann, &second).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Your main key uses the policy small, but this one uses default. An administrator can give both the same policy."
    );
    yard.make_main(&yard.root, &second).await.unwrap();
    assert_eq!(yard.main_key().await, second, "those who may choose limits may choose this one");
}

#[tokio::test]
async fn running_sessions_count_under_a_new_main_key_at_once() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.max_sessions = Some(2)).await;
    let (one, two) = (yard.start(&yard.asked().await).await, yard.start(&yard.asked().await).await);
    yard.seconds(5).await;
    assert_eq!((yard.status(one).await, yard.status(two).await), (Status::Running, Status::Running));
    let key = yard.second_key().await;
    let ann = yard.ann.me().unwrap().id;
    yard.control.edit_user(&yard.root, ann, &EditUser { main_access_key: Some(key), ..EditUser::default() }).await.unwrap();
    let third = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(third).await, Status::Pending);
    let query = ListQuery::new(&types::limits::policies::KEYPAIR_POLICIES);
    let mut policy = yard.control.policies::<KeypairPolicy>(&yard.root, &query).await.unwrap().rows.remove(0).policy;
    policy.max_sessions = Some(1);
    let over = yard.control.policy_effect(&yard.root, &policy).await.unwrap().over;
    assert_eq!(over.len(), 1, "both count against the new main key: {over:?}");
    assert_eq!(over[0].sessions.len(), 2);
}

#[tokio::test]
async fn a_main_key_is_never_inactive() {
    let yard = Yard::new().await;
    let (main, second) = (yard.main_key().await, yard.second_key().await);
    let off = EditKeypair { active: Some(false), ..EditKeypair::default() };
    let (made, switched) = tokio::join!(yard.make_main(&yard.ann, &second), yard.control.edit_keypair(&yard.root, &second, &off));
    assert!(made.is_ok() != switched.is_ok(), "whichever comes first rules out the other: {made:?} {switched:?}");
    let rows = yard.control.keypairs(&yard.ann, &ListQuery::new(&KEYPAIRS)).await.unwrap().rows;
    let key = rows.iter().find(|row| row.main).unwrap();
    assert!(key.active && [main, second].contains(&key.access_key));
}

#[tokio::test]
async fn the_effect_of_a_policy_lists_the_sessions_it_would_end_at_once() {
    let yard = Yard::new().await;
    let running = yard.start(&StartSession { name: "elder".into(), ..yard.asked().await }).await;
    yard.seconds(120).await;
    yard.start(&StartSession { name: "younger".into(), ..yard.asked().await }).await;
    yard.seconds(10).await;
    let query = ListQuery::new(&types::limits::policies::KEYPAIR_POLICIES);
    let mut policy = yard.control.policies::<KeypairPolicy>(&yard.root, &query).await.unwrap().rows.remove(0).policy;
    policy.lifetime = Some(60);
    let effect = yard.control.policy_effect(&yard.root, &policy).await.unwrap();
    assert_eq!(effect.ended.len(), 1);
    assert_eq!((effect.ended[0].owner.as_str(), effect.ended[0].sessions.join(" ")), ("ann@example.org", "elder".to_owned()));
    assert_eq!(effect.ended[0].why, "It reached its maximum lifetime: policy default allows 1 min 0 s.");
    assert_eq!(yard.status(running).await, Status::Running, "asking for the effect ends nothing");
    yard.limit(|now| now.lifetime = Some(60)).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(running).await, Status::Terminated);
}

#[tokio::test]
async fn the_engine_hears_of_an_ended_session_at_once_whoever_reads_the_queue() {
    let yard = Yard::new().await;
    let running = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let runs = tokio::spawn(yard.control.clone().run());
    // By then, the loop's first look at everything is over.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    yard.control.terminate(&yard.ann, running, false).await.unwrap();
    // This refreshes the mirror before the loop does.
    yard.control.start_options(&yard.ann, "").await.unwrap();
    let told = async {
        while yard.status(running).await != Status::Terminated {
            yard.pass(100).await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), told)
        .await
        .expect("it ends long before everything is looked at again");
    runs.abort();
}
