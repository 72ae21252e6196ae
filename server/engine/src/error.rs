//! The error of all engines.

use std::error::Error;

/// The reason why an engine could not do something. The text may appear in a session's history; the causes are for the log only.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the engine does not know this container")]
    UnknownContainer,
    #[error("the container is not running")]
    NotRunning,
    /// The engine cannot say anything about this agent until it answers.
    #[error("agent {0} does not answer")]
    AgentAway(String),
    #[error("agent {0} has no room for this container")]
    Full(String),
    /// The engine cannot do what was requested, now or later. The text is a whole sentence.
    #[error("{what}")]
    Unsupported { what: String },
    #[error("the session was not started with port {0}")]
    PortNotAsked(u16),
    #[error("nothing is listening on port {0} of the session")]
    PortSilent(u16),
    /// An unexpected failure. `what` is a clause that says what was not done.
    #[error("{what}")]
    Failed { what: String, source: Box<dyn Error + Send + Sync> },
}

impl EngineError {
    /// Wraps a cause in [`EngineError::Failed`]. `what` is a clause such as “the log could not be read”.
    pub fn failed<E: Into<Box<dyn Error + Send + Sync>>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Failed { what, source: source.into() }
    }

    /// Makes an [`EngineError::Unsupported`]. `what` is a whole sentence.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// Returns the error's text with all its causes, for the log.
    pub fn with_causes(&self) -> String {
        with_causes(self)
    }
}

/// Returns an error's text with all its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors repeat their cause in their own text.
        let why = error.to_string();
        if !text.ends_with(&why) {
            text.push_str(&format!(": {why}"));
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_causes_appear_in_the_log_text_only() {
        let error = EngineError::failed("the log could not be read")(std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "the log could not be read");
        assert_eq!(error.with_causes(), "the log could not be read: disk on fire");
    }
}
