//! The action of a button beside a row: one request, followed by a short message. Forms use `dialog` instead.

use leptos::prelude::*;
use leptos::task::spawn_local;
use std::pin::Pin;
use types::Problem;
use ui::{Say, use_toaster};

/// Makes a button's action: runs `doing`, shows `done` or the reason for a refusal, and calls `changed` in both cases, since a
/// refusal often means that the page is out of date.
pub fn act<F>(doing: impl Fn() -> F + Send + Sync + 'static, done: &'static str, changed: Callback<()>) -> Callback<()>
where
    F: Future<Output = Result<(), Problem>> + 'static,
{
    let toaster = use_toaster();
    Callback::new(move |()| run_and_report(Box::pin(doing()), done, changed, toaster))
}

/// Compiled once for all buttons.
fn run_and_report(
    doing: Pin<Box<dyn Future<Output = Result<(), Problem>>>>,
    done: &'static str,
    changed: Callback<()>,
    toaster: Say,
) {
    spawn_local(async move {
        match doing.await {
            Ok(()) => toaster.good(done),
            Err(problem) => toaster.bad(problem.to_string()),
        }
        // The page may be gone by now.
        changed.try_run(());
    });
}

/// Makes the action of a button that asks for something: `then` receives the answer; a refusal is shown as a toast.
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
