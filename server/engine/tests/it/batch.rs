//! Batch sessions from start to end: output, exit, environment, limits.

use crate::common::*;
use engine::local::Options;
use engine::{Change, Engine, Launch, RunState, Stop};
use std::sync::Arc;
use types::sessions::{LogChunk, Outcome};
use types::time::Millis;

#[tokio::test]
async fn output_and_exit_code_arrive_under_every_isolation() {
    for kind in WAYS {
        let yard = way(kind);
        let (outcome, log) = yard.run("for n in $(seq 1 1000); do echo line $n; done; echo last >&2; exit 7").await;
        assert_eq!(outcome, Outcome::Exited(7), "{kind:?}: {log}");
        let expected: String = (1..=1000).map(|n| format!("line {n}\n")).collect::<String>() + "last\n";
        assert_eq!(log, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn a_missing_command_exits_with_127_and_the_shells_message() {
    let (outcome, log) = yard().run("no-such-command-here --now").await;
    assert_eq!(outcome, Outcome::Exited(127));
    assert!(log.contains("no-such-command-here") && log.contains("not found"), "{log}");
}

#[tokio::test]
async fn a_signal_is_distinguished_from_an_exit_code() {
    for kind in WAYS {
        let yard = way(kind);
        assert_eq!(yard.run("kill -SEGV $$").await.0, Outcome::Signalled(11), "{kind:?}");
        assert_eq!(yard.run("exit 139").await.0, Outcome::Exited(139), "{kind:?}");
    }
}

#[tokio::test]
async fn running_out_of_memory_has_its_own_outcome() {
    let yard = yard();
    let (_, limits) = fact(&yard.engine, "Limits").await;
    if !limits.starts_with("cgroup") {
        println!("skipped: no memory control group can be written here ({limits})");
        return;
    }
    // A shell doubles a string beyond its 256 MiB, because python may not be installed.
    let (outcome, log) = yard.run("x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done").await;
    assert_eq!(outcome, Outcome::OutOfMemory, "{log}");
    // Here a child is killed, and the command fails because of it: the cause is the same.
    let (outcome, _) = yard.run("(x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done); exit 1").await;
    assert_eq!(outcome, Outcome::OutOfMemory);
    // A command that survives this has done its work.
    let (outcome, _) = yard.run("(x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done); exit 0").await;
    assert_eq!(outcome, Outcome::Exited(0));
}

#[tokio::test]
async fn without_groups_memory_is_limited_for_each_process() {
    {
        let (outcome, log) = way(false).run("x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done").await;
        assert!(!outcome.is_success() && log.contains("cannot allocate"), "{outcome:?} {log}");
    }
}

#[tokio::test]
async fn a_session_has_a_small_environment_and_its_own_home() {
    // SAFETY: no other thread reads it. A server has secrets in its environment.
    unsafe { std::env::set_var("DATABASE_PASSWORD", "geheim") };
    for kind in WAYS {
        let yard = way(kind);
        let place = yard.batch("pwd; touch made && env | cut -d= -f1 | sort | tr '\\n' ' '; echo $COLOUR $USER").await;
        assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(0), "{}", log(&yard.engine, &place).await);
        let text = log(&yard.engine, &place).await;
        let home = yard.sessions().join(place.container.to_string()).join("home");
        let inside = if fact(&yard.engine, "Isolation").await.0 {
            "/home/work".into()
        } else {
            home.canonicalize().unwrap().display().to_string()
        };
        let expected =
            format!("{inside}\nCOLOUR HOME LANG LOGNAME PATH PWD SHELL SHLVL TERM USER YARDMASTER_SESSION_ID _ blue work\n");
        assert_eq!(text, expected);
        assert!(home.join("made").exists());
    }
}

#[tokio::test]
async fn many_concurrent_starts_run_a_session_once() {
    let yard = Arc::new(yard());
    let other = yard.restarted();
    let place = new_place(&yard.engine).await;
    let what = spec(Launch::Batch("echo once >> count; sleep 0.2; cat count".into()));
    let starts: Vec<_> = (0..12)
        .map(|n| {
            let engine = if n % 2 == 0 { yard.engine.clone() } else { other.clone() };
            let (what, place) = (what.clone(), place.clone());
            tokio::spawn(async move { engine.start(&place, &what).await })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
    assert_ne!(yard.engine.state(&place).await.unwrap(), RunState::Unknown);
    assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(0));
    // A start after the end does not run it again either.
    yard.engine.start(&place, &what).await.unwrap();
    assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(0));
    assert_eq!(log(&yard.engine, &place).await, "once\n");
}

#[tokio::test]
async fn changes_are_announced_as_they_happen() {
    let yard = yard();
    let mut changes = yard.engine.changes();
    let begin = std::time::Instant::now();
    let place = yard.batch("read -t 0.3 < /dev/zero; sleep 0.3").await;
    let mut seen = Vec::new();
    // No state is requested in between, so these changes come from the supervisor.
    while !matches!(seen.last(), Some(RunState::Ended { .. })) {
        assert_eq!(
            tokio::time::timeout(std::time::Duration::from_secs(30), changes.next()).await.unwrap(),
            Some(Change::Of(place.clone()))
        );
        seen.push(yard.engine.state(&place).await.unwrap());
        println!("{:?} after {:?}", seen.last(), begin.elapsed());
    }
    assert!(matches!(seen[..], [RunState::Running(_), RunState::Ended { .. }]), "{seen:?}");
}

#[tokio::test]
async fn the_log_is_bounded_and_its_offsets_are_absolute() {
    let yard = yard_with(Options { log_limit: 64 << 10, ..Options::default() });
    // 500 000 bytes of numbered lines of ten bytes each.
    let place = yard.batch("for n in $(seq -w 0 49999); do echo line$n; done").await;
    assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(0));
    let chunk = yard.engine.log(&place, 0, 1 << 20).await.unwrap();
    assert!(chunk.text.len() >= 32 << 10 && chunk.text.len() <= 64 << 10, "{}", chunk.text.len());
    assert_eq!((chunk.skipped + chunk.text.len() as u64, chunk.next, chunk.end), (500_000, 500_000, true));
    let line = chunk.skipped / 10 + 1;
    let at = yard.engine.log(&place, line * 10, 10).await.unwrap();
    assert_eq!(at, LogChunk { text: format!("line{line:05}\n"), next: line * 10 + 10, skipped: 0, end: false });
}

#[tokio::test]
async fn usage_grows_and_can_be_read_after_the_end() {
    for kind in WAYS {
        let yard = way(kind);
        let place = yard.batch("sleep 100 & while true; do :; done").await;
        let two = until("two measurements", async || {
            let usage = yard.engine.usage(&place, Millis(0)).await.unwrap();
            (usage.len() >= 2).then_some(usage)
        })
        .await;
        assert!(two[1].cpu_ms > two[0].cpu_ms && two[0].cpu_ms > 0, "{kind:?} {two:?}");
        assert!(two[1].mem > 0 && two[1].processes == 2, "{kind:?} {two:?}");
        assert_eq!(yard.engine.usage(&place, two[0].at).await.unwrap()[0], two[1]);
        stop(&yard.engine, &place, Stop::Now).await;
        assert!(yard.restarted().usage(&place, Millis(0)).await.unwrap().len() >= 2);
    }
}

#[tokio::test]
async fn an_unknown_session_can_be_stopped() {
    let yard = yard();
    let place = new_place(&yard.engine).await;
    yard.engine.stop(&place, Stop::Now).await.unwrap();
    assert_eq!(yard.engine.state(&place).await.unwrap(), RunState::Unknown);
    assert_eq!(yard.engine.log(&place, 0, 100).await.unwrap(), LogChunk::default());
    assert_eq!(yard.engine.usage(&place, Millis(0)).await.unwrap(), []);
    assert!(!yard.sessions().join(place.container.to_string()).exists());
}

#[tokio::test]
async fn the_saved_environment_of_a_session_is_removed_at_its_end() {
    let yard = yard();
    let place = yard.batch("echo $COLOUR; sleep 1000").await;
    log_has(&yard.engine, &place, "blue").await;
    let kept = || std::fs::read_to_string(yard.sessions().join(place.container.to_string()).join("spec.json")).unwrap();
    assert!(kept().contains("blue"), "it is needed while the session may be started again");
    stop(&yard.engine, &place, Stop::Now).await;
    until("the environment to be gone", async || (!kept().contains("blue")).then_some(())).await;
}

#[tokio::test]
async fn a_log_goes_on_after_the_disk_was_full_and_says_what_is_missing() {
    let yard = yard();
    let Some(_disk) = SmallDisk::mount(&yard.sessions(), "8m") else { return };
    let engine = yard.restarted();
    let place = new_place(&engine).await;
    let command = "while true; do printf 'x%.0s' {1..3000}; echo; sleep 0.02; done";
    engine.start(&place, &spec(Launch::Batch(command.into()))).await.unwrap();
    log_has(&engine, &place, "xxx").await;
    let filler = yard.sessions().join("filler");
    let full = std::fs::write(&filler, vec![0; 16 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let own = yard.sessions().join(place.container.to_string()).join("supervisor.log");
    let length = async || log(&engine, &place).await.len();
    until("a log that stands still", async || {
        let before = length().await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        (length().await == before).then_some(())
    })
    .await;
    std::fs::remove_file(filler).unwrap();
    log_has(&engine, &place, "bytes of output are missing here").await;
    println!("{}", std::fs::read_to_string(own).unwrap());
    assert_eq!(stop(&engine, &place, Stop::Now).await, Outcome::Signalled(9));
}
