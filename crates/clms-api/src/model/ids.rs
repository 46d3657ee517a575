//! Identifiers, each a type of its own so that none is taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as the portal spells it; outer blanks are dropped.
            pub fn new(id: impl Into<String>) -> Self {
                let id = id.into();
                let trimmed = id.trim();
                if trimmed.len() == id.len() { Self(id) } else { Self(trimmed.to_owned()) }
            }

            /// The identifier as the portal spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self::new(id)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

identifier! {
    /// The `UID` of a dataset: 32 hexadecimal digits.
    DatasetUid
}

identifier! {
    /// The `@id` of a prepackaged file, the portal's `FileID`. Not unique on its own: the
    /// catalogue holds one in two datasets.
    FileId
}

identifier! {
    /// The `@id` of a download information item, the portal's `DatasetDownloadInformationID`.
    InformationId
}

identifier! {
    /// The `TaskID` of a download task: digits, too many for 32 bits.
    TaskId
}
