//! Replays the jobs of a real cluster through the scheduler, on a part of its machines and on a clock that moves from event to event:
//! `cargo run --release -p scheduler --example replay -- jobs.csv machines.csv`.
//!
//! The files have the columns of Alibaba's `cluster-trace-gpu-v2023`. A job runs for as long as it did there. Each part of the
//! machines gets the jobs so quickly that they ask for a given share of its GPUs (or cores, or memory, whichever is scarcest),
//! since at their own pace no queue would form. Every job is served twice: by the rules of this crate, and by those before
//! (`before`). Prints a line for each part, scheduler, rule and size of jobs.

mod before;
mod trace;

use before::Before;
use scheduler::{Decision, Group, PersonHeld, Refused, Room, Running, Snapshot, Waiting, schedule};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use trace::{Job, Trace};
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::quantity::{CPU, Quantity, Slots};
use types::sessions::Cluster;
use types::time::Millis;

/// The number of jobs that a typical length is worked out of, at least and at most.
const LENGTHS: (usize, usize) = (5, 200);
/// The default of resource groups.
const RETRIES: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    Before,
    Now,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [jobs, machines, loads @ ..] = args.as_slice() else {
        eprintln!("usage: replay jobs.csv machines.csv [percent of the scarcest resource asked for]…");
        std::process::exit(2);
    };
    let trace = match Trace::read(jobs, machines) {
        Ok(trace) => trace,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    };
    let loads: Vec<f64> = loads.iter().filter_map(|text| text.parse().ok()).collect();
    let loads = if loads.is_empty() { vec![60.0] } else { loads };
    for &part in trace.parts() {
        for load in &loads {
            let (rooms, jobs) = trace.part(part, *load / 100.0);
            for scheduler in [SchedulerKind::Fifo, SchedulerKind::Lifo, SchedulerKind::Drf] {
                let both = [Rules::Before, Rules::Now].map(|rules| Replay::new(rooms.clone(), &jobs, scheduler, rules).run());
                print(part, *load, scheduler, &jobs, &both);
            }
        }
    }
}

/// The outcome of a replay.
struct Replayed {
    /// The seconds that each job waited.
    waits: Vec<i64>,
    /// The share of all GPUs that was in use, from the first arrival to the last.
    used: f64,
}

struct Replay<'a> {
    jobs: &'a [Job],
    rules: Rules,
    before: Before,
    snapshot: Snapshot,
    agents: HashMap<String, usize>,
    people: HashMap<UserId, usize>,
    /// The ends to come, with the job and its agents.
    ends: BinaryHeap<Reverse<(i64, usize)>>,
    places: HashMap<usize, Vec<String>>,
    /// The jobs of the snapshot's running sessions, in their order, with their starts.
    running: Vec<(usize, i64)>,
    /// The lengths of the last jobs that ended.
    lengths: VecDeque<i64>,
    waits: Vec<i64>,
    used: i128,
    in_use: i64,
}

impl<'a> Replay<'a> {
    fn new(agents: Vec<Room>, jobs: &'a [Job], scheduler: SchedulerKind, rules: Rules) -> Self {
        let group = Group { scheduler, placement: Placement::Dispersed, retries_to_skip: RETRIES, pending_timeout: None };
        let names = agents.iter().enumerate().map(|(at, room)| (room.agent.clone(), at)).collect();
        let groups = BTreeMap::from([("default".to_owned(), group)]);
        Self {
            jobs,
            rules,
            before: Before::new(&agents, scheduler),
            snapshot: Snapshot { groups, agents, ..Snapshot::default() },
            agents: names,
            people: HashMap::new(),
            ends: BinaryHeap::new(),
            places: HashMap::new(),
            running: Vec::new(),
            lengths: VecDeque::new(),
            waits: vec![-1; jobs.len()],
            used: 0,
            in_use: 0,
        }
    }

    fn run(mut self) -> Replayed {
        let (first, last) = (self.jobs[0].at, self.jobs[self.jobs.len() - 1].at);
        let (mut next, mut now) = (0, first);
        let mut again = None;
        loop {
            let arrival = self.jobs.get(next).map(|job| job.at);
            let end = self.ends.peek().map(|Reverse((at, _))| *at);
            let Some(then) = [arrival, end, again].into_iter().flatten().min() else { break };
            self.used += i128::from(self.in_use) * i128::from(then.min(last) - now.min(last));
            now = then;
            self.snapshot.now = Millis(now * 1000);
            while self.ends.peek().is_some_and(|Reverse((at, _))| *at <= now) {
                let Some(Reverse((_, job))) = self.ends.pop() else { break };
                self.end(job);
            }
            while self.jobs.get(next).is_some_and(|job| job.at <= now) {
                self.snapshot.queue.push(waiting(next, &self.jobs[next]));
                next += 1;
            }
            again = self.decide(now).then_some(now + 1);
        }
        let gpus: i64 = self.snapshot.agents.iter().map(|room| trace::gpus(&room.capacity)).sum();
        // A cluster without any has none in use.
        let used = self.used as f64 / (gpus.max(1) as f64 * (last - first).max(1) as f64);
        Replayed { waits: self.waits, used }
    }

    /// Makes one round. Returns whether the next one differs although nothing else happens: a session has not been tried often
    /// enough to let others pass.
    fn decide(&mut self, now: i64) -> bool {
        let decided = match self.rules {
            Rules::Now => {
                self.expect_ends(now);
                schedule(&self.snapshot)
            }
            Rules::Before => self.before.schedule(&self.snapshot),
        };
        let mut decided: HashMap<SessionId, _> = decided.into_iter().map(|one| (one.id, one)).collect();
        let mut again = false;
        let mut left = Vec::with_capacity(self.snapshot.queue.len());
        for mut session in std::mem::take(&mut self.snapshot.queue) {
            let Some(one) = decided.remove(&session.id) else { continue };
            session.refused = Refused::after(session.refused, &one, self.snapshot.now);
            match one.decision {
                Decision::Place(agents) => self.start(&session, agents, now),
                _ => {
                    again |= one.tried && session.refused.is_some_and(|refused| refused.tries <= RETRIES);
                    left.push(session);
                }
            }
        }
        self.snapshot.queue = left;
        again
    }

