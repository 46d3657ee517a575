//! A zip file, servers of it, and where it is downloaded to.

use std::path::PathBuf;

use clms_api::{DownloadError, Downloaded, RetryPolicy, validator_path};
use tempfile::TempDir;

use crate::scripted::{Answer, Request, Server};

pub(crate) const ETAG: &str = "\"v1\"";

/// A zip as far as anybody looks here.
pub(crate) fn zip() -> Vec<u8> {
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend((0..200_000_u32).map(|n| (n * 7 % 251) as u8));
    zip
}

pub(crate) fn file(etag: &str) -> Answer {
    Answer::new(200, "application/zip", zip()).header("ETag", etag)
}

/// Serves the zip and its parts as a good server does.
pub(crate) fn serve_zip(request: &Request) -> Answer {
    let zip = zip();
    match (request.header("range"), request.header("if-range")) {
        (Some(range), Some(ETAG) | None) => {
            let (first, last) = range
                .strip_prefix("bytes=")
                .unwrap()
                .split_once('-')
                .unwrap();
            let first: usize = first.parse().unwrap();
            let last = last.parse().unwrap_or(usize::MAX).min(zip.len() - 1);
            part(first, last, zip.len(), ETAG)
        }
        _ => file(ETAG),
    }
}

pub(crate) fn part(first: usize, last: usize, total: usize, etag: &str) -> Answer {
    Answer::new(206, "application/zip", &zip()[first..=last])
        .header("Content-Range", format!("bytes {first}-{last}/{total}"))
        .header("ETag", etag)
}

pub(crate) struct Target {
    _folder: TempDir,
    pub(crate) part: PathBuf,
}

impl Target {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("job/download.zip.part");
        Self {
            _folder: folder,
            part,
        }
    }

    /// Leaves behind what a killed download would.
    pub(crate) async fn with_broken_download(bytes: usize) -> Self {
        let target = Self::new();
        let server = Server::start(move |_| file(ETAG).cut(bytes));
        let error = target.once(&server).await.unwrap_err();
        assert!(
            matches!(error, DownloadError::Interrupted { .. }),
            "{error}"
        );
        target
    }

    pub(crate) fn len(&self) -> u64 {
        std::fs::metadata(&self.part).unwrap().len()
    }

    fn validator(&self) -> String {
        std::fs::read_to_string(validator_path(&self.part)).unwrap()
    }

    /// Makes the kept bytes those of this server's link.
    pub(crate) fn adopt(&self, server: &Server) {
        let text = self.validator();
        let old = text
            .split('"')
            .find(|word| word.starts_with("http://"))
            .unwrap()
            .to_owned();
        std::fs::write(
            validator_path(&self.part),
            text.replace(&old, server.link("/1.zip").as_str()),
        )
        .unwrap();
    }

    pub(crate) async fn once(&self, server: &Server) -> Result<Downloaded, DownloadError> {
        server
            .client()
            .download(&server.link("/1.zip"), &self.part)
            .retry(RetryPolicy::none())
            .run()
            .await
    }

    pub(crate) async fn run(&self, server: &Server) -> Result<Downloaded, DownloadError> {
        server
            .client()
            .download(&server.link("/1.zip"), &self.part)
            .run()
            .await
    }

    pub(crate) fn assert_whole(&self) {
        assert!(
            std::fs::read(&self.part).unwrap() == zip(),
            "the file is not what was served"
        );
    }
}
