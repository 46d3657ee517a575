//! What can go wrong with a call of the broker.

use std::time::Duration;

use clms_preload::{Problem, ProblemKind};

/// Why a call of the broker failed. No text holds the password or a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HdaError {
    /// There is no account, and the call needs one.
    #[error("there is no WEkEO account to sign in with")]
    NoAccount,
    /// The broker does not take the account.
    #[error("WEkEO refuses the account {username:?} (HTTP {status}): {message}")]
    AccountRefused {
        /// Whose account it is.
        username: String,
        /// The HTTP status.
        status: u16,
        /// The broker's words.
        message: String,
    },
    /// The terms of a dataset have not been accepted.
    #[error("the terms of {dataset} have not been accepted at WEkEO: {message}")]
    TermsNotAccepted {
        /// The dataset.
        dataset: String,
        /// The names of its terms, as far as they are known.
        terms: Vec<String>,
        /// The broker's words.
        message: String,
    },
    /// The broker has no such dataset, or has it no longer.
    #[error("WEkEO has no dataset {dataset}")]
    NoSuchDataset {
        /// The dataset.
        dataset: String,
    },
    /// A quota is used up (HTTP 429).
    #[error("a quota of WEkEO is used up: {call} may be made again {}", when(*.retry_after))]
    QuotaReached {
        /// What was called.
        call: &'static str,
        /// How many there may be, if the broker says so.
        limit: Option<u64>,
        /// In which time there is a new one, by the broker's own clock.
        retry_after: Option<Duration>,
    },
    /// The broker refuses the call.
    #[error("WEkEO refuses {call} (HTTP {status}): {message}")]
    Refused {
        /// What was called.
        call: &'static str,
        /// The HTTP status.
        status: u16,
        /// The broker's words.
        message: String,
    },
    /// The broker failed.
    #[error("WEkEO failed at {call} (HTTP {status}): {message}")]
    Server {
        /// What was called.
        call: &'static str,
        /// The HTTP status.
        status: u16,
        /// The broker's words.
        message: String,
    },
    /// No answer, or half of one.
    #[error("no answer from WEkEO to {call}: {source}")]
    Transport {
        /// What was called.
        call: &'static str,
        /// What happened; without the address.
        source: reqwest::Error,
    },
    /// An answer that is not what it should be.
    #[error("WEkEO's answer to {call} can't be understood: {problem}")]
    Malformed {
        /// What was called.
        call: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// What a search finds changes faster than it can be read.
    #[error("what WEkEO finds in {dataset} changes while it is read")]
    ResultsChange {
        /// The dataset.
        dataset: String,
    },
    /// The client could not be made.
    #[error("the WEkEO client can't be made: {problem}")]
    Configuration {
        /// Why.
        problem: String,
    },
}

fn when(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(pause) if pause.as_secs() >= 120 => {
            format!("in {} minutes", pause.as_secs().div_ceil(60))
        }
        Some(pause) => format!("in {} s", pause.as_secs().max(1)),
        None => "later".to_owned(),
    }
}

impl HdaError {
    /// A stable word for the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoAccount | Self::AccountRefused { .. } => "unauthorized",
            Self::TermsNotAccepted { .. } => "terms_not_accepted",
            Self::NoSuchDataset { .. } => "no_such_dataset",
            Self::QuotaReached { .. } => "rate_limited",
            Self::Refused { .. } => "refused",
            Self::Server { .. } | Self::Malformed { .. } => "server_error",
            Self::Transport { source, .. } if source.is_timeout() => "timeout",
            Self::Transport { .. } => "unreachable",
            Self::ResultsChange { .. } => "results_change",
            Self::Configuration { .. } => "configuration",
        }
    }

    /// Whether the same call may succeed later without anything being changed by a person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::QuotaReached { .. }
            | Self::Server { .. }
            | Self::Transport { .. }
            | Self::Malformed { .. }
            | Self::ResultsChange { .. } => true,
            Self::Refused { status, .. } => *status == 408,
            _ => false,
        }
    }

    /// Whether other credentials, or what their owner has agreed to, would help.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        matches!(
            self,
            Self::NoAccount | Self::AccountRefused { .. } | Self::TermsNotAccepted { .. }
        )
    }

    /// How long the broker asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::QuotaReached { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the broker may have done what it was asked, although it did not say so.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        matches!(
            self,
            Self::Server { .. } | Self::Transport { .. } | Self::Malformed { .. }
        )
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoAccount => {
                "make an account at wekeo.copernicus.eu, and set WEKEO_USERNAME and WEKEO_PASSWORD, or write them into ~/.hdarc".to_owned()
            }
            Self::AccountRefused { .. } => {
                "check WEKEO_USERNAME and WEKEO_PASSWORD, or user and password in ~/.hdarc".to_owned()
            }
            Self::TermsNotAccepted { terms, .. } => {
                let terms = match terms.as_slice() {
                    [] => "them".to_owned(),
                    terms => terms.join(", "),
                };
                format!("read and accept {terms} at wekeo.copernicus.eu, or set WEKEO_ACCEPT_TERMS=1 to have this program accept what it asks for")
            }
            Self::NoSuchDataset { .. } => MOVED.to_owned(),
            Self::QuotaReached { .. } => {
                "nothing is lost: what has been ordered stays, and the rest goes on when the quota is renewed".to_owned()
            }
            _ => return None,
        })
    }
}

/// Where a dataset may be that is not where it was.
pub(crate) const MOVED: &str = "datasets of CLMS move to EO:JRC:DAT:CLMS, and leave their old place as they do; see help.wekeo.eu, or get the data from the Copernicus Data Space Ecosystem, dataspace.copernicus.eu";

impl From<HdaError> for Problem {
    fn from(error: HdaError) -> Self {
        let mut problem = Self::new(
            ProblemKind::from(error.kind().to_owned()),
            error.to_string(),
        )
        .with_retryable(error.is_retryable());
        problem.hint = error.hint();
        problem.retry_after = error.retry_after();
        problem
    }
}
