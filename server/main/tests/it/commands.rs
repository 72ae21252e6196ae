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

#[test]
fn a_trace_holds_every_session_and_agent_without_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("trace"));
    let (data, into) = (data.to_str().unwrap(), into.to_str().unwrap());
    let (done, _, why) = yardmaster(&["trace", "--data", data, "--into", into]);
    assert!(!done && why.contains("there is no database in"), "{why}");
    let (done, _, why) = yardmaster(&["seed", "--data", data, "--users", "3", "--sessions", "500", "--waiting", "20"]);
    assert!(done, "{why}");
    let (done, said, why) = yardmaster(&["trace", "--data", data, "--into", into]);
    assert!(done && said.starts_with("Wrote "), "{said} {why}");
    let jobs = std::fs::read_to_string(folder.path().join("trace/jobs.csv")).unwrap();
    let mut lines = jobs.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (mut ended, mut waiting) = (0, 0);
    for line in lines {
        let number = |name: &str| line[at(name)].parse::<i64>().unwrap();
        assert!(line[0].starts_with("session-") && number("cpu_milli") > 0 && number("memory_mib") > 0, "{line:?}");
        match line[at("scheduled_time")] {
            "" => waiting += 1,
            started => {
                ended += 1;
                let started: i64 = started.parse().unwrap();
                assert!(number("creation_time") <= started && started <= number("deletion_time"), "{line:?}");
            }
        }
    }
    assert!(ended >= 500 && waiting >= 20, "{ended} {waiting}");
    assert!(!jobs.contains('@'), "nobody is named");
}

#[test]
fn a_database_whose_key_is_missing_is_not_given_another_one_unless_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = |name: &str| {
        let email = format!("{name}@example.org");
        yardmaster(&["user", "create", "--data", data.to_str().unwrap(), "--email", &email, "--username", name])
    };
    assert!(create("ann").0);
    std::fs::remove_file(data.join("secret.key")).unwrap();
    let (done, _, why) = create("bob");
    assert!(!done && why.contains("secret.key is missing") && !data.join("secret.key").exists(), "{why}");
    std::fs::write(data.join("secret.key"), "").unwrap();
    assert!(create("bob").0);
    assert_eq!(std::fs::metadata(data.join("secret.key")).unwrap().len(), 32);
}
