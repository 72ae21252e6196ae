//! The dialog for things that several people create, or change as a whole: policies, presets, settings.
//!
//! Typed values stay until they are saved, even if somebody else saved first. Deliberately absent: the fields, which each kind of
//! thing has in its own file.

use super::stale::stale_notice;
use super::{Asked, Opening, Saved, Shell};
use crate::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::list::{Condition, ListQuery, Op, Page};
use types::revision::Difference;
use types::rules::MAX_NAME;
use ui::{Field, TextInput, Variant};

/// The fields of one kind of thing, and how it is read and saved.
pub trait EditForm: Copy + Send + Sync + 'static {
    /// The thing being edited.
    type Thing: Clone + PartialEq + Send + Sync + 'static;

    /// Fills the fields from a thing, or with the defaults of a new one.
    fn fill(self, thing: Option<&Self::Thing>);

    /// Returns the typed thing, or every mistake in it.
    fn read(self) -> Result<Self::Thing, Problem>;

    /// Called at each opening, to load the available choices.
    fn opened(self, _opening: Opening) {}

    /// The fields, for a new thing or an existing one.
    fn fields(self, refused: Refused, new: bool) -> AnyView;

    /// The name by which a thing is found again.
    fn name(thing: &Self::Thing) -> String;

    /// Returns the thing as it is saved now, with its revision.
    fn saved(name: String) -> impl Future<Output = Result<(Self::Thing, i64), Problem>>;

    /// Saves a new thing, or a change to the one with this revision.
    fn save(thing: Self::Thing, revision: Option<i64>) -> impl Future<Output = Result<(), Problem>>;

    /// Puts a difference from somebody else's version into this form's words, such as names where the thing itself has ids.
    fn in_form_words(self, difference: Difference) -> Difference {
        difference
    }

    /// Called before a change is saved. Returns whether there is something to look at first; the fields then show it, if that
    /// opening is still current.
    fn look_first(self, _thing: Self::Thing, _opening: Opening) -> impl Future<Output = Result<bool, Problem>> {
        std::future::ready(Ok(false))
    }
}

/// The dialog's texts.
#[derive(Clone, Copy)]
pub struct Words {
    /// The title for a new thing, and for an existing one.
    pub titles: (&'static str, &'static str),
    /// The message after creating a thing, and after changing one.
    pub done: (&'static str, &'static str),
}

/// Returns the row with this name among those that a query selects.
pub async fn by_name<T, F>(
    query: ListQuery,
    name: &str,
    name_of: fn(&T) -> &str,
    fetch: impl FnOnce(ListQuery) -> F,
) -> Result<Option<T>, Problem>
where
    F: Future<Output = Result<Page<T>, Problem>>,
{
    let condition = Condition { key: "name".into(), op: Op::Equals, value: name.into() };
    let found = fetch(ListQuery { conditions: vec![condition], ..query }).await?;
    Ok(found.rows.into_iter().find(|row| name_of(row) == name))
}

/// The dialog; `changed` is called after a change.
pub fn dialog<F: EditForm>(form: F, asked: RwSignal<Asked<(F::Thing, i64)>>, words: Words, changed: Callback<()>) -> AnyView {
    let shell = Shell::new();
    // The name and revision of the thing being edited; `None` for a new one.
    let editing = RwSignal::new(None::<(String, i64)>);
    // The version that was already shown for a look before saving; a further change is shown again.
    let looked_at = RwSignal::new(None::<F::Thing>);
    let fill = move |thing: Option<(F::Thing, i64)>| {
        form.fill(thing.as_ref().map(|(thing, _)| thing));
        editing.set(thing.map(|(thing, revision)| (F::name(&thing), revision)));
        looked_at.set(None);
    };
    shell.open_when(asked, fill, move |opening| form.opened(opening));
    let send = move |thing: F::Thing, look: bool| {
        let revision = editing.with_untracked(|it| it.as_ref().map(|(_, at)| *at));
        let looked = looked_at.with_untracked(|before| before.as_ref() == Some(&thing));
        let (look, opening) = (look && !looked && revision.is_some(), shell.opening());
        let saving = async move {
            if look && form.look_first(thing.clone(), opening).await? {
                if opening.is_current() {
                    looked_at.set(Some(thing));
                }
                return Ok(Saved::NotYet);
            }
            F::save(thing, revision).await?;
            Ok(if revision.is_some() { words.done.1 } else { words.done.0 }.into())
        };
        shell.send(saving, move || form.fill(None), changed);
    };
    let submit = Callback::new(move |()| {
        if let Some(thing) = shell.refused.accept(form.read()) {
            send(thing, true);
        }
    });
    let save_mine = Callback::new(move |revision: i64| {
        editing.update(|it| it.iter_mut().for_each(|(_, at)| *at = revision));
        if let Some(thing) = shell.refused.accept(form.read()) {
            send(thing, false);
        }
    });
    let take_theirs = Callback::new(move |()| {
        let Some((name, _)) = editing.get_untracked() else { return };
        shell.opening().ask(F::saved(name), move |saved| {
            fill(Some(saved));
            shell.refused.clear();
        });
    });
    let title = Signal::derive(move || {
        let (create, update) = words.titles;
        if editing.with(Option::is_some) { update } else { create }.to_owned()
    });
    let label = Signal::derive(move || {
        match (editing.with(Option::is_none), looked_at.with(Option::is_some)) {
            (true, _) => "Create",
            (false, true) => "Save anyway",
            (false, false) => "Save",
        }
        .to_owned()
    });
    let contents = ViewFn::from(move || {
        view! {
            {form.fields(shell.refused, editing.with_untracked(Option::is_none))}
            {stale_notice(shell.refused, Callback::new(move |one: Difference| form.in_form_words(one)), save_mine, take_theirs)}
            {shell.end(label, Variant::Primary)}
        }
    });
    shell.view(title, submit, Callback::new(|()| ()), contents)
}

/// The field of a name, which cannot be changed later.
pub fn name_field(id: &'static str, label: &'static str, name: RwSignal<String>, refused: Refused, new: bool) -> AnyView {
    if new {
        let hint = "1 to 64 letters and digits, with single “-”, “_” and “.” between them. The name cannot be changed.";
        return view! {
            <Field name=id label=label required=true hint=hint error=refused.field_error("name")><TextInput name=id value=name max=MAX_NAME/></Field>
        }
        .into_any();
    }
    view! {
        <dl class="key-values"><dt>{label}</dt><dd>{move || name.get()}</dd></dl>
        <p class="hint">"The name cannot be changed."</p>
    }
    .into_any()
}
