//! The audit trail keeps edited things completely, before and after the edit.
//!
//! Each edit sets every field of its command, so that a new field does not compile until it is edited here as well.

use crate::yard::Yard;
use serde_json::Value;
use types::folders::HOST_PERMISSIONS;
use types::limits::policies::{KEYPAIR_POLICIES, KeypairPolicy, ProjectPolicy, SavePolicy, UserPolicy};
use types::list::ListQuery;
use types::people::keypairs::{CreateKeypair, EditKeypair};
use types::people::permissions::Role;
use types::people::users::{EditUser, UserStatus};
use types::projects::{EditDomain, EditProject, PROJECTS};
use types::quantity::{Quantity, Slots};
use types::system::audit::AUDIT;

impl Yard {
    /// The thing before and after, from the newest record of this action.
    async fn recorded(&self, action: &str) -> (Value, Value) {
        let rows = self.control.audit_records(&self.root, &ListQuery::new(&AUDIT)).await.unwrap().rows;
        let row = rows.into_iter().find(|row| row.action == action).unwrap();
        let detail: Value = serde_json::from_str(&row.detail).unwrap();
        (detail["before"].clone(), detail["after"].clone())
    }
}

/// Asserts that every field differs before and after, except the `fixed` ones.
fn differs_in_all_but(fixed: &[&str], (before, after): (Value, Value)) {
    for (field, value) in after.as_object().unwrap() {
        assert_eq!(before[field] == *value, fixed.contains(&field.as_str()), "{field}: {} and {value}", before[field]);
    }
}

fn hosts() -> types::folders::Hosts {
    [("archive".to_owned(), HOST_PERMISSIONS.map(String::from).to_vec())].into()
}

#[tokio::test]
async fn the_audit_trail_keeps_an_edited_account_before_and_after() {
    let yard = Yard::new().await;
    let ann = yard.ann.me().unwrap().id;
    let domain = EditDomain { name: Some("labs".into()), ..EditDomain::default() };
    let domain = yard.control.create_domain(&yard.root, &domain).await.unwrap();
    let project = EditProject { name: Some("genes".into()), domain: Some(domain), ..EditProject::default() };
    let project = yard.control.create_project(&yard.root, &project).await.unwrap();
    yard.control.save_policy(&yard.root, &SavePolicy { policy: UserPolicy::new("staff"), revision: None }).await.unwrap();
    let other = CreateKeypair { owner: "ann".into(), policy: "default".into(), rate_limit: 100 };
    let other = yard.control.create_keypair(&yard.root, &other).await.unwrap();
    let setup = yard.control.begin_two_factor(&yard.ann, crate::PASSWORD).await.unwrap();
    let secret = totp_rs::Secret::try_from_base32(&setup.secret).unwrap();
    let code = totp_rs::Builder::new().with_secret(secret).build().unwrap().generate((yard.now().0 / 1000) as u64);
    yard.control.enable_two_factor(&yard.ann, &code.to_string()).await.unwrap();
    yard.pass(1_000).await;
    let edit = EditUser {
        username: Some("anna".into()),
        full_name: Some("Anna Ek".into()),
        password: Some("Another-Horse-1".into()),
        description: Some("Genes".into()),
        status: Some(UserStatus::Inactive),
        role: Some(Role::Admin),
        domain: Some(domain),
        projects: Some(vec![project]),
        must_change_password: Some(true),
        sudo: Some(true),
        addresses: Some(vec!["10.0.0.0/8".into()]),
        two_factor: Some(false),
        policy: Some("staff".into()),
        keypair_policy: None,
        uid: Some(2000),
        gid: Some(2001),
        gids: Some(vec![2002]),
        main_access_key: Some(other.access_key),
    };
    yard.control.edit_user(&yard.root, ann, &edit).await.unwrap();
    let (before, after) = yard.recorded("edit user").await;
    assert_eq!((&before["sudo"], &after["sudo"]), (&Value::Bool(false), &Value::Bool(true)));
    assert!(!after.to_string().contains("Another-Horse-1"));
    differs_in_all_but(&["id", "email", "created_at"], (before, after));
}

#[tokio::test]
async fn the_audit_trail_keeps_an_edited_keypair_before_and_after() {
    let yard = Yard::new().await;
    yard.control.save_policy(&yard.root, &SavePolicy { policy: KeypairPolicy::new("fast"), revision: None }).await.unwrap();
    let added = CreateKeypair { owner: "ann".into(), policy: "default".into(), rate_limit: 100 };
    let key = yard.control.create_keypair(&yard.root, &added).await.unwrap().access_key;
    let edit = EditKeypair { active: None, policy: Some("fast".into()), rate_limit: Some(7), main: Some(true) };
    yard.control.edit_keypair(&yard.root, &key, &edit).await.unwrap();
    let fixed = [
        "access_key",
        "user",
        "owner",
        "owner_name",
        "projects",
        "admin",
        "active",
        "queries",
        "sessions",
        "created_at",
        "last_used",
    ];
    differs_in_all_but(&fixed, yard.recorded("edit keypair").await);
    // A main key stays active, so `active` is edited separately.
    let other = yard.control.create_keypair(&yard.root, &added).await.unwrap().access_key;
    let edit = EditKeypair { active: Some(false), ..EditKeypair::default() };
    yard.control.edit_keypair(&yard.root, &other, &edit).await.unwrap();
    let (before, after) = yard.recorded("edit keypair").await;
    assert_eq!((&before["active"], &after["active"]), (&Value::Bool(true), &Value::Bool(false)));
}

