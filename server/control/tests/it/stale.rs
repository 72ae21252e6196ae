//! Two administrators who change the same person, project, domain or keypair: neither undoes the other unseen.

use crate::yard::Yard;
use types::Problem;
use types::list::ListQuery;
use types::people::keypairs::{EditKeypair, KEYPAIRS, KeypairRow};
use types::people::users::{EditUser, UserDetail};
use types::projects::{DOMAINS, DomainRow, EditDomain, EditProject};
use types::quantity::{Quantity, Slots};

/// The fields of a refusal, with the saved value and the one that was sent.
fn differences(refused: Result<(), Problem>) -> Vec<(String, String, String)> {
    match refused {
        Err(Problem::Stale(stale)) => stale.differences.into_iter().map(|one| (one.field, one.saved, one.yours)).collect(),
        other => panic!("{other:?}"),
    }
}

fn one(field: &str, saved: &str, yours: &str) -> Vec<(String, String, String)> {
    vec![(field.into(), saved.into(), yours.into())]
}

#[tokio::test]
async fn what_another_administrator_gave_a_person_is_not_taken_away_by_an_older_form() {
    let yard = Yard::new().await;
    let (control, root) = (&yard.control, &yard.root);
    let ann = yard.ann.me().unwrap().id;
    let named = |name: &str| EditProject { name: Some(name.into()), ..EditProject::default() };
    let (physics, biology) = (
        control.create_project(root, &named("physics")).await.unwrap(),
        control.create_project(root, &named("biology")).await.unwrap(),
    );
    // Both forms are opened.
    let opened: UserDetail = control.user(root, ann).await.unwrap();
    let was = EditUser::as_it_is(&opened.row, opened.domain);
    let with = |project| [opened.projects.as_slice(), &[project]].concat();
    let first = EditUser {
        projects: Some(with(physics)),
        addresses: Some(vec!["127.0.0.1".into(), "10.0.0.5".into()]),
        full_name: Some("Ann".into()),
        ..EditUser::default()
    };
    control.edit_user_since(root, ann, &first, Some(&was)).await.unwrap();
    let second = EditUser {
        projects: Some(with(biology)),
        addresses: Some(vec!["127.0.0.1".into(), "10.0.0.6".into()]),
        description: Some("Genes".into()),
        ..EditUser::default()
    };
    control.edit_user_since(root, ann, &second, Some(&was)).await.unwrap();
    let now = control.user(root, ann).await.unwrap();
    assert!(now.projects.contains(&physics) && now.projects.contains(&biology), "{:?}", now.projects);
    assert_eq!(now.row.addresses, ["127.0.0.1", "10.0.0.5", "10.0.0.6"]);
    assert_eq!((now.row.full_name.as_str(), now.row.description.as_str()), ("Ann", "Genes"));

    // The same field of both: the second is told, and nothing is written before they decide.
    let third = EditUser { full_name: Some("Anna".into()), sudo: Some(true), ..EditUser::default() };
    let refused = control.edit_user_since(root, ann, &third, Some(&was)).await;
    assert_eq!(differences(refused), one("full name", "Ann", "Anna"));
    assert!(!control.user(root, ann).await.unwrap().row.sudo);
    control.edit_user_since(root, ann, &third, None).await.unwrap();
    assert_eq!(control.user(root, ann).await.unwrap().row.full_name, "Anna");
}

#[tokio::test]
async fn a_whole_form_keeps_the_fields_that_only_the_other_one_changed() {
    let yard = Yard::new().await;
    let (control, root) = (&yard.control, &yard.root);
    let id = control.create_project(root, &EditProject { name: Some("lab".into()), ..EditProject::default() }).await.unwrap();
    let was = EditProject::as_it_is(&control.project(root, id).await.unwrap().row);
    let limit = |cpu: i64| Some(Slots::cpu_mem(Quantity::whole(cpu), 1 << 30));
    let first = EditProject { description: Some("Theirs".into()), limit: limit(4), ..was.clone() };
    control.edit_project_since(root, id, &first, Some(&was)).await.unwrap();
    let second = EditProject { name: Some("laboratory".into()), add: vec!["ann".into()], ..was.clone() };
    control.edit_project_since(root, id, &second, Some(&was)).await.unwrap();
    let now = control.project(root, id).await.unwrap();
    assert_eq!((now.row.name.as_str(), now.row.description.as_str(), Some(now.row.limit)), ("laboratory", "Theirs", limit(4)));
    assert_eq!(now.members.len(), 1);
    let third = EditProject { description: Some("Mine".into()), ..was.clone() };
    assert_eq!(differences(control.edit_project_since(root, id, &third, Some(&was)).await), one("description", "Theirs", "Mine"));
}

#[tokio::test]
async fn the_second_to_change_a_domain_or_a_keypair_is_told() {
    let yard = Yard::new().await;
    let (control, root) = (&yard.control, &yard.root);
    let domain: DomainRow = control.domains(root, &ListQuery::new(&DOMAINS)).await.unwrap().rows.remove(0);
    let was = EditDomain::as_it_is(&domain);
    let described = |text: &str| EditDomain { description: Some(text.into()), ..was.clone() };
    control.edit_domain_since(root, domain.id, &described("Theirs"), Some(&was)).await.unwrap();
    let refused = control.edit_domain_since(root, domain.id, &described("Mine"), Some(&was)).await;
    assert_eq!(differences(refused), one("description", "Theirs", "Mine"));

    let key: KeypairRow = control.keypairs(&yard.ann, &ListQuery::new(&KEYPAIRS)).await.unwrap().rows.remove(0);
    let was = EditKeypair::as_it_is(&key);
    let limited = |rate| EditKeypair { rate_limit: Some(rate), ..was.clone() };
    control.edit_keypair_since(root, &key.access_key, &limited(100), Some(&was)).await.unwrap();
    let refused = control.edit_keypair_since(root, &key.access_key, &limited(200), Some(&was)).await;
    assert_eq!(differences(refused), one("rate limit", "100", "200"));
    control.edit_keypair_since(root, &key.access_key, &limited(200), None).await.unwrap();
}