    /// Works out the expected ends of jobs without a limit as the server does: after the typical length, or, for those that took
    /// longer already, after as long again.
    fn expect_ends(&mut self, now: i64) {
        let mut lengths: Vec<i64> = self.lengths.iter().copied().collect();
        lengths.sort_unstable();
        let typical = lengths.get(lengths.len() / 2).copied().filter(|_| lengths.len() >= LENGTHS.0);
        for ((job, started), running) in self.running.iter().zip(&mut self.snapshot.running) {
            if self.jobs[*job].limit.is_none() {
                let end = typical.map(|typical| (started + typical).max(now + (now - started)));
                running.ends_at = end.map(|end| Millis(end * 1000));
            }
        }
    }

    fn start(&mut self, session: &Waiting, agents: Vec<String>, now: i64) {
        let number = number_of(session.id);
        let job = &self.jobs[number];
        self.waits[number] = now - job.at;
        self.ends.push(Reverse((now + job.runs, number)));
        self.snapshot.agents[self.agents[&agents[0]]].free.subtract(&job.slots);
        let share = self.share(job.user);
        self.snapshot.people[share].slots.add(&job.slots);
        self.in_use += trace::gpus(&job.slots);
        let ends_at = session.lasts.map(|seconds| Millis((now + i64::from(seconds)) * 1000));
        self.snapshot.running.push(Running {
            user: session.user,
            access_key: session.access_key.clone(),
            project: session.project,
            domain: session.domain,
            resource_group: session.resource_group.clone(),
            agents: agents.clone(),
            slots: session.slots.clone(),
            ends_at,
        });
        self.running.push((number, now));
        self.places.insert(number, agents);
    }

    fn end(&mut self, number: usize) {
        let job = &self.jobs[number];
        let agents = self.places.remove(&number).unwrap_or_default();
        self.snapshot.agents[self.agents[&agents[0]]].free.add(&job.slots);
        let share = self.share(job.user);
        self.snapshot.people[share].slots.subtract(&job.slots);
        self.in_use -= trace::gpus(&job.slots);
        if let Some(at) = self.running.iter().position(|(job, _)| *job == number) {
            self.running.swap_remove(at);
            self.snapshot.running.swap_remove(at);
        }
        self.lengths.push_back(job.runs);
        if self.lengths.len() > LENGTHS.1 {
            self.lengths.pop_front();
        }
    }

    fn share(&mut self, user: UserId) -> usize {
        let people = &mut self.snapshot.people;
        *self.people.entry(user).or_insert_with(|| {
            people.push(PersonHeld { user, resource_group: "default".into(), slots: Slots::default() });
            people.len() - 1
        })
    }
}

fn waiting(number: usize, job: &Job) -> Waiting {
    Waiting {
        id: SessionId(uuid::Uuid::from_u128(number as u128 + 1)),
        name: String::new(),
        user: job.user,
        access_key: String::new(),
        policy: String::new(),
        project: ProjectId(uuid::Uuid::nil()),
        domain: DomainId(uuid::Uuid::nil()),
        resource_group: "default".into(),
        priority: 10,
        engines: None,
        slots: job.slots.clone(),
        cluster: Cluster::default(),
        created_at: Millis(job.at * 1000),
        starts_at: None,
        depends_on: Vec::new(),
        limit: job.limit,
        lasts: job.limit,
        refused: None,
    }
}

fn number_of(id: SessionId) -> usize {
    id.0.as_u128() as usize - 1
}

/// The size of a job. Those of the last one fit on few machines only, which services without a time limit may hold for months.
fn size(job: &Job) -> &'static str {
    match trace::gpus(&job.slots) {
        0 => "no GPU",
        1..1_000 => "part of a GPU",
        1_000 => "1 GPU",
        1_001..8_000 => "2 and 4 GPUs",
        _ if job.slots.get(CPU) <= Quantity::whole(100) => "8 GPUs",
        _ => "8 GPUs, over 100 cores",
    }
}

const SIZES: [&str; 6] = ["no GPU", "part of a GPU", "1 GPU", "2 and 4 GPUs", "8 GPUs", "8 GPUs, over 100 cores"];

fn print(part: usize, load: f64, scheduler: SchedulerKind, jobs: &[Job], both: &[Replayed; 2]) {
    for name in SIZES.into_iter().chain(["all"]) {
        if name != "all" && !jobs.iter().any(|job| size(job) == name) {
            continue;
        }
        let figures = |replayed: &Replayed| {
            let sized = jobs.iter().zip(&replayed.waits).filter(|(job, _)| name == "all" || size(job) == name);
            let mut waits: Vec<i64> = sized.map(|(_, wait)| *wait).collect();
            waits.sort_unstable();
            let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).copied().unwrap_or_default();
            let mean = waits.iter().sum::<i64>() as f64 / waits.len().max(1) as f64;
            format!("{mean:.0}\t{}\t{}\t{}", at(0.5), at(0.95), waits.last().copied().unwrap_or_default())
        };
        let [before, now] = both;
        let used = format!("{:.2}\t{:.2}", before.used * 100.0, now.used * 100.0);
        println!("{part}\t{load}\t{}\t{name}\t{}\t{}\t{used}", scheduler.key(), figures(before), figures(now));
    }
}
