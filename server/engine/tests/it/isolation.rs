//! Isolation: what a session can reach of the machine and of other sessions, and what happens where it cannot be isolated.

use crate::common::*;
use engine::local::{LocalEngine, Options};
use engine::{Engine, EngineError, Launch, RunState};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use types::sessions::Outcome;

#[tokio::test]
async fn a_session_reaches_nothing_of_another_session_or_of_the_server() {
    let yard = yard();
    for secret in ["yardmaster.db", "secret.key"] {
        std::fs::write(yard.dir.path().join(secret), "secret").unwrap();
    }
    let marker = marker();
    let mut spec = spec(Launch::Batch(format!("echo private > mine; exec -a {marker} sleep 1000")));
    spec.env.push(("API_TOKEN".into(), "topsecret".into()));
    let place = new_place(&yard.engine).await;
    yard.engine.start(&place, &spec).await.unwrap();
    running(&yard.engine, &place).await;
    until("the other session's process", async || processes(&marker).first().copied()).await;
    let other = yard.sessions().canonicalize().unwrap().join(place.container.to_string());
    // So that the search does not find itself.
    let hidden = marker.strip_prefix('m').unwrap();
    let (data, other) = (yard.dir.path().display(), other.display());
    let command = format!(
        "ls {data} && exit 1; cat {data}/secret.key {data}/yardmaster.db && exit 2\n\
         cat {other}/home/mine && exit 3; ls {other} && exit 4; test -S {other}/control.sock && exit 5\n\
         cat /etc/shadow && exit 6; ls /etc/ssh /etc/ssl/private && exit 7; ls /root && exit 8; ls /home | grep -v work && exit 9\n\
         test $(ls -d /proc/[0-9]* | wc -l) -lt 10 || exit 10; grep -a topsecret /proc/*/environ && exit 11\n\
         grep -al '[m]{hidden}' /proc/*/cmdline && exit 12\n\
         grep -a '{data}' /proc/1/cmdline && exit 22\n\
         kill -9 1 2>/dev/null; unshare -U true && exit 13; unshare -Ur id && exit 14; unshare -m true && exit 15\n\
         touch /usr/bin/x /etc/x /sys/x /x && exit 16; cat /proc/1/environ && exit 17; ls -l /proc/1/fd/ && exit 18\n\
         touch /tmp/own /dev/shm/own /home/work/own || exit 19\n\
         mount -t tmpfs none /tmp && exit 20; echo 1 > /proc/sys/kernel/panic && exit 21\n\
         grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; whoami; hostname; id -u"
    );
    let (outcome, log) = yard.run(&command).await;
    assert_eq!(outcome, Outcome::Exited(0), "{log}");
    let expected =
        ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "\nwork\n", "\njob-1\n"];
    for words in expected {
        assert!(log.contains(words), "{words:?} in {log}");
    }
    assert_eq!(yard.engine.state(&place).await.map(|state| matches!(state, RunState::Running(_))).ok(), Some(true));
}

#[tokio::test]
async fn no_two_sessions_run_under_one_user_id_nor_under_the_servers() {
    for kind in WAYS {
        let yard = way(kind);
        let mut users = Vec::new();
        for _ in 0..3 {
            let (outcome, log) = yard.run("awk '/^Uid/ { print $2 }' /proc/self/status").await;
            assert_eq!(outcome, Outcome::Exited(0), "{kind} {log}");
            users.push(log.trim().parse::<u32>().unwrap());
        }
        if rustix::process::geteuid().is_root() {
            assert!(users.iter().all(|user| *user >= 1_900_000_000), "{users:?}");
            users.sort_unstable();
            users.dedup();
            assert_eq!(users.len(), 3);
        }
    }
}

#[tokio::test]
async fn programs_work_inside_as_they_do_on_the_machine() {
    let yard = yard();
    let command = "set -e; python3 -c 'import ssl, threading; t = threading.Thread(target=print, args=(1,)); t.start(); t.join()'\n\
                   getent hosts localhost; bash -lc true; perl -e 1; ldd /bin/ls > /dev/null; date > /dev/null\n\
                   (sleep 0 & wait); sh -c 'exit 0'; nproc > /dev/null; df /tmp > /dev/null; test -c /dev/null; echo x > /dev/null";
    let (outcome, log) = yard.run(command).await;
    assert_eq!(outcome, Outcome::Exited(0), "{log}");
}

#[tokio::test]
async fn where_sessions_cannot_be_isolated_none_starts_and_the_agent_says_why() {
    let yard = yard_with(Options { isolation: false, ..Options::default() });
    let report = yard.engine.agents().await.unwrap().reports.remove(0);
    let refusal = report.refusal.unwrap();
    assert!(refusal.starts_with("Sessions cannot be isolated here: "), "{refusal}");
    let (good, fact) = fact(&yard.engine, "Isolation").await;
    assert!(!good && fact == "None, so that no session starts", "{fact}");
    let place = new_place(&yard.engine).await;
    let refused = yard.engine.start(&place, &spec(Launch::Interactive)).await.unwrap_err();
    assert!(matches!(&refused, EngineError::Unsupported { what } if *what == refusal), "{refused}");
    assert_eq!(yard.engine.state(&place).await.unwrap(), RunState::Unknown);
}

