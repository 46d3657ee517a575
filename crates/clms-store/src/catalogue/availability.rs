//! What can't be got with this version, why, and what to do instead.

use serde::Serialize;

/// Why something can't be got with this version, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unavailable {
    /// A stable word: `unsupported_source` or `no_file`.
    pub kind: &'static str,
    /// The reason.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}

impl Unavailable {
    pub(crate) fn unsupported_source(reason: String, hint: String) -> Self {
        Self {
            kind: "unsupported_source",
            reason,
            hint,
        }
    }

    pub(crate) fn no_file(reason: &str, hint: String) -> Self {
        Self {
            kind: "no_file",
            reason: reason.to_owned(),
            hint,
        }
    }
}
