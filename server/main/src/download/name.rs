//! What a downloaded file is called: as the person chose, or as its list.

/// Characters of a file's name, its ending included.
const LONGEST: usize = 255;
const ENDING: &str = ".csv";

/// The name that the pairs of an address ask for with `name=…`, made fit for a file; `usual` when they ask for none.
pub(super) fn file_name(pairs: &[(String, String)], usual: &str) -> String {
    let asked = pairs.iter().find(|(key, _)| key == "name").map_or("", |(_, value)| value.as_str());
    // What some system gives a meaning to in a path.
    let fits = |c: &char| !c.is_control() && !"/\\:*?\"<>|".contains(*c);
    let clean: String = asked.chars().filter(fits).collect();
    let clean = clean.trim().trim_start_matches('.');
    let stem = clean.strip_suffix(ENDING).unwrap_or(clean).trim_end();
    let stem = if stem.is_empty() { usual } else { stem };
    stem.chars().take(LONGEST - ENDING.len()).chain(ENDING.chars()).collect()
}

/// The header that makes a browser keep the answer as a file of this name; old ones read the plain part.
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    // What a query string may hold as it is and this header may not.
    let encoded = types::list::encode(name).replace(',', "%2C").replace('@', "%40").replace(':', "%3A");
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::super::pairs;
    use super::*;

    #[test]
    fn a_file_is_called_as_it_was_asked_for_and_always_ends_as_what_it_is() {
        for (raw, name) in [
            ("", "users.csv"),
            ("name=", "users.csv"),
            ("sort=name&name=spring%20term", "spring term.csv"),
            ("name=spring.csv", "spring.csv"),
            ("name=..%2F..%2Fetc%2Fpasswd", "etcpasswd.csv"),
            ("name=a%22%0D%0Ab", "ab.csv"),
            ("name=.csv", "csv.csv"),
        ] {
            assert_eq!(file_name(&pairs(Some(raw)), "users"), name, "{raw}");
        }
        let long = file_name(&pairs(Some(&format!("name={}", "x".repeat(300)))), "users");
        assert!(long.chars().count() == 255 && long.ends_with("x.csv"));
    }

    #[test]
    fn a_name_in_any_script_arrives_whole() {
        assert_eq!(
            disposition("Größe, 1.csv"),
            "attachment; filename=\"Gr__e, 1.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%2C%201.csv"
        );
    }
}
