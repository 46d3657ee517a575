//! What can go wrong with a call of the API.

use std::time::Duration;

use crate::model::{Task, TaskId};
use crate::refusal::Refusal;
use crate::retry::Tries;
use crate::server_message::ServerMessage;
use crate::transport_error::{HOW_TO_GET_CERTIFICATES, TransportError};

/// Why a call of the portal's API failed.
///
/// Addresses in errors hide secret query parameters, and no variant holds a key or a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The client can't be built as asked.
    #[error("the client can't be set up: {problem}")]
    Configuration {
        /// What is wrong.
        problem: String,
    },
    /// This machine has no certificates of authorities, so that no server can be trusted.
    #[error("there are no CA certificates on this machine, so that no HTTPS server can be trusted")]
    NoCertificates,
    /// The request was not sent, for the portal would do something else than what was meant.
    #[error("the request was not sent: {problem}")]
    InvalidRequest {
        /// What is wrong with it.
        problem: String,
    },
    /// The call needs a service key and the client has none.
    #[error("{call} needs a service key")]
    NoKey {
        /// The call.
        call: String,
    },
    /// The service key failed to sign.
    #[error("the service key could not sign: {source}")]
    Signing {
        /// Why.
        source: jsonwebtoken::errors::Error,
    },
    /// The portal gives no token for the service key: it is revoked, say, or this machine's
    /// clock is wrong.
    #[error("{token_uri} refused the service key (HTTP {status}): {message}")]
    KeyRefused {
        /// Who refused.
        token_uri: String,
        /// The HTTP status.
        status: u16,
        /// The portal's words.
        message: ServerMessage,
    },
    /// The portal refused a token that it had just given.
    #[error("{call} was refused although a new token was used: {message}")]
    Unauthorized {
        /// The call.
        call: String,
        /// The portal's words.
        message: ServerMessage,
        /// The addresses that the key is limited to: the usual cause.
        ip_range: Option<String>,
    },
    /// No answer, or not the whole of it.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An HTTP status that is no success.
    #[error("{call} failed (HTTP {status}{tries}): {message}")]
    Status {
        /// The call.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The portal's words.
        message: ServerMessage,
        /// How often and how long it was tried.
        tries: Tries,
    },
    /// Too many requests (HTTP 429), and no patience left.
    #[error("{call} was refused for asking too often (HTTP 429{tries})")]
    RateLimited {
        /// The call.
        call: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
        /// How often and how long it was tried.
        tries: Tries,
    },
    /// A web page where JSON belongs: a firewall, a login page, a maintenance notice.
    #[error("{call} answered with a web page (HTTP {status}): {excerpt}")]
    HtmlInsteadOfJson {
        /// The call.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The page's beginning.
        excerpt: String,
    },
    /// An answer that this crate can't read.
    #[error("{call}: {error}")]
    Decode {
        /// The call.
        call: String,
        /// What could not be read, and where.
        error: DecodeError,
    },
    /// The portal's links from page to page lead nowhere.
    #[error("{call}: page {page} leads to a next page but brings nothing new")]
    EndlessPaging {
        /// The call for that page.
        call: String,
        /// The page, from 1.
        page: usize,
    },
    /// The portal took a request for parts from CDSE, but no task of it shows up in the list. So
    /// it is when CDSE has no data for the days and the area: the portal says nothing then.
    #[error("the portal took the request, but made no task of it within {} s", waited.as_secs())]
    NoTask {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The portal refuses all requests as duplicates, because of two tasks for the same thing
    /// that are queued.
    #[error(
        "the portal refuses all requests while tasks {} are queued for the same thing",
        names(tasks)
    )]
    Blocked {
        /// The tasks; all but one of them are in the way.
        tasks: Vec<TaskId>,
    },
    /// A task that was waited for ended without a result.
    #[error("task {} ended as {}{}", task.id, task.status, reason(task))]
    TaskFailed {
        /// The task as it was last seen.
        task: Box<Task>,
    },
    /// A task that was waited for is not done yet.
    #[error("task {id} was not done within {} s{}", waited.as_secs(), last(status))]
    NotDone {
        /// The task, which goes on.
        id: TaskId,
        /// Its status when it was last seen; `None` if it never was.
        status: Option<String>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Whether the request was carried out is unknown: the answer was lost, or was a server's
    /// error. The portal is known to make the task all the same, so look at
    /// [`Client::tasks`](crate::Client::tasks) before anything is sent again.
    #[error("it is unclear whether {call} was carried out: {cause}")]
    Unclear {
        /// The call.
        call: String,
        /// What happened.
        #[source]
        cause: Box<ApiError>,
    },
}

