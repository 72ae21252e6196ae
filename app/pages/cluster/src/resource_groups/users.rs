//! The domains and projects that may use a group, loaded once the dialog is open.

use console::api::people::users::domain_choices;
use console::dialog::Opening;
use leptos::prelude::*;
use std::collections::{HashMap, HashSet};
use types::Problem;
use types::projects::DomainChoice;
use types::revision::Difference;
use ui::{CheckboxGroup, Field, TextInput};

/// Up to this many boxes are shown without a search field.
const FEW: usize = 10;
/// Maximum boxes shown beside the ticked ones; the search field finds the others by name.
const SHOWN: usize = 50;

/// The boxes: (id, name) of each.
type Boxes = Vec<(String, String)>;

#[derive(Clone, Copy)]
pub struct Users {
    pub domains: RwSignal<Vec<String>>,
    pub projects: RwSignal<Vec<String>>,
    choices: RwSignal<Option<Result<Vec<DomainChoice>, Problem>>>,
}

impl Users {
    pub fn new() -> Self {
        Self { domains: RwSignal::new(Vec::new()), projects: RwSignal::new(Vec::new()), choices: RwSignal::new(None) }
    }

    /// Loads the boxes for an opening; the previous ones stay until these arrive.
    pub fn ask(self, opening: Opening) {
        opening.ask(async { Ok(domain_choices().await) }, move |answer| self.choices.set(Some(answer)));
    }

    /// The boxes, with a warning if none is ticked.
    pub fn view(self, of_domains: Signal<Option<String>>, of_projects: Signal<Option<String>>) -> AnyView {
        let choices = self.choices;
        let all = move |pick: fn(&DomainChoice) -> Boxes| {
            Memo::new(move |_| {
                choices.with(|all| match all {
                    Some(Ok(all)) => all.iter().flat_map(pick).collect::<Boxes>(),
                    _ => Boxes::new(),
                })
            })
        };
        let (domains, projects) = (all(domain), all(projects));
        let nobody = move || self.domains.with(Vec::is_empty) && self.projects.with(Vec::is_empty);
        view! {
            {move || choices.with(|all| match all {
                None => view! { <p class="hint" role="status">"Loading domains and projects…"</p> }.into_any(),
                Some(Err(problem)) => view! { <p class="notice notice-bad" role="alert">{problem.to_string()}</p> }.into_any(),
                Some(Ok(_)) => ().into_any(),
            })}
            {any_of(("group-domains", "Domains that may use it", "Find domains"), self.domains, domains, of_domains)}
            {any_of(("group-projects", "Projects that may use it, regardless of their domain", "Find projects"), self.projects, projects, of_projects)}
            <p class="notice notice-warn" hidden=move || !nobody()>"No domain or project may use it, so nobody can start a session there."</p>
        }
        .into_any()
    }

    /// Returns a difference with names in place of ids, where they are known.
    pub fn in_form_words(self, difference: Difference) -> Difference {
        let pick = match difference.field.as_str() {
            "Domains" => domain,
            "Projects" => projects,
            _ => return difference,
        };
        let names: HashMap<String, String> = self.choices.with_untracked(|all| match all {
            Some(Ok(all)) => all.iter().flat_map(pick).collect(),
            _ => HashMap::new(),
        });
        let Difference { field, saved, yours } = difference;
        Difference { field, saved: compare_by_name(&saved, &yours, &names), yours: compare_by_name(&yours, &saved, &names) }
    }
}

fn domain(of: &DomainChoice) -> Boxes {
    vec![(of.id.to_string(), of.name.clone())]
}

fn projects(of: &DomainChoice) -> Boxes {
    of.projects.iter().map(|project| (project.id.to_string(), format!("{} ({})", project.name, of.name))).collect()
}

/// A choice of any number of boxes, with a search field if there are more than a few.
fn any_of(
    (name, label, find): (&'static str, &'static str, &'static str),
    value: RwSignal<Vec<String>>,
    all: Memo<Boxes>,
    error: Signal<Option<String>>,
) -> AnyView {
    let text = RwSignal::new(String::new());
    let many = Memo::new(move |_| all.with(|all| all.len() > FEW));
    // Not recomputed on every tick, so that the focused box stays.
    let shown = Memo::new(move |_| all.with(|all| text.with(|text| matching(all, &value.get_untracked(), text))));
    let left = move || shown.with(|(_, left)| (*left > 0).then(|| format!("{left} more: type part of a name to find them.")));
    let options = Memo::new(move |_| shown.with(|(boxes, _)| boxes.clone()));
    let finder = move || {
        let field = format!("{name}-find");
        view! { <Field name=field.clone() label=find hint="Part of the name."><TextInput name=field value=text/></Field> }
    };
    view! {
        {move || many.get().then(finder)}
        <div class="many-choices"><CheckboxGroup name=name label=label value=value options=options error=error/></div>
        <p class="hint" hidden=move || left().is_none()>{left}</p>
    }
    .into_any()
}

/// Returns the ticked boxes and the first boxes whose name contains the text, and the number of further matches.
fn matching(all: &[(String, String)], ticked: &[String], text: &str) -> (Boxes, usize) {
    let (text, ticked) = (text.trim().to_lowercase(), ticked.iter().collect::<HashSet<_>>());
    let (mut found, mut left) = (0, 0);
    let mut show = |id: &String, name: &String| {
        if ticked.contains(id) {
            return true;
        }
        let fits = name.to_lowercase().contains(&text);
        let room = found < SHOWN;
        found += usize::from(fits && room);
        left += usize::from(fits && !room);
        fits && room
    };
    let boxes = all.iter().filter(|(id, name)| show(id, name)).cloned().collect();
    (boxes, left)
}

/// Names of the ids in one list only, and how many are in both.
fn compare_by_name(one: &str, other: &str, names: &HashMap<String, String>) -> String {
    let other: HashSet<&str> = other.split(", ").collect();
    let (both, only): (Vec<&str>, Vec<&str>) = one.split(", ").filter(|id| !id.is_empty()).partition(|id| other.contains(id));
    let mut parts: Vec<String> = only.into_iter().map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_owned())).collect();
    match (parts.is_empty(), both.len()) {
        (true, 0) => return "none".into(),
        (true, n) => return format!("{n} in both, no others"),
        (false, 0) => {}
        (false, n) => parts.push(format!("{n} in both")),
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticked_boxes_are_always_shown_and_a_name_finds_the_others() {
        let all: Boxes = (0..70).map(|n| (n.to_string(), format!("Lab {n}"))).collect();
        let (boxes, left) = matching(&all, &["69".into()], "");
        assert_eq!((boxes.len(), left), (SHOWN + 1, 19));
        let (boxes, left) = matching(&all, &["69".into()], " lab 31 ");
        assert_eq!((boxes.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), left), (vec!["31", "69"], 0));
    }

    #[test]
    fn lists_differ_by_the_names_in_only_one_of_them() {
        let names = HashMap::from([("1".to_owned(), "default".to_owned()), ("2".to_owned(), "lab".to_owned())]);
        assert_eq!(compare_by_name("1, 2, 3", "1", &names), "lab, 3, 1 in both");
        assert_eq!(compare_by_name("1", "1, 2, 3", &names), "1 in both, no others");
        assert_eq!(compare_by_name("", "1", &names), "none");
    }
}
