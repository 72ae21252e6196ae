//! The end of whole process trees: stopped gently, killed, left behind, orphaned.

use crate::common::*;
use engine::{Change, Engine, RunState, Stop};
use std::time::Duration;
use types::sessions::Outcome;

/// A command with a process that left its Unix session, one whose parents are gone, and a main process that stays.
fn tree(marker: &str, main: &str) -> String {
    format!(
        "sleeper() {{ exec -a {marker}-$1 sleep 1000; }}\n\
         sleeper child &\n\
         setsid bash -c 'exec -a {marker}-setsid sleep 1000' &\n\
         ( ( setsid bash -c 'trap \"\" TERM HUP; exec -a {marker}-twice sleep 1000' & ) & )\n\
         sleep 0.1; echo ready; {main}"
    )
}

#[tokio::test]
async fn stopping_ends_every_process_of_the_tree() {
    for kind in WAYS {
        for how in [Stop::Now, Stop::Gently(Duration::from_millis(300))] {
            let yard = way(kind);
            let marker = marker();
            let place = yard.batch(&tree(&marker, "wait; sleep 1000")).await;
            log_has(&yard.engine, &place, "ready").await;
            until("the whole tree", async || (processes(&marker).len() >= 4).then_some(())).await;
            let outcome = stop(&yard.engine, &place, how).await;
            // They must be gone when the session counts as ended, not later.
            assert_eq!(processes(&marker), [0; 0], "{kind:?} {how:?}");
            assert!(matches!(outcome, Outcome::Signalled(9 | 15)), "{kind:?} {how:?} {outcome:?}");
        }
    }
}

#[tokio::test]
async fn background_processes_end_with_their_command() {
    for kind in WAYS {
        let yard = way(kind);
        let marker = marker();
        let place = yard.batch(&tree(&marker, "exit 5")).await;
        assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(5), "{kind:?}");
        assert_eq!(processes(&marker), [0; 0], "{kind:?}");
    }
}

#[tokio::test]
async fn a_gentle_stop_gives_processes_time_to_end() {
    for kind in WAYS {
        let yard = way(kind);
        let place = yard
            .batch("trap 'echo saving; sleep 0.2; echo saved; exit 3' TERM; echo ready; while true; do sleep 0.05; done")
            .await;
        log_has(&yard.engine, &place, "ready").await;
        assert_eq!(stop(&yard.engine, &place, Stop::Gently(Duration::from_millis(20_000))).await, Outcome::Exited(3), "{kind:?}");
        assert!(log(&yard.engine, &place).await.ends_with("saving\nsaved\n"), "{kind:?}");
    }
}

#[tokio::test]
async fn a_second_order_to_stop_can_only_make_the_end_sooner() {
    let yard = yard();
    let place = yard.batch("trap '' TERM; echo ready; while true; do sleep 0.05; done").await;
    log_has(&yard.engine, &place, "ready").await;
    yard.engine.stop(&place, Stop::Gently(Duration::from_millis(1_000_000))).await.unwrap();
    yard.engine.stop(&place, Stop::Gently(Duration::from_millis(2_000_000))).await.unwrap();
    assert_eq!(stop(&yard.engine, &place, Stop::Gently(Duration::from_millis(50))).await, Outcome::Signalled(9));
}

#[tokio::test]
async fn a_session_that_is_stopped_while_it_starts_ends() {
    let yard = yard();
    for _ in 0..10 {
        let place = new_place(&yard.engine).await;
        let start = {
            let (engine, place) = (yard.engine.clone(), place.clone());
            tokio::spawn(async move { engine.start(&place, &spec(engine::Launch::Batch("sleep 1000".into()))).await })
        };
        let folder = yard.sessions().join(place.container.to_string());
        until("a session's file", async || folder.join("spec.json").exists().then_some(())).await;
        yard.engine.stop(&place, Stop::Gently(Duration::from_millis(5_000))).await.unwrap();
        start.await.unwrap().unwrap();
        assert_eq!(ended(&yard.engine, &place).await, Outcome::Signalled(15));
    }
}

#[tokio::test]
async fn a_session_whose_supervisor_is_killed_is_lost_for_good() {
    for kind in WAYS {
        let yard = way(kind);
        let marker = marker();
        let place = yard.batch(&tree(&marker, "wait; sleep 1000")).await;
        log_has(&yard.engine, &place, "ready").await;
        running(&yard.engine, &place).await;
        let mut changes = yard.engine.changes();
        // The first process of a container is a copy of its supervisor, with a higher number.
        let supervisors = processes(&format!("supervise\0{}", place.container));
        kill(supervisors.into_iter().min().unwrap());
        // Its end is announced without a request.
        assert_eq!(changes.next().await, Some(Change::Of(place.clone())));
        assert_eq!(ended(&yard.engine, &place).await, Outcome::Lost, "{kind:?}");
        none_left(&marker).await;
        let state = yard.engine.state(&place).await.unwrap();
        assert_eq!(yard.restarted().state(&place).await.unwrap(), state);
        yard.engine.start(&place, &spec(engine::Launch::Batch("echo again".into()))).await.unwrap();
        assert_eq!(yard.engine.state(&place).await.unwrap(), state);
        assert!(log(&yard.engine, &place).await.contains("ready"));
    }
}

