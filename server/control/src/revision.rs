//! Saving things that several administrators edit, so that nobody overwrites a change they have not seen.

use crate::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::Problem;
use types::revision::{Fields, Stale, rebase};

/// Returns the saved value that `yours` is about to replace; `None` for a new thing.
///
/// # Errors
/// `Stale` with the differences when `yours` is based on another revision than the saved one, `NotFound` when nothing is saved
/// any more, and the field error `taken` when a new thing has the name of an existing one.
pub(crate) fn check_revision<T: Fields>(
    based_on: Option<i64>,
    stands: Option<(i64, T)>,
    yours: &T,
    what: &str,
    taken: &str,
) -> Result<Option<T>> {
    match (based_on, stands) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Problem::field("name", taken)),
        (Some(_), None) => Err(Problem::NotFound(what.into())),
        (Some(revision), Some((now, saved))) if revision != now => Err(Problem::Stale(Stale::new(now, &saved, yours))),
        (Some(_), Some((_, saved))) => Ok(Some(saved)),
    }
}

/// Returns an edit of some fields with what somebody else has changed since `was` kept; the edit itself if it is not based on
/// anything. `stands` has the values of now.
///
/// # Errors
/// `Stale` with the fields that both changed.
pub(crate) fn up_to_date<E: Serialize + DeserializeOwned + Clone>(
    edit: &E,
    was: Option<&E>,
    stands: impl FnOnce() -> E,
) -> Result<E> {
    was.map_or_else(|| Ok(edit.clone()), |was| rebase(edit, was, &stands()).map_err(Problem::Stale))
}

/// Lists at most three names, and how many more there are.
pub(crate) fn names_and_rest(names: &[String], count: u32) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let rest = count.saturating_sub(u32::try_from(shown.len()).unwrap_or(u32::MAX));
    let shown = shown.join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::limits::policies::UserPolicy;

    #[test]
    fn a_save_based_on_an_old_revision_is_refused_with_the_differences() {
        let saved = UserPolicy { max_images: 5, ..UserPolicy::new("student") };
        let yours = UserPolicy { max_images: 7, ..UserPolicy::new("student") };
        let save = |based_on, stands| check_revision(based_on, stands, &yours, "policy", "taken");
        assert_eq!(save(Some(2), Some((2, saved.clone()))), Ok(Some(saved.clone())));
        let Err(Problem::Stale(stale)) = save(Some(1), Some((2, saved.clone()))) else { panic!("not refused") };
        assert_eq!(stale.revision, 2);
        assert_eq!((stale.differences[0].saved.as_str(), stale.differences[0].yours.as_str()), ("5", "7"));
        assert_eq!(save(None, Some((2, saved))), Err(Problem::field("name", "taken")));
        assert_eq!(save(Some(1), None), Err(Problem::NotFound("policy".into())));
        assert_eq!(save(None, None), Ok(None));
    }

    #[test]
    fn a_list_names_three_and_counts_the_rest() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).into();
        assert_eq!(names_and_rest(&names, 9), "a, b, c and 6 more");
        assert_eq!(names_and_rest(&names[..2], 2), "a, b");
    }
}
