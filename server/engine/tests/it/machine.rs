//! The machine's report about itself, and the parts of the machine that a session can see.

use crate::common::*;
use engine::Engine;
use std::os::unix::fs::MetadataExt;
use types::quantity::{CPU, MEM, Quantity};

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
    let bare = way(false);
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
async fn the_requested_amounts_become_limits() {
    let yard = yard();
    let place = yard.batch("sleep 1000").await;
    running(&yard.engine, &place).await;
    let sessions = std::fs::metadata(yard.sessions()).map(|found| format!("{:x}-{:x}", found.dev(), found.ino())).unwrap();
    let ours = format!("yardmaster/{sessions}/{}", place.container);
    let group = |name: &str| std::path::Path::new("/sys/fs/cgroup").join(name).join(&ours);
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