#[tokio::test]
async fn a_failed_start_has_a_reason() {
    let yard = yard();
    let place = new_place(&yard.engine).await;
    // A file is in the place of its home.
    let folder = yard.sessions().join(place.container.to_string());
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("home"), "in the way").unwrap();
    yard.engine.start(&place, &spec(engine::Launch::Batch("true".into()))).await.unwrap();
    let outcome = ended(&yard.engine, &place).await;
    assert!(matches!(&outcome, Outcome::NotStarted(why) if !why.is_empty()), "{outcome:?}");
}

#[tokio::test]
async fn control_groups_are_removed_with_their_session() {
    let yard = yard();
    let place = yard.batch("sleep 0.1").await;
    ended(&yard.engine, &place).await;
    let found: Vec<_> = ["memory", "cpu", "cpuacct", "pids", "freezer", "unified", ""]
        .iter()
        .map(|hierarchy| {
            std::path::Path::new("/sys/fs/cgroup").join(hierarchy).join("yardmaster").join(place.container.to_string())
        })
        .filter(|group| group.exists())
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn a_supervisor_that_is_asked_to_end_ends_its_session_first() {
    let yard = yard();
    let place = yard.batch("trap 'exit 6' TERM; echo ready; while true; do sleep 0.02; done").await;
    log_has(&yard.engine, &place, "ready").await;
    let supervisors = processes(&format!("supervise\0{}", place.container));
    // SAFETY: takes no pointers.
    unsafe { libc::kill(supervisors[0], libc::SIGTERM) };
    assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(6));
}

/// A small disk below the sessions' folder, unmounted when the value is dropped. `None` if this process may not mount.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn at(path: std::path::PathBuf) -> Option<Self> {
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k,mode=711", "tmpfs"]).arg(&path).status();
        mount.is_ok_and(|status| status.success()).then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[tokio::test]
async fn a_session_survives_a_full_disk_and_its_end_is_recorded_later() {
    for kind in WAYS {
        let yard = way(kind);
        let Some(disk) = SmallDisk::at(yard.sessions()) else {
            eprintln!("this process may not mount a disk to fill: nothing was tried");
            return;
        };
        let place = yard.batch("exec 2>/dev/null; sleep 0.5; dd if=/dev/zero of=fill bs=4k; sleep 2.5; exit 7").await;
        let fill = until("the file that fills the disk", async || {
            let found = std::process::Command::new("find").arg(&disk.0).args(["-name", "fill", "-size", "+64k"]).output().ok()?;
            let path = String::from_utf8(found.stdout).ok()?;
            (!path.trim().is_empty()).then(|| path.trim().to_owned())
        })
        .await;
        // Long enough for writing measurements, a log line and the end to fail.
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        assert!(!matches!(yard.engine.state(&place).await, Ok(RunState::Ended { .. })), "{kind:?}");
        std::fs::remove_file(fill).unwrap();
        assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(7), "{kind:?}");
        let usage = yard.engine.usage(&place, types::time::Millis(0)).await.unwrap();
        assert!(usage.iter().all(|one| one.processes < 100), "{kind:?}: records are whole: {usage:?}");
    }
}

#[tokio::test]
async fn a_session_whose_supervisor_hangs_is_ended_by_force() {
    for kind in WAYS {
        let yard = way(kind);
        let marker = marker();
        let place = yard.batch(&tree(&marker, "wait; sleep 1000")).await;
        log_has(&yard.engine, &place, "ready").await;
        let lock = yard.sessions().join(place.container.to_string()).join("lock");
        let supervisor: i32 = std::fs::read_to_string(lock).unwrap().parse().unwrap();
        // SAFETY: takes no pointers.
        unsafe { libc::kill(supervisor, libc::SIGSTOP) };
        assert!(yard.engine.terminal(&place, 80, 24).await.is_err());
        assert_eq!(stop(&yard.engine, &place, Stop::Now).await, Outcome::Signalled(9), "{kind}");
        none_left(&marker).await;
    }
}

#[tokio::test]
async fn a_session_whose_folder_was_removed_is_found_and_ended() {
    let yard = yard();
    let marker = marker();
    let place = yard.batch(&tree(&marker, "wait; sleep 1000")).await;
    log_has(&yard.engine, &place, "ready").await;
    if fact(&yard.engine, "Limits").await.1.starts_with("Resource limits only") {
        return;
    }
    std::fs::remove_dir_all(yard.sessions().join(place.container.to_string())).unwrap();
    assert!(!processes(&marker).is_empty());
    assert_eq!(yard.engine.containers().await.unwrap(), std::slice::from_ref(&place));
    yard.engine.stop(&place, Stop::Now).await.unwrap();
    none_left(&marker).await;
    until("no container", async || yard.engine.containers().await.unwrap().is_empty().then_some(())).await;
}
