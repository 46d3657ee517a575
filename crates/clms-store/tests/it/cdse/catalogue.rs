//! A container of lists, as CDSE's, with a record of who asked for what.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

#[derive(Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Bytes>>,
    asked: Mutex<Vec<String>>,
    /// So many of the next requests are told to come back after so many seconds.
    busy: Mutex<(usize, String)>,
    /// Entries of listings have no hash.
    hides_hashes: Mutex<bool>,
}

/// Serves until it is dropped.
pub(crate) struct Catalogue {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Catalogue {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Catalogue {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let url = format!(
            "http://{}/swift/v1/CatalogueCSV",
            listener.local_addr().unwrap()
        );
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared, task }
    }

    pub(crate) fn put(&self, name: &str, text: impl Into<Bytes>) {
        self.shared
            .files
            .lock()
            .unwrap()
            .insert(name.to_owned(), text.into());
    }

    pub(crate) fn is_busy(&self, requests: usize, seconds: &str) {
        *self.shared.busy.lock().unwrap() = (requests, seconds.to_owned());
    }

    pub(crate) fn hide_hashes(&self) {
        *self.shared.hides_hashes.lock().unwrap() = true;
    }

    /// What has been asked since the last call: names of files, and `?` with the prefix of listings.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    query: Query<HashMap<String, String>>,
) -> Response {
    let name = uri
        .path()
        .strip_prefix("/swift/v1/CatalogueCSV")
        .unwrap()
        .trim_start_matches('/');
    let wanted = |key: &str| query.get(key).cloned().unwrap_or_default();
    let asked = if name.is_empty() {
        format!("?{}", wanted("prefix"))
    } else {
        name.to_owned()
    };
    shared.asked.lock().unwrap().push(asked);
    let mut busy = shared.busy.lock().unwrap();
    if busy.0 > 0 {
        busy.0 -= 1;
        let later = [(header::RETRY_AFTER, busy.1.clone())];
        return (StatusCode::TOO_MANY_REQUESTS, later).into_response();
    }
    let hides_hashes = *shared.hides_hashes.lock().unwrap();
    let files = shared.files.lock().unwrap();
    if !name.is_empty() {
        return match files.get(name) {
            Some(text) => text.clone().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    assert_eq!(wanted("format"), "json");
    let (prefix, marker, limit) = (
        wanted("prefix"),
        wanted("marker"),
        wanted("limit").parse().unwrap(),
    );
    let page: Vec<Value> = files
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix) && **name > marker)
        .take(limit)
        .map(|(name, text)| {
            let hash: String = Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let hash = if hides_hashes { "" } else { &hash };
            json!({"name": name, "hash": hash, "bytes": text.len(), "content_type": "text/csv", "last_modified": "2026-08-08T04:01:24.093961"})
        })
        .collect();
    Json(page).into_response()
}
