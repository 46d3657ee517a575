//! One request of a download, from its headers to the last byte.

use bytes::Bytes;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::error::DownloadError;
use super::part_file::{Kept, Validator};
use super::response::{ContentRange, content_type, is_page, is_zip, refusal, strong_etag};
use super::{Download, Downloaded};
use crate::redact::redacted;
use crate::retry::Tries;
use crate::server_message::excerpt;
use crate::transport_error::TransportError;

/// Fewer and larger writes to disk: each is a trip to a blocking thread.
const WRITE_BUFFER: usize = 1 << 20;

/// As many bytes as tell whether a file is a zip.
const HEAD: usize = 4;

/// How a request ended that did not fail.
pub(super) enum Outcome {
    /// The file is whole.
    Done(Downloaded),
    /// What is kept is of no use.
    MustBeginAnew(String),
}

/// One request of a download.
pub(super) struct Transfer<'a> {
    download: &'a mut Download,
    tries: Tries,
}

/// A body that is being written to the part file.
struct Body {
    response: Response,
    file: BufWriter<File>,
    /// In the part file and its buffer.
    bytes: u64,
    total: Option<u64>,
    etag: Option<String>,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(download: &'a mut Download, tries: Tries) -> Self {
        Self { download, tries }
    }

    /// Fetches what is not kept.
    pub(super) async fn run(mut self, kept: Kept) -> Result<Outcome, DownloadError> {
        let offset = match &kept {
            Kept::Beginning { bytes, .. } => *bytes,
            _ => 0,
        };
        let response = self.ask(&kept, offset).await?;
        let body = match (response.status(), kept) {
            (StatusCode::OK, _) => self.whole(response, offset).await?,
            (StatusCode::PARTIAL_CONTENT, Kept::Beginning { etag, total, .. }) => {
                match check_range(&response, offset, &etag, total) {
                    Ok(total) => self.rest(response, offset, total, etag).await?,
                    Err(problem) => return Ok(Outcome::MustBeginAnew(problem)),
                }
            }
            (status @ (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE), _) => {
                return Ok(Outcome::MustBeginAnew(format!(
                    "HTTP {} for byte {offset}",
                    status.as_u16()
                )));
            }
            _ => return Err(refusal(&self.download.link, response).await),
        };
        let (bytes, etag) = self.write(body).await?;
        self.download.check_length(bytes)?;
        self.download
            .part
            .complete(self.download.link.as_str(), etag, bytes)
            .await?;
        let path = self.download.part.path().to_owned();
        let resumed_from = self.download.first_fetched;
        Ok(Outcome::Done(Downloaded {
            path,
            bytes,
            resumed_from,
        }))
    }

