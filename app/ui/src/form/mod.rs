//! Form controls: native elements, each with a label, with errors beside the fields that they are about.

mod choose;
mod field;
mod input;
mod limit;

pub use choose::{Checkbox, CheckboxGroup, RadioGroup, Select, Switch};
pub use field::Field;
pub(crate) use field::field_attributes;
pub use input::{NumberInput, PasswordInput, TextArea, TextInput};
pub use limit::{Limit, LimitField};

use leptos::prelude::*;

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The main action of a page or dialog.
    Primary,
    #[default]
    Normal,
    /// Without a frame, for rows and headers.
    Quiet,
    /// For actions that lose something.
    Danger,
    /// The same where it is one action among others, and asks before it acts.
    Outlined,
}

/// A button. While busy, it cannot be pressed again and says so, but keeps the focus, which a disabled one would lose.
#[component]
pub fn Button(
    #[prop(optional)] variant: Variant,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// The accessible name where the contents are only an icon.
    #[prop(optional, into)]
    label: Option<String>,
    /// Whether it submits its form.
    #[prop(optional)]
    submit: bool,
    #[prop(optional)] on_press: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let class = match variant {
        Variant::Primary => "button button-primary",
        Variant::Normal => "button",
        Variant::Quiet => "button button-quiet",
        Variant::Danger => "button button-danger",
        Variant::Outlined => "button button-outlined",
    };
    let press = move |event: leptos::ev::MouseEvent| {
        if busy.get_untracked() {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    view! {
        <button
            class=class
            type=if submit { "submit" } else { "button" }
            aria-label=label
            aria-busy=move || busy.get().then_some("true")
            aria-disabled=move || busy.get().then_some("true")
            disabled=move || disabled.get()
            on:click=press
        >
            {children()}
        </button>
    }
}
