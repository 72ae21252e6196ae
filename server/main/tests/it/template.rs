//! A database with all the accounts, made once for a build of these tests and copied by each, because hashing five passwords
//! takes longer than most tests.

use crate::{PASSWORD, caller, email, open};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use types::people::permissions::Role;
use types::projects::EditProject;

/// The files of a server: its database, and the key that opens the secrets in it.
const FILES: [&str; 2] = ["yardmaster.db", "secret.key"];

/// Copies the template to an empty folder; makes it first if there is none.
pub async fn copy_to(folder: &Path) {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("people");
    std::fs::create_dir_all(&all).unwrap();
    // Each test is a process of its own: one makes the template, and the others wait.
    let lock = File::create(all.join("lock")).unwrap();
    lock.lock().unwrap();
    let template = all.join(build_and_day());
    if !template.exists() {
        for old in std::fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            std::fs::remove_dir_all(old).unwrap();
        }
        let part = all.join("part");
        std::fs::create_dir(&part).unwrap();
        make(&part).await;
        std::fs::rename(part, &template).unwrap();
    }
    for file in FILES {
        std::fs::copy(template.join(file), folder.join(file)).unwrap();
    }
}

/// The template's name. It is for this build of the tests, which may have new migrations, and for one day, so that its data does
/// not look old.
fn build_and_day() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.metadata().unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let day = UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    format!("{}-{built}-{day}", tests.file_name().unwrap().display()).into()
}

/// A server with an account of each role, and a project admin of the project that everybody belongs to.
async fn make(folder: &Path) {
    let (control, store) = open(folder).await;
    control.installation().await.unwrap();
    control.first_start(Some("root@example.org"), Some(PASSWORD)).await.unwrap();
    for role in Role::ALL.iter().filter(|role| **role != Role::Superadmin) {
        control.create_user_here(&email(*role), &format!("the-{}", role.key()), "", PASSWORD, *role).await.unwrap();
    }
    let id = control.create_user_here("project-admin@example.org", "project-admin", "", PASSWORD, Role::User).await.unwrap();
    let root = caller(&control, "root@example.org").await;
    let projects = control.my_projects(&root).await.unwrap();
    let appoint = EditProject { appoint: vec![id.to_string()], ..EditProject::default() };
    control.edit_project(&root, projects[0].0, &appoint).await.unwrap();
    // All data is then in the file itself, and not in the log beside it.
    store.close().await;
}
