//! The sidebar: everybody's pages above, and Administration below for administrators. It lists only pages that exist.

use crate::paths;
use leptos::prelude::*;
use leptos_router::components::A;
use types::people::permissions::{Me, Permission, Reach};
use ui::{Icon, IconName};

fn item(path: &'static str, icon: IconName, label: &'static str) -> AnyView {
    view! { <li><A href=path><Icon name=icon/><span>{label}</span></A></li> }.into_any()
}

/// The menu of this person.
pub fn menu(me: &Me) -> AnyView {
    let users = me.may(Permission::ReadUsers);
    let projects = me.may(Permission::ReadProjects);
    let domains = me.may(Permission::ReadDomains);
    let audit = me.may(Permission::ReadAudit);
    let agents = me.may(Permission::ReadAgents);
    let queue = me.reach(Permission::ReadSessions) >= Reach::Domain;
    let administration = (users || projects || agents || audit).then(|| {
        view! {
            <h2 class="menu-heading" id="menu-administration">"Administration"</h2>
            <ul aria-labelledby="menu-administration">
                {users.then(|| item(paths::USERS, IconName::Users, "Users"))}
                {me.may_beyond_own(Permission::ReadKeypairs).then(|| item(paths::CREDENTIALS, IconName::Key, "Credentials"))}
                {projects.then(|| item(paths::PROJECTS, IconName::Folder, "Projects"))}
                {domains.then(|| item(paths::DOMAINS, IconName::Globe, "Domains"))}
                {queue.then(|| item(paths::SCHEDULER, IconName::Menu, "Scheduler"))}
                {agents.then(|| item(paths::AGENTS, IconName::Server, "Agents"))}
                {me.may_beyond_own(Permission::ReadGroups).then(|| item(paths::GROUPS, IconName::Columns, "Resource groups"))}
                {me.may_beyond_own(Permission::ReadPolicies).then(|| item(paths::KEYPAIR_POLICIES, IconName::Gauge, "Resource policies"))}
                {me.may_beyond_own(Permission::ReadPresets).then(|| item(paths::PRESETS, IconName::Layers, "Resource presets"))}
                {me.may(Permission::ReadSettings).then(|| item(paths::SETTINGS, IconName::Gear, "Configurations"))}
                {me.may(Permission::Maintain).then(|| item(paths::MAINTENANCE, IconName::Refresh, "Maintenance"))}
                {audit.then(|| item(paths::AUDIT, IconName::Search, "Audit trail"))}
            </ul>
        }
    });
    view! {
        <div class="sidebar" id="menu" popover="auto">
            <nav aria-label="Main">
                <a class="wordmark" href=paths::SESSIONS aria-label="Yardmaster, home page">
                    <img src="/logo.svg" alt="" width="24" height="24"/>
                    <span>"Yardmaster"</span>
                </a>
                <ul>{item(paths::SESSIONS, IconName::Terminal, "Sessions")}</ul>
                <div class="menu-administration">{administration}</div>
            </nav>
        </div>
    }
    .into_any()
}
