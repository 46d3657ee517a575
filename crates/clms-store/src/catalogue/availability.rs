//! What can't be got with this version, why, and what to do instead.

use schemars::JsonSchema;
use serde::Serialize;

use crate::sources::cdse::Moved;

/// Why something can't be got with this version, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Unavailable {
    /// A stable word: `unsupported_source`, `no_file`, `needs_subset` or `no_subsets`.
    pub kind: &'static str,
    /// The reason.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}

/// All words for what stands in the way.
const KINDS: [&str; 4] = [
    "unsupported_source",
    "no_file",
    "needs_subset",
    "no_subsets",
];

impl Unavailable {
    /// As it was kept; `None` for a word that is none of today's.
    pub(super) fn kept(kind: &str, reason: &str, hint: &str) -> Option<Self> {
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        Some(Self {
            kind,
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        })
    }

    pub(crate) fn unsupported_source(reason: String, hint: String) -> Self {
        Self {
            kind: "unsupported_source",
            reason,
            hint,
        }
    }

    /// Only parts can be had of a product, and none was chosen.
    pub(crate) fn needs_subset(product: &str, reason: &str) -> Self {
        Self {
            kind: "needs_subset",
            reason: reason.to_owned(),
            hint: format!(
                "choose one with --bbox or --nuts; `clms describe {product}` tells what can be had"
            ),
        }
    }

    /// The portal cuts nothing out of a collection.
    pub(crate) fn no_subsets(reason: String, hint: String) -> Self {
        Self {
            kind: "no_subsets",
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

impl From<Moved> for Unavailable {
    fn from(moved: Moved) -> Self {
        Self::unsupported_source(moved.reason, moved.hint)
    }
}
