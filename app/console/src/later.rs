//! Parts of a page that are fetched apart from it, because most visits never see them: dialogs, the charts and the log of a session.
//!
//! They are fetched as soon as the page stands still, so that the first press opens them at once. Deliberately absent: anything that
//! the server draws, which the browser could not take over without its code.

use crate::missing::Missing;
use futures::FutureExt;
use leptos::prelude::*;
use std::pin::Pin;
use std::time::Duration;
use ui::use_toaster;

/// The time for which a page is left alone with what it shows.
const STANDS: Duration = Duration::from_millis(400);

pub type Making = Pin<Box<dyn Future<Output = Result<AnyView, Missing>> + Send>>;
pub type Fetching = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Makes a view from the time at which it is first asked for. A view whose code cannot be fetched is asked for again.
pub fn later(asked: Signal<bool>, fetch: fn() -> Fetching, make: impl Fn() -> Making + Send + Sync + 'static) -> AnyView {
    let (there, toaster) = (RwSignal::new(false), use_toaster());
    Effect::new(move |_| {
        if !asked.get() || there.get_untracked() {
            return;
        }
        leptos::task::spawn_local(async move {
            if fetch().await {
                there.try_set(true);
            } else {
                toaster.bad("This could not be loaded, because the server does not answer. Try again.");
            }
        });
    });
    Effect::new(move |_| {
        let early = move || {
            leptos::task::spawn_local(async move {
                // A failure is met again, and told, when the view is asked for.
                let _ = fetch().await;
            });
        };
        set_timeout(early, STANDS);
    });
    // With its code there, a view is made at once: it belongs to this place, and goes with it.
    let view = move || there.get().then(|| make().now_or_never()?.ok()).flatten();
    view! { {view} }.into_any()
}

/// Defines a part of a page that is fetched apart from it, as a module with one function: `later`, which takes the signal that asks for
/// the view and then what the view is made of. Parts with the same first name are
/// fetched together: all under `parts`, but for what is large and rarely asked for.
#[macro_export]
macro_rules! chunk {
    ($chunk:ident: $(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $vis mod $name {
            use super::*;

            #[leptos::wasm_split::wasm_split($chunk, wasm_split_path = ::leptos::wasm_split, preload(fetch), fallible)]
            fn $name($($arg: $type),*) -> Result<AnyView, $crate::missing::Missing> {
                Ok($body)
            }

            $(#[$doc])*
            pub fn later(asked: Signal<bool>, $($arg: $type),*) -> AnyView {
                let fetch = || -> $crate::later::Fetching { Box::pin(async { fetch().await.is_ok() }) };
                $crate::later::later(asked, fetch, move || Box::pin($name($($arg),*)))
            }
        }
    };
}
