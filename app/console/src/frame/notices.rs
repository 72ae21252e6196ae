//! The bell: the person's notices and background tasks of the last day. A notice is also shown as a toast when it arrives.

use crate::api::system::tasks::cancel_task;
use crate::live::use_live;
use crate::paths;
use crate::request::set_cookie;
use leptos::prelude::*;
use types::system::events::{Event, Topic};
use types::system::tasks::{Task, TaskKind, TaskState};
use ui::{Icon, IconName, Notification, NotificationList, use_toaster};

/// The cookie with the number of the last event that was read.
const READ: &str = "notices-read";

/// The bell with its list.
pub fn bell() -> AnyView {
    let live = use_live();
    let toaster = use_toaster();
    // Numbers of events: the last one that was read, here or in another tab.
    let read = RwSignal::new(0i64);
    Effect::new(move |_| {
        // Followed, because another tab may have read them meanwhile.
        live.notices.track();
        read.set(crate::request::own_cookie(READ).and_then(|id| id.parse().ok()).unwrap_or(0).max(read.get_untracked()));
    });
    let ends_read = RwSignal::new(0);
    let count = move || {
        let notices = live.notices.with(|notices| notices.iter().filter(|event| event.id > read.get()).count());
        notices + live.tasks_ended.get().saturating_sub(ends_read.get())
    };
    Effect::new(move |shown: Option<i64>| {
        let last = live.news.with(|notices| notices.last().map_or(0, |event| event.id));
        let shown = shown.unwrap_or(0);
        live.news.with_untracked(|notices| {
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
            at: Some(event.at.0),
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
        read.set(live.notices.with_untracked(|notices| notices.last().map_or(0, |event| event.id)).max(read.get_untracked()));
        set_cookie(READ, &read.get_untracked().to_string());
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
            <NotificationList items=items on_cancel=cancel empty="Nothing in the last 24 hours. Changes to your sessions and requests to you appear here."/>
        </div>
    }
    .into_any()
}

fn task_item(task: &Task) -> Notification {
    let done = task.state == TaskState::Done;
    Notification {
        key: task.id.to_string(),
        text: task.sentence(),
        at: None,
        href: (done && task.kind == TaskKind::CreateUsers).then(|| paths::created_people(task.id)),
        progress: task.progress(),
        can_cancel: task.state == TaskState::Running,
    }
}
