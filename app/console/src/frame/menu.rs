//! The sidebar: everybody's pages above, and Administration below for administrators. It lists only pages that exist.

use crate::live::use_live;
use crate::looks::NARROW_MENU;
use crate::paths;
use leptos::prelude::*;
use leptos_router::components::A;
use types::people::permissions::{Me, Permission, Reach};
use ui::{Icon, IconName};

fn item(path: &'static str, icon: IconName, label: &'static str) -> AnyView {
    item_with(path, icon, label, ().into_any())
}

/// An item with something at its end, such as a number.
fn item_with(path: &'static str, icon: IconName, label: &'static str, end: AnyView) -> AnyView {
    view! { <li><A href=path attr:title=label><Icon name=icon/><span class="menu-label">{label}</span>{end}</A></li> }.into_any()
}

/// A caption with its items, if the person may see any of them.
fn group(id: &'static str, caption: &'static str, items: Vec<Option<AnyView>>) -> Option<AnyView> {
    let items: Vec<_> = items.into_iter().flatten().collect();
    (!items.is_empty())
        .then(|| view! { <h3 class="menu-heading" id=id>{caption}</h3><ul aria-labelledby=id>{items}</ul> }.into_any())
}

/// The number of waiting sessions, once the server has told it.
fn waiting() -> AnyView {
    let waiting = use_live().waiting;
    let shown = move || {
        waiting.get().filter(|n| *n > 0).map(|n| {
            view! { <span class="menu-count"><span class="visually-hidden">"waiting: "</span>{n}</span> }
        })
    };
    view! { {shown} }.into_any()
}

/// The menu of this person.
pub fn menu(me: &Me) -> AnyView {
    let may = |permission: Permission| me.may(permission);
    let beyond = |permission: Permission| me.may_beyond_own(permission);
    let queue = me.reach(Permission::ReadSessions) >= Reach::Domain;
    let when = |may: bool, item: fn() -> AnyView| may.then(item);
    let groups = [
        group(
            "menu-people",
            "People",
            vec![
                when(may(Permission::ReadUsers), || item(paths::USERS, IconName::Users, "Users")),
                when(beyond(Permission::ReadKeypairs), || item(paths::CREDENTIALS, IconName::Key, "Credentials")),
                when(may(Permission::ReadProjects), || item(paths::PROJECTS, IconName::Folder, "Projects")),
                when(may(Permission::ReadDomains), || item(paths::DOMAINS, IconName::Globe, "Domains")),
            ],
        ),
        group(
            "menu-cluster",
            "Cluster",
            vec![
                when(queue, || item_with(paths::SCHEDULER, IconName::Queue, "Scheduler", waiting())),
                when(may(Permission::ReadAgents), || item(paths::AGENTS, IconName::Server, "Agents")),
                when(beyond(Permission::ReadGroups), || item(paths::GROUPS, IconName::Columns, "Resource groups")),
            ],
        ),
        group(
            "menu-limits",
            "Limits",
            vec![
                when(beyond(Permission::ReadPolicies), || item(paths::KEYPAIR_POLICIES, IconName::Gauge, "Resource policies")),
                when(beyond(Permission::ReadPresets), || item(paths::PRESETS, IconName::Layers, "Resource presets")),
            ],
        ),
        group(
            "menu-system",
            "System",
            vec![
                when(may(Permission::ReadSettings), || item(paths::SETTINGS, IconName::Gear, "Configurations")),
                when(may(Permission::Maintain), || item(paths::MAINTENANCE, IconName::Wrench, "Maintenance")),
                when(may(Permission::ReadAudit), || item(paths::AUDIT, IconName::History, "Audit trail")),
            ],
        ),
    ];
    let groups: Vec<_> = groups.into_iter().flatten().collect();
    let administration = (!groups.is_empty())
        .then(|| view! { <div class="menu-administration"><h2 class="menu-title">"Administration"</h2>{groups}</div> });
    view! {
        <div class="sidebar" id="menu" popover="auto">
            <nav aria-label="Main">
                <a class="wordmark" href=paths::SESSIONS aria-label="Yardmaster, home page">
                    <img src="/logo.svg" alt="" width="24" height="24"/>
                    <span class="menu-label">"Yardmaster"</span>
                </a>
                <ul>{item(paths::SESSIONS, IconName::Terminal, "Sessions")}</ul>
                {administration}
            </nav>
            <footer class="menu-foot">
                <button class="button button-quiet button-icon" type="button" popovertarget="help" aria-label="Help and version"><Icon name=IconName::Help/></button>
                <span class="menu-label hint">{concat!("Version ", env!("CARGO_PKG_VERSION"))}</span>
                <button class="button button-quiet button-icon menu-narrower" type="button" aria-label="Collapse or expand the menu" title="Collapse or expand the menu: [" on:click=move |_| NARROW_MENU.switch()>
                    <Icon name=IconName::Sidebar/>
                </button>
            </footer>
        </div>
        {help()}
    }
    .into_any()
}

fn help() -> AnyView {
    view! {
        <div id="help" class="menu-popover help" popover="auto" role="region" aria-label="Help">
            <h2>{concat!("Yardmaster ", env!("CARGO_PKG_VERSION"))}</h2>
            <dl class="key-values">
                <dt><kbd>"/"</kbd></dt><dd>"Filter the list"</dd>
                <dt><kbd>"["</kbd></dt><dd>"Collapse or expand the menu"</dd>
                <dt><kbd>"Esc"</kbd></dt><dd>"Close what is open"</dd>
            </dl>
            <p><A href=paths::ACCOUNT>"Settings for the API and its client"</A></p>
        </div>
    }
    .into_any()
}
