//! The parts that the console's pages share: the frame, lists and forms, and the server functions that pages call.
//!
//! Deliberately absent: pages (`app/pages`), and rules. A server function is one call of one method of `control`.

#![recursion_limit = "256"]

pub mod act;
pub mod api;
pub mod audit;
mod call;
pub mod choices;
pub mod columns;
pub mod dialog;
pub mod download;
pub mod form;
pub mod frame;
pub mod group_names;
pub mod headers;
pub mod history;
pub mod later;
pub mod list_page;
pub mod live;
pub mod looks;
pub mod missing;
pub mod page_start;
pub mod paths;
pub mod problem_view;
pub mod request;
pub mod sign_in;
pub mod slots;
pub mod table;
pub mod theme;
#[cfg(not(feature = "ssr"))]
pub mod typed;
