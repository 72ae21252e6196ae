//! The cost of a document: what it may read, not how it is written (`docs/spec/api.md`, "Cost of a document").
//!
//! The schema gives each root field its cost, and refuses a document whose costs together exceed [`MOST_COST`]. Fragments are
//! unfolded here, before the schema's own checks, because theirs take as long as the unfolded document is.

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use std::collections::HashMap;

/// The highest cost of a document.
pub(crate) const MOST_COST: usize = 12_000;
/// The most fields of a document with its fragments unfolded.
const MOST_FIELDS: usize = 2_000;
/// Looking for the rows of a list and counting them may read the whole table, however few rows are asked for.
const LIST: usize = 1_000;
/// Rows of a list without pages that people and projects can make grow.
pub(crate) const MANY: i32 = 10_000;
/// Rows of a list without pages that only administrators make longer.
pub(crate) const SOME: i32 = 1_000;
/// Setting a password takes a tenth of a second of a core.
pub(crate) const PASSWORD: usize = 1_000;

/// The cost of a list of this many rows with these fields.
pub(crate) fn list_of(rows: i32, fields: usize) -> usize {
    LIST + usize::try_from(rows).unwrap_or(0) + fields
}

/// The fields of a document.
#[derive(Clone, Copy, Default)]
struct Fields {
    /// Those at the root, each of which is a question of its own.
    root: usize,
    all: usize,
}

/// The number of root fields of a document, that of its largest operation; `None` if the document is too long.
pub(crate) fn root_fields(document: &ExecutableDocument) -> Option<usize> {
    let mut counted = Counted { document, fragments: HashMap::new() };
    let mut most = Fields::default();
    for (_, operation) in document.operations.iter() {
        let fields = counted.selection(&operation.node.selection_set.node);
        most = Fields { root: most.root.max(fields.root), all: most.all.saturating_add(fields.all) };
    }
    (most.all <= MOST_FIELDS).then_some(most.root)
}

struct Counted<'a> {
    document: &'a ExecutableDocument,
    /// Each fragment is counted once, so that the time does not grow with what it unfolds to. A fragment within itself, which
    /// the schema refuses, counts nothing.
    fragments: HashMap<&'a Name, Fields>,
}

impl<'a> Counted<'a> {
    fn selection(&mut self, selection: &'a SelectionSet) -> Fields {
        let mut sum = Fields::default();
        for item in &selection.items {
            let part = match &item.node {
                Selection::Field(field) => {
                    let below = self.selection(&field.node.selection_set.node);
                    Fields { root: 1, all: below.all.saturating_add(1) }
                }
                Selection::InlineFragment(fragment) => self.selection(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            sum = Fields { root: sum.root.saturating_add(part.root), all: sum.all.saturating_add(part.all) };
        }
        sum
    }

    fn fragment(&mut self, name: &'a Name) -> Fields {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        self.fragments.insert(name, Fields::default());
        let Some(fragment) = self.document.fragments.get(name) else { return Fields::default() };
        let counted = self.selection(&fragment.node.selection_set.node);
        self.fragments.insert(name, counted);
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn roots(document: &str) -> Option<usize> {
        root_fields(&parse_query(document).unwrap())
    }

    #[test]
    fn aliases_and_fragments_count_as_often_as_they_are_asked() {
        assert_eq!(roots("{ user { email } }"), Some(1));
        assert_eq!(roots("{ a: user { email } b: user { email } ... on Query { agent(agent_id: \"x\") { id } } }"), Some(3));
        assert_eq!(roots("{ ...two ...two } fragment two on Query { a: domain { name } b: domain { name } }"), Some(4));
        assert_eq!(roots("query one { user { email } } query two { user { email } domain { name } }"), Some(2));
    }

    #[test]
    fn a_document_that_unfolds_without_bound_is_refused_at_once() {
        let mut document = "{ ...f0 }".to_owned();
        for n in 0..60 {
            document += &format!(" fragment f{n} on Query {{ ...f{0} ...f{0} }}", n + 1);
        }
        assert_eq!(roots(&(document.clone() + " fragment f60 on Query { domain { name } }")), None);
        // In a circle, which the schema refuses.
        assert_eq!(roots(&(document + " fragment f60 on Query { ...f0 }")), Some(0));
    }
}
