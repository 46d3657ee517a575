//! Download tasks: `@datarequest_post`, `_search`, `_status_get`, `_delete`.

mod area;
mod item;
mod of_habits;
mod post;
mod status;
mod task;
mod time_range;

pub(crate) use post::post;
pub(crate) use status::{delete, search, status_get};
pub use task::TaskRecord;
pub(crate) use task::Tasks;

use axum::response::Response;

use crate::answer;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// An error of the download tool, with status 400.
    Tool(String),
    /// A Python exception that nobody caught: type and message, with status 500.
    Exception(&'static str, String),
}

impl Refusal {
    fn tool<T>(message: &str) -> Result<T, Self> {
        Err(Self::Tool(message.to_owned()))
    }

    fn exception<T>(kind: &'static str, message: &str) -> Result<T, Self> {
        Err(Self::Exception(kind, message.to_owned()))
    }

    fn response(&self) -> Response {
        match self {
            Self::Tool(message) => answer::tool_error(400, message),
            Self::Exception(kind, message) => answer::plone_error(500, kind, message),
        }
    }
}
