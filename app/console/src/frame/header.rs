//! The header: project selector, notices, theme, account.

use super::{ChosenProject, notices};
use crate::page_start::Start;
use crate::paths;
use crate::request::set_cookie;
use crate::theme::ThemeSwitch;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;
use ui::{Icon, IconName};

/// The header of this person's console.
pub fn header(start: &Start) -> AnyView {
    view! {
        <header class="shell-header">
            <button class="button button-quiet button-icon burger" type="button" popovertarget="menu" aria-label="Open the menu">
                <Icon name=IconName::Menu/>
            </button>
            {project_selector(start)}
            <div class="header-end">
                {notices::bell()}
                <ThemeSwitch/>
                {account(start)}
            </div>
        </header>
    }
    .into_any()
}

fn project_selector(start: &Start) -> AnyView {
    if start.projects.is_empty() {
        return view! { <p class="hint">"You are not in a project yet; you need one to start sessions."</p> }.into_any();
    }
    let chosen = expect_context::<ChosenProject>().0;
    let option = |(id, name): &(types::id::ProjectId, String)| {
        // An option can hold only text, so projects that the person administers are marked with a word.
        let name = if start.me.administers.contains(id) { format!("{name} (admin)") } else { name.clone() };
        view! { <option value=id.to_string() selected=start.project == Some(*id)>{name}</option> }
    };
    let options: Vec<_> = start.projects.iter().map(option).collect();
    let choose = move |event| {
        let id = event_target_value(&event);
        set_cookie("project", &id);
        chosen.set(id.parse().ok());
    };
    // Only where it narrows something.
    let path = use_location().pathname;
    let elsewhere = move || path.with(|path| ![paths::SESSIONS, paths::LAUNCHER].contains(&path.as_str()));
    view! {
        <label class="project-selector" hidden=elsewhere>
            <span>"Project"</span>
            <select class="select" aria-label="Project" on:change=choose>
                <option value="" selected=start.project.is_none()>"All projects"</option>
                {options}
            </select>
        </label>
    }
    .into_any()
}

fn account(start: &Start) -> AnyView {
    let me = &start.me;
    view! {
        <button class="button button-quiet" type="button" popovertarget="account-menu" aria-label=format!("Account of {}", me.display_name())>
            <Icon name=IconName::User/>
            <span class="account-name">{me.display_name().to_owned()}</span>
        </button>
        <div id="account-menu" class="menu-popover account-menu" popover="auto">
            <p class="account-who">
                <strong>{me.display_name().to_owned()}</strong>
                <span>{me.email.clone()}</span>
                <span>{me.role.label()}</span>
            </p>
            <A href=paths::ACCOUNT attr:class="menu-item"><Icon name=IconName::Gear/>"My account"</A>
            <form method="post" action="/sign-out">
                <button class="menu-item" type="submit"><Icon name=IconName::SignOut/>"Sign out"</button>
            </form>
        </div>
    }
    .into_any()
}
