//! Faults that keep a request from whoever would answer it.

use axum::http::header;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use crate::answer;
use crate::habits::{Fault, FaultKind, RetryAfter};
use crate::state::Counts;

/// The faults that strike this call of the endpoint `name`.
pub(crate) fn struck(faults: &[Fault], counts: &mut Counts, name: &str) -> Vec<FaultKind> {
    let matching = faults.iter().enumerate();
    let matching = matching.filter(|(_, fault)| fault.endpoint == "*" || fault.endpoint == name);
    matching
        .filter(|(index, fault)| counts.strikes(fault.when, format!("fault {index}")))
        .map(|(_, fault)| fault.kind)
        .collect()
}

/// The answer of a fault that comes in place of the true one.
pub(crate) fn refusal(now: Timestamp, fault: FaultKind) -> Option<Response> {
    match fault {
        FaultKind::Status(status) => Some(answer::html(status, "Service error")),
        FaultKind::HtmlPage => Some(answer::html(200, "The site is being maintained")),
        FaultKind::TooManyRequests(retry_after) => {
            let response = answer::html(429, "Too Many Requests");
            let when = match retry_after {
                RetryAfter::Absent => return Some(response),
                RetryAfter::Seconds(seconds) => seconds.to_string(),
                RetryAfter::DateIn(seconds) => {
                    let then = now + SignedDuration::from_secs(seconds.into());
                    then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
                }
            };
            Some(answer::with_header(response, header::RETRY_AFTER, &when))
        }
        FaultKind::LostAnswer => None,
    }
}
