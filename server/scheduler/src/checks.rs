//! Checks that hold back only the session itself, however much room there is: its pending timeout, its dependencies, its start
//! time, and the limits of its keypair's policy, its project and its domain. A session that fails one holds up nobody else.

use crate::slots::{Kinds, Shape, Table, UNLIMITED};
use crate::{DependencyState, Reason, Share, Snapshot, Waiting};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use types::id::{DomainId, ProjectId};
use types::quantity::Quantity;
use types::time::Millis;

/// Returns the reason to cancel a session, if there is one.
pub(crate) fn reason_to_cancel(session: &Waiting, timeout: Option<u32>, now: Millis) -> Option<Reason> {
    // Time before the start time that its owner chose does not count as waiting.
    let since = session.starts_at.map_or(session.created_at, |at| at.max(session.created_at));
    let waited = now.since(since);
    if let Some(seconds) = timeout.filter(|seconds| *seconds > 0)
        && waited >= i64::from(seconds) * 1000
    {
        return Some(Reason::PendingTimeout { resource_group: session.resource_group.clone(), seconds });
    }
    let failed = session.depends_on.iter().find(|other| other.state == DependencyState::Failed)?;
    Some(Reason::DependencyFailed { name: failed.name.clone() })
}

/// Returns the reason why it is too early for a session, if it is.
pub(crate) fn too_early(session: &Waiting, now: Millis) -> Option<Reason> {
    if let Some(at) = session.starts_at.filter(|at| *at > now) {
        return Some(Reason::NotBefore { at });
    }
    let waits = session.depends_on.iter().filter(|other| other.state == DependencyState::Waiting);
    let names: Vec<_> = waits.map(|other| other.name.clone()).collect();
    (!names.is_empty()).then_some(Reason::WaitsFor { names })
}

/// The limits and use of keypairs, projects and domains. Placed sessions are entered into them.
pub(crate) struct Books<'a> {
    snapshot: &'a Snapshot,
    keys: HashMap<&'a str, usize>,
    /// The number of sessions of each keypair; `held` has their slots.
    sessions: Vec<u32>,
    held: Table,
    policies: HashMap<&'a str, usize>,
    allowed: Table,
    projects: Ledger<ProjectId>,
    domains: Ledger<DomainId>,
}

impl<'a> Books<'a> {
    pub(crate) fn open(snapshot: &'a Snapshot, kinds: &Kinds) -> Self {
        let mut books = Self {
            snapshot,
            keys: HashMap::new(),
            sessions: Vec::new(),
            held: kinds.table(),
            policies: HashMap::new(),
            allowed: kinds.table(),
            projects: Ledger::open(&snapshot.projects, kinds),
            domains: Ledger::open(&snapshot.domains, kinds),
        };
        for (row, (name, policy)) in snapshot.policies.iter().enumerate() {
            books.policies.insert(name, row);
            books.allowed.push(kinds.limits(|slot| policy.limit(slot)));
        }
        for key in snapshot.queue.iter().map(|session| session.access_key.as_str()) {
            if !books.keys.contains_key(key) {
                let held = snapshot.held.get(key).cloned().unwrap_or_default();
                books.keys.insert(key, books.sessions.len());
                books.sessions.push(held.sessions);
                books.held.push(kinds.row(&held.slots));
            }
        }
        books
    }

    /// Returns the limit that a session would exceed, if there is one.
    pub(crate) fn over_limit(&self, session: &Waiting, shape: &Shape) -> Option<Reason> {
        self.over_policy(session, shape)
            .or_else(|| self.over_project(session, shape))
            .or_else(|| self.over_domain(session, shape))
    }

    fn over_policy(&self, session: &Waiting, shape: &Shape) -> Option<Reason> {
        let (policy, allowed) = (self.snapshot.policies.get(&session.policy)?, *self.policies.get(session.policy.as_str())?);
        let key = *self.keys.get(session.access_key.as_str())?;
        let name = || policy.name.clone();
        if session.cluster.size > policy.max_cluster {
            return Some(Reason::OverCluster { policy: name(), asked: session.cluster.size, limit: policy.max_cluster });
        }
        if let Some(limit) = policy.max_sessions.filter(|limit| self.sessions[key] >= *limit) {
            return Some(Reason::TooManySessions { policy: name(), limit });
        }
        let Beyond { slot, asked, used, limit } = beyond(shape, self.held.row(key), self.allowed.row(allowed))?;
        Some(Reason::OverPolicy { policy: name(), slot, asked, used, limit })
    }

    fn over_project(&self, session: &Waiting, shape: &Shape) -> Option<Reason> {
        let Beyond { slot, asked, used, limit } = self.projects.beyond(&session.project, shape)?;
        let name = self.snapshot.projects.get(&session.project)?.name.clone();
        Some(Reason::OverProject { name, slot, asked, used, limit })
    }

    fn over_domain(&self, session: &Waiting, shape: &Shape) -> Option<Reason> {
        let Beyond { slot, asked, used, limit } = self.domains.beyond(&session.domain, shape)?;
        let name = self.snapshot.domains.get(&session.domain)?.name.clone();
        Some(Reason::OverDomain { name, slot, asked, used, limit })
    }

    /// Enters a session that was placed.
    pub(crate) fn enter(&mut self, session: &Waiting, shape: &Shape) {
        if let Some(key) = self.keys.get(session.access_key.as_str()) {
            self.sessions[*key] = self.sessions[*key].saturating_add(1);
            shape.add_to(self.held.row_mut(*key));
        }
        self.projects.enter(&session.project, shape);
        self.domains.enter(&session.domain, shape);
    }
}

/// The limits and use of owners of one kind, a row for each.
struct Ledger<K> {
    rows: HashMap<K, usize>,
    used: Table,
    allowed: Table,
}

impl<K: Copy + Eq + Hash> Ledger<K> {
    fn open(shares: &BTreeMap<K, Share>, kinds: &Kinds) -> Self {
        let mut ledger = Self { rows: HashMap::new(), used: kinds.table(), allowed: kinds.table() };
        for (row, (owner, share)) in shares.iter().enumerate() {
            ledger.rows.insert(*owner, row);
            ledger.used.push(kinds.row(&share.used));
            ledger.allowed.push(kinds.limits(|slot| share.limit.0.get(slot).copied()));
        }
        ledger
    }

    fn beyond(&self, owner: &K, shape: &Shape) -> Option<Beyond> {
        let row = *self.rows.get(owner)?;
        beyond(shape, self.used.row(row), self.allowed.row(row))
    }

    fn enter(&mut self, owner: &K, shape: &Shape) {
        if let Some(row) = self.rows.get(owner) {
            shape.add_to(self.used.row_mut(*row));
        }
    }
}

/// A slot whose limit would be exceeded.
struct Beyond {
    slot: String,
    asked: Quantity,
    used: Quantity,
    limit: Quantity,
}

fn beyond(shape: &Shape, used: &[i64], allowed: &[i64]) -> Option<Beyond> {
    shape.all().find_map(|asked| {
        let limit = allowed.get(asked.column).copied().unwrap_or(UNLIMITED);
        (asked.amount.saturating_add(asked.amount_in(used)) > limit).then(|| Beyond {
            slot: asked.slot.to_owned(),
            asked: Quantity::thousandths(asked.amount),
            used: Quantity::thousandths(asked.amount_in(used)),
            limit: Quantity::thousandths(limit),
        })
    })
}
