//! What tests do to a simulated cluster: machines that vanish, starts that are refused, an engine that does not answer.

use super::SimulatedEngine;
use types::sessions::Outcome;

/// How the engine as a whole answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Answers,
    /// Every question fails.
    Fails,
    /// No question is ever answered.
    Hangs,
}

impl SimulatedEngine {
    /// A machine stops answering; what is on it goes on.
    pub fn lose_agent(&self, name: &str) {
        self.inside().away.insert(name.to_owned());
    }

    /// A machine stops answering, and what was on it is gone.
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

    /// From now on the engine answers like this, whatever it is asked; what runs goes on.
    pub fn answer(&self, manner: Manner) {
        self.inside().manner = manner;
    }

    /// The next starts fail, as on a machine that something is wrong with.
    pub fn refuse_starts(&self, count: u32) {
        self.inside().refused = count;
    }

    /// From now on every start is refused as something that the engine cannot do; `what` is a sentence.
    pub fn cannot_start(&self, what: &str) {
        self.inside().unable = Some(what.to_owned());
    }

    /// A machine answers again.
    pub fn return_agent(&self, name: &str) {
        self.inside().away.remove(name);
    }
}