#[tokio::test]
async fn the_audit_trail_keeps_an_edited_project_and_its_member_changes() {
    let yard = Yard::new().await;
    yard.control.save_policy(&yard.root, &SavePolicy { policy: ProjectPolicy::new("labs"), revision: None }).await.unwrap();
    let bea = yard.person("bea").await;
    let project = yard.control.my_projects(&yard.ann).await.unwrap()[0].0;
    let edit = EditProject {
        name: Some("genes".into()),
        domain: None,
        kind: None,
        description: Some("Of mice".into()),
        active: Some(false),
        policy: Some("labs".into()),
        hosts: Some(hosts()),
        limit: Some(Slots::cpu_mem(Quantity::whole(9), 1 << 30)),
        integration: Some("lab-9".into()),
        add: Vec::new(),
        remove: vec!["ann".into()],
        appoint: vec![bea.me().unwrap().id.to_string()],
        dismiss: Vec::new(),
    };
    yard.pass(1_000).await;
    yard.control.edit_project(&yard.root, project, &edit).await.unwrap();
    let rows = yard.control.audit_records(&yard.root, &ListQuery::new(&AUDIT)).await.unwrap().rows;
    let detail: Value = serde_json::from_str(&rows[0].detail).unwrap();
    assert_eq!((&detail["members"]["removed"][0], rows[0].action.as_str()), (&Value::from("ann"), "edit project"));
    differs_in_all_but(&["id", "domain_id", "domain", "kind", "created_at"], yard.recorded("edit project").await);
    let left =
        yard.control.projects(&yard.root, &ListQuery { tab: "inactive".into(), ..ListQuery::new(&PROJECTS) }).await.unwrap();
    assert_eq!(left.rows[0].name, "genes");
}

#[tokio::test]
async fn the_audit_trail_keeps_an_edited_domain_before_and_after() {
    let yard = Yard::new().await;
    let new = EditDomain { name: Some("labs".into()), ..EditDomain::default() };
    let domain = yard.control.create_domain(&yard.root, &new).await.unwrap();
    yard.pass(1_000).await;
    let edit = EditDomain {
        name: Some("institute".into()),
        description: Some("All labs".into()),
        active: Some(false),
        hosts: Some(hosts()),
        limit: Some(Slots::cpu_mem(Quantity::whole(9), 1 << 30)),
        integration: Some("lab-9".into()),
    };
    yard.control.edit_domain(&yard.root, domain, &edit).await.unwrap();
    differs_in_all_but(&["id", "projects", "people", "created_at"], yard.recorded("edit domain").await);
}

#[tokio::test]
async fn the_audit_trail_keeps_an_edited_policy_of_each_kind() {
    let yard = Yard::new().await;
    let save = |policy| SavePolicy { policy, revision: None };
    yard.control.save_policy(&yard.root, &save(KeypairPolicy::new("lab"))).await.unwrap();
    let rows = yard.control.policies::<KeypairPolicy>(&yard.root, &ListQuery::new(&KEYPAIR_POLICIES)).await.unwrap().rows;
    let revision = rows.iter().find(|row| row.policy.name == "lab").map(|row| row.revision);
    let policy = KeypairPolicy {
        name: "lab".into(),
        total: Slots::cpu_mem(Quantity::whole(9), 1 << 30),
        others_unlimited: false,
        max_sessions: Some(3),
        max_pending: Some(4),
        max_cluster: 5,
        lifetime: Some(6),
        idle_timeout: Some(7),
        session_disk: Some(64 << 20),
        max_transfers: Some(8),
        max_folders: Some(9),
        hosts: hosts(),
    };
    yard.control.save_policy(&yard.root, &SavePolicy { policy, revision }).await.unwrap();
    differs_in_all_but(&["name"], yard.recorded("edit keypair policy").await);

    let save = |policy, revision| SavePolicy { policy, revision };
    yard.control.save_policy(&yard.root, &save(UserPolicy::new("lab"), None)).await.unwrap();
    let policy = UserPolicy {
        name: "lab".into(),
        max_folders: Some(1),
        max_folder_bytes: Some(2),
        max_service_sessions: 3,
        max_images: 4,
    };
    yard.control.save_policy(&yard.root, &save(policy, Some(1))).await.unwrap();
    differs_in_all_but(&["name"], yard.recorded("edit user policy").await);

    let save = |policy, revision| SavePolicy { policy, revision };
    yard.control.save_policy(&yard.root, &save(ProjectPolicy::new("lab"), None)).await.unwrap();
    let policy = ProjectPolicy { name: "lab".into(), max_folders: Some(1), max_folder_bytes: Some(2), max_networks: Some(3) };
    yard.control.save_policy(&yard.root, &save(policy, Some(1))).await.unwrap();
    differs_in_all_but(&["name"], yard.recorded("edit project policy").await);
}
