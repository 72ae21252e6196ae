//! One simulated container: how it was started and stopped, and its resulting state at a given moment.

use crate::{LaunchSpec, RunState};
use serde::{Deserialize, Serialize};
use types::sessions::Outcome;
use types::time::Millis;

/// One container, as it was started and stopped. Its state follows from this and the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Container {
    pub agent: String,
    pub spec: LaunchSpec,
    pub asked_at: Millis,
    pub runs_at: Millis,
    /// When it ends on its own, and how.
    pub planned: Option<(Millis, Outcome)>,
    /// When it ends because it was stopped or lost, and how.
    pub ended: Option<(Millis, Outcome)>,
}

impl Container {
    /// Returns when it ends, if that is known.
    pub fn ends_at(&self) -> Option<Millis> {
        [&self.planned, &self.ended].into_iter().flatten().map(|(at, _)| *at).min()
    }

    pub fn state(&self, now: Millis) -> RunState {
        let end = [&self.planned, &self.ended].into_iter().flatten().min_by_key(|(at, _)| *at);
        match end {
            Some((at, outcome)) if *at <= now => RunState::Ended { outcome: outcome.clone(), at: *at },
            _ if self.runs_at <= now => RunState::Running(self.runs_at),
            _ => RunState::Starting,
        }
    }

    pub fn is_alive(&self, now: Millis) -> bool {
        self.ends_at().is_none_or(|end| end > now)
    }
}
