//! The sessions and agents of a data folder as a trace: what `cargo xtask bench --replay` reads, in the columns of Alibaba's
//! `cluster-trace-gpu-v2023`, so that an administrator can compare schedulers on their own history.
//!
//! A trace names nobody: no people, projects, commands or session names.

use anyhow::{Context, Result};
use futures::{StreamExt, pin_mut};
use std::path::Path;
use store::{Scope, Store};
use types::list::ListQuery;
use types::quantity::{CPU, MEM, Slots};
use types::sessions::{ClusterMode, SESSIONS, SessionRow, Status};
use types::time::Millis;

const JOBS: [&str; 11] = [
    "name",
    "cpu_milli",
    "memory_mib",
    "num_gpu",
    "gpu_milli",
    "gpu_spec",
    "qos",
    "pod_phase",
    "creation_time",
    "deletion_time",
    "scheduled_time",
];
const MACHINES: [&str; 5] = ["sn", "cpu_milli", "memory_mib", "gpu", "model"];

/// Writes `jobs.csv` and `machines.csv` into a folder. Returns the numbers of their lines.
pub async fn write(store: &Store, into: &Path, now: Millis) -> Result<(u64, u64)> {
    std::fs::create_dir_all(into).with_context(|| format!("the folder {} cannot be created", into.display()))?;
    let file = |name: &str, header: &[&str]| -> Result<csv::Writer<std::fs::File>> {
        let path = into.join(name);
        let mut file = csv::Writer::from_path(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        file.write_record(header)?;
        Ok(file)
    };
    let (mut jobs, mut machines) = (file("jobs.csv", &JOBS)?, file("machines.csv", &MACHINES)?);
    let mut written = (0, 0);
    for tab in ["finished", "running"] {
        let query = ListQuery { tab: tab.into(), sort: "created_at".into(), descending: false, ..ListQuery::new(&SESSIONS) };
        let rows = store.all_sessions(query, Scope::Everything, None);
        pin_mut!(rows);
        while let Some(row) = rows.next().await {
            for line in job_lines(&row?, now) {
                written.0 += 1;
                jobs.write_record([format!("session-{}", written.0)].into_iter().chain(line))?;
            }
        }
    }
    for agent in store.every_agent().await? {
        written.1 += 1;
        let [cpu, mem, gpus, _] = amounts(&agent.report.capacity);
        let line = [format!("agent-{}", written.1), cpu.to_string(), mem.to_string(), gpus.to_string(), String::new()];
        machines.write_record(line)?;
    }
    jobs.flush()?;
    machines.flush()?;
    Ok(written)
}

/// Thousandths of a core, MiB, accelerators of all kinds, and the thousandths of each that are asked for.
fn amounts(slots: &Slots) -> [i64; 4] {
    let accelerators = slots.0.iter().filter(|(slot, _)| ![CPU, MEM].contains(&slot.as_str()));
    let milli: i64 = accelerators.map(|(_, amount)| amount.as_thousandths()).sum();
    let number = milli.div_euclid(1000) + i64::from(milli % 1000 > 0);
    [slots.get(CPU).as_thousandths(), slots.get(MEM).floor() >> 20, number, if number == 1 { milli } else { 1000.min(milli) }]
}

/// A session's lines without their names, one for each part that runs on a machine of its own.
fn job_lines(row: &SessionRow, now: Millis) -> Vec<[String; 10]> {
    let (parts, slots) = match row.cluster.mode {
        ClusterMode::SingleNode => (1, row.cluster.of_all(&row.slots)),
        ClusterMode::MultiNode => (row.cluster.size, row.slots.clone()),
    };
    let [cpu, mem, gpus, milli] = amounts(&slots);
    let phase = match row.status {
        Status::Terminated => "Succeeded",
        status if status.is_final() => "Failed",
        _ => "Running",
    };
    let seconds = |at: Millis| (at.0 / 1000).to_string();
    let line = [
        cpu.to_string(),
        mem.to_string(),
        gpus.to_string(),
        milli.to_string(),
        String::new(),
        String::new(),
        phase.to_owned(),
        seconds(row.created_at),
        seconds(row.ended_at.unwrap_or(now)),
        row.started_at.map(seconds).unwrap_or_default(),
    ];
    (0..parts).map(|_| line.clone()).collect()
}
