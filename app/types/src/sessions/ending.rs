//! How a session ended, in one word: what a list shows, colours and filters by. The sentence beside it says the rest.

use serde::{Deserialize, Serialize};

/// Who or what a session was ended by, before its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopCause {
    /// A person asked for it.
    Person,
    /// A limit on its time.
    Time,
    /// Another limit, such as that on its disk.
    Limit,
}

crate::words::words!(StopCause {
    Person = "person", "By a person";
    Time = "time", "By a time limit";
    Limit = "limit", "By a limit";
});

/// How a session ended. The database derives it from status, outcome and cause (`server/store/migrations/0019_endings.sql`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With exit code 0, by itself.
    Succeeded,
    /// With another exit code or by a signal.
    Failed,
    OutOfMemory,
    TimedOut,
    /// Over a limit that is not one of time.
    OverLimit,
    /// A person ended it while it ran.
    Terminated,
    /// It never ran: withdrawn, or waited for something that failed.
    Cancelled,
    /// Its agent or supervisor was gone.
    Lost,
    /// It could not be started.
    NotStarted,
}

crate::words::words!(Ending {
    Succeeded = "succeeded", "Succeeded";
    Failed = "failed", "Failed";
    OutOfMemory = "out_of_memory", "Out of memory";
    TimedOut = "timed_out", "Timed out";
    OverLimit = "over_limit", "Over limit";
    Terminated = "terminated", "Terminated";
    Cancelled = "cancelled", "Cancelled";
    Lost = "lost", "Lost";
    NotStarted = "not_started", "Could not start";
});
