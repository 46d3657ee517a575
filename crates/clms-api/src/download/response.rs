//! What a file server's headers say.

use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName};
use reqwest::{Response, StatusCode};
use url::Url;

use super::error::DownloadError;
use crate::redact::redacted;
use crate::retry::retry_after;
use crate::server_message::ServerMessage;

/// `Content-Range: bytes first-last/total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) first: u64,
    pub(super) last: u64,
    /// The whole length, if the server knows it.
    pub(super) total: Option<u64>,
}

impl ContentRange {
    pub(super) fn of(response: &Response) -> Option<Self> {
        Self::parse(header(response, CONTENT_RANGE)?)
    }

    fn parse(value: &str) -> Option<Self> {
        let (range, total) = value
            .trim()
            .strip_prefix("bytes")?
            .trim_start()
            .split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = Self {
            first: first.trim().parse().ok()?,
            last: last.trim().parse().ok()?,
            total: match total.trim() {
                "*" => None,
                total => Some(total.parse().ok()?),
            },
        };
        let is_sound =
            range.first <= range.last && range.total.is_none_or(|total| range.last < total);
        is_sound.then_some(range)
    }
}

/// The entity tag, if it is strong: a weak one does not promise equal bytes.
pub(super) fn strong_etag(response: &Response) -> Option<String> {
    let etag = header(response, ETAG)?.trim();
    etag.starts_with('"').then(|| etag.to_owned())
}

pub(super) fn content_type(response: &Response) -> Option<String> {
    header(response, CONTENT_TYPE).map(str::to_owned)
}

fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Whether data begins as a zip file does: with an entry, or with the end of an empty directory.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Whether it is a web page or a JSON message, such as servers send in place of files.
pub(super) fn is_page(content_type: Option<&str>, head: &[u8]) -> bool {
    let kind = content_type.unwrap_or_default();
    let begins_like_one = ["<!do", "<htm"].iter().any(|tag| {
        head.get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
    });
    kind.contains("html") || kind.contains("json") || begins_like_one
}

/// The error that an answer without the file is.
pub(super) async fn refusal(link: &Url, response: Response) -> DownloadError {
    let url = redacted(link);
    let status = response.status().as_u16();
    match response.status() {
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
            DownloadError::LinkDead { url, status }
        }
        StatusCode::TOO_MANY_REQUESTS => DownloadError::RateLimited {
            url,
            retry_after: retry_after(response.headers()),
        },
        _ => {
            let mut response = response;
            // Words are welcome, but no reason to read on for long or to fail in another way.
            let head = response.chunk().await.ok().flatten().unwrap_or_default();
            DownloadError::Status {
                url,
                status,
                message: ServerMessage::read(&head),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        let parse = |value| ContentRange::parse(value).map(|r| (r.first, r.last, r.total));
        assert_eq!(parse("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(parse("bytes 5-9/*"), Some((5, 9, None)));
        for value in [
            "bytes */10",
            "bytes 5-9/9",
            "bytes 9-5/10",
            "bytes 5-/10",
            "items 5-9/10",
            "5-9/10",
            "",
        ] {
            assert_eq!(parse(value), None, "{value}");
        }
    }

    #[test]
    fn beginnings() {
        assert!(is_zip(b"PK\x03\x04...") && is_zip(b"PK\x05\x06"));
        assert!(!is_zip(b"PK") && !is_zip(b"<html>") && !is_zip(b""));
        assert!(is_page(Some("text/html"), b"PK\x03\x04") && is_page(None, b"<!DOCTYPE html>"));
        assert!(!is_page(Some("application/octet-stream"), b"II*\0") && !is_page(None, b"<?xml"));
    }
}
