//! `words!`: one declaration for the words of an enum, in the database, the API and addresses, and for people to read.

macro_rules! words {
    ($type:ident { $($variant:ident = $key:literal, $label:literal;)* }) => {
        impl $type {
            /// All of them, in the order they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in the database, the API and URLs.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// The word a person reads.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// The one that `key` names.
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)* _ => None }
            }

            /// (word, label) of each, as the choices of a filter or a select.
            pub const CHOICES: &'static [(&'static str, &'static str)] = &[$(($key, $label)),*];
        }
    };
}
pub(crate) use words;
