//! Why an engine could not do something.

use std::error::Error;

/// Why an engine could not do something. The text may reach the history of a session; the causes are for the log.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the container is not known here")]
    UnknownContainer,
    #[error("the container is not running")]
    NotRunning,
    /// The engine cannot say anything about this agent until it answers.
    #[error("agent {0} does not answer")]
    AgentAway(String),
    #[error("agent {0} has no room for it")]
    Full(String),
    /// The engine is not able to do what was asked for, now or later. The text is a whole sentence.
    #[error("{what}")]
    Unsupported { what: String },
    #[error("port {0} is none of those that the session was started with")]
    PortNotAsked(u16),
    #[error("nothing answers on port {0} of the session")]
    PortSilent(u16),
    /// Something went wrong that nobody foresaw. `what` is a clause that says what was not done.
    #[error("{what}")]
    Failed { what: String, source: Box<dyn Error + Send + Sync> },
}

impl EngineError {
    /// Makes an error of what kept `what` from being done: a clause such as “the log could not be read”.
    pub fn failed<E: Into<Box<dyn Error + Send + Sync>>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Failed { what, source: source.into() }
    }

    /// Something that the engine cannot do, as a whole sentence.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// The error with everything that caused it, for the log.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_in_the_log_and_not_in_the_text() {
        let error = EngineError::failed("the log could not be read")(std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "the log could not be read");
        assert_eq!(error.with_causes(), "the log could not be read: disk on fire");
    }
}
