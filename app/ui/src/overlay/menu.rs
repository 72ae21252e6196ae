//! A menu of actions behind a button: a popover with ordinary buttons, reached with Tab or the arrow keys.

use crate::show::{Icon, IconName};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The menu. Items are (text, action). The ids are made from `name`.
#[component]
pub fn Menu(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// The accessible name where the label is only a symbol.
    #[prop(optional, into)]
    title: Option<String>,
    items: Vec<(String, Callback<()>)>,
) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    let walk = move |event: leptos::ev::KeyboardEvent| {
        let step: i32 = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        let Some(list) = list.get_untracked() else { return };
        let items = list.children();
        let count = items.length() as i32;
        let active = document().active_element();
        let now = (0..count).find(|i| items.item(*i as u32) == active).unwrap_or(if step > 0 { -1 } else { 0 });
        let next = items
            .item((now + step).rem_euclid(count.max(1)) as u32)
            .and_then(|item| item.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(next) = next {
            next.focus().ok();
        }
    };
    let id = format!("{name}-menu");
    let item = |(text, act): (String, Callback<()>)| {
        view! { <button class="menu-item" type="button" popovertarget=id.clone() popovertargetaction="hide" on:click=move |_| act.run(())>{text}</button> }
    };
    let items: Vec<_> = items.into_iter().map(item).collect();
    view! {
        <button class="button" type="button" popovertarget=id.clone() aria-label=title on:keydown=walk>{label}<Icon name=IconName::ChevronDown/></button>
        <div class="menu-popover menu-below" id=id popover="auto" node_ref=list on:keydown=walk>{items}</div>
    }
}
