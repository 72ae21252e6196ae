//! The name of a downloaded file: as the person chose, or as its list.

/// The most characters of a file's name, including its ending.
const LONGEST: usize = 255;
const ENDING: &str = ".csv";

/// The name that an address asks for with `name=…`, cleaned for a file; `usual` if it asks for none.
pub(super) fn file_name(pairs: &[(String, String)], usual: &str) -> String {
    let asked = pairs.iter().find(|(key, _)| key == "name").map_or("", |(_, value)| value.as_str());
    // Characters that have a meaning in paths on some system.
    let fits = |c: &char| !types::rules::is_hidden(*c) && !"/\\:*?\"<>|".contains(*c);
    let clean: String = asked.chars().filter(fits).collect();
    let clean = clean.trim().trim_start_matches('.');
    let stem = clean.strip_suffix(ENDING).unwrap_or(clean).trim_end();
    let stem = if stem.is_empty() { usual } else { stem };
    stem.chars().take(LONGEST - ENDING.len()).chain(ENDING.chars()).collect()
}

/// The header that makes a browser save the answer as a file of this name; old browsers read the plain part.
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    // Characters that a query string may contain unencoded, but this header may not.
    let encoded = types::list::encode(name).replace(',', "%2C").replace('@', "%40").replace(':', "%3A");
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::address::parameters;

    #[test]
    fn a_file_has_the_requested_name_and_always_ends_in_csv() {
        for (raw, name) in [
            ("", "users.csv"),
            ("name=", "users.csv"),
            ("sort=name&name=spring%20term", "spring term.csv"),
            ("name=spring.csv", "spring.csv"),
            ("name=..%2F..%2Fetc%2Fpasswd", "etcpasswd.csv"),
            ("name=a%22%0D%0Ab", "ab.csv"),
            ("name=.csv", "csv.csv"),
        ] {
            assert_eq!(file_name(&parameters(raw), "users"), name, "{raw}");
        }
        let long = file_name(&parameters(&format!("name={}", "x".repeat(300))), "users");
        assert!(long.chars().count() == 255 && long.ends_with("x.csv"));
    }

    #[test]
    fn a_name_in_any_script_is_kept() {
        assert_eq!(
            disposition("Größe, 1.csv"),
            "attachment; filename=\"Gr__e, 1.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%2C%201.csv"
        );
    }
}
