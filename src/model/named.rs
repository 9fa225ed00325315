//! Closed lists: enums whose values have one name each, the same in the API, in logs and in metrics.

/// The text names none of the values of a closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not one of {}", known.join(", "))]
pub struct UnknownName {
    name: String,
    known: &'static [&'static str],
}

/// Declares an enum whose values have one name each. Where the journal numbers them, values are only added at the end.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $type { $($(#[$vdoc])* #[serde(rename = $name)] $variant,)* }

        #[allow(dead_code, reason = "not every list is walked")]
        impl $type {
            /// Every value, in the order in which they are declared.
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            /// The names of [`Self::ALL`].
            pub const NAMES: &[&str] = &[$($name,)*];

            /// The name used in the API, in logs and in metrics.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.name()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::model::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok($type::$variant),)*
                    _ => Err($crate::model::UnknownName::new(text, Self::NAMES)),
                }
            }
        }
    };
}
pub(crate) use named;

impl UnknownName {
    pub(crate) fn new(name: &str, known: &'static [&'static str]) -> Self {
        UnknownName { name: name.to_owned(), known }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Kind, LegState, SettlementKind, Source, StalledReason, State};

    fn reads_back<T>(all: &[T])
    where
        T: AsRef<str>
            + std::str::FromStr
            + PartialEq
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        assert!(!all.is_empty());
        for value in all {
            assert_eq!(value.as_ref().parse().ok().as_ref(), Some(value));
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(json, format!("{:?}", value.as_ref()));
            assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
        }
    }

    #[test]
    fn every_name_reads_back() {
        reads_back(Kind::ALL);
        reads_back(Source::ALL);
        reads_back(State::ALL);
        reads_back(LegState::ALL);
        reads_back(StalledReason::ALL);
        reads_back(SettlementKind::ALL);
    }

    #[test]
    fn an_unknown_name_is_told_what_is_known() {
        let error = "publsh".parse::<Kind>().expect_err("a typing error");
        assert!(error.to_string().starts_with("\"publsh\" is not one of publish, confirm"), "{error}");
    }
}
