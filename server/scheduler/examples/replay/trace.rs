//! The trace: machines and jobs, and a part of the machines with all jobs.

use scheduler::Room;
use std::collections::HashMap;
use types::id::UserId;
use types::quantity::{CPU, MEM, Quantity, Slots};

const GPU: &str = "cuda.shares";
/// The time limits that people give: the first one that is no shorter than the job takes.
const LIMITS: [i64; 9] = [600, 1_800, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800, 2_592_000];

#[derive(Clone)]
pub struct Job {
    /// Its arrival, in seconds.
    pub at: i64,
    /// The seconds that it runs.
    pub runs: i64,
    /// The seconds after which it would be ended; services have none.
    pub limit: Option<u32>,
    /// The trace names no people: jobs of the same shape belong to one.
    pub user: UserId,
    pub slots: Slots,
}

pub struct Trace {
    jobs: Vec<Job>,
    machines: Vec<Slots>,
}

impl Trace {
    pub fn read(jobs: &str, machines: &str) -> Result<Self, String> {
        let mut people: HashMap<String, u128> = HashMap::new();
        let mut all = Vec::new();
        for row in rows(jobs)? {
            let number = |column: &str| row.get(column).and_then(|text| text.parse::<f64>().ok()).map(|n| n as i64);
            let need = |column: &str| number(column).ok_or_else(|| format!("{jobs}: {column} is not a number"));
            // A job that was never placed there has no length.
            let Some(scheduled) = number("scheduled_time") else { continue };
            let gpus = match need("num_gpu")? {
                1 => need("gpu_milli")?,
                n => n * 1000,
            };
            let slots = slots(need("cpu_milli")?, need("memory_mib")?, gpus);
            let runs = (need("deletion_time")? - scheduled).max(1);
            let person = people.len() as u128;
            let person = *people.entry(format!("{slots:?}")).or_insert(person);
            let ended = row.get("pod_phase").is_some_and(|phase| phase != "Running");
            let limit = LIMITS.into_iter().find(|limit| *limit >= runs).filter(|_| ended);
            all.push(Job {
                at: need("creation_time")?,
                runs,
                limit: limit.and_then(|limit| u32::try_from(limit).ok()),
                user: UserId(uuid::Uuid::from_u128(person + 1)),
                slots,
            });
        }
        all.sort_by_key(|job| job.at);
        // A handful of services that began long before all others arrive with them.
        let begin = all.get(all.len() / 100).map_or(0, |job| job.at);
        all.iter_mut().for_each(|job| job.at = (job.at - begin).max(0));
        let mut rooms = Vec::new();
        for row in rows(machines)? {
            let need = |column: &str| {
                row.get(column)
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or_else(|| format!("{machines}: {column} is not a number"))
            };
            rooms.push(slots(need("cpu_milli")?, need("memory_mib")?, need("gpu")? * 1000));
        }
        if all.is_empty() || rooms.is_empty() {
            return Err("there are no jobs or no machines".into());
        }
        Ok(Self { jobs: all, machines: rooms })
    }

    /// The parts of the machines that are worth replaying, in percent: a small cluster as a whole.
    pub fn parts(&self) -> &'static [usize] {
        if self.machines.len() < 100 { &[100] } else { &[5, 10, 20] }
    }

    /// Returns this percentage of the machines, evenly spread, and the jobs that fit on one of them, as quickly after each other as
    /// needed to ask for this share of the scarcest resource between the first arrival and the last.
    pub fn part(&self, percent: usize, load: f64) -> (Vec<Room>, Vec<Job>) {
        let machines: Vec<_> = self.machines.iter().enumerate().filter(|(n, _)| n * percent % 100 < percent).collect();
        let rooms: Vec<Room> = machines
            .into_iter()
            .map(|(n, capacity)| Room {
                agent: format!("machine-{n:04}"),
                engine: String::new(),
                resource_group: "default".into(),
                schedulable: true,
                capacity: capacity.clone(),
                free: capacity.clone(),
            })
            .collect();
        let fits = |job: &Job| rooms.iter().any(|room| job.slots.beyond(&room.capacity).next().is_none());
        let jobs: Vec<_> = self.jobs.iter().filter(|job| fits(job)).cloned().collect();
        let span = jobs.last().map_or(1, |job| job.at.max(1)) as f64;
        let asked = |slot: &str, squeeze: f64| {
            let last = span / squeeze;
            // Only what runs before the last arrival counts.
            let of = |job: &Job| {
                let left = (last - job.at as f64 / squeeze).min(job.runs as f64);
                job.slots.get(slot).as_thousandths() as f64 * left
            };
            let has: i64 = rooms.iter().map(|room| room.capacity.get(slot).as_thousandths()).sum();
            jobs.iter().map(of).sum::<f64>() / (has as f64 * last)
        };
        // The shorter the time, the more is asked for: halve until the share is met.
        let (mut low, mut high) = (0.01, 100_000.0);
        for _ in 0..60 {
            let middle = f64::sqrt(low * high);
            let most = [CPU, MEM, GPU].into_iter().map(|slot| asked(slot, middle)).fold(0.0, f64::max);
            if most < load { low = middle } else { high = middle }
        }
        let jobs = jobs.into_iter().map(|job| Job { at: (job.at as f64 / low) as i64, ..job }).collect();
        (rooms, jobs)
    }
}

pub fn gpus(slots: &Slots) -> i64 {
    slots.get(GPU).as_thousandths()
}

fn slots(cpu: i64, mib: i64, gpus: i64) -> Slots {
    let mut slots = Slots::cpu_mem(Quantity::thousandths(cpu), mib << 20);
    if gpus > 0 {
        slots.0.insert(GPU.into(), Quantity::thousandths(gpus));
    }
    slots
}

/// Reads a table without quotes: each row by the names of the columns.
fn rows(path: &str) -> Result<Vec<HashMap<String, String>>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let row =
        |line: &str| names.iter().zip(line.split(',')).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
    Ok(lines.map(row).collect())
}