    async fn ask(&self, kept: &Kept, offset: u64) -> Result<Response, DownloadError> {
        let download = &*self.download;
        let mut request = download
            .client
            .downloads()
            .map_err(|error| self.transport(error))?
            .get(download.link.clone())
            .header(ACCEPT, "*/*")
            // A length is only worth checking if nobody repacks the body on the way.
            .header(ACCEPT_ENCODING, "identity");
        if let Some(token) = &download.bearer {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Kept::Beginning { etag, .. } = kept {
            request = request
                .header(RANGE, format!("bytes={offset}-"))
                .header(IF_RANGE, etag);
        }
        let asked = async {
            let response = answer(download, request, self.tries).await?;
            response.map_err(|error| self.transport(error).into())
        };
        tokio::select! {
            biased;
            () = download.cancel.cancelled() => Err(DownloadError::Cancelled { bytes: offset }),
            response = asked => response,
        }
    }

    /// Begins the file with a body that is the whole of it. What an earlier download left is
    /// overwritten only when this one has proved to be a zip of the right length.
    async fn whole(&mut self, mut response: Response, kept: u64) -> Result<Body, DownloadError> {
        let content_type = content_type(&response);
        let total = response.content_length();
        let mut head = Vec::new();
        while head.len() < HEAD {
            match self.chunk(&mut response, kept, total).await? {
                Some(chunk) => head.extend_from_slice(&chunk),
                None => break,
            }
        }
        let is_wanted = match self.download.only_zip {
            true => is_zip(&head),
            false => !is_page(content_type.as_deref(), &head),
        };
        if !is_wanted {
            let url = redacted(&self.download.link);
            return Err(DownloadError::NotAZip {
                url,
                content_type,
                excerpt: excerpt(&head),
            });
        }
        if let Some(total) = total {
            self.download.check_length(total)?;
        }
        let etag = strong_etag(&response);
        let validator = Validator {
            url: self.download.link.as_str().to_owned(),
            etag: etag.clone(),
            total,
        };
        let file = self.download.part.begin(&validator).await?;
        let mut body = Body {
            response,
            file: BufWriter::with_capacity(WRITE_BUFFER, file),
            bytes: 0,
            total,
            etag,
        };
        self.begin(&body);
        self.append(&mut body, &head).await?;
        Ok(body)
    }

    /// Goes on with a body that is the rest of the file.
    async fn rest(
        &mut self,
        response: Response,
        offset: u64,
        total: Option<u64>,
        etag: String,
    ) -> Result<Body, DownloadError> {
        if let Some(total) = total {
            self.download.check_length(total)?;
        }
        let file =
            BufWriter::with_capacity(WRITE_BUFFER, self.download.part.open_at(offset).await?);
        let body = Body {
            response,
            file,
            bytes: offset,
            total,
            etag: Some(etag),
        };
        self.begin(&body);
        Ok(body)
    }

    /// Writes the body to its end; gives the file's length and its entity tag.
    async fn write(&mut self, mut body: Body) -> Result<(u64, Option<String>), DownloadError> {
        loop {
            match self.chunk(&mut body.response, body.bytes, body.total).await {
                Ok(Some(chunk)) => self.append(&mut body, &chunk).await?,
                Ok(None) => break,
                Err(error) => {
                    // What has come is kept for the next attempt.
                    body.file
                        .flush()
                        .await
                        .map_err(self.io("write", body.bytes))?;
                    return Err(error);
                }
            }
        }
        body.file
            .flush()
            .await
            .map_err(self.io("write", body.bytes))?;
        body.file
            .get_ref()
            .sync_all()
            .await
            .map_err(self.io("write", body.bytes))?;
        match body.total {
            // Only a server that sends more than its own range says.
            Some(total) if total != body.bytes => {
                self.download.part.discard().await?;
                let url = redacted(&self.download.link);
                Err(DownloadError::WrongLength {
                    url,
                    expected: total,
                    found: body.bytes,
                })
            }
            _ => Ok((body.bytes, body.etag)),
        }
    }

    /// The next piece of the body, or `None` at its end.
    async fn chunk(
        &self,
        response: &mut Response,
        bytes: u64,
        total: Option<u64>,
    ) -> Result<Option<Bytes>, DownloadError> {
        tokio::select! {
            biased;
            () = self.download.cancel.cancelled() => Err(DownloadError::Cancelled { bytes }),
            chunk = response.chunk() => chunk.map_err(|error| DownloadError::Interrupted {
                url: redacted(&self.download.link),
                bytes,
                total,
                source: self.transport(error),
            }),
        }
    }

    async fn append(&mut self, body: &mut Body, chunk: &[u8]) -> Result<(), DownloadError> {
        body.file
            .write_all(chunk)
            .await
            .map_err(self.io("write", body.bytes))?;
        body.bytes += chunk.len() as u64;
        self.progress(body);
        Ok(())
    }

    /// Notes where a body begins in the file.
    fn begin(&mut self, body: &Body) {
        self.download.first_fetched = self.download.first_fetched.min(body.bytes);
        self.progress(body);
    }

    fn progress(&mut self, body: &Body) {
        self.download.progress(body.bytes, body.total);
    }

    fn io(
        &self,
        action: &'static str,
        bytes: u64,
    ) -> impl FnOnce(std::io::Error) -> DownloadError + use<> {
        DownloadError::io(action, self.download.part.path(), bytes)
    }

    fn transport(&self, error: reqwest::Error) -> TransportError {
        TransportError::new(
            format!("GET {}", redacted(&self.download.link)),
            self.tries,
            error,
        )
    }
}

/// Sends a request when its host has a turn to give. The turn ends with the headers: a long body
/// must not keep anybody from asking.
async fn answer(
    download: &Download,
    request: RequestBuilder,
    tries: Tries,
) -> Result<Result<Response, reqwest::Error>, DownloadError> {
    let patience = download.retry.max_elapsed.saturating_sub(tries.elapsed);
    let limiters = download.client.limiters();
    let turn = limiters.turn(&download.link, patience).await;
    let turn = turn.map_err(|left| DownloadError::RateLimited {
        url: redacted(&download.link),
        retry_after: Some(left),
    })?;
    let answered = request.send().await;
    if let Ok(response) = &answered {
        turn.heed(response.status(), response.headers());
    }
    Ok(answered)
}

/// Whether a part of the file is the one that was asked for, and of the same version; gives the
/// length of the whole.
fn check_range(
    response: &Response,
    offset: u64,
    etag: &str,
    total: Option<u64>,
) -> Result<Option<u64>, String> {
    let range = ContentRange::of(response).ok_or("a part without a valid Content-Range")?;
    if range.first != offset {
        return Err(format!(
            "bytes from {} on, not from {offset} on",
            range.first
        ));
    }
    if strong_etag(response).is_some_and(|sent| sent != etag) {
        return Err("a part of another version of the file".to_owned());
    }
    match (total, range.total) {
        (Some(before), Some(now)) if before != now => Err(format!(
            "the file has {now} bytes now, and had {before} before"
        )),
        (before, now) => {
            let total = now.or(before);
            if total.is_some_and(|total| range.last + 1 != total) {
                return Err(format!("bytes only up to {}", range.last));
            }
            Ok(total)
        }
    }
}
