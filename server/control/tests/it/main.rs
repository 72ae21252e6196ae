//! The control plane with a real database, a clock that the tests move, and the simulated engine (in `engines`, several engines).

mod audits;
mod barred;
mod clock;
mod columns;
mod day;
mod engines;
mod groups;
mod held;
mod limits;
mod machines;
mod main_key;
mod policies;
mod queue;
mod rates;
mod retries;
mod stale;
mod tasks;
mod two_factor;
mod usage;
mod yard;

use control::{Caller, Control, SignInAnswer};

pub const PASSWORD: &str = "Correct-Horse-9";

/// Signs in and returns the caller.
pub async fn caller(control: &Control, login: &str) -> Caller {
    let asked = Caller::nobody("127.0.0.1", "test");
    match control.sign_in(&asked, login, PASSWORD, None).await.unwrap() {
        SignInAnswer::Done(signed_in) => control.caller(asked, Some(&signed_in.token)).await.unwrap(),
        SignInAnswer::CodeNeeded(_) => panic!("a code is asked for"),
    }
}
