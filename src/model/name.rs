//! Names and keys, each a type of its own. *Key* is the name in the file, *name* the name in the engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a name that was validated where it was read.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// A project's name: lower-case letters, digits, `-` and `_`, starting with a letter or digit.
    ProjectName
}
name_type! {
    /// A key under `services`.
    ServiceName
}
name_type! {
    /// A key under `networks`.
    NetworkKey
}
name_type! {
    /// A key under `volumes`.
    VolumeKey
}
name_type! {
    /// A key under `configs`.
    ConfigKey
}
name_type! {
    /// A key under `secrets`.
    SecretKey
}
name_type! {
    /// A key under `models`.
    ModelKey
}
