//! The dialog of a thing that is created, or changed as a whole, by several people: policies, presets, settings.
//!
//! What was typed stays until it is saved, also when somebody else saved first. Deliberately absent: the fields, which each kind
//! of thing has in its own file.

use super::stale::stale_notice;
use super::{Asked, Opening, Saved, Shell};
use crate::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::list::{Condition, ListQuery, Op, Page};
use types::revision::Difference;
use types::rules::MAX_NAME;
use ui::{Field, TextInput, Variant};

/// The fields of one kind of thing, and the way to what is saved of it.
pub trait EditForm: Copy + Send + Sync + 'static {
    /// What is edited.
    type Thing: Clone + PartialEq + Send + Sync + 'static;

    /// Shows a thing as it is, or a new one as it starts.
    fn fill(self, thing: Option<&Self::Thing>);

    /// What was typed, or every mistake in it.
    fn read(self) -> Result<Self::Thing, Problem>;

    /// Called at each opening: asks for what can be chosen.
    fn opened(self, _opening: Opening) {}

    /// The fields, of a new thing or of one that is there.
    fn fields(self, refused: Refused, new: bool) -> AnyView;

    /// By what a thing is found again.
    fn name(thing: &Self::Thing) -> String;

    /// The thing as it stands now, with its revision.
    fn saved(name: String) -> impl Future<Output = Result<(Self::Thing, i64), Problem>>;

    /// Saves it: a new one, or the change of one that has this revision.
    fn save(thing: Self::Thing, revision: Option<i64>) -> impl Future<Output = Result<(), Problem>>;

    /// A difference to what somebody else saved, in the words of this form: such as names where the thing itself has ids.
    fn told(self, difference: Difference) -> Difference {
        difference
    }

    /// Asked before a change is saved: whether there is something to look at first. The fields show it, if that opening is still
    /// current.
    fn look_first(self, _thing: Self::Thing, _opening: Opening) -> impl Future<Output = Result<bool, Problem>> {
        std::future::ready(Ok(false))
    }
}

/// What the dialog says.
#[derive(Clone, Copy)]
pub struct Words {
    /// Its title for a new thing, and for one that is there.
    pub titles: (&'static str, &'static str),
    /// What is said when it was created, and when it was changed.
    pub done: (&'static str, &'static str),
}

/// The row of this name among those that a query selects.
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

/// The dialog; `changed` is called when something was.
pub fn dialog<F: EditForm>(form: F, asked: RwSignal<Asked<(F::Thing, i64)>>, words: Words, changed: Callback<()>) -> AnyView {
    let shell = Shell::new();
    // The name and revision of what is edited; nothing for a new thing.
    let editing = RwSignal::new(None::<(String, i64)>);
    // What was shown before it is saved; another change is looked at again.
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
            {stale_notice(shell.refused, Callback::new(move |one: Difference| form.told(one)), save_mine, take_theirs)}
            {shell.end(label, Variant::Primary)}
        }
    });
    shell.view(title, submit, Callback::new(|()| ()), contents)
}

/// The field of a name, which is given once.
pub fn name_field(id: &'static str, label: &'static str, name: RwSignal<String>, refused: Refused, new: bool) -> AnyView {
    if new {
        let hint = "1 to 64 letters and digits, with single “-”, “_” and “.” between them. Names are fixed once given.";
        return view! {
            <Field name=id label=label required=true hint=hint error=refused.of("name")><TextInput name=id value=name max=MAX_NAME/></Field>
        }
        .into_any();
    }
    view! {
        <dl class="key-values"><dt>{label}</dt><dd>{move || name.get()}</dd></dl>
        <p class="hint">"Names are fixed once given."</p>
    }
    .into_any()
}
