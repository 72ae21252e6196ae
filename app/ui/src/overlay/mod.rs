//! What lies above a page: dialogs, drawers, confirmations, menus, toasts. All on `<dialog>` and `popover`, which keep the focus,
//! the Escape key and the layers right by themselves.

mod confirm;
mod dialog;
mod menu;
mod notifications;
mod toast;

pub use confirm::{Confirm, Strength};
pub use dialog::{Dialog, Drawer};
pub use menu::Menu;
pub use notifications::{Notification, NotificationList};
pub use toast::{Say, Toaster, provide_toaster, use_toaster};
