//! Resource policies, presets, resource groups and settings: saved by several people, deleted with care, read by the API.

use crate::{PASSWORD, Yard, caller};
use axum::http::{Method, StatusCode};
use control::Caller;
use serde_json::{Value, json};
use types::Problem;
use types::cluster::resource_groups::{GroupRow, RESOURCE_GROUPS, ResourceGroup, SaveGroup, SchedulerKind, SchedulerSettings};
use types::limits::policies::{KEYPAIR_POLICIES, KeypairPolicy, PolicyKind, PolicyRow, SavePolicy, UserPolicy};
use types::limits::presets::{PRESETS, Preset, SavePreset};
use types::list::ListQuery;
use types::people::keypairs::{CreateKeypair, EditKeypair};
use types::projects::EditDomain;
use types::quantity::{Quantity, Slots};
use types::system::events::Topic;

impl Yard {
    async fn root(&self) -> Caller {
        caller(&self.control, "root@example.org").await
    }

    async fn policy(&self, root: &Caller, name: &str) -> Option<PolicyRow<KeypairPolicy>> {
        let page = self.control.policies::<KeypairPolicy>(root, &ListQuery::new(&KEYPAIR_POLICIES)).await.unwrap();
        page.rows.into_iter().find(|row| row.policy.name == name)
    }

    async fn new_policy(&self, root: &Caller, name: &str) {
        let save = SavePolicy { policy: KeypairPolicy::new(name), revision: None };
        self.control.save_policy(root, &save).await.unwrap();
    }

    /// Adds a keypair for `user@example.org`.
    async fn new_keypair(&self, root: &Caller, policy: &str) -> String {
        let new = CreateKeypair { owner: "user@example.org".into(), policy: policy.into(), rate_limit: 100 };
        self.control.create_keypair(root, &new).await.unwrap().access_key
    }

    async fn group(&self, caller: &Caller, name: &str) -> Option<GroupRow> {
        let page = self.control.resource_groups(caller, &ListQuery::new(&RESOURCE_GROUPS)).await.unwrap();
        page.rows.into_iter().find(|row| row.group.name == name)
    }

    /// Signs in as Backend.AI's client does.
    pub async fn client(&self, login: &str) -> String {
        let body = json!({ "username": login, "password": PASSWORD }).to_string();
        let answer = self.call(Method::POST, "/server/login", "", &body).await;
        answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// The data of a document's answer, which must have no errors.
    pub async fn gql(&self, cookie: &str, document: &str) -> Value {
        let body = json!({ "query": document }).to_string();
        let answer = self.call(Method::POST, "/func/admin/gql", cookie, &body).await;
        let mut answer: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(answer["errors"].is_null(), "{document}: {answer}");
        answer["data"].take()
    }
}

fn sentence<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
    match result.unwrap_err() {
        Problem::Conflict(sentence) => sentence,
        other => panic!("{other:?}"),
    }
}

fn field<T: std::fmt::Debug>(result: Result<T, Problem>, field: &str) -> String {
    let problem = result.unwrap_err();
    problem.of_field(field).unwrap_or_else(|| panic!("{problem:?}"))
}