impl ApiError {
    /// A stable word for the kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Configuration { .. } => "configuration",
            Self::NoCertificates => "no_certificates",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::NoKey { .. } => "no_service_key",
            Self::Signing { .. } => "signing",
            Self::KeyRefused { .. } => "service_key_refused",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Transport(error) => error.kind.as_str(),
            Self::Status { status: 500.., .. } => "server_error",
            Self::Status { .. } => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::HtmlInsteadOfJson { .. } => "html_instead_of_json",
            Self::Decode { .. } => "decode",
            Self::EndlessPaging { .. } => "endless_paging",
            Self::NoTask { .. } => "no_task",
            Self::Blocked { .. } => "blocked",
            Self::TaskFailed { .. } => "task_failed",
            Self::NotDone { .. } => "not_done",
            Self::Unclear { .. } => "unclear",
        }
    }

    /// Whether the same call may succeed later. Never so for [`ApiError::Unclear`], which must
    /// not simply be repeated.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_retryable(),
            Self::Status { status, .. } => is_temporary(*status),
            Self::RateLimited { .. } => true,
            Self::HtmlInsteadOfJson { status, .. } => *status < 300 || *status >= 500,
            Self::Blocked { .. } | Self::NotDone { .. } => true,
            _ => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Configuration { .. } => "the portal's API is https://land.copernicus.eu/api",
            Self::NoCertificates => HOW_TO_GET_CERTIFICATES,
            Self::NoKey { .. } => "make an API token in your profile at https://land.copernicus.eu",
            Self::KeyRefused { message, .. } if message.text.contains("(iat)") => {
                "this machine's clock is ahead of the portal's: set it right"
            }
            Self::KeyRefused { message, .. }
                if message.text.contains("expired") || message.text.contains("in the past") =>
            {
                "this machine's clock is behind the portal's: set it right"
            }
            Self::KeyRefused { .. } => {
                "the key may be revoked: make a new one in your profile at https://land.copernicus.eu"
            }
            Self::Unauthorized {
                ip_range: Some(range),
                ..
            } => {
                return Some(format!(
                    "the key may only be used from the addresses {range}"
                ));
            }
            Self::Unauthorized { .. } => {
                "the key may be revoked: make a new one in your profile at https://land.copernicus.eu"
            }
            Self::Transport(error) => return error.hint(),
            Self::Status {
                status: 300..400, ..
            } => "use the address it redirects to as the base URL",
            Self::Status { status: 404, .. } if self.refusal().is_none() => {
                "check the base URL: it must end in /api"
            }
            Self::RateLimited { .. } => "ask less often",
            Self::HtmlInsteadOfJson { .. } => {
                "check the base URL, and whether a proxy or firewall stands between"
            }
            Self::NoTask { .. } => {
                "CDSE has probably no data for these days and this area: try others"
            }
            Self::Blocked { .. } => "wait until they are done, or cancel all but one of them",
            Self::TaskFailed { .. } => {
                "request it again; if it stays so, ask copernicus@eea.europa.eu"
            }
            Self::NotDone { .. } => "wait for it again: the task goes on at the portal",
            Self::Unclear { .. } => "look at the list of tasks before asking again",
            Self::Decode { .. } => {
                "the portal may have changed: is there a newer version of this program?"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The HTTP status of the answer, where there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::KeyRefused { status, .. }
            | Self::Status { status, .. }
            | Self::HtmlInsteadOfJson { status, .. } => Some(*status),
            Self::Unauthorized { .. } => Some(401),
            Self::RateLimited { .. } => Some(429),
            Self::Unclear { cause, .. } => cause.status(),
            _ => None,
        }
    }

    /// What the portal's download tool objects to, if it is one of the things that a program
    /// can do something about.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Status { message, .. } => Refusal::read(&message.text),
            Self::Unclear { cause, .. } => cause.refusal(),
            _ => None,
        }
    }
}

/// Where an answer of the portal can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("can't read {what}: {}{problem}", at(path))]
#[non_exhaustive]
pub struct DecodeError {
    /// What it is, such as `dataset 'clc2018'`.
    pub what: String,
    /// The JSON path of the trouble within it.
    pub path: String,
    /// The trouble.
    pub problem: String,
}

impl DecodeError {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            what: "the answer".to_owned(),
            path: path.into(),
            problem: problem.into(),
        }
    }

    /// The same, of something with a name.
    pub(crate) fn of(self, what: String) -> Self {
        Self { what, ..self }
    }
}

impl From<serde_path_to_error::Error<serde_json::Error>> for DecodeError {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        Self::new(error.path().to_string(), error.inner().to_string())
    }
}

/// Whether an HTTP status is one that may be another the next time.
pub(crate) fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

fn names(tasks: &[TaskId]) -> String {
    let names: Vec<_> = tasks.iter().map(TaskId::as_str).collect();
    names.join(" and ")
}

fn reason(task: &Task) -> String {
    let message = task.message.as_ref();
    message
        .map(|message| format!(": {message}"))
        .unwrap_or_default()
}

fn last(status: &Option<String>) -> String {
    let status = status.as_ref();
    status
        .map(|status| format!("; it was {status} last"))
        .unwrap_or_default()
}

fn at(path: &str) -> String {
    if path.is_empty() || path == "." {
        String::new()
    } else {
        format!("'{path}' ")
    }
}
