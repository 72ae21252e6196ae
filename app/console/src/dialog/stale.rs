//! The notice in a dialog when somebody else has saved the same thing in the meantime: the saved values beside the form's, field
//! by field, and the two ways to continue. Nothing typed is lost.

use crate::form::Refused;
use leptos::prelude::*;
use types::revision::{Difference, Stale};
use ui::Button;

/// The notice, shown while the last answer was a conflict. `save_mine` receives the revision to save with; `take_theirs` fills
/// the form again; `in_form_words` puts a difference into the form's words.
pub fn stale_notice(
    refused: Refused,
    in_form_words: Callback<Difference, Difference>,
    save_mine: Callback<i64>,
    take_theirs: Callback<()>,
) -> AnyView {
    let stale = refused.stale();
    let translated = move |stale: Stale| Stale {
        differences: stale.differences.into_iter().map(|one| in_form_words.run(one)).collect(),
        ..stale
    };
    view! { {move || stale.get().map(|stale| notice(translated(stale), save_mine, take_theirs))} }.into_any()
}

fn notice(stale: Stale, save_mine: Callback<i64>, take_theirs: Callback<()>) -> AnyView {
    let Stale { revision, differences } = stale;
    let same = differences.is_empty();
    let row = |Difference { field, saved, yours }: Difference| {
        view! { <tr><th scope="row">{field}</th><td>{saved}</td><td>{yours}</td></tr> }
    };
    let rows: Vec<_> = differences.into_iter().map(row).collect();
    let table = (!same).then(|| {
        view! {
            <table class="compare">
                <caption class="visually-hidden">"The saved values and those in your form"</caption>
                <thead><tr><th scope="col">"Field"</th><th scope="col">"Theirs"</th><th scope="col">"Yours"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
    });
    let sentence = if same {
        "Somebody else has saved the same values in the meantime."
    } else {
        "Somebody else has saved changes in the meantime. Keep your values or theirs."
    };
    view! {
        <section class="stale" aria-label="Theirs">
            <p class="notice notice-warn" role="alert">{sentence}</p>
            {table}
            <div class="row-actions">
                <Button on_press=Callback::new(move |()| save_mine.run(revision))>"Save mine"</Button>
                <Button on_press=take_theirs>"Take theirs"</Button>
            </div>
        </section>
    }
    .into_any()
}
