//! How much it asks for: a preset or amounts, for what the agents of the group have.

use super::Shared;
use super::place::group;
use console::slots::label;
use leptos::prelude::*;
use types::limits::presets::Preset;
use types::quantity::{CPU, MEM, Quantity, describe};
use types::sessions::launch::{PresetFit, StartOptions, preset_fit};
use ui::{Button, Field, TextInput};

pub fn amounts(shared: Shared) -> AnyView {
    let Shared { form, refused, options, .. } = shared;
    let largest = move || {
        let group = group(form, options)?;
        let most = |slot: &str| group.capacity.iter().map(|room| room.get(slot)).max();
        Some(format!("The largest agent there has {} and {}.", describe(CPU, most(CPU)?), describe(MEM, most(MEM)?)))
    };
    view! {
        {presets(shared)}
        <div class="form-row">
            {move || accelerators(shared)}
            <Field name="start-cpu" label="CPU cores" error=refused.field_error("cpu")><TextInput name="start-cpu" value=form.cpu/></Field>
            <Field name="start-mem" label="Memory" hint="Such as 2 GiB; a number alone is GiB." error=refused.field_error("mem")><TextInput name="start-mem" value=form.mem/></Field>
        </div>
        <p class="hint">{largest}</p>
    }
    .into_any()
}

/// Presets that could start now, and those that would have to wait. Others are not offered.
fn presets(shared: Shared) -> AnyView {
    let Shared { form, options, .. } = shared;
    let all = Memo::new(move |_| {
        let Some(group) = group(form, options) else { return Default::default() };
        let project = form.project.get();
        let split = |o: &StartOptions| {
            let project = o.projects.iter().find(|one| one.id.to_string() == project);
            let of = |fit: PresetFit| {
                let fits = |preset: &&Preset| preset_fit(preset, &group, o, project) == fit;
                o.presets.iter().filter(fits).cloned().collect::<Vec<_>>()
            };
            (of(PresetFit::Now), of(PresetFit::Waits))
        };
        options.with(|options| options.as_ref().map(split).unwrap_or_default())
    });
    let one = move |preset: Preset| {
        let amounts: Vec<_> = preset.slots.0.iter().map(|(slot, amount)| describe(slot, *amount)).collect();
        let (name, amounts) = (preset.name.clone(), amounts.join(" · "));
        view! {
            <Button on_press=Callback::new(move |()| form.take(&preset))><strong>{name}</strong>" "<span class="hint">{amounts}</span></Button>
        }
    };
    let there = move || options.with(|options| options.as_ref().is_some_and(|options| !options.presets.is_empty()));
    let none = move || all.with(|(now, waits)| now.is_empty() && waits.is_empty());
    let later = move || {
        let waits = all.with(|(_, waits)| waits.clone());
        let what = if waits.len() == 1 { "1 preset".to_owned() } else { format!("{} presets", waits.len()) };
        (!waits.is_empty()).then(|| {
            view! {
                <details class="preset-later">
                    <summary>{format!("{what} would have to wait")}</summary>
                    <div class="choices">{waits.into_iter().map(one).collect::<Vec<_>>()}</div>
                </details>
            }
        })
    };
    view! {
        <Show when=there>
            <fieldset class="fieldset">
                <legend class="field-label">"Resource presets"</legend>
                <div class="choices">{move || all.with(|(now, _)| now.clone()).into_iter().map(one).collect::<Vec<_>>()}</div>
                {later}
                <p class="field-hint" hidden=move || !none()>"No preset fits: each exceeds the agents, your policy or the project."</p>
            </fieldset>
        </Show>
    }
    .into_any()
}

fn accelerators(shared: Shared) -> AnyView {
    let Shared { form, refused, options, .. } = shared;
    // An accelerator that no agent of the group has is offered only to take away what was asked for elsewhere.
    let there = group(form, options);
    let has = |slot: &String| {
        let asked = form.others.with_untracked(|others| others.get(slot).is_some_and(|text| !text.trim().is_empty()));
        asked || there.as_ref().is_none_or(|group| group.in_all.get(slot) > Quantity::ZERO)
    };
    let slots = options.with(|options| options.as_ref().map(|options| options.slots.clone()).unwrap_or_default());
    let field = move |slot: String| {
        let value = RwSignal::new(form.others.with_untracked(|others| others.get(&slot).cloned().unwrap_or_default()));
        let (key, shown) = (slot.clone(), slot.clone());
        // One direction each: typed text goes into the form, and amounts that a preset puts into the form are shown.
        Effect::new(move |_| {
            let typed = value.get();
            let differs = form.others.with_untracked(|others| others.get(&key).map_or("", String::as_str) != typed);
            if differs {
                form.others.update(|others| drop(others.insert(key.clone(), typed)));
            }
        });
        Effect::new(move |_| {
            let now = form.others.with(|others| others.get(&shown).cloned().unwrap_or_default());
            if value.get_untracked() != now {
                value.set(now);
            }
        });
        let error = {
            let slot = slot.clone();
            Signal::derive(move || refused.named_field_error(&slot))
        };
        let name = format!("start-{}", slot.replace('.', "-"));
        view! { <Field name=name.clone() label=label(&slot) error=error><TextInput name=name value=value/></Field> }
    };
    let others: Vec<_> = slots.into_iter().filter(|slot| slot != CPU && slot != MEM && has(slot)).map(field).collect();
    others.into_any()
}
