//! The files of an ended session: its owner downloads or deletes them.

use console::api::sessions::delete_session_files;
use console::dialog::{Asked, Saved, Shell};
use console::paths;
use leptos::prelude::*;
use types::id::SessionId;
use types::sessions::SessionDetail;
use ui::{Button, Icon, IconName, Variant};

/// The buttons of the drawer.
pub fn buttons(id: SessionId, session: Signal<Option<SessionDetail>>, reload: Callback<()>) -> AnyView {
    let asked = RwSignal::new(Asked::Nothing);
    let there = move || session.with(|s| s.as_ref().is_some_and(|s| s.files));
    let ask = Callback::new(move |()| asked.set(Asked::edit(())));
    let shell = Shell::new();
    shell.open_when(asked, |_| (), |_| ());
    let submit = Callback::new(move |()| {
        shell.refused.clear();
        let deleting = delete_session_files(id);
        let done = async move {
            deleting.await?;
            Ok(Saved::WithMessage("The files were deleted.".into()))
        };
        shell.send(done, || (), reload);
    });
    let contents = ViewFn::from(move || {
        view! {
            <p>"Its files and its log are removed from the server. This cannot be undone."</p>
            {shell.end(Signal::stored("Delete files".to_owned()), Variant::Danger)}
        }
    });
    view! {
        <Show when=there>
            <a class="button" href=paths::session_files(id) rel="external" download><Icon name=IconName::Folder/>"Download files"</a>
            <Button variant=Variant::Outlined on_press=ask><Icon name=IconName::Trash/>"Delete files"</Button>
        </Show>
        {shell.view(Signal::stored("Delete the files of this session?".to_owned()), submit, Callback::new(|()| ()), contents)}
    }
    .into_any()
}
