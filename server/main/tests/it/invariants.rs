//! Invariants of people and keypairs that hold after any actions of administrators, in any order.

use crate::{PASSWORD, Yard, email};
use control::{Caller, SignInAnswer};
use proptest::prelude::*;
use types::Problem;
use types::id::UserId;
use types::list::{ListQuery, Window};
use types::people::keypairs::{CreateKeypair, EditKeypair, KEYPAIRS};
use types::people::permissions::Role;
use types::people::users::{CreateUser, EditUser, USERS, UserStatus};

/// An action that is tried; its numbers choose among the existing people and keypairs.
#[derive(Clone, Debug)]
enum Step {
    Create { name: u8, upper: bool, role: Role },
    Rename { who: u8, name: u8 },
    SetRole { who: u8, role: Role },
    SetStatus { who: u8, active: bool },
    AddKey { who: u8 },
    SetKey { key: u8, active: bool },
    MainKey { key: u8 },
    DeleteKey { key: u8 },
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(Role::ALL)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6u8, any::<bool>(), role()).prop_map(|(name, upper, role)| Step::Create { name, upper, role }),
        (any::<u8>(), 0..6u8).prop_map(|(who, name)| Step::Rename { who, name }),
        (any::<u8>(), role()).prop_map(|(who, role)| Step::SetRole { who, role }),
        (any::<u8>(), any::<bool>()).prop_map(|(who, active)| Step::SetStatus { who, active }),
        any::<u8>().prop_map(|who| Step::AddKey { who }),
        (any::<u8>(), any::<bool>()).prop_map(|(key, active)| Step::SetKey { key, active }),
        any::<u8>().prop_map(|key| Step::MainKey { key }),
        any::<u8>().prop_map(|key| Step::DeleteKey { key }),
    ]
}

struct World {
    yard: Yard,
    password: String,
}

impl World {
    /// The first active superadmin. There must always be one.
    async fn boss(&self) -> Caller {
        for login in [email(Role::Superadmin)].into_iter().chain((0..6).map(|n| format!("p{n}@example.org"))) {
            let asked = Caller::nobody("127.0.0.1", "test");
            let answer = self.yard.control.sign_in(&asked, &login, &self.password, None).await;
            if let Ok(SignInAnswer::Done(signed_in)) = answer
                && signed_in.me.role == Role::Superadmin
            {
                return self.yard.control.caller(asked, Some(&signed_in.token)).await.unwrap();
            }
        }
        panic!("no active superadmin is left");
    }

    async fn people(&self, boss: &Caller) -> Vec<types::people::users::UserRow> {
        let window = Window { offset: 0, limit: 1000, any_tab: true };
        let query = ListQuery { window: Some(window), ..ListQuery::new(&USERS) };
        self.yard.control.users(boss, &query).await.unwrap().rows
    }

    async fn keys(&self, boss: &Caller) -> Vec<types::people::keypairs::KeypairRow> {
        let window = Window { offset: 0, limit: 1000, any_tab: true };
        let query = ListQuery { window: Some(window), ..ListQuery::new(&KEYPAIRS) };
        self.yard.control.keypairs(boss, &query).await.unwrap().rows
    }

    async fn run(&self, boss: &Caller, step: &Step) -> Result<(), Problem> {
        let control = &self.yard.control;
        let (people, keys) = (self.people(boss).await, self.keys(boss).await);
        let who = |n: u8| people[usize::from(n) % people.len()].id;
        let key = |n: u8| keys[usize::from(n) % keys.len()].access_key.clone();
        let edit = |edit: EditUser, id: UserId| async move { control.edit_user(boss, id, &edit).await };
        match step.clone() {
            Step::Create { name, upper, role } => {
                let domain = control.domain_choices(boss).await?.remove(0);
                let name = format!("p{name}");
                let login = if upper { name.to_uppercase() } else { name };
                let new = CreateUser { password: PASSWORD.into(), role, ..CreateUser::example(&login, domain.id) };
                control.create_user(boss, &new).await.map(drop)
            }
            Step::Rename { who: n, name } => {
                edit(EditUser { username: Some(format!("P{name}")), ..EditUser::default() }, who(n)).await
            }
            Step::SetRole { who: n, role } => edit(EditUser { role: Some(role), ..EditUser::default() }, who(n)).await,
            Step::SetStatus { who: n, active } => {
                let status = if active { UserStatus::Active } else { UserStatus::Inactive };
                edit(EditUser { status: Some(status), ..EditUser::default() }, who(n)).await
            }
            Step::AddKey { who: n } => {
                let owner = people[usize::from(n) % people.len()].email.clone();
                let new = CreateKeypair { owner, policy: "default".into(), rate_limit: 100 };
                control.create_keypair(boss, &new).await.map(drop)
            }
            Step::SetKey { key: n, active } => {
                control.edit_keypair(boss, &key(n), &EditKeypair { active: Some(active), ..EditKeypair::default() }).await
            }
            Step::MainKey { key: n } => {
                control.edit_keypair(boss, &key(n), &EditKeypair { main: Some(true), ..EditKeypair::default() }).await
            }
            Step::DeleteKey { key: n } => control.delete_keypair(boss, &key(n)).await,
        }
    }

    async fn holds(&self, boss: &Caller, before: usize) {
        let (people, keys) = (self.people(boss).await, self.keys(boss).await);
        assert!(people.len() >= before, "nobody is ever deleted");
        assert!(people.iter().any(|one| one.role == Role::Superadmin && one.status == UserStatus::Active), "a superadmin");
        for what in [
            |one: &types::people::users::UserRow| one.email.to_lowercase(),
            |one: &types::people::users::UserRow| one.username.to_lowercase(),
        ] {
            let mut names: Vec<String> = people.iter().map(what).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), people.len(), "names are unique regardless of case");
        }
        for person in &people {
            let mine: Vec<_> = keys.iter().filter(|key| key.user == person.id).collect();
            let main: Vec<_> = mine.iter().filter(|key| key.main).collect();
            assert_eq!(main.len(), usize::from(!mine.is_empty()), "one main keypair of {}", person.email);
            assert!(main.iter().all(|key| key.active), "and it is active");
        }
    }
}

proptest! {
    // Each case has a server of its own, and every password is really hashed.
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn people_and_keypairs_keep_their_invariants_after_any_actions(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World { yard: Yard::new().await, password: PASSWORD.into() };
            let boss = world.boss().await;
            for step in &steps {
                let before = world.people(&boss).await.len();
                // Whether it was refused or done, everything must still hold.
                let _ = world.run(&boss, step).await;
                world.holds(&boss, before).await;
            }
        });
    }
}
