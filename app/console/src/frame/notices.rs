//! The bell: notices about the person's own sessions since the page was opened, and their background tasks. A notice is also
//! shown as a toast when it arrives.

use crate::api::system::tasks::cancel_task;
use crate::live::use_live;
use crate::paths;
use leptos::prelude::*;
use types::system::events::{Event, Topic};
use types::system::tasks::{Task, TaskKind, TaskState};
use ui::{Icon, IconName, Notification, NotificationList, use_toaster};

/// The bell with its list.
pub fn bell() -> AnyView {
    let live = use_live();
    let toaster = use_toaster();
    let read = RwSignal::new(0i64);
    let ends_read = RwSignal::new(0);
    let count = move || {
        let notices = live.notices.with(|notices| notices.iter().filter(|event| event.id > read.get()).count());
        notices + live.tasks_ended.get().saturating_sub(ends_read.get())
    };
    Effect::new(move |shown: Option<i64>| {
        let last = live.notices.with(|notices| notices.last().map_or(0, |event| event.id));
        let shown = shown.unwrap_or(0);
        live.notices.with_untracked(|notices| {
            for event in notices.iter().filter(|event| event.id > shown) {
                toaster.info(event.notice.clone().unwrap_or_default());
            }
        });
        last
    });
    let items = Signal::derive(move || {
        let item = |event: &Event| Notification {
            key: event.id.to_string(),
            text: event.notice.clone().unwrap_or_default(),
            href: Some(match event.topic {
                Topic::User => event.subject.parse().map(paths::user).unwrap_or_else(|_| paths::USERS.into()),
                _ => event.subject.parse().map(paths::session).unwrap_or_else(|_| paths::SESSIONS.into()),
            }),
            progress: None,
            can_cancel: false,
        };
        let tasks = live.tasks.with(|tasks| tasks.iter().rev().map(task_item).collect::<Vec<_>>());
        let notices = live.notices.with(|notices| notices.iter().rev().map(item).collect::<Vec<_>>());
        [tasks, notices].concat()
    });
    let cancel = Callback::new(move |id: String| {
        let Ok(id) = id.parse() else { return };
        leptos::task::spawn_local(async move {
            if let Err(problem) = cancel_task(id).await {
                toaster.bad(problem.to_string());
            }
        });
    });
    let open = move |_| {
        read.set(live.notices.with_untracked(|notices| notices.last().map_or(0, |event| event.id)));
        ends_read.set(live.tasks_ended.get_untracked());
    };
    view! {
        <button class="button button-quiet button-icon bell" type="button" popovertarget="notices" on:click=open aria-label=move || {
            match count() {
                0 => "Notifications".to_owned(),
                n => format!("Notifications, {n} new"),
            }
        }>
            <Icon name=IconName::Bell/>
            {move || (count() > 0).then(|| view! { <span class="bell-count" aria-hidden="true">{count()}</span> })}
        </button>
        <div id="notices" class="menu-popover notices" popover="auto" aria-label="Notifications" role="region">
            <h2>"Notifications"</h2>
            <NotificationList items=items on_cancel=cancel empty="Nothing yet. Changes to your sessions and requests to you appear here while this page is open."/>
        </div>
    }
    .into_any()
}

fn task_item(task: &Task) -> Notification {
    let done = task.state == TaskState::Done;
    Notification {
        key: task.id.to_string(),
        text: task.sentence(),
        href: (done && task.kind == TaskKind::CreateUsers).then(|| paths::created_people(task.id)),
        progress: task.progress(),
        can_cancel: task.state == TaskState::Running,
    }
}
