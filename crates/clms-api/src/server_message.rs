//! The words with which servers refuse things.

use std::fmt;

use serde_json::{Map, Value};

/// No excerpt of a body is longer.
const MAX_CHARS: usize = 500;

/// What a server said in the body of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerMessage {
    /// Its words, shortened where they are long; empty if it said nothing.
    pub text: String,
    /// Its word for the kind of error, such as `invalid_grant` or `Unauthorized`.
    pub code: Option<String>,
}

impl ServerMessage {
    /// Reads a body in any of the shapes that the portal's parts use: `{status, msg}` of the
    /// download tool, `{message, type}` of Plone, `{error, error_description}` of the token
    /// endpoint, `{error: {message, type}}`, `{error_type}`; else takes the text as it is.
    pub(crate) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Self::from_object(&map),
            Ok(Value::String(text)) => Self {
                text: shorten(&text),
                code: None,
            },
            _ => Self {
                text: excerpt(body),
                code: None,
            },
        }
    }

    fn from_object(map: &Map<String, Value>) -> Self {
        if let Some(Value::Object(inner)) = map.get("error") {
            return Self::from_object(inner);
        }
        let text = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key)?.as_str());
        let words = text(&["msg", "message", "error_description"]);
        let code = text(&["error", "type", "error_type"]);
        Self {
            text: shorten(words.or(code).unwrap_or_default()),
            code: code.map(shorten),
        }
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            f.write_str("no explanation")
        } else {
            f.write_str(&self.text)
        }
    }
}

/// The beginning of a body as one line of text.
pub(crate) fn excerpt(body: &[u8]) -> String {
    shorten(&String::from_utf8_lossy(
        &body[..body.len().min(4 * MAX_CHARS)],
    ))
}

/// Whether a body is a web page, by its type or its beginning.
pub(crate) fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    if content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("html")) {
        return true;
    }
    let start = String::from_utf8_lossy(&body[..body.len().min(256)])
        .trim_start()
        .to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_the_portal() {
        for (body, text, code) in [
            (
                r#"{"status": "error", "msg": "NUTS country error"}"#,
                "NUTS country error",
                None,
            ),
            (r#"{"status": "error", "message": "m"}"#, "m", None),
            (
                r#"{"message": "No.", "type": "Unauthorized"}"#,
                "No.",
                Some("Unauthorized"),
            ),
            (
                r#"{"error": "invalid_grant", "error_description": "d"}"#,
                "d",
                Some("invalid_grant"),
            ),
            (
                r#"{"error": {"message": "m", "type": "error"}}"#,
                "m",
                Some("error"),
            ),
            (
                r#"{"error_type": "NotFound"}"#,
                "NotFound",
                Some("NotFound"),
            ),
            (r#""just words""#, "just words", None),
            ("plain\n  words", "plain words", None),
            ("{}", "", None),
            ("", "", None),
        ] {
            let message = ServerMessage::read(body.as_bytes());
            assert_eq!(
                (message.text.as_str(), message.code.as_deref()),
                (text, code),
                "{body}"
            );
        }
        let long = ServerMessage::read("ü".repeat(3000).as_bytes());
        assert_eq!(long.text.chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn html_by_type_or_beginning() {
        assert!(is_html(Some("text/html; charset=utf-8"), b""));
        assert!(is_html(None, b"\n <!DOCTYPE html><html>"));
        assert!(!is_html(Some("application/json"), b"{}"));
    }
}
