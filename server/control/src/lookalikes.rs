//! Names that could be taken for others (`docs/spec/people.md`, "Look-alike names"): a word that mixes the letters of several
//! scripts, such as `admin` with a Cyrillic `а`. Only for names that people are known by.

use types::FieldError;
use unicode_security::mixed_script::MixedScript;
use unicode_security::restriction_level::{RestrictionLevel, RestrictionLevelDetection};

/// Refuses a name in which a word mixes scripts. Latin beside the scripts of East Asia is usual, and looks like nothing else.
pub(crate) fn check_scripts(field: &str, name: &str, errors: &mut Vec<FieldError>) {
    let mixed = |word: &str| !word.is_single_script() && !word.check_restriction_level(RestrictionLevel::ModeratelyRestrictive);
    if let Some(word) = name.split(|c: char| !c.is_alphanumeric()).find(|word| mixed(word)) {
        let sentence = format!("“{word}” mixes letters of several scripts that look alike. Write each word in one script.");
        errors.push(FieldError::new(field, sentence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_mixes_scripts_is_refused() {
        let is_refused = |name: &str| {
            let mut errors = Vec::new();
            check_scripts("name", name, &mut errors);
            !errors.is_empty()
        };
        for bad in ["аdmin", "lаb", "my lаb", "ann@exаmple.org", "αdmin"] {
            assert!(is_refused(bad), "{bad}");
        }
        for good in ["admin", "Ömer", "админ", "админ-lab", "имя@example.org", "AI연구팀", "gpu利用者", "データ分析", "lab 7"]
        {
            assert!(!is_refused(good), "{good}");
        }
    }
}
