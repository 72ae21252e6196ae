//! Components above the page: dialogs, drawers, confirmations, menus, toasts. All use `<dialog>` or `popover`, which handle the
//! focus, the Escape key and the layers.

mod confirm;
mod dialog;
mod history;
mod menu;
mod notifications;
mod toast;

pub use confirm::{Confirm, Strength};
pub use dialog::{CloseButton, Dialog, Drawer, Loss};
pub use menu::Menu;
pub use notifications::{Notification, NotificationList};
pub use toast::{Say, Toaster, provide_toaster, use_toaster};
