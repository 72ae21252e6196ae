//! The shell of every dialog that sends something. It owns the open state, the last refusal, the pending answer and the message
//! afterwards; a form supplies its fields and one save.
//!
//! An answer belongs to the opening of the dialog that asked for it. A late answer closes, fills and shows nothing in the next
//! opening; a late refusal is shown as a toast, so that nobody believes the change was saved. Deliberately absent: the fields,
//! which each form has in its own file, and things that several people edit, which are in `edit`.

pub mod edit;
mod stale;

use self::stale::stale_notice;
use crate::form::Refused;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::pin::Pin;
use types::Problem;
use types::revision::Difference;
use ui::{Button, CloseButton, Dialog, Loss, Say, Variant, use_toaster};

/// The question before a form is closed that was typed into.
const UNSAVED: Loss =
    Loss { question: "Close without saving? What you entered is lost.", stay: "Keep editing", leave: "Discard" };

/// The request to open a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    Nothing,
    /// Something new. Text that was typed earlier, and neither sent nor discarded, is still there.
    New,
    /// An existing thing.
    Edit(Box<T>),
}

impl<T> Asked<T> {
    /// Whether a dialog is requested.
    pub fn asks(asked: RwSignal<Self>) -> Signal<bool>
    where
        T: Send + Sync + 'static,
    {
        Signal::derive(move || asked.with(|asked| !matches!(asked, Self::Nothing)))
    }

    /// Requests the dialog of an existing thing.
    pub fn edit(thing: T) -> Self {
        Self::Edit(Box::new(thing))
    }
}

/// The result of a save that was not refused.
pub enum Saved {
    /// Saved, with this message.
    WithMessage(String),
    /// Saved without a message, because the next view says enough, such as a key that is shown once.
    Silently,
    /// Not saved yet: the dialog stays open and shows something to look at first.
    NotYet,
}

impl<T: Into<String>> From<T> for Saved {
    fn from(text: T) -> Self {
        Self::WithMessage(text.into())
    }
}

type Saving = Pin<Box<dyn Future<Output = Result<Saved, Problem>>>>;

/// One dialog, independent of its contents.
#[derive(Clone, Copy)]
pub struct Shell {
    pub open: RwSignal<bool>,
    /// The last refusal.
    pub refused: Refused,
    /// An answer to this opening is awaited.
    pub pending: RwSignal<bool>,
    /// Something was typed into this opening that has not been sent.
    typed: RwSignal<bool>,
    /// The person closed the form and gave up what was typed.
    discarded: StoredValue<bool>,
    /// The number of the last opening, from 1.
    number: StoredValue<u32>,
    toaster: Say,
}

/// One opening of a dialog.
#[derive(Clone, Copy)]
pub struct Opening {
    shell: Shell,
    number: u32,
}

impl Default for Shell {
    fn default() -> Self {
        Self::new()
    }
}

impl Shell {
    /// A closed dialog.
    pub fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            refused: Refused::new(),
            pending: RwSignal::new(false),
            typed: RwSignal::new(false),
            discarded: StoredValue::new(false),
            number: StoredValue::new(0),
            toaster: use_toaster(),
        }
    }

    /// Opens the dialog whenever it is requested. `fill` receives the existing thing, or `None` for a new one; it is not called
    /// when one new thing follows another. `opened` is called last.
    pub fn open_when<T: Clone + Send + Sync + 'static>(
        self,
        asked: RwSignal<Asked<T>>,
        fill: impl Fn(Option<T>) + 'static,
        opened: impl Fn(Opening) + 'static,
    ) {
        let was_new = StoredValue::new(true);
        Effect::new(move |_| {
            let asked_for = asked.get();
            let new = match asked_for {
                Asked::Nothing => return,
                Asked::New => true,
                Asked::Edit(_) => false,
            };
            untrack(|| {
                match asked_for {
                    Asked::Edit(thing) => fill(Some(*thing)),
                    _ if was_new.get_value() && !self.discarded.get_value() => {}
                    _ => fill(None),
                }
                was_new.set_value(new);
                self.discarded.set_value(false);
                self.typed.set(false);
                self.refused.clear();
                self.pending.set(false);
                self.number.update_value(|number| *number += 1);
                self.open.set(true);
                opened(self.opening());
                asked.set(Asked::Nothing);
            });
        });
    }

    /// The last opening.
    pub fn opening(self) -> Opening {
        Opening { shell: self, number: self.number.get_value() }
    }

    /// Waits for a save. A successful one closes this opening and then calls `emptied`; `changed` is called no matter what is
    /// open by then. A refusal is shown in the form, or as a toast if the form is gone.
    pub fn send(
        self,
        saving: impl Future<Output = Result<Saved, Problem>> + 'static,
        emptied: impl FnOnce() + 'static,
        changed: Callback<()>,
    ) {
        self.wait_for(Box::pin(saving), Box::new(emptied), changed);
    }

    /// Compiled once for all forms.
    fn wait_for(self, saving: Saving, emptied: Box<dyn FnOnce()>, changed: Callback<()>) {
        let opening = self.opening();
        self.pending.set(true);
        let was_typed = self.typed.get_untracked();
        self.typed.set(false);
        spawn_local(async move {
            let answer = saving.await;
            if opening.is_last() {
                self.pending.set(false);
                if was_typed && matches!(answer, Err(_) | Ok(Saved::NotYet)) {
                    self.typed.set(true);
                }
            }
            match answer {
                Ok(Saved::NotYet) => {}
                Ok(saved) => {
                    if opening.is_last() {
                        self.open.set(false);
                        emptied();
                    }
                    if let Saved::WithMessage(text) = saved {
                        self.toaster.good(text);
                    }
                    // The page may be gone by now.
                    changed.try_run(());
                }
                Err(problem) if opening.is_current() => self.refused.set(problem),
                Err(problem) => self.toaster.bad(problem.to_string()),
            }
        });
    }

    /// The dialog with its form. `submit` is called when the form is sent, `closed` when the dialog is closed in any way.
    pub fn view(self, title: Signal<String>, submit: Callback<()>, closed: Callback<()>, contents: ViewFn) -> AnyView {
        let submit = move |event: SubmitEvent| {
            event.prevent_default();
            submit.run(());
        };
        let loss = Signal::derive(move || (self.typed.get() && !self.pending.get()).then_some(UNSAVED));
        let close = Callback::new(move |()| {
            if loss.get_untracked().is_some() {
                self.discarded.set_value(true);
            }
            self.open.set(false);
            closed.run(());
        });
        view! {
            <Dialog open=self.open title=title loss=loss on_close=close>
                <form class="form" novalidate on:submit=submit on:input=move |_| self.typed.set(true)>{contents.run()}</form>
            </Dialog>
        }
        .into_any()
    }

    /// The end of the form: refusals of the form as a whole, the Cancel button, and the button that sends it.
    pub fn end(self, label: Signal<String>, variant: Variant) -> AnyView {
        view! {
            <div class="dialog-actions">
                {self.refused.notice()}
                <CloseButton>"Cancel"</CloseButton>
                <Button variant=variant submit=true busy=self.pending>{move || label.get()}</Button>
            </div>
        }
        .into_any()
    }
}

