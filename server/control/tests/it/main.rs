//! The control plane over a real database and the simulated engine, by a clock that the tests move; in `engines` over several.

mod audits;
mod day;
mod engines;
mod groups;
mod held;
mod limits;
mod machines;
mod main_key;
mod policies;
mod retries;
mod tasks;
mod usage;
mod yard;

use control::{Caller, Control, SignInAnswer};

pub const PASSWORD: &str = "Correct-Horse-9";

/// The caller that signing in makes.
pub async fn caller(control: &Control, login: &str) -> Caller {
    let asked = Caller::nobody("127.0.0.1", "test");
    match control.sign_in(&asked, login, PASSWORD, None).await.unwrap() {
        SignInAnswer::Done(signed_in) => control.caller(asked, Some(&signed_in.token)).await.unwrap(),
        SignInAnswer::CodeNeeded(_) => panic!("a code is asked for"),
    }
}
