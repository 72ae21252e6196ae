//! Icons: one sprite, fetched once and cached, so that icons add nothing to a page's code.

use leptos::prelude::*;

/// The sprite's symbols, drawn in `public/icons.svg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconName {
    Menu,
    Search,
    Close,
    Check,
    ChevronLeft,
    ChevronRight,
    ChevronUp,
    ChevronDown,
    Plus,
    Gear,
    Columns,
    Download,
    Refresh,
    Power,
    Terminal,
    User,
    Users,
    Server,
    Bell,
    Sun,
    Moon,
    Monitor,
    SignOut,
    Copy,
    Warning,
    Info,
    Error,
    Filter,
    Eye,
    Key,
    Folder,
    Globe,
    Trash,
    Gauge,
    Layers,
    Queue,
    Wrench,
    History,
    Help,
    Sidebar,
    More,
    Rows,
    Expand,
    Window,
}

impl IconName {
    fn id(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Search => "search",
            Self::Close => "close",
            Self::Check => "check",
            Self::ChevronLeft => "chevron-left",
            Self::ChevronRight => "chevron-right",
            Self::ChevronUp => "chevron-up",
            Self::ChevronDown => "chevron-down",
            Self::Plus => "plus",
            Self::Gear => "gear",
            Self::Columns => "columns",
            Self::Download => "download",
            Self::Refresh => "refresh",
            Self::Power => "power",
            Self::Terminal => "terminal",
            Self::User => "user",
            Self::Users => "users",
            Self::Server => "server",
            Self::Bell => "bell",
            Self::Sun => "sun",
            Self::Moon => "moon",
            Self::Monitor => "monitor",
            Self::SignOut => "sign-out",
            Self::Copy => "copy",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Error => "error",
            Self::Filter => "filter",
            Self::Eye => "eye",
            Self::Key => "key",
            Self::Folder => "folder",
            Self::Globe => "globe",
            Self::Trash => "trash",
            Self::Gauge => "gauge",
            Self::Layers => "layers",
            Self::Queue => "queue",
            Self::Wrench => "wrench",
            Self::History => "history",
            Self::Help => "help",
            Self::Sidebar => "sidebar",
            Self::More => "more",
            Self::Rows => "rows",
            Self::Expand => "expand",
            Self::Window => "window",
        }
    }
}

/// A picture beside a word. Hidden from screen readers, since the word or the control's name says the same.
#[component]
pub fn Icon(name: IconName) -> impl IntoView {
    view! { <svg class="icon" aria-hidden="true" width="18" height="18"><use href=format!("/icons.svg#{}", name.id())></use></svg> }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_icon_is_in_the_sprite() {
        let sprite = include_str!("../../../../public/icons.svg");
        let code = include_str!("icon.rs");
        let names: Vec<_> = code.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split('"').nth(1)).collect();
        assert!(names.len() > 20);
        for name in names {
            assert!(sprite.contains(&format!("id=\"{name}\"")), "{name}");
        }
    }
}
