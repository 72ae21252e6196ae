//! What a button beside a row does: one request, and afterwards a word about it. Forms have `dialog`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use std::pin::Pin;
use types::Problem;
use ui::{Say, use_toaster};

/// Makes the press of a button: it does something, says `done` or why not, and calls `changed` in both cases, since a refusal often
/// means that the page shows an older state.
pub fn act<F>(doing: impl Fn() -> F + Send + Sync + 'static, done: &'static str, changed: Callback<()>) -> Callback<()>
where
    F: Future<Output = Result<(), Problem>> + 'static,
{
    let toaster = use_toaster();
    Callback::new(move |()| tell(Box::pin(doing()), done, changed, toaster))
}

/// Compiled once for all buttons.
fn tell(doing: Pin<Box<dyn Future<Output = Result<(), Problem>>>>, done: &'static str, changed: Callback<()>, toaster: Say) {
    spawn_local(async move {
        match doing.await {
            Ok(()) => toaster.good(done),
            Err(problem) => toaster.bad(problem.to_string()),
        }
        // The page may be gone by now.
        changed.try_run(());
    });
}

/// Makes the press of a button that asks for something: `then` is given the answer; a refusal is told beside the page.
pub fn ask<T, F>(asking: impl Fn() -> F + Send + Sync + 'static, then: impl Fn(T) + Copy + Send + Sync + 'static) -> Callback<()>
where
    F: Future<Output = Result<T, Problem>> + 'static,
    T: 'static,
{
    let toaster = use_toaster();
    Callback::new(move |()| {
        let asking = asking();
        spawn_local(async move {
            match asking.await {
                Ok(answer) => then(answer),
                Err(problem) => toaster.bad(problem.to_string()),
            }
        });
    })
}
