//! `words!`: declares the words of an enum once, both the keys (for the database, the API and addresses) and the labels for
//! people.

macro_rules! words {
    ($type:ident { $($variant:ident = $key:literal, $label:literal;)* }) => {
        impl $type {
            /// All values, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the word used in the database, the API and URLs.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// Returns the word shown to people.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// Returns the value whose key is `key`.
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)* _ => None }
            }

            /// The (key, label) of each value, as the choices of a filter or a select.
            pub const CHOICES: &'static [(&'static str, &'static str)] = &[$(($key, $label)),*];
        }

        #[cfg(feature = "sqlx")]
        impl sqlx::Type<sqlx_sqlite::Sqlite> for $type {
            fn type_info() -> sqlx_sqlite::SqliteTypeInfo {
                <str as sqlx::Type<sqlx_sqlite::Sqlite>>::type_info()
            }
        }

        #[cfg(feature = "sqlx")]
        impl sqlx::Decode<'_, sqlx_sqlite::Sqlite> for $type {
            fn decode(value: sqlx_sqlite::SqliteValueRef<'_>) -> Result<Self, sqlx::error::BoxDynError> {
                let word = <&str as sqlx::Decode<sqlx_sqlite::Sqlite>>::decode(value)?;
                Self::from_key(word).ok_or_else(|| format!("{word:?} is not a {}", stringify!($type)).into())
            }
        }
    };
}
pub(crate) use words;