fn preset(name: &str, group: Option<&str>) -> Preset {
    Preset {
        name: name.into(),
        slots: Slots::cpu_mem(Quantity::whole(2), 4 << 30),
        shared_memory: None,
        resource_group: group.map(String::from),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_save_of_a_policy_is_refused_with_what_the_first_changed() {
    let yard = Yard::new().await;
    let root = yard.root().await;
    yard.new_policy(&root, "student").await;
    let opened = yard.policy(&root, "student").await.unwrap();
    let first = KeypairPolicy { max_sessions: Some(3), ..opened.policy.clone() };
    let save = SavePolicy { policy: first, revision: Some(opened.revision) };
    yard.control.save_policy(&root, &save).await.unwrap();

    let second = KeypairPolicy { max_sessions: Some(5), ..opened.policy };
    let mut save = SavePolicy { policy: second, revision: Some(opened.revision) };
    let Err(Problem::Stale(stale)) = yard.control.save_policy(&root, &save).await else { panic!("overwritten") };
    let differences: Vec<_> = stale.differences.iter().map(|d| (d.field.as_str(), d.saved.as_str(), d.yours.as_str())).collect();
    assert_eq!(differences, [("Concurrent jobs", "3", "5")]);
    assert_eq!(yard.policy(&root, "student").await.unwrap().policy.max_sessions, Some(3));

    // After seeing the difference, they may save.
    save.revision = Some(stale.revision);
    yard.control.save_policy(&root, &save).await.unwrap();
    assert_eq!(yard.policy(&root, "student").await.unwrap().policy.max_sessions, Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_zero_is_not_the_same_as_no_limit() {
    let yard = Yard::new().await;
    let root = yard.root().await;
    for max_sessions in [Some(0), None] {
        let name = if max_sessions.is_some() { "none" } else { "any" };
        let policy = KeypairPolicy { max_sessions, ..KeypairPolicy::new(name) };
        yard.control.save_policy(&root, &SavePolicy { policy: policy.clone(), revision: None }).await.unwrap();
        assert_eq!(yard.policy(&root, name).await.unwrap().policy, policy);
    }
    // No limit is the largest.
    let query = ListQuery { sort: "max_sessions".into(), ..ListQuery::new(&KEYPAIR_POLICIES) };
    let rows = yard.control.policies::<KeypairPolicy>(&root, &query).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.policy.name.as_str()).collect::<Vec<_>>(), ["none", "default", "any"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_with_wrong_limits_or_a_taken_name_is_refused_at_its_field() {
    let yard = Yard::new().await;
    let root = yard.root().await;
    let save = |policy| SavePolicy { policy, revision: None };
    let total = Slots::cpu_mem(Quantity::whole(513), 1 << 30);
    let beyond = KeypairPolicy { total, max_sessions: Some(101), ..KeypairPolicy::new("student") };
    let refused = yard.control.save_policy(&root, &save(beyond)).await;
    field(refused.clone(), "slot.cpu");
    field(refused, "max_sessions");
    let taken = yard.control.save_policy(&root, &save(KeypairPolicy::new("default"))).await;
    assert_eq!(field(taken, "name"), "Resource policy name already exists. Please change the name to add.");
    let save = SavePolicy { policy: UserPolicy::new("default"), revision: None };
    field(yard.control.save_policy(&root, &save).await, "name");
    let gone = SavePolicy { policy: KeypairPolicy::new("gone"), revision: Some(1) };
    assert_eq!(yard.control.save_policy(&root, &gone).await.unwrap_err(), Problem::NotFound("resource policy".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_policy_is_deleted_only_if_its_followers_get_another() {
    let yard = Yard::new().await;
    let (root, control) = (yard.root().await, yard.control.clone());
    yard.new_policy(&root, "student").await;
    let key = yard.new_keypair(&root, "student").await;
    control.edit_keypair(&root, &key, &EditKeypair { active: Some(false), ..EditKeypair::default() }).await.unwrap();

    let followers = control.policy_followers(&root, PolicyKind::Keypair, "student").await.unwrap();
    assert_eq!((followers.count, followers.first.as_slice()), (1, ["user@example.org".to_owned()].as_slice()));
    let said = sentence(control.delete_policy(&root, PolicyKind::Keypair, "student", None).await);
    assert!(said.contains("user@example.org") && said.contains("counting inactive ones"), "{said}");
    field(control.delete_policy(&root, PolicyKind::Keypair, "student", Some("student")).await, "move_to");
    field(control.delete_policy(&root, PolicyKind::Keypair, "student", Some("nowhere")).await, "move_to");
    assert!(yard.policy(&root, "student").await.is_some());

    control.delete_policy(&root, PolicyKind::Keypair, "student", Some("default")).await.unwrap();
    assert!(yard.policy(&root, "student").await.is_none());
    assert_eq!(control.keypair(&root, &key).await.unwrap().policy, "default");

    let said = sentence(control.delete_policy(&root, PolicyKind::Keypair, "default", None).await);
    assert!(said.contains("New keypairs use"), "{said}");
    for kind in [PolicyKind::User, PolicyKind::Project] {
        sentence(control.delete_policy(&root, kind, "default", None).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_keypairs_do_not_keep_a_policy_from_being_deleted() {
    let yard = Yard::new().await;
    let (root, control) = (yard.root().await, yard.control.clone());
    yard.new_policy(&root, "student").await;
    let key = yard.new_keypair(&root, "student").await;
    control.edit_keypair(&root, &key, &EditKeypair { active: Some(false), ..EditKeypair::default() }).await.unwrap();
    control.delete_keypair(&root, &key).await.unwrap();
    assert_eq!(yard.policy(&root, "student").await.unwrap().followers, 0);
    control.delete_policy(&root, PolicyKind::Keypair, "student", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_effect_of_a_policy_names_followers_and_those_over_its_limits() {
    let yard = Yard::new().await;
    let root = yard.root().await;
    let default = yard.policy(&root, "default").await.unwrap();
    let effect = yard.control.policy_effect(&root, &default.policy).await.unwrap();
    assert_eq!((effect.followers.count, effect.over.len(), effect.more), (default.followers, 0, 0));
    assert!(effect.followers.first.contains(&"user@example.org".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_the_policy_of_their_own_keypairs_and_change_none() {
    let yard = Yard::new().await;
    let root = yard.root().await;
    yard.new_policy(&root, "student").await;
    let user = caller(&yard.control, "user@example.org").await;
    let rows = yard.control.policies::<KeypairPolicy>(&user, &ListQuery::new(&KEYPAIR_POLICIES)).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| (row.policy.name.as_str(), row.followers)).collect::<Vec<_>>(), [("default", 0)]);
    let admin = caller(&yard.control, "admin@example.org").await;
    assert!(yard.policy(&admin, "student").await.is_some());
    for other in [&user, &admin] {
        let save = SavePolicy { policy: KeypairPolicy::new("mine"), revision: None };
        assert!(matches!(yard.control.save_policy(other, &save).await, Err(Problem::Forbidden(_))));
    }
    // The pages of both hear of the change.
    let topics = |events: Vec<types::system::events::Event>| events.into_iter().map(|event| event.topic).collect::<Vec<_>>();
    let (heard, _) = yard.control.events(&user, 0).await.unwrap().unwrap();
    assert!(topics(heard).contains(&Topic::Policy));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_serves_only_who_was_given_it_and_is_deleted_when_unused() {
    let yard = Yard::new().await;
    let (root, control) = (yard.root().await, yard.control.clone());
    let user = caller(&control, "user@example.org").await;
    let mut group = ResourceGroup::new("gpu");
    control.save_resource_group(&root, &SaveGroup { group: group.clone(), revision: None }).await.unwrap();
    field(control.save_resource_group(&root, &SaveGroup { group: group.clone(), revision: None }).await, "name");
    assert_eq!(control.resource_group_names(&user).await.unwrap(), ["default"]);
    assert_eq!(control.resource_group_names(&root).await.unwrap(), ["default", "gpu"]);

    let row = yard.group(&root, "gpu").await.unwrap();
    group.domains = vec![root.me().unwrap().domain];
    control.save_resource_group(&root, &SaveGroup { group: group.clone(), revision: Some(row.revision) }).await.unwrap();
    assert_eq!(yard.group(&root, "gpu").await.unwrap().domain_names, ["default"]);
    assert_eq!(control.resource_group_names(&user).await.unwrap(), ["default", "gpu"]);
    assert_eq!(control.usable_groups(&user, Some("default")).await.unwrap(), ["default", "gpu"]);
    assert!(control.usable_groups(&user, Some("other")).await.unwrap().is_empty());
    assert!(yard.group(&user, "gpu").await.unwrap().domain_names.is_empty(), "who else may is not theirs to know");

    let unknown = ResourceGroup { domains: vec![types::id::DomainId(uuid::Uuid::nil())], ..ResourceGroup::new("odd") };
    field(control.save_resource_group(&root, &SaveGroup { group: unknown, revision: None }).await, "domains");
    assert!(yard.group(&root, "odd").await.is_none(), "nothing of it was written");

    control.save_preset(&root, &SavePreset { preset: preset("small", Some("gpu")), revision: None }).await.unwrap();
    let said = sentence(control.delete_resource_group(&root, "gpu").await);
    assert!(said.contains("presets (small)"), "{said}");
    control.delete_preset(&root, "small").await.unwrap();
    control.delete_resource_group(&root, "gpu").await.unwrap();
    assert_eq!(control.resource_group_names(&user).await.unwrap(), ["default"]);
    sentence(control.delete_resource_group(&root, "default").await);

    // The name is free again, and a new group of that name inherits nothing.
    control.save_resource_group(&root, &SaveGroup { group: ResourceGroup::new("gpu"), revision: None }).await.unwrap();
    assert!(yard.group(&root, "gpu").await.unwrap().group.domains.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_people_of_a_new_domain_may_use_the_first_group() {
    let yard = Yard::new().await;
    let root = yard.root().await;
    let before = yard.group(&root, "default").await.unwrap();
    let new = EditDomain { name: Some("physics".into()), ..EditDomain::default() };
    let id = yard.control.create_domain(&root, &new).await.unwrap();
    let after = yard.group(&root, "default").await.unwrap();
    assert!(after.group.domains.contains(&id));
    // A form that was opened earlier would undo it.
    let save = SaveGroup { group: before.group, revision: Some(before.revision) };
    assert!(matches!(yard.control.save_resource_group(&root, &save).await, Err(Problem::Stale(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn presets_need_unique_names_and_existing_groups() {
    let yard = Yard::new().await;
    let (root, control) = (yard.root().await, yard.control.clone());
    let save = |preset| SavePreset { preset, revision: None };
    control.save_preset(&root, &save(preset("small", None))).await.unwrap();
    let taken = field(control.save_preset(&root, &save(preset("small", None))).await, "name");
    assert_eq!(taken, "A resource preset with this name already exists. Choose another name.");
    field(control.save_preset(&root, &save(preset("other", Some("nowhere")))).await, "resource_group");
    let shared = Preset { shared_memory: Some(4 << 30), ..preset("other", None) };
    field(control.save_preset(&root, &save(shared)).await, "shared_memory");

    control.save_resource_group(&root, &SaveGroup { group: ResourceGroup::new("gpu"), revision: None }).await.unwrap();
    control.save_preset(&root, &save(preset("large", Some("gpu")))).await.unwrap();
    let user = caller(&control, "user@example.org").await;
    let rows = control.presets(&user, &ListQuery::new(&PRESETS)).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.preset.name.as_str()).collect::<Vec<_>>(), ["small"], "only what they are offered");
    assert_eq!(control.slot_names(&user).await.unwrap()[..2], ["cpu".to_owned(), "mem".to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_can_be_changed_only_while_the_scheduler_is_fifo() {
    let yard = Yard::new().await;
    let (root, control) = (yard.root().await, yard.control.clone());
    let settings = control.scheduler_settings(&root).await.unwrap();
    let fifo = SchedulerSettings { retries_to_skip: Some(7), ..settings.clone() };
    control.save_scheduler_settings(&root, &fifo).await.unwrap();
    assert!(matches!(control.save_scheduler_settings(&root, &fifo).await, Err(Problem::Stale(_))), "somebody was faster");

    let now = control.scheduler_settings(&root).await.unwrap();
    let drf = SchedulerSettings { scheduler: SchedulerKind::Drf, retries_to_skip: Some(9), ..now.clone() };
    let said = field(control.save_scheduler_settings(&root, &drf).await, "retries_to_skip");
    assert_eq!(said, "Currently, changes are only possible when the scheduler is FIFO.");
    let drf = SchedulerSettings { retries_to_skip: None, ..drf };
    control.save_scheduler_settings(&root, &drf).await.unwrap();
    let now = control.scheduler_settings(&root).await.unwrap();
    assert_eq!((now.scheduler, now.retries_to_skip), (SchedulerKind::Drf, Some(7)), "a field that cannot be used says nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_creates_changes_reads_and_deletes_policies() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let created = yard
        .gql(
            &root,
            r#"mutation { create_keypair_resource_policy(name: "student", props: { default_for_unspecified: "UNLIMITED",
                total_resource_slots: "{\"cpu\": \"4\", \"mem\": \"8g\"}", max_concurrent_sessions: 30, max_containers_per_session: 1,
                idle_timeout: 1800, max_concurrent_sftp_sessions: 30 }) { ok msg resource_policy { name } } }"#,
        )
        .await;
    assert_eq!(created["create_keypair_resource_policy"]["resource_policy"]["name"], "student", "{created}");
    let modify = r#"mutation { modify_keypair_resource_policy(name: "student", props: { max_concurrent_sessions: 0,
        max_pending_session_count: 5 }) { ok msg } }"#;
    assert_eq!(yard.gql(&root, modify).await["modify_keypair_resource_policy"]["ok"], true);
    let read = r#"{ keypair_resource_policy(name: "student") { total_resource_slots max_concurrent_sessions idle_timeout
        max_pending_session_count max_session_lifetime default_for_unspecified } }"#;
    let policy = yard.gql(&root, read).await["keypair_resource_policy"].take();
    let expected = json!({ "total_resource_slots": "{\"cpu\":\"4\",\"mem\":\"8589934592\"}", "max_concurrent_sessions": 0,
        "idle_timeout": 1800, "max_pending_session_count": 5, "max_session_lifetime": 0, "default_for_unspecified": "UNLIMITED" });
    assert_eq!(policy, expected);
    let delete = r#"mutation { delete_keypair_resource_policy(name: "student") { ok msg } }"#;
    assert_eq!(yard.gql(&root, delete).await["delete_keypair_resource_policy"]["ok"], true);
    assert_eq!(yard.gql(&root, delete).await["delete_keypair_resource_policy"]["ok"], false, "there is none");

    for (kind, more) in [("user", "max_customized_image_count: 5"), ("project", "max_network_count: -1")] {
        let create = format!(
            "mutation {{ create_{kind}_resource_policy(name: \"small\", props: {{ max_vfolder_count: 3, max_quota_scope_size: -1, {more} }}) \
             {{ ok msg resource_policy {{ max_vfolder_count max_quota_scope_size }} }} }}"
        );
        let created = yard.gql(&root, &create).await[format!("create_{kind}_resource_policy")].take();
        assert_eq!(created["resource_policy"], json!({ "max_vfolder_count": 3, "max_quota_scope_size": -1 }), "{created}");
    }
    let user = yard.client("user@example.org").await;
    let mine = yard.gql(&user, "{ keypair_resource_policies { name } }").await;
    assert_eq!(mine["keypair_resource_policies"], json!([{ "name": "default" }]));
    let refused = yard.gql(&user, delete).await["delete_keypair_resource_policy"].take();
    assert_eq!(refused["msg"], "no permission to execute delete_keypair_resource_policy");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_creates_changes_reads_and_deletes_groups_and_presets() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let user = yard.client("user@example.org").await;
    let create = r#"mutation { create_scaling_group(name: "gpu", props: { driver: "static", scheduler: "drf",
        scheduler_opts: "{\"pending_timeout\": 60}" }) { ok msg scaling_group { name } } }"#;
    assert_eq!(yard.gql(&root, create).await["create_scaling_group"]["scaling_group"]["name"], "gpu");
    let usable = |text: String| serde_json::from_str::<Value>(&text).unwrap()["scaling_groups"].take();
    let asked = yard.get("/func/scaling-groups?group=default", &user).await;
    assert_eq!(usable(asked.text), json!([{ "name": "default" }]));
    let give = r#"mutation { associate_scaling_group_with_domain(scaling_group: "gpu", domain: "default") { ok msg } }"#;
    assert_eq!(yard.gql(&root, give).await["associate_scaling_group_with_domain"]["ok"], true);
    let asked = yard.get("/func/scaling-groups?group=default", &user).await;
    assert_eq!(usable(asked.text), json!([{ "name": "default" }, { "name": "gpu" }]));

    let create = r#"mutation { create_resource_preset(name: "small", props: { resource_slots: "{\"cpu\": 1, \"mem\": \"1g\"}",
        shared_memory: "64m", scaling_group_name: "gpu" }) { ok msg resource_preset { id name } } }"#;
    let id = yard.gql(&root, create).await["create_resource_preset"]["resource_preset"]["id"].take();
    let id = id.as_str().unwrap();
    let modify =
        format!("mutation {{ modify_resource_preset(id: \"{id}\", props: {{ scaling_group_name: null }}) {{ ok msg }} }}");
    assert_eq!(yard.gql(&root, &modify).await["modify_resource_preset"]["ok"], true);
    let read = r#"{ resource_preset(name: "small") { id resource_slots shared_memory scaling_group_name } }"#;
    let expected = json!({ "id": id, "resource_slots": "{\"cpu\":\"1\",\"mem\":\"1073741824\"}", "shared_memory": 64 << 20,
        "scaling_group_name": null });
    assert_eq!(yard.gql(&root, read).await["resource_preset"], expected);
    let presets: Value = serde_json::from_str(&yard.get("/func/resource/presets", &user).await.text).unwrap();
    assert_eq!(presets["presets"][0]["shared_memory"], "67108864");
    let slots: Value = serde_json::from_str(&yard.get("/func/config/resource-slots", &user).await.text).unwrap();
    assert_eq!((&slots["cpu"], &slots["mem"]), (&json!("count"), &json!("bytes")));

    for (name, mutation) in [
        ("disassociate_all_scaling_groups_with_domain", r#"(domain: "default")"#),
        ("delete_resource_preset", r#"(name: "small")"#),
        ("delete_scaling_group", r#"(name: "gpu")"#),
    ] {
        let answer = yard.gql(&root, &format!("mutation {{ {name}{mutation} {{ ok msg }} }}")).await;
        assert_eq!(answer[name]["ok"], true, "{answer}");
    }
    assert_eq!(yard.gql(&root, "{ scaling_groups { name } }").await["scaling_groups"], json!([{ "name": "default" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_limits_is_exported_under_the_requested_name() {
    let yard = Yard::new().await;
    let cookie = yard.cookie_of("root@example.org").await;
    let answer = yard.get("/export/keypair_policies.csv?name=spring%20term", &cookie).await;
    assert_eq!(
        answer.headers["content-disposition"],
        "attachment; filename=\"spring term.csv\"; filename*=UTF-8''spring%20term.csv"
    );
    assert!(answer.text.starts_with("\u{feff}Name,Resource policy,Other resources,Concurrent jobs,"), "{}", answer.text);
    assert!(answer.text.lines().nth(1).is_some_and(|line| line.starts_with("default,")), "{}", answer.text);
    let groups = yard.get("/export/resource_groups.csv", &cookie).await;
    assert!(groups.headers["content-disposition"].to_str().unwrap().contains("resource_groups.csv"));
    assert!(groups.text.contains("default"), "{}", groups.text);
    let user = yard.cookie_of("user@example.org").await;
    assert_eq!(yard.get("/export/keypair_policies.csv", &user).await.status, StatusCode::FORBIDDEN);
}
