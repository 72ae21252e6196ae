//! Resource presets: amounts that the launcher offers by name (`docs/spec/limits.md`, "Resource presets").

use console::act::act;
use console::api::limits::policies::slot_names;
use console::api::limits::presets::{delete_preset, presets, save_preset};
use console::chunk;
use console::columns::{text, time};
use console::dialog::Asked;
use console::dialog::edit::{EditForm, Words, by_name, dialog, name_field};
use console::form::{Refused, checked};
use console::frame::{Head, PageHead, use_me};
use console::group_names::{GroupNames, group_names};
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::slots::{SlotAmounts, exact_bytes, in_short, read_bytes};
use console::table::{Loaded, Opened, load, load_open, opened, settled};
use leptos::prelude::*;
use types::limits::presets::{PRESETS, Preset, PresetRow, SavePreset};
use types::list::ListQuery;
use types::people::permissions::Permission;
use types::quantity::{Slots, bytes};
use types::revision::Fields;
use types::system::events::Topic;
use types::{FieldError, Problem};
use ui::{Button, Column, Dialog, EmptyState, Field, Icon, IconName, Select, TextInput, Time, Variant};

const HEAD: Head = Head { title: "Resource presets", group: "Administration" };

const WORDS: Words = Words {
    titles: ("Create Resource Preset", "Modify Resource Preset"),
    done: ("Resource preset created.", "Resource preset updated."),
};

#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    slots: SlotAmounts,
    shared_memory: RwSignal<String>,
    resource_group: RwSignal<String>,
    /// The resource group of the saved preset: offered as a choice even if no new preset could have it.
    kept: RwSignal<Option<String>>,
    groups: Signal<GroupNames>,
}

impl Form {
    fn new(reported: Signal<Vec<String>>, groups: Signal<GroupNames>) -> Self {
        let text = || RwSignal::new(String::new());
        let slots = SlotAmounts::amounts("preset", reported);
        Self { name: text(), slots, shared_memory: text(), resource_group: text(), kept: RwSignal::new(None), groups }
    }
}

impl EditForm for Form {
    type Thing = Preset;

    fn fill(self, preset: Option<&Preset>) {
        let empty = Preset { name: String::new(), slots: Slots::default(), shared_memory: None, resource_group: None };
        let preset = preset.unwrap_or(&empty);
        self.name.set(preset.name.clone());
        self.slots.fill(&preset.slots);
        self.shared_memory.set(preset.shared_memory.map(exact_bytes).unwrap_or_default());
        self.resource_group.set(preset.resource_group.clone().unwrap_or_default());
        self.kept.set(preset.resource_group.clone());
    }

    fn read(self) -> Result<Preset, Problem> {
        let mut mistakes = Vec::new();
        let shared = self.shared_memory.get_untracked();
        let shared_memory = Some(shared.trim()).filter(|text| !text.is_empty()).and_then(|text| {
            let read = read_bytes(text);
            if read.is_none() {
                mistakes.push(FieldError::new("shared_memory", "Type an amount such as 1 GiB, or leave it empty."));
            }
            read
        });
        let preset = Preset {
            name: self.name.get_untracked().trim().to_owned(),
            slots: self.slots.read(&mut mistakes),
            shared_memory,
            resource_group: Some(self.resource_group.get_untracked()).filter(|name| !name.is_empty()),
        };
        checked(preset, mistakes, Preset::check)
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        let choices = Signal::derive(move || {
            let (groups, kept) = (self.groups.get(), self.kept.get());
            let kept = kept.filter(|name| !groups.active.contains(name));
            let choice = |name: &String| (name.clone(), groups.label(name));
            let every = (String::new(), "Every resource group".to_owned());
            std::iter::once(every).chain(groups.active.iter().chain(&kept).map(choice)).collect::<Vec<_>>()
        });
        view! {
            {name_field("preset-name", "Preset name", self.name, refused, new)}
            <Field name="preset-group" label="Resource group" hint="The preset is offered only in this group." error=refused.field_error("resource_group")>
                <Select name="preset-group" value=self.resource_group options=choices/>
            </Field>
            {self.slots.view(refused, Signal::stored(""))}
            <Field name="preset-shared" label="Shared memory" hint="Part of the memory, such as 1 GiB. Empty: the environment's own value." error=refused.field_error("shared_memory")>
                <TextInput name="preset-shared" value=self.shared_memory/>
            </Field>
        }
        .into_any()
    }

    fn name(preset: &Preset) -> String {
        preset.name.clone()
    }

    async fn saved(name: String) -> Result<(Preset, i64), Problem> {
        find(name).await.map(|row| (row.preset, row.revision))
    }

    async fn save(preset: Preset, revision: Option<i64>) -> Result<(), Problem> {
        save_preset(SavePreset { preset, revision }).await
    }
}

async fn find(name: String) -> Result<PresetRow, Problem> {
    let row = by_name(ListQuery::new(&PRESETS), &name, |row: &PresetRow| &row.preset.name, presets).await?;
    row.ok_or_else(|| Problem::NotFound("resource preset".into()))
}

/// The actions of a row for people who may change it.
#[derive(Clone, Copy)]
struct Actions {
    edit: RwSignal<Asked<(Preset, i64)>>,
    delete: RwSignal<Option<String>>,
}

