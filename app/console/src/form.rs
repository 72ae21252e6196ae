//! Shared by all forms: refusals shown beside their fields, and reading typed text.
//!
//! A form's own file holds its signals, how they are read as a command, and its fields; the dialog around it is in `dialog`.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use types::revision::Stale;
use types::{FieldError, Problem};
use ui::Limit;

/// The last refusal of a form. Nothing typed is lost by it.
#[derive(Clone, Copy)]
pub struct Refused {
    problem: RwSignal<Option<Problem>>,
    fields: StoredValue<Vec<String>>,
    /// Whether the form has a place to show changes that somebody else has saved.
    shows_stale: StoredValue<bool>,
}

impl Default for Refused {
    fn default() -> Self {
        Self::new()
    }
}

impl Refused {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { problem: RwSignal::new(None), fields: StoredValue::new(Vec::new()), shows_stale: StoredValue::new(false) }
    }

    /// Shows the problem and moves the focus to the first field that it concerns.
    pub fn set(self, problem: Problem) {
        self.problem.set(Some(problem));
        request_animation_frame(focus_first_invalid);
    }

    /// Clears the refusal.
    pub fn clear(self) {
        self.problem.set(None);
    }

    /// Returns the command and clears the refusal, or shows the problem and returns `None`.
    pub fn accept<T>(self, read: Result<T, Problem>) -> Option<T> {
        match read {
            Ok(command) => {
                self.clear();
                Some(command)
            }
            Err(problem) => {
                self.set(problem);
                None
            }
        }
    }

    /// The error of one field of the form.
    pub fn field_error(self, field: impl Into<String>) -> Signal<Option<String>> {
        let field = field.into();
        // A dialog creates its fields again at each opening.
        self.fields.update_value(|fields| {
            if !fields.contains(&field) {
                fields.push(field.clone());
            }
        });
        Signal::derive(move || self.problem.with(|problem| problem.as_ref().and_then(|problem| problem.of_field(&field))))
    }

    /// Changes that somebody else has saved in the meantime, for the place where the form shows them.
    pub fn stale(self) -> Signal<Option<Stale>> {
        self.shows_stale.set_value(true);
        Signal::derive(move || {
            self.problem.with(|problem| match problem {
                Some(Problem::Stale(stale)) => Some(stale.clone()),
                _ => None,
            })
        })
    }

    /// Returns the error of a field whose name is only known at run time.
    pub fn named_field_error(self, field: &str) -> Option<String> {
        self.problem.with(|problem| problem.as_ref().and_then(|problem| problem.of_field(field)))
    }

    /// The whole refusal.
    pub fn problem(self) -> Option<Problem> {
        self.problem.get()
    }

    /// Errors that belong to no field, shown above the buttons.
    pub fn notice(self) -> AnyView {
        let text = move || {
            self.problem.with(|problem| match problem.as_ref()? {
                Problem::Invalid(errors) => {
                    let elsewhere = |field: &String| self.fields.with_value(|fields| !fields.contains(field));
                    let left: Vec<_> = errors.iter().filter(|e| elsewhere(&e.field)).map(|e| e.message.clone()).collect();
                    (!left.is_empty()).then(|| left.join(" "))
                }
                Problem::Stale(_) if self.shows_stale.get_value() => None,
                other => Some(other.to_string()),
            })
        };
        view! { {move || text().map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> })} }.into_any()
    }
}

/// Fields that few people need, folded away. They unfold when `used` becomes true, and whenever one of `names` is refused.
pub fn advanced(refused: Refused, names: &'static [&'static str], used: Signal<bool>, fields: AnyView) -> AnyView {
    let element = NodeRef::<leptos::html::Details>::new();
    let unfold = move |now: bool| {
        if let (true, Some(details)) = (now, element.get()) {
            details.set_open(true);
        }
    };
    Effect::new(move |_| unfold(used.get()));
    // Each refusal anew: the person may have folded them meanwhile.
    Effect::new(move |_| unfold(names.iter().any(|name| refused.named_field_error(name).is_some())));
    view! { <details class="advanced" node_ref=element><summary>"Advanced"</summary><div class="form">{fields}</div></details> }
        .into_any()
}

fn focus_first_invalid() {
    let form = document().active_element().and_then(|at| at.closest("form").ok().flatten());
    let first = form.and_then(|form| form.query_selector("[aria-invalid]").ok().flatten());
    if let Some(field) = first {
        let field: web_sys::HtmlElement = wasm_bindgen::JsCast::unchecked_into(field);
        // A field that cannot take the focus is still marked.
        let _ = field.focus();
    }
}

/// Makes the submit handler of a form in a page: reads the form, and either sends the command or shows its mistakes.
pub fn on_submit<T: 'static>(
    refused: Refused,
    read: impl Fn() -> Result<T, Problem> + Copy + 'static,
    send: impl Fn(T) + Copy + 'static,
) -> impl Fn(SubmitEvent) + Copy + 'static {
    move |event| {
        event.prevent_default();
        if let Some(command) = refused.accept(read()) {
            send(command);
        }
    }
}

/// Returns the thing, or all mistakes at once: those of reading and those that its own rules find.
pub fn checked<T>(thing: T, mut mistakes: Vec<FieldError>, check: impl FnOnce(&T) -> Result<(), Problem>) -> Result<T, Problem> {
    match check(&thing) {
        Err(Problem::Invalid(more)) => mistakes.extend(more),
        Err(other) => return Err(other),
        Ok(()) => {}
    }
    if mistakes.is_empty() { Ok(thing) } else { Err(Problem::Invalid(mistakes)) }
}

/// Reads a whole number; other text becomes a mistake of `field`, and zero.
pub fn whole_number(field: &str, text: &str, mistakes: &mut Vec<FieldError>) -> u32 {
    text.trim().parse().unwrap_or_else(|_| {
        mistakes.push(FieldError::new(field, "A whole number from 0, such as 3."));
        0
    })
}

/// Reads a whole number, or `None` where the box is ticked.
pub fn whole_limit(field: &str, limit: Limit, mistakes: &mut Vec<FieldError>) -> Option<u32> {
    let text = limit.typed()?;
    let number = text.parse().ok();
    if number.is_none() {
        mistakes.push(FieldError::new(field, "A whole number from 0, or tick the box below."));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_mistakes_come_before_rule_mistakes_in_one_answer() {
        let mut mistakes = Vec::new();
        let number = whole_number("count", "three", &mut mistakes);
        let problem = checked(number, mistakes, |_| Err(Problem::field("name", "Too short."))).unwrap_err();
        assert_eq!(problem.of_field("count").as_deref(), Some("A whole number from 0, such as 3."));
        assert_eq!(problem.of_field("name").as_deref(), Some("Too short."));
        assert_eq!(checked(1, Vec::new(), |_| Ok(())), Ok(1));
    }
}
