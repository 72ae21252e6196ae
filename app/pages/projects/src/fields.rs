//! The fields shared by the forms of domains and projects: name, description, storage hosts, and the limits for all sessions
//! together.

use console::form::Refused;
use console::slots::SlotAmounts;
use leptos::prelude::*;
use types::FieldError;
use types::folders::{HOST_PERMISSIONS, Hosts, host_names};
use types::quantity::Slots;
use types::rules::{MAX_DESCRIPTION, MAX_NAME};
use ui::{Field, TextArea, TextInput};

/// Reads hosts by name. An existing host keeps its permissions; a new one allows everything.
fn read_hosts(text: &str, before: &Hosts) -> Hosts {
    let all = || HOST_PERMISSIONS.map(String::from).to_vec();
    let names = text.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(|name| (name.to_owned(), before.get(name).cloned().unwrap_or_else(all))).collect()
}

/// The typed values.
#[derive(Clone, Copy)]
pub struct CommonFields {
    /// Prefix of the fields' ids.
    prefix: &'static str,
    name: RwSignal<String>,
    description: RwSignal<String>,
    hosts: RwSignal<String>,
    /// The hosts before the edit, whose permissions are kept.
    hosts_before: StoredValue<Hosts>,
    limit: SlotAmounts,
}

/// The values of the shared fields.
pub struct Common {
    pub name: String,
    pub description: String,
    pub hosts: Hosts,
    pub limit: Slots,
}

impl CommonFields {
    /// Empty fields.
    pub fn new(prefix: &'static str) -> Self {
        let text = || RwSignal::new(String::new());
        let limit = SlotAmounts::limits(prefix, Signal::stored(Vec::new()));
        Self { prefix, name: text(), description: text(), hosts: text(), hosts_before: StoredValue::new(Hosts::new()), limit }
    }

    /// Shows the values.
    pub fn fill(self, name: &str, description: &str, hosts: &Hosts, limit: &Slots) {
        self.name.set(name.to_owned());
        self.description.set(description.to_owned());
        self.hosts.set(host_names(hosts));
        self.hosts_before.set_value(hosts.clone());
        self.limit.fill(limit);
    }

    /// Empties the fields.
    pub fn clear(self) {
        self.fill("", "", &Hosts::new(), &Slots::default());
    }

    /// Returns the typed values; an invalid amount becomes a mistake.
    pub fn read(self, mistakes: &mut Vec<FieldError>) -> Common {
        Common {
            name: self.name.get_untracked().trim().to_owned(),
            description: self.description.get_untracked(),
            hosts: self.hosts_before.with_value(|before| self.hosts.with_untracked(|text| read_hosts(text, before))),
            limit: self.limit.read(mistakes),
        }
    }

    /// The fields, with `more` of them after the name.
    pub fn view(self, refused: Refused, name_hint: &'static str, more: AnyView) -> AnyView {
        let id = move |field: &str| format!("{}-{field}", self.prefix);
        view! {
            <Field name=id("name") label="Name" required=true hint=name_hint error=refused.field_error("name")>
                <TextInput name=id("name") value=self.name max=MAX_NAME/>
            </Field>
            {more}
            <Field name=id("hosts") label="Allowed storage hosts" hint="Names, separated by commas. Without a name, no host is allowed." error=refused.field_error("hosts")>
                <TextInput name=id("hosts") value=self.hosts/>
            </Field>
            <fieldset class="fieldset">
                <legend class="field-label">"Limits for all its sessions together"</legend>
                {self.limit.view(refused, Signal::stored("Unlimited"))}
            </fieldset>
            <Field name=id("description") label="Description" error=refused.field_error("description")>
                <TextArea name=id("description") value=self.description rows=3 max=MAX_DESCRIPTION/>
            </Field>
        }
        .into_any()
    }
}
