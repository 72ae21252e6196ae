//! Controls for tests: agents that vanish, starts that are refused, an engine that does not answer.

use super::SimulatedEngine;
use types::sessions::Outcome;

/// How the whole engine answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Answers,
    /// Every call fails.
    Fails,
    /// No call ever returns.
    Hangs,
}

impl SimulatedEngine {
    /// Makes an agent stop answering. Its containers continue to run.
    pub fn lose_agent(&self, name: &str) {
        self.inside().away.insert(name.to_owned());
    }

    /// Makes an agent stop answering and ends its containers as lost.
    pub fn crash_agent(&self, name: &str) {
        let now = self.now();
        let mut inside = self.inside();
        inside.away.insert(name.to_owned());
        for id in inside.on.remove(name).unwrap_or_default() {
            if let Some(container) = inside.containers.get_mut(&id) {
                container.ended = Some((now, Outcome::Lost));
            }
        }
    }

    /// Sets how the engine answers every call from now on. Running containers continue.
    pub fn answer(&self, manner: Manner) {
        self.inside().manner = manner;
    }

    /// Makes the next `count` starts fail, as on a faulty agent.
    pub fn refuse_starts(&self, count: u32) {
        self.inside().refused = count;
    }

    /// Refuses every start from now on as unsupported. `what` is the message, a whole sentence.
    pub fn cannot_start(&self, what: &str) {
        self.inside().unable = Some(what.to_owned());
    }

    /// Makes an agent answer again.
    pub fn return_agent(&self, name: &str) {
        self.inside().away.remove(name);
    }
}
