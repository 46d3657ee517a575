//! A web server that serves ranges of files, counts, and misbehaves on demand.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use clms_cube::{ObjectReader, RangeReader, Traffic};
use futures::StreamExt;
use object_store::http::HttpBuilder;
use object_store::{ClientOptions, RetryConfig};
use tokio::sync::Notify;

/// What the server does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    Good,
    /// Answers all ranges with the whole file.
    NoRanges,
    /// Answers with a page, as servers do for files that have moved.
    Page,
    /// Breaks off each answer half way.
    Breaks,
    /// Never answers what does not begin at the first byte.
    Silent,
    Forbidden,
}

struct Served {
    bytes: Bytes,
    e_tag: String,
    habit: Habit,
}

#[derive(Default)]
struct Shared {
    files: Mutex<HashMap<String, Served>>,
    requests: AtomicU64,
    bytes: AtomicU64,
    silent: Notify,
}

/// Serves until it is dropped.
pub(crate) struct Server {
    url: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self { url, shared, task }
    }

    pub(crate) fn put(&self, name: &str, bytes: impl Into<Bytes>, habit: Habit) {
        let bytes = bytes.into();
        let mut files = self.shared.files.lock().unwrap();
        let version = files.len() + 1 + bytes.len();
        let served = Served {
            bytes,
            e_tag: format!("\"{version}\""),
            habit,
        };
        files.insert(format!("/{name}"), served);
    }

    pub(crate) fn put_file(&self, name: &str, path: &Path) {
        self.put(name, std::fs::read(path).unwrap(), Habit::Good);
    }

    /// Where a file is.
    pub(crate) fn url(&self) -> impl Fn(&str) -> String + Send + use<> {
        let root = self.url.clone();
        move |name| format!("{root}/{name}")
    }

    /// A reader of a file; requests are not repeated.
    pub(crate) fn reader(&self, name: &str) -> Arc<dyn RangeReader> {
        let store = HttpBuilder::new()
            .with_url(&self.url)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            })
            .build()
            .unwrap();
        Arc::new(ObjectReader::new(Arc::new(store), name.into()))
    }

    /// What has been asked of the server, as it counts itself.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.shared.requests.load(Ordering::SeqCst),
            bytes: self.shared.bytes.load(Ordering::SeqCst),
        }
    }

    /// Waits until a request has come that stays without an answer.
    pub(crate) async fn silent(&self) {
        self.shared.silent.notified().await;
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let (bytes, e_tag, habit) = match shared.files.lock().unwrap().get(uri.path()) {
        Some(file) => (file.bytes.clone(), file.e_tag.clone(), file.habit),
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    let range = headers.get(header::RANGE).unwrap().to_str().unwrap();
    let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = (end.parse::<usize>().unwrap() + 1).min(bytes.len());
    match habit {
        Habit::Forbidden => return StatusCode::FORBIDDEN.into_response(),
        Habit::NoRanges => return bytes.into_response(),
        Habit::Silent if start > 0 => {
            shared.silent.notify_one();
            return std::future::pending().await;
        }
        _ => {}
    }
    let page = Bytes::from_static(b"<!DOCTYPE html><html><body>This file has moved.</body></html>");
    let (bytes, start, end) = match habit {
        Habit::Page => (page.clone(), 0, page.len()),
        _ => (bytes, start, end),
    };
    if start >= end {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let part = bytes.slice(start..end);
    shared.bytes.fetch_add(part.len() as u64, Ordering::SeqCst);
    let length = part.len();
    let body = if habit == Habit::Breaks {
        let half = Ok(part.slice(..length / 2));
        let broken = Err(std::io::Error::other("broken off"));
        Body::from_stream(futures::stream::iter([half, broken]).map(|part| part))
    } else {
        Body::from(part)
    };
    Response::builder()
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::ETAG, e_tag)
        .header(header::LAST_MODIFIED, "Thu, 20 Feb 2020 00:00:00 GMT")
        .header(header::CONTENT_LENGTH, length)
        .header(
            header::CONTENT_RANGE,
            format!("bytes {start}-{}/{}", end - 1, bytes.len()),
        )
        .body(body)
        .unwrap()
}
