//! Refusals and failures, in words for the person who meets them. The only error type that crosses the wire.

use serde::{Deserialize, Serialize};

/// One field of a form with an unacceptable value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name in the command, such as `email`.
    pub field: String,
    /// A sentence that says which values are allowed and what to do.
    pub message: String,
}

impl FieldError {
    /// Makes an error about `field`.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The id under which the log holds an internal error and its cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incident(String);

impl Incident {
    /// Wraps the id of an incident that has already been logged.
    pub fn logged(id: String) -> Self {
        Self(id)
    }
}

/// A refusal or failure that reaches a person or a script.
///
/// Deliberately without a variant that carries another layer's error text: errors of the database or the system are in the log,
/// under the id that [`Problem::Internal`] carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// Nobody is signed in, or the sign-in has ended.
    SignInRequired,
    /// The caller may not do this. The text completes "You may not …"; it comes from `Permission::verb` or `Caller::refuse`.
    Forbidden(String),
    /// The thing does not exist, or the caller may not know of it. The text names its kind.
    NotFound(String),
    /// Some fields have unacceptable values.
    Invalid(Vec<FieldError>),
    /// The current state does not allow it. The text says why.
    Conflict(String),
    /// Somebody else has saved the same thing in the meantime.
    Stale(crate::revision::Stale),
    /// A limit was reached. The text names the limit, its owner and the current use.
    Limit(String),
    /// Too many attempts. The number is the seconds to wait.
    TooMany(u32),
    /// Too many passwords are waiting to be checked.
    Busy,
    /// The keypair, or all keypairs of its person together, have used up their requests of the last 15 minutes. The number is
    /// the seconds until the next one is allowed.
    RateLimited(u32),
    /// The person has as many streams, terminals and waiting requests open as they may. The number is that maximum.
    TooManyOpen(u32),
    /// A part of the cluster does not answer. The text names it.
    Unavailable(String),
    /// An error inside Yardmaster.
    Internal(Incident),
    /// The server could not be reached.
    Offline,
    /// The server does not know this call, because it has been updated since the page was loaded.
    Outdated,
}

impl Problem {
    /// Makes a problem about one field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// Returns the HTTP status of this problem.
    pub fn status(&self) -> u16 {
        match self {
            Self::SignInRequired => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::Invalid(_) => 422,
            Self::Conflict(_) | Self::Limit(_) | Self::Stale(_) => 409,
            Self::TooMany(_) | Self::Busy | Self::RateLimited(_) | Self::TooManyOpen(_) => 429,
            Self::Unavailable(_) | Self::Offline => 503,
            Self::Internal(_) => 500,
            Self::Outdated => 400,
        }
    }

    /// Returns the message about `field`, if there is one.
    pub fn of_field(&self, field: &str) -> Option<String> {
        match self {
            Self::Invalid(errors) => errors.iter().find(|e| e.field == field).map(|e| e.message.clone()),
            _ => None,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SignInRequired => f.write_str("Your sign-in has ended. Sign in again to continue."),
            Self::Forbidden(what) => write!(f, "You are not allowed to {what}. Ask an administrator if you need to."),
            Self::NotFound(what) => write!(f, "No such {what}, or you do not have access to it."),
            Self::Invalid(errors) => match errors.as_slice() {
                [one] => f.write_str(&one.message),
                many => write!(f, "{} fields need your attention.", many.len()),
            },
            Self::Conflict(why) | Self::Limit(why) => f.write_str(why),
            Self::Stale(_) => {
                f.write_str("Somebody else has saved this since you opened it. Review their changes, then save again.")
            }
            Self::TooMany(seconds) => {
                write!(f, "Too many attempts. Wait {} and try again.", crate::time::duration(i64::from(*seconds) * 1000))
            }
            Self::Busy => f.write_str("Too many people are signing in right now. Nothing was changed; try again in a moment."),
            Self::RateLimited(seconds) => {
                let wait = crate::time::duration(i64::from(*seconds) * 1000);
                write!(f, "You have reached your limit of requests in 15 minutes. Try again in {wait}.")
            }
            Self::TooManyOpen(most) => write!(
                f,
                "You already have {most} pages, terminals, downloads and waiting requests open, the maximum. Close some, \
                 then try again."
            ),
            Self::Unavailable(part) => {
                write!(f, "{part} is not answering right now. Nothing was changed; try again in a moment.")
            }
            Self::Internal(Incident(id)) => {
                write!(f, "Something went wrong on the server. An administrator can find the cause in the log under {id}.")
            }
            Self::Offline => {
                f.write_str("The server could not be reached. Check your connection and try again; nothing was lost.")
            }
            Self::Outdated => f.write_str("The server has been updated. Reload the page to continue."),
        }
    }
}

impl std::error::Error for Problem {}

/// Returns the number that the decoder of a call found out of range, as it says so.
#[cfg(feature = "server_fn")]
fn out_of_range(text: &str) -> Option<&str> {
    let rest = text.split_once("invalid value: integer `").or_else(|| text.split_once("invalid value: floating point `"))?.1;
    Some(rest.split_once('`')?.0)
}

#[cfg(feature = "server_fn")]
impl server_fn::error::FromServerFnError for Problem {
    type Encoder = server_fn::codec::JsonEncoding;

    fn from_server_fn_error(error: server_fn::error::ServerFnErrorErr) -> Self {
        use server_fn::error::ServerFnErrorErr as E;
        match error {
            E::Request(_) => Self::Offline,
            E::Args(text) | E::Deserialization(text) if out_of_range(&text).is_some() => {
                let number = out_of_range(&text).unwrap_or_default();
                Self::Invalid(vec![FieldError::new("", format!("The number {number} is too small or too large here."))])
            }
            // An unreadable answer or an unknown call means that page and server are of different versions.
            E::Registration(_) | E::UnsupportedRequestMethod(_) | E::Deserialization(_) | E::Args(_) | E::MissingArg(_) => {
                Self::Outdated
            }
            E::ServerError(_) | E::MiddlewareError(_) | E::Serialization(_) | E::Response(_) => {
                Self::Internal(Incident("in the browser".into()))
            }
        }
    }
}
