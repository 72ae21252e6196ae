//! User and project policies through the console's own calls, and the files that policies go into (`docs/spec/limits.md`,
//! "Project policies" and "Policies as files").

use crate::Yard;
use axum::http::StatusCode;
use serde_json::{Value, json};
use types::limits::policies::{PROJECT_POLICIES, PolicyRow, ProjectPolicy};
use types::list::{ListQuery, Page};

async fn save(yard: &Yard, cookie: &str, kind: &str, policy: &Value, revision: Option<i64>) -> StatusCode {
    let body = json!({ "save": { "policy": policy, "revision": revision } });
    yard.ask(cookie, &format!("save_{kind}_policy"), body).await.0
}

async fn lab(yard: &Yard, cookie: &str) -> Option<PolicyRow<ProjectPolicy>> {
    let body = json!({ "query": ListQuery::new(&PROJECT_POLICIES) });
    let page: Page<PolicyRow<ProjectPolicy>> = yard.done(cookie, "project_policies", body).await;
    page.rows.into_iter().find(|row| row.policy.name == "lab")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_policies_has_a_column_per_field_and_a_sign_for_no_limit() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let [user, open] = [
        json!({ "name": "student", "max_folders": 5, "max_folder_bytes": 100_i64 << 30, "max_service_sessions": 2, "max_images": 0 }),
        json!({ "name": "open", "max_folders": null, "max_folder_bytes": null, "max_service_sessions": 10, "max_images": 3 }),
    ];
    let project = json!({ "name": "lab", "max_folders": null, "max_folder_bytes": 1_i64 << 40, "max_networks": null });
    for (kind, policy) in [("user", &user), ("user", &open), ("project", &project)] {
        assert_eq!(save(&yard, &root, kind, policy, None).await, StatusCode::OK);
    }
    let of_users = "Name,Max folder count,Max folder size,Max session count per model session,Max customized image count,\
                    Used by,Created";
    let of_projects = "Name,Max folder count,Max folder size,Max network count,Used by,Created";
    for (path, header, line) in [
        ("user_policies.csv?f=name.equals.student", of_users, "student,5,100 GiB,2,0,0,"),
        ("user_policies.csv?f=name.equals.open", of_users, "open,∞,∞,10,3,0,"),
        ("project_policies.csv?f=name.equals.lab", of_projects, "lab,∞,1 TiB,∞,0,"),
    ] {
        let answer = yard.get(&format!("/export/{path}"), &root).await;
        assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
        // The last cell is the time of creation.
        let (cells, created) = answer.text.trim_end().rsplit_once(',').unwrap();
        assert_eq!((format!("{cells},"), created.starts_with("20")), (format!("\u{feff}{header}\n{line}"), true));
    }
    let all = yard.get("/export/user_policies.csv", &root).await.text;
    let names: Vec<_> = all.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(names, ["default", "open", "student"]);
    let of_keypairs = "\u{feff}Name,Resource policy,Other resources,Concurrent jobs,Cluster size,Idle timeout (s),Session lifetime (s),\
                       Disk per session,Storage hosts,Max pending sessions,Max concurrent SFTP sessions,Max folders (deprecated),\
                       Used by,Created";
    let keypairs = yard.get("/export/keypair_policies.csv", &root).await;
    assert_eq!(keypairs.text.lines().next(), Some(of_keypairs));

    let person = yard.cookie_of("user@example.org").await;
    for kind in ["user", "project"] {
        let answer = yard.get(&format!("/export/{kind}_policies.csv"), &person).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_superadmins_create_change_and_delete_a_project_policy() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let policy = |name: &str, networks: Option<u32>| json!({ "name": name, "max_folders": null, "max_folder_bytes": null, "max_networks": networks });
    assert_eq!(save(&yard, &root, "project", &policy("lab", None), None).await, StatusCode::OK);
    assert_eq!(save(&yard, &root, "project", &policy("lab", None), None).await, StatusCode::UNPROCESSABLE_ENTITY, "taken");
    let created = lab(&yard, &root).await.unwrap();
    assert_eq!(created.policy, ProjectPolicy::new("lab"));
    let based_on = Some(created.revision);
    assert_eq!(save(&yard, &root, "project", &policy("lab", Some(3)), based_on).await, StatusCode::OK);
    assert_eq!(lab(&yard, &root).await.unwrap().policy.max_networks, Some(3));
    assert_eq!(save(&yard, &root, "project", &policy("lab", Some(4)), based_on).await, StatusCode::CONFLICT, "saved meanwhile");
    assert_eq!(save(&yard, &root, "project", &policy("other", Some(4)), based_on).await, StatusCode::NOT_FOUND, "no renaming");
    assert_eq!(lab(&yard, &root).await.unwrap().policy.max_networks, Some(3));

    let delete = json!({ "kind": "project", "name": "lab", "move_to": null });
    for who in ["admin", "project-admin", "user", "monitor"] {
        let cookie = yard.cookie_of(&format!("{who}@example.org")).await;
        assert_eq!(save(&yard, &cookie, "project", &policy(who, None), None).await, StatusCode::FORBIDDEN, "{who}");
        assert_eq!(yard.ask(&cookie, "delete_policy", delete.clone()).await.0, StatusCode::FORBIDDEN, "{who}");
    }
    let () = yard.done(&root, "delete_policy", delete).await;
    assert!(lab(&yard, &root).await.is_none());
}