impl Opening {
    /// Whether the dialog is open and has not been opened again since.
    pub fn is_current(self) -> bool {
        self.is_last() && self.shell.open.try_get_untracked() == Some(true)
    }

    /// Whether the dialog has not been opened again since; it may be closed.
    fn is_last(self) -> bool {
        self.shell.number.try_get_value() == Some(self.number)
    }

    /// Loads something that this opening needs, such as the names to choose from. An answer that arrives after the opening has
    /// ended changes nothing; a refusal is shown in the form.
    pub fn ask<T: 'static>(self, asking: impl Future<Output = Result<T, Problem>> + 'static, then: impl FnOnce(T) + 'static) {
        spawn_local(async move {
            match asking.await {
                _ if !self.is_current() => {}
                Ok(answer) => then(answer),
                Err(problem) => self.shell.refused.set(problem),
            }
        });
    }
}

/// The fields of a dialog, and how they are read and sent.
pub trait DialogForm: Copy + Send + Sync + 'static {
    /// The existing thing that the form shows.
    type Thing: Clone + Send + Sync + 'static;
    /// The command that is sent.
    type Command: 'static;

    /// The dialog's title for a new thing, and for an existing one.
    fn titles(self) -> (&'static str, &'static str);

    /// The label of the button that sends it, for a new thing and for an existing one.
    fn buttons(self) -> (&'static str, &'static str) {
        ("Save", "Save")
    }

    /// Fills the fields from a thing, or empties them.
    fn fill(self, thing: Option<&Self::Thing>);

    /// Called at each opening, to load the available choices.
    fn opened(self, _opening: Opening) {}

    /// Called when the dialog is closed, in any way.
    fn closed(self) {}

    /// Returns the typed values as a command that its own `check` accepts, or every mistake in them.
    fn read(self) -> Result<Self::Command, Problem>;

    /// The fields, for a new thing or an existing one.
    fn fields(self, refused: Refused, new: bool) -> AnyView;

    /// Returns the command as it is sent to overwrite what somebody else has saved in the meantime.
    fn insist(command: Self::Command) -> Self::Command {
        command
    }

    /// Returns the thing as it is saved now, for forms that are told of others' changes.
    fn theirs(self) -> impl Future<Output = Result<Option<Self::Thing>, Problem>> {
        std::future::ready(Ok(None))
    }

    /// Puts a difference from somebody else's version into this form's words.
    fn in_form_words(self, difference: Difference) -> Difference {
        difference
    }

    /// Sends it.
    fn save(self, command: Self::Command) -> impl Future<Output = Result<Saved, Problem>>;
}

/// The dialog of a form; `changed` is called after a change.
pub fn dialog<F: DialogForm>(form: F, asked: RwSignal<Asked<F::Thing>>, changed: Callback<()>) -> AnyView {
    let shell = Shell::new();
    let new = RwSignal::new(true);
    let fill = move |thing: Option<F::Thing>| {
        new.set(thing.is_none());
        form.fill(thing.as_ref());
    };
    shell.open_when(asked, fill, move |opening| form.opened(opening));
    let submit = Callback::new(move |()| {
        if let Some(command) = shell.refused.accept(form.read()) {
            shell.send(form.save(command), move || form.fill(None), changed);
        }
    });
    let save_mine = Callback::new(move |_| {
        if let Some(command) = shell.refused.accept(form.read()) {
            shell.send(form.save(F::insist(command)), move || form.fill(None), changed);
        }
    });
    let take_theirs = Callback::new(move |()| {
        shell.opening().ask(form.theirs(), move |theirs| {
            shell.refused.clear();
            if theirs.is_some() {
                fill(theirs);
            }
        });
    });
    let choose = move |(create, update): (&'static str, &'static str)| {
        Signal::derive(move || if new.get() { create } else { update }.to_owned())
    };
    let label = choose(form.buttons());
    let contents = ViewFn::from(move || {
        view! {
            {form.fields(shell.refused, new.get_untracked())}
            {stale_notice(shell.refused, Callback::new(move |one| form.in_form_words(one)), save_mine, take_theirs)}
            {shell.end(label, Variant::Primary)}
        }
    });
    shell.view(choose(form.titles()), submit, Callback::new(move |()| form.closed()), contents)
}
