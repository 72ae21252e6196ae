//! The program itself, from the command line.

use std::process::{Command, Output};

fn yardmaster(arguments: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_yardmaster")).args(arguments).env_clear().output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_password_is_printed_only_for_an_account_that_exists() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = |email: &str, username: &str| {
        yardmaster(&["user", "create", "--data", data.to_str().unwrap(), "--email", email, "--username", username])
    };
    let (done, said, _) = create("ann@example.org", "ann");
    assert!(done && said.contains("Created ann@example.org.\nPassword of ann@example.org: "), "{said}");
    for (email, username) in [("ann@example.org", "other"), ("no address", "bob")] {
        let (done, said, why) = create(email, username);
        assert!(!done && !said.contains("Password") && why.contains("email"), "{said} {why}");
    }
}

#[test]
fn a_proxy_that_sessions_could_pass_for_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (done, _, why) = yardmaster(&["serve", "--data", data.to_str().unwrap(), "--trust-proxy", "yes"]);
    assert!(!done && why.contains("Unix socket"), "{why}");
    assert!(!data.exists(), "before anything else");
}
