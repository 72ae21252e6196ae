//! The machine's report about itself, and the parts of the machine that a session can see.

use crate::common::*;
use engine::Engine;
use types::quantity::{CPU, MEM, Quantity};
use types::sessions::Outcome;

#[tokio::test]
async fn the_machine_reports_its_capacity_and_its_missing_abilities() {
    let yard = yard();
    let agent = yard.engine.agents().await.unwrap().reports.remove(0);
    assert_eq!(agent.engine, "local");
    assert!(agent.capacity.get(CPU) >= Quantity::whole(1) && agent.capacity.get(MEM) > agent.used.get(MEM));
    assert!(agent.used.get(CPU) <= agent.capacity.get(CPU));
    for fact in &agent.facts {
        println!("{}: {} ({})", fact.name, fact.value, if fact.good { "good" } else { "lacking" });
    }
    let bare = way((false, false));
    let (isolated, isolation) = fact(&bare.engine, "Isolation").await;
    let (limited, limits) = fact(&bare.engine, "Limits").await;
    assert!(!isolated && isolation.starts_with("None: "), "{isolation}");
    assert!(!limited && limits.starts_with("Resource limits only: "), "{limits}");
}

#[tokio::test]
async fn the_machine_keeps_its_name_and_reports_its_address_and_group() {
    let yard = yard_with(engine::local::Options { resource_group: Some("lab".into()), ..Default::default() });
    let agent = yard.engine.agents().await.unwrap().reports.remove(0);
    assert_eq!(agent.resource_group.as_deref(), Some("lab"));
    assert!(agent.address.parse::<std::net::IpAddr>().is_ok(), "{}", agent.address);
    assert_eq!(std::fs::read_to_string(yard.sessions().join("machine")).unwrap(), agent.name);
    // As if the host had another name when sessions first ran here.
    std::fs::write(yard.sessions().join("machine"), "before").unwrap();
    assert_eq!(yard.restarted().agents().await.unwrap().reports.remove(0).name, "before");
}

#[tokio::test]
async fn a_session_cannot_see_data_or_processes_or_write_to_programs() {
    let yard = yard();
    let (isolated, why) = fact(&yard.engine, "Isolation").await;
    if !isolated {
        println!("skipped: {why}");
        return;
    }
    std::fs::write(yard.dir.path().join("yardmaster.db"), "secret").unwrap();
    yard.batch("echo private > mine; sleep 1000").await;
    let data = yard.dir.path().display().to_string();
    let command = format!(
        "ls {data} && exit 1; ls /root && exit 2; touch /usr/bin/x && exit 3; touch /etc/x && exit 4\n\
         cat /etc/shadow | grep . && exit 5; ls /home | grep -v work && exit 6\n\
         test $(ls -d /proc/[0-9]* | wc -l) -lt 10 || exit 7\n\
         kill -9 1 2>/dev/null; touch /tmp/own /dev/shm/own /home/work/own || exit 8\n\
         unshare -m true && exit 9; cat /etc/ssh/* /etc/ssl/private/* && exit 10\n\
         grep -E 'CapEff|NoNewPrivs' /proc/self/status; whoami; hostname; id -u"
    );
    let (outcome, log) = yard.run(&command).await;
    assert_eq!(outcome, Outcome::Exited(0), "{log}");
    for words in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "\nwork\n", "\njob-1\n"] {
        assert!(log.contains(words), "{words:?} in {log}");
    }
    assert!(!log.contains("\n0\n"), "{log}");
}

#[tokio::test]
async fn a_root_server_runs_sessions_as_an_unprivileged_user() {
    let yard = yard();
    let (_, user) = fact(&yard.engine, "User").await;
    let (_, log) = yard.run("grep Uid /proc/self/status; grep CapBnd /proc/self/status").await;
    println!("{user}: {log}");
    if user.contains("65534") {
        assert!(log.starts_with("Uid:\t65534\t65534\t65534\t65534"), "{log}");
    }
}

#[tokio::test]
async fn the_requested_amounts_become_limits() {
    let yard = yard();
    let place = yard.batch("sleep 1000").await;
    running(&yard.engine, &place).await;
    let group =
        |name: &str| std::path::Path::new("/sys/fs/cgroup").join(name).join("yardmaster").join(place.container.to_string());
    let limits = [
        ("memory", "memory.limit_in_bytes", "268435456"),
        ("memory", "memory.memsw.limit_in_bytes", "268435456"),
        ("cpu", "cpu.cfs_quota_us", "100000"),
        ("", "memory.max", "268435456"),
        ("", "cpu.max", "100000 100000"),
    ];
    for (hierarchy, file, limit) in limits {
        match std::fs::read_to_string(group(hierarchy).join(file)) {
            Ok(text) => assert_eq!(text.trim(), limit, "{file}"),
            Err(_) => println!("not here: {file}"),
        }
    }
}

#[tokio::test]
async fn without_bubblewrap_a_session_runs_as_another_user() {
    // Once where other users may pass to their homes, and once where they may not.
    for mode in [0o711, 0o700] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let options = engine::local::Options { bubblewrap: false, ..Default::default() };
        let engine = engine::local::LocalEngine::open_with(dir.path().join("sessions"), exe(), options).unwrap();
        let (good, user) = fact(&engine, "User").await;
        let place = new_place(&engine).await;
        let command = "id -u; grep CapEff /proc/self/status; touch ../here && echo wrote; cat ../spec.json; touch own && ls";
        engine.start(&place, &spec(engine::Launch::Batch(command.into()))).await.unwrap();
        assert_eq!(ended(&engine, &place).await, Outcome::Exited(0));
        let log = log(&engine, &place).await;
        println!("{user}\n{log}");
        assert!(log.contains("CapEff:\t0000000000000000") && log.ends_with("own\n"), "{log}");
        if good {
            assert!(!log.contains("wrote") && !log.contains("isolation"), "{log}");
        }
    }
}
