//! The dialog of a thing that is created, or changed as a whole, by several people: policies, presets, settings.
//!
//! What was typed stays until it is saved, also when somebody else saved first. Deliberately absent: the fields, which each kind
//! of thing has in its own file.

use crate::form::{Refused, form_end, on_submit};
use crate::stale::stale_notice;
use leptos::prelude::*;
use types::Problem;
use types::list::{Condition, ListQuery, Op, Page};
use types::revision::Difference;
use types::rules::MAX_NAME;
use ui::{Dialog, Field, TextInput, use_toaster};

/// The fields of one kind of thing, and the way to what is saved of it.
pub trait EditForm: Copy + Send + Sync + 'static {
    /// What is edited.
    type Thing: Clone + PartialEq + Send + Sync + 'static;

    /// Shows a thing as it is, or a new one as it starts.
    fn fill(self, thing: Option<&Self::Thing>);

    /// What was typed, or every mistake in it.
    fn read(self) -> Result<Self::Thing, Problem>;

    /// The fields, of a new thing or of one that is there.
    fn fields(self, refused: Refused, new: bool) -> AnyView;

    /// By what a thing is found again.
    fn name(thing: &Self::Thing) -> String;

    /// The thing as it stands now, with its revision.
    fn saved(name: String) -> impl Future<Output = Result<(Self::Thing, i64), Problem>> + Send;

    /// Saves it: a new one, or the change of one that has this revision.
    fn save(thing: Self::Thing, revision: Option<i64>) -> impl Future<Output = Result<(), Problem>> + Send;

    /// A difference to what somebody else saved, in the words of this form: such as names where the thing itself has ids.
    fn told(self, difference: Difference) -> Difference {
        difference
    }

    /// Asked before a change is saved: whether there is something to look at first. The fields show it.
    fn look_first(self, _thing: Self::Thing) -> impl Future<Output = Result<bool, Problem>> + Send {
        std::future::ready(Ok(false))
    }
}

/// What the dialog is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    Nothing,
    New,
    /// A thing that is there, with its revision.
    Edit(Box<T>, i64),
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
pub fn dialog<F: EditForm>(form: F, asked: RwSignal<Asked<F::Thing>>, words: Words, changed: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let editing = RwSignal::new(None::<(String, i64)>);
    // What was shown before it is saved; another change is looked at again.
    let looked_at = RwSignal::new(None::<F::Thing>);
    // Which opening of the dialog an answer belongs to: a late one acts on nothing else that is edited meanwhile.
    let opening = StoredValue::new(0u32);
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        match asked.get() {
            Asked::Nothing => return,
            Asked::New => {
                // What was typed for a new one and not yet sent is still there.
                if editing.with_untracked(Option::is_some) {
                    form.fill(None);
                }
                editing.set(None);
            }
            Asked::Edit(thing, revision) => {
                form.fill(Some(&thing));
                editing.set(Some((F::name(&thing), revision)));
            }
        }
        opening.update_value(|n| *n += 1);
        looked_at.set(None);
        refused.clear();
        open.set(true);
        asked.set(Asked::Nothing);
    });
    let save = Action::new(move |(thing, revision, look): &(F::Thing, Option<i64>, bool)| {
        let (thing, revision, look) = (thing.clone(), *revision, *look && revision.is_some());
        let mine = opening.get_value();
        let here = move || open.try_get_untracked() == Some(true) && opening.try_get_value() == Some(mine);
        // What was refused is said in any case: nobody should think that it was saved.
        let refuse = move |problem: Problem| if here() { refused.set(problem) } else { toaster.bad(problem.to_string()) };
        async move {
            if look && looked_at.with_untracked(|before| before.as_ref() != Some(&thing)) {
                match form.look_first(thing.clone()).await {
                    Ok(true) if here() => return looked_at.set(Some(thing)),
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(problem) => return refuse(problem),
                }
            }
            match F::save(thing, revision).await {
                Ok(()) => {
                    if here() {
                        open.set(false);
                        form.fill(None);
                    }
                    toaster.good(if revision.is_some() { words.done.1 } else { words.done.0 });
                    changed.run(());
                }
                Err(problem) => refuse(problem),
            }
        }
    });
    let send = move |thing| drop(save.dispatch((thing, editing.with_untracked(|it| it.as_ref().map(|(_, at)| *at)), true)));
    let submit = on_submit(refused, move || form.read(), send);
    let save_mine = Callback::new(move |revision: i64| {
        editing.update(|it| it.iter_mut().for_each(|(_, at)| *at = revision));
        match form.read() {
            Ok(thing) => {
                refused.clear();
                drop(save.dispatch((thing, Some(revision), false)));
            }
            Err(problem) => refused.set(problem),
        }
    });
    let take_theirs = Callback::new(move |()| {
        let Some((name, _)) = editing.get_untracked() else { return };
        let mine = opening.get_value();
        leptos::task::spawn_local(async move {
            let found = F::saved(name.clone()).await;
            // An answer about a thing that is no longer in the dialog.
            if opening.try_get_value() != Some(mine) {
                return;
            }
            match found {
                Ok((thing, revision)) => {
                    form.fill(Some(&thing));
                    editing.set(Some((name, revision)));
                    looked_at.set(None);
                    refused.clear();
                }
                Err(problem) => refused.set(problem),
            }
        });
    });
    let title = Signal::derive(move || {
        let (create, update) = words.titles;
        if editing.with(Option::is_some) { update } else { create }.to_owned()
    });
    let label = Signal::derive(move || match (editing.with(Option::is_none), looked_at.with(Option::is_some)) {
        (true, _) => "Create",
        (false, true) => "Save anyway",
        (false, false) => "Save",
    });
    view! {
        <Dialog open=open title=title on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                {form.fields(refused, editing.with_untracked(Option::is_none))}
                {stale_notice(refused, Callback::new(move |one: Difference| form.told(one)), save_mine, take_theirs)}
                {form_end(refused, open, label, save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
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