fn columns(open: Callback<String>, actions: Option<Actions>) -> Vec<Column<PresetRow>> {
    vec![
        text("name", "Name", |row: &PresetRow| row.preset.name.clone()).sortable().required().opens(),
        text("cpu", "Resources", |row: &PresetRow| in_short(&row.preset.slots)),
        Column::new("shared_memory", "Shared memory", |row: &PresetRow| {
            row.preset.shared_memory.map_or_else(|| "—".into(), bytes).into_any()
        }),
        Column::new("resource_group", "Resource group", |row: &PresetRow| {
            row.preset.resource_group.clone().unwrap_or_else(|| "every group".into()).into_any()
        })
        .sortable(),
        time("created_at", "Created", |row: &PresetRow| row.created_at).sortable(),
        Column::new("control", "Control", move |row: &PresetRow| row_actions(row, open, actions)),
    ]
}

/// The button that opens the drawer and, for people who may change presets, the rest.
fn row_actions(row: &PresetRow, open: Callback<String>, actions: Option<Actions>) -> AnyView {
    let name = row.preset.name.clone();
    let shown = name.clone();
    let info = Callback::new(move |()| open.run(shown.clone()));
    let change = actions.map(|actions| {
        let (preset, revision, gone) = (row.preset.clone(), row.revision, name.clone());
        let edit = Callback::new(move |()| actions.edit.set(Asked::edit((preset.clone(), revision))));
        let delete = Callback::new(move |()| actions.delete.set(Some(gone.clone())));
        view! {
            <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
            <Button variant=Variant::Quiet label=format!("Delete {name}") on_press=delete><Icon name=IconName::Trash/></Button>
        }
    });
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Info of {name}") on_press=info><Icon name=IconName::Info/></Button>
            {change}
        </div>
    }
    .into_any()
}

/// The question before a preset is deleted.
fn deletion(asked: RwSignal<Option<String>>, changed: Callback<()>) -> AnyView {
    let open = Signal::derive(move || asked.with(Option::is_some));
    let title = Signal::derive(move || format!("Delete the preset {}?", asked.get().unwrap_or_default()));
    let close = Callback::new(move |()| asked.set(None));
    let delete = move || {
        let name = asked.get_untracked().unwrap_or_default();
        asked.set(None);
        delete_preset(name)
    };
    let delete = act(delete, "Resource preset is successfully deleted.", changed);
    view! {
        <Dialog open=open title=title on_close=close>
            <p>"This cannot be undone."</p>
            <div class="dialog-actions">
                <Button on_press=close>"Cancel"</Button>
                <Button variant=Variant::Danger on_press=delete>"Delete"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// The drawer's contents for the preset in the address.
fn drawer(open: Memo<Option<String>>, detail: Loaded<Option<(String, PresetRow)>>) -> AnyView {
    let (state, row) = (opened(open, detail), detail.good());
    view! {
        {move || match (state.get(), row.get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, row))) => contents(&row),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn contents(row: &PresetRow) -> AnyView {
    let pairs: Vec<_> =
        row.preset.fields().into_iter().map(|(label, value)| view! { <dt>{label}</dt><dd>{value}</dd> }).collect();
    view! { <dl class="key-values">{pairs}<dt>"Created"</dt><dd><Time at=row.created_at.0/></dd></dl> }.into_any()
}

chunk!(parts:
    /// The dialogs that create, change and delete presets.
    fn changes(actions: Actions, slots: Signal<Option<Vec<String>>>, groups: Signal<Option<GroupNames>>, changed: Callback<()>) {
        let (slots, groups) = (move || slots.get().unwrap_or_default(), move || groups.get().unwrap_or_default());
        let form = Form::new(Signal::derive(slots), Signal::derive(groups));
        view! { {dialog(form, actions.edit, WORDS, changed)}{deletion(actions.delete, changed)} }.into_any()
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may_beyond_own(Permission::ReadPresets) {
        return problem_view(&Problem::Forbidden(Permission::ReadPresets.verb().into()));
    }
    let may_change = me.may(Permission::ChangePresets);
    let list = List::new(&PRESETS, paths::PRESETS, "preset", &[Topic::Policy], presets);
    let detail = load_open(list.open, &[Topic::Policy], "resource preset", |name| Some(find(name)));
    let slots = load(Memo::new(|_| ()), &[Topic::Agent], |()| slot_names());
    let groups = load(Memo::new(|_| ()), &[Topic::Group], |()| group_names());
    let loads = list.pending().into_iter().chain([detail.pending(), slots.pending(), groups.pending()]).collect();
    let view = move || {
        let actions = Actions { edit: RwSignal::new(Asked::Nothing), delete: RwSignal::new(None) };
        let asks = Signal::derive(move || Asked::asks(actions.edit).get() || actions.delete.with(Option::is_some));
        let reload = list.rows.reload;
        let shown = Shown {
            caption: "Resource presets",
            columns: columns(list.opener(), may_change.then_some(actions)),
            row_key: |row: &PresetRow| row.preset.name.clone(),
            row_label: |row: &PresetRow| row.preset.name.clone(),
            export: "/export/resource_presets.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Layers title="No Resource Presets to display" text="The launcher offers a preset whenever it fits, so that nobody has to type amounts."/>
                }
            }),
            selection: None,
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| actions.edit.set(Asked::New))><Icon name=IconName::Plus/>"Create Presets"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_change.then(|| changes::later(asks, actions, slots.good(), groups.good(), reload))}
            {list.drawer(Signal::stored("Resource preset".to_owned()), move || drawer(list.open, detail))}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}