#[tokio::test]
async fn plain_sessions_are_refused_where_they_would_have_to_run_as_the_server() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let plain = Options { isolation: false, allow_unisolated: true, ..Options::default() };
    let engine = LocalEngine::open_with(dir.path().join("sessions"), exe(), plain).unwrap();
    let refusal = engine.agents().await.unwrap().reports.remove(0).refusal.unwrap();
    assert!(refusal.contains("cannot reach their homes"), "{refusal}");
    // A container reaches it all the same, because its home is handed to it.
    let engine = LocalEngine::open(dir.path().join("sessions"), exe()).unwrap();
    let place = new_place(&engine).await;
    engine.start(&place, &spec(Launch::Batch("touch own && ls".into()))).await.unwrap();
    assert_eq!(ended(&engine, &place).await, Outcome::Exited(0));
    assert_eq!(log(&engine, &place).await, "own\n");
}

/// Runs a command as a session of a server that is an ordinary user, with these folders to look for bubblewrap in.
fn as_ordinary_user(path: &str, command: &str) -> Option<String> {
    const USER: u32 = 23_456;
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    // Copied, because an ordinary user may not reach this build's folder.
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (program, data) = (dir.path().join("supervisor"), dir.path().join("data"));
    std::fs::copy(exe(), &program).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(USER), Some(USER)).unwrap();
    let mut run = std::process::Command::new(program);
    run.arg("run").arg(data.join("sessions")).arg(command).env("PATH", path).uid(USER).gid(USER).current_dir("/");
    let output = run.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn as_an_ordinary_user_without_bubblewrap_no_session_starts_and_the_reason_says_what_to_install() {
    let Some(said) = as_ordinary_user("/nowhere", "id -u") else { return };
    assert!(said.starts_with("refused: Sessions cannot be isolated here: bubblewrap is not installed."), "{said}");
    assert!(said.contains("install bubblewrap"), "{said}");
}

#[test]
fn as_an_ordinary_user_sessions_are_isolated_by_bubblewrap() {
    if !std::path::Path::new("/usr/bin/bwrap").exists() {
        println!("skipped: bubblewrap is not installed");
        return;
    }
    let command = "id -u; whoami; unshare -Ur true && echo escaped; ls /tmp /root /etc/shadow 2>/dev/null; ls -d /proc/[0-9]* | wc -l; \
                   touch /x /dev/x 2>/dev/null && echo hidden memory; echo shared $(df -k --output=size /dev/shm | tail -1); \
                   grep -E 'Seccomp:|NoNewPrivs' /proc/self/status";
    let Some(said) = as_ordinary_user("/usr/bin:/bin", command) else { return };
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("unshare:")).collect();
    assert_eq!(lines.first(), Some(&"1000"), "{said}");
    assert!(said.contains("\nwork\n") && !said.contains("escaped") && said.ends_with("Exited(0)\n"), "{said}");
    assert!(said.contains("NoNewPrivs:\t1\nSeccomp:\t2\n"), "{said}");
    assert!(!said.contains("hidden memory") && said.contains("\nshared 262144\n"), "{said}");
}

#[test]
fn a_folder_that_sessions_see_cannot_hold_their_data() {
    let dir = tempfile::tempdir_in("/opt").or_else(|_| tempfile::tempdir_in("/usr/local"));
    let Ok(dir) = dir else { return };
    let refused = LocalEngine::open(dir.path().join("sessions"), exe()).err().unwrap();
    assert!(refused.with_causes().contains("sessions see "), "{}", refused.with_causes());
}

#[tokio::test]
async fn a_supervisor_has_nothing_of_the_servers_environment() {
    let yard = yard();
    let place = yard.start(Launch::Interactive).await;
    running(&yard.engine, &place).await;
    let lock = yard.sessions().join(place.container.to_string()).join("lock");
    let supervisor = std::fs::read_to_string(lock).unwrap();
    let environment = std::fs::read(format!("/proc/{}/environ", supervisor.trim())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!environment.contains("CARGO_MANIFEST_DIR"), "{environment}");
}

#[tokio::test]
async fn a_deleted_file_that_a_session_has_open_counts_as_its_disk() {
    let yard = yard();
    let command = "exec 3> gone; rm gone; head -c 20M /dev/zero >&3; echo written; sleep 1000";
    let place = yard.batch(command).await;
    until("a written file", async || log(&yard.engine, &place).await.contains("written").then_some(())).await;
    let held = yard.engine.disk(&place, u64::MAX).await.unwrap();
    assert!(matches!(held, Some(engine::DiskSize::Bytes(bytes)) if bytes >= 20 << 20), "{held:?}");
    let held = yard.engine.disk(&place, 1 << 20).await.unwrap();
    assert!(matches!(held, Some(engine::DiskSize::Bytes(bytes)) if bytes > 1 << 20), "{held:?}");
}
