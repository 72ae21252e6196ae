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

        #[cfg(feature = "sqlx")]
        impl sqlx::Type<sqlx::Sqlite> for $type {
            fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
                <str as sqlx::Type<sqlx::Sqlite>>::type_info()
            }
        }

        #[cfg(feature = "sqlx")]
        impl sqlx::Decode<'_, sqlx::Sqlite> for $type {
            fn decode(value: sqlx::sqlite::SqliteValueRef<'_>) -> Result<Self, sqlx::error::BoxDynError> {
                let word = <&str as sqlx::Decode<sqlx::Sqlite>>::decode(value)?;
                Self::from_key(word).ok_or_else(|| format!("{word:?} is not a {}", stringify!($type)).into())
            }
        }
    };
}
pub(crate) use words;
