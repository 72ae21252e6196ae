//! Cells of CSV files: marked so that no spreadsheet takes one for a formula, and read back as they were.

/// Written at the beginning of a file, so that Excel reads it as UTF-8.
pub const BOM: &str = "\u{feff}";

/// Whether a line looks like a formula, or like one that was marked already. Spreadsheets also take full-width signs.
fn is_formula(line: &str) -> bool {
    line.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'])
}

fn lines(cell: &str) -> impl Iterator<Item = &str> {
    // Programs that split a file at its line breaks see lines within a quoted cell as rows.
    cell.split_inclusive(['\n', '\r'])
}

/// Marks each line of a cell that would be a formula with an apostrophe.
pub fn marked(cell: &str) -> String {
    lines(cell).flat_map(|line| [if is_formula(line) { "'" } else { "" }, line]).collect()
}

/// Reads a cell that [`marked`] wrote. Other cells stay as they are, unless they are marked in the same way.
pub fn unmarked(cell: &str) -> String {
    lines(cell).map(|line| line.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_of_a_cell_is_never_a_formula() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("a\n=1+1", "a\n'=1+1"),
            ("\r\n@x", "\r\n'@x"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("it's", "it's"),
            ("'quoted'", "'quoted'"),
            ("a-b", "a-b"),
        ] {
            assert_eq!(marked(cell), written);
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_read_back_as_it_was(cell in "['=+@\\-a ＝\\t\\r\\n]{0,12}") {
            prop_assert_eq!(unmarked(&marked(&cell)), cell);
        }
    }
}
