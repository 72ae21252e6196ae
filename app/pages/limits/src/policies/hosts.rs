//! Allowed storage hosts: each has a row of boxes for its permissions.

use console::form::Refused;
use leptos::prelude::*;
use types::folders::{HOST_PERMISSIONS, Hosts};
use ui::{Button, Field, TextInput};

/// The hosts as chosen so far, and the name that is being typed.
#[derive(Clone, Copy)]
pub struct HostsField {
    chosen: RwSignal<Hosts>,
    typed: RwSignal<String>,
}

impl HostsField {
    /// No host.
    pub fn new() -> Self {
        Self { chosen: RwSignal::new(Hosts::new()), typed: RwSignal::new(String::new()) }
    }

    /// Shows these hosts.
    pub fn fill(self, hosts: &Hosts) {
        self.chosen.set(hosts.clone());
        self.typed.set(String::new());
    }

    /// Returns the chosen hosts, including a typed name that is not yet added.
    pub fn read(self) -> Hosts {
        self.add();
        self.chosen.get_untracked()
    }

    /// Adds the typed host. A new host allows everything.
    fn add(self) {
        let typed = self.typed.get_untracked();
        let names: Vec<&str> = typed.split([',', ' ']).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return;
        }
        self.chosen.update(|hosts| {
            for name in names {
                hosts.entry(name.to_owned()).or_insert_with(|| HOST_PERMISSIONS.map(String::from).to_vec());
            }
        });
        self.typed.set(String::new());
    }

    /// The matrix, and the field for one more host.
    pub fn view(self, refused: Refused) -> AnyView {
        let hosts = move || self.chosen.with(|hosts| hosts.keys().cloned().collect::<Vec<_>>());
        // Enter adds the host instead of sending the form.
        let on_enter = move |event: leptos::ev::KeyboardEvent| {
            if event.key() == "Enter" && self.typed.with_untracked(|typed| !typed.trim().is_empty()) {
                event.prevent_default();
                self.add();
            }
        };
        view! {
            <For each=hosts key=|host| host.clone() children=move |host| self.host(host)/>
            <div class="host-add" on:keydown=on_enter>
                <Field name="policy-host" label="Add an allowed host" hint="The host's name. A new host allows everything; untick what it should not allow. Without an entry, no host is allowed." error=refused.field_error("hosts")>
                    <TextInput name="policy-host" value=self.typed/>
                </Field>
                <Button on_press=Callback::new(move |()| self.add())>"Add host"</Button>
            </div>
        }
        .into_any()
    }

    fn host(self, host: String) -> AnyView {
        let boxes: Vec<_> = HOST_PERMISSIONS.into_iter().map(|permission| self.permission(host.clone(), permission)).collect();
        let gone = host.clone();
        let remove = Callback::new(move |()| self.chosen.update(|hosts| drop(hosts.remove(&gone))));
        view! {
            <fieldset class="fieldset host">
                <legend class="field-label">{host.clone()}</legend>
                <div class="host-permissions">{boxes}</div>
                <Button label=format!("Remove {host}") on_press=remove>"Remove"</Button>
            </fieldset>
        }
        .into_any()
    }

    fn permission(self, host: String, permission: &'static str) -> AnyView {
        let changed = host.clone();
        let allowed =
            move || self.chosen.with(|hosts| hosts.get(&host).is_some_and(|may| may.iter().any(|one| one == permission)));
        let toggle = move |event| {
            let on = event_target_checked(&event);
            self.chosen.update(|hosts| {
                if let Some(may) = hosts.get_mut(&changed) {
                    let before = std::mem::take(may);
                    // In the table's order, so that the same choice always reads the same.
                    let keep = |one: &&str| if *one == permission { on } else { before.iter().any(|had| had == one) };
                    *may = HOST_PERMISSIONS.into_iter().filter(keep).map(String::from).collect();
                }
            });
        };
        view! {
            <label class="choice"><input type="checkbox" prop:checked=allowed on:change=toggle/><span>{permission}</span></label>
        }
        .into_any()
    }
}
