//! What goes wrong on the way to a server and back.

use std::error::Error as StdError;
use std::fmt;

use crate::retry::Tries;

/// No answer, or not the whole of it.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed{tries}: {kind} ({})", root_cause(source))]
#[non_exhaustive]
pub struct TransportError {
    /// The call.
    pub call: String,
    /// What went wrong, roughly.
    pub kind: TransportKind,
    /// How often and how long it was tried.
    pub tries: Tries,
    /// Whether it is certain that the server got nothing of the request.
    pub before_sending: bool,
    /// What went wrong, exactly.
    pub source: reqwest::Error,
}

impl TransportError {
    /// `call` names the address, so the error's own copy, which hides no secrets, is dropped.
    pub(crate) fn new(call: String, tries: Tries, source: reqwest::Error) -> Self {
        let source = source.without_url();
        Self {
            call,
            kind: TransportKind::of(&source),
            tries,
            before_sending: source.is_connect() || source.is_builder(),
            source,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        !matches!(self.kind, TransportKind::Tls | TransportKind::Other)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            _ if lacks_certificates(&self.source) => HOW_TO_GET_CERTIFICATES,
            TransportKind::Unreachable => {
                "check the network; behind a proxy, set HTTPS_PROXY (and NO_PROXY for what needs none)"
            }
            TransportKind::Tls => {
                "check this machine's clock and certificates; a proxy that opens TLS needs its certificate installed"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// The name has no address, or nobody listens there.
    Unreachable,
    /// The server is silent.
    Timeout,
    /// No trusted connection.
    Tls,
    /// The connection broke.
    Interrupted,
    /// Anything else, such as an address that is none.
    Other,
}

impl TransportKind {
    /// A stable word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Interrupted => "interrupted",
            Self::Other => "transport",
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        // The TLS library's error type is not reqwest's to show, so its words must do.
        let is_tls = error.is_connect()
            && chain(error).any(|cause| {
                let words = cause.to_string().to_ascii_lowercase();
                words.contains("certificate")
                    || words.contains("tls")
                    || words.contains("handshake")
            });
        if is_tls {
            Self::Tls
        } else if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Unreachable
        } else if error.is_request() || error.is_body() || error.is_decode() {
            Self::Interrupted
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "the host can't be reached",
            Self::Timeout => "no answer in time",
            Self::Tls => "no trusted connection",
            Self::Interrupted => "the connection broke",
            Self::Other => "the request can't be made",
        })
    }
}

/// What helps a machine without certificates of authorities.
pub(crate) const HOW_TO_GET_CERTIFICATES: &str =
    "install the package ca-certificates, or set SSL_CERT_FILE to a file of certificates in PEM";

/// Whether connections can't be set up since this machine has no certificates of authorities.
pub(crate) fn lacks_certificates(error: &reqwest::Error) -> bool {
    // The verifier's error has no type of its own, so its words must do.
    error.is_builder() && chain(error).any(|cause| cause.to_string().contains("No CA certificates"))
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| StdError::source(*error))
}

fn root_cause(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
