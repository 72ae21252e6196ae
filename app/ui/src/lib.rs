//! The component kit: native HTML elements with the console's look and behaviour. It knows nothing about sessions or people: of
//! `types` it uses only the list language.
//!
//! House rules: ids come from names that the caller gives and are never random; no style attributes, so that the content security
//! policy needs no exception; everything that can be a link or a form is one, so that it works before scripts arrive.

#![recursion_limit = "256"]

pub mod chart;
pub mod form;
pub mod gallery;
pub mod overlay;
pub mod show;
pub mod table;

pub use chart::{Series, Sparkline, TimeChart};
pub use form::{
    Button, Checkbox, CheckboxGroup, Field, Limit, LimitField, NumberInput, PasswordInput, RadioGroup, Select, Switch, TextArea,
    TextInput, Variant,
};
pub use overlay::{
    CloseButton, Confirm, Dialog, Drawer, Loss, Menu, Notification, NotificationList, Say, Strength, Toaster, provide_toaster,
    use_toaster,
};
pub use show::{
    Ago, Badge, CodeBlock, CopyButton, Elapsed, EmptyState, Icon, IconName, KeyValues, Meter, Notice, Remaining, Skeleton, Tab,
    Tabs, Time, Tone, Tooltip, provide_clock, with_local_times,
};
pub use table::{Column, Table};
