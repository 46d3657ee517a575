//! The shapes in which the portal answers.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::downloads::Delivery;

/// What is to be sent for a request.
pub(crate) enum Reply {
    /// A response that is there.
    Answer(Response),
    /// A response that takes its time.
    Late(Response, Duration),
    /// A file, to be sent piece by piece.
    File(Box<Delivery>),
}

/// A response that ends the handling of a request early.
pub(crate) type Refused = Box<Response>;

/// A response without headers.
pub(crate) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn with_body(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = empty(status);
    *response.body_mut() = body.into();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The same response with one more header; values that are no header text are left out.
pub(crate) fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A JSON body with the portal's sorted keys.
pub(crate) fn json(status: u16, mut body: Value) -> Response {
    body.sort_all_objects();
    with_body(status, "application/json", body.to_string())
}

/// An HTML page, as proxies and firewalls send it.
pub(crate) fn html(status: u16, title: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    );
    with_body(status, "text/html; charset=utf-8", page)
}

/// Plain text.
pub(crate) fn text(status: u16, body: String) -> Response {
    with_body(status, "text/plain", body)
}

/// An error of the download tool: `status` and `msg` (point 19).
pub(crate) fn tool_error(status: u16, msg: &str) -> Response {
    json(status, json!({"status": "error", "msg": msg}))
}

/// An error of Plone: `message` and `type` (point 19).
pub(crate) fn plone_error(status: u16, kind: &str, message: &str) -> Response {
    json(status, json!({"message": message, "type": kind}))
}

/// 401 for those who are not known.
pub(crate) fn unauthorized() -> Response {
    plone_error(
        401,
        "Unauthorized",
        "You are not authorized to access this resource.",
    )
}

/// 404 for what does not exist, and for wrong methods (point 10).
pub(crate) fn not_found(url: &str) -> Response {
    plone_error(404, "NotFound", &format!("Resource not found: {url}"))
}

/// 404 for those who do not accept JSON (point 9).
pub(crate) fn not_acceptable() -> Response {
    json(404, json!({"error_type": "NotFound"}))
}

/// 401 for a token that has expired and is still stored (point 5).
pub(crate) fn token_expired() -> Response {
    json(
        401,
        json!({"error": "invalid_token", "error_description": "Access token expired"}),
    )
}
