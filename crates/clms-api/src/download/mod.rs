//! Downloads of what a finished task links to.
//!
//! The links are public and lead to other hosts: no token of the portal goes there.

mod error;
mod part_file;
mod probe;
mod response;
mod transfer;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::error::DownloadError;
pub use self::part_file::validator_path;
use self::part_file::{Kept, PartFile};
pub use self::probe::LinkState;
use self::transfer::{Outcome, Transfer};
use crate::client::Client;
use crate::redact::redacted;
use crate::retry::{Attempts, RetryPolicy, Tries};

/// How often to ask whether a link is alive by now.
const LINK_INTERVAL: Duration = Duration::from_secs(10);

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadProgress {
    /// Bytes in the part file, with those of an earlier download. Falls when the download has to
    /// begin anew.
    pub bytes: u64,
    /// Bytes of the whole file, if the server says it.
    pub total: Option<u64>,
}

/// A finished download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// The file: the part file that was asked for, now whole and on disk.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// How many of its bytes were there before: all of them if an earlier download was whole.
    pub resumed_from: u64,
}

impl Downloaded {
    /// For those who stand in for a client in tests.
    pub fn new(path: impl Into<PathBuf>, bytes: u64, resumed_from: u64) -> Self {
        Self {
            path: path.into(),
            bytes,
            resumed_from,
        }
    }
}

/// In a mutex that is never locked: it makes a `Download` `Sync`, and so its future `Send`,
/// without asking the same of the callback.
type OnProgress = Mutex<Box<dyn FnMut(DownloadProgress) + Send>>;

/// A download to be run; made by [`Client::download`].
#[must_use = "nothing happens until `run`"]
pub struct Download {
    client: Client,
    link: Url,
    part: PartFile,
    expected_size: Option<u64>,
    cancel: CancellationToken,
    on_progress: OnProgress,
    retry: RetryPolicy,
    /// What the server of the link wants to see.
    bearer: Option<Arc<SecretString>>,
    /// Whether it has to be a zip.
    only_zip: bool,
    /// How long a link may lead to nothing.
    link_patience: Duration,
    /// The first byte that was fetched, over all attempts.
    first_fetched: u64,
}

impl Client {
    /// Prepares the download of a zip file into a part file, whose folder is made if need be.
    ///
    /// The server's entity tag is kept beside the part file (see [`validator_path`]), so that the
    /// same download, after a break or in another process, goes on where the last one stopped,
    /// and begins anew if the file at the link is another one by now. A download that is whole
    /// is not fetched again. One part file must not be downloaded into twice at the same time.
    pub fn download(&self, link: &Url, part: impl Into<PathBuf>) -> Download {
        Download {
            client: self.clone(),
            link: link.clone(),
            part: PartFile::new(part.into()),
            expected_size: None,
            cancel: CancellationToken::new(),
            on_progress: Mutex::new(Box::new(|_| {})),
            retry: self.retry_policy(),
            bearer: None,
            only_zip: true,
            link_patience: Duration::ZERO,
            first_fetched: u64::MAX,
        }
    }
}

impl Download {
    /// Fails with [`DownloadError::WrongLength`] unless the file has this many bytes.
    pub fn expected_size(mut self, bytes: u64) -> Self {
        self.expected_size = Some(bytes);
        self
    }

    /// Stops with [`DownloadError::Cancelled`] when the token is cancelled, and keeps what has
    /// come. (Dropping the future stops it too, and may lose the last bytes.)
    pub fn cancel_on(mut self, token: CancellationToken) -> Self {
        self.cancel = token;
        self
    }

    /// Called at the start and after each piece, many times a second: it must not block.
    pub fn on_progress(mut self, callback: impl FnMut(DownloadProgress) + Send + 'static) -> Self {
        self.on_progress = Mutex::new(Box::new(callback));
        self
    }

    /// How often and how long to try without getting on; the client's policy unless said
    /// otherwise. Every byte that is new renews both limits.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Takes any kind of file, and not only a zip. Web pages are refused all the same.
    pub fn any_kind(mut self) -> Self {
        self.only_zip = false;
        self
    }

    /// Shows a token to the host of the link, which is not the portal; it goes to no other host that it may redirect to.
    pub fn bearer(mut self, token: Arc<SecretString>) -> Self {
        self.bearer = Some(token);
        self
    }

    /// How long to go on asking while the link is dead, or leads to a web page or a broken zip:
    /// not at all unless said otherwise. New links of the portal can be so for up to three
    /// minutes; those of an old task stay so.
    pub fn wait_for_link(mut self, patience: Duration) -> Self {
        self.link_patience = patience;
        self
    }

    /// Runs the download, and takes it up again after breaks.
    ///
    /// # Errors
    /// See [`DownloadError`]. A link that is dead or leads to something else fails at once, or
    /// after [`Download::wait_for_link`]: the caller knows how old the link is, and so whether
    /// waiting is of use.
    pub async fn run(mut self) -> Result<Downloaded, DownloadError> {
        let mut attempts = Attempts::begin(self.retry);
        let begun = Instant::now();
        // Progress is a byte further than ever before, lest a file that can't be resumed be
        // begun for ever.
        let mut furthest = self.kept_bytes().await?;
        loop {
            let error = match self.attempt(attempts.so_far()).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            if let DownloadError::Interrupted { bytes, .. } = error
                && bytes > furthest
            {
                furthest = bytes;
                attempts.progressed();
            }
            let delay = if error.is_passing() {
                attempts.next(error.retry_after())
            } else if error.is_retryable() {
                let left = self.link_patience.saturating_sub(begun.elapsed());
                (!left.is_zero()).then(|| left.min(LINK_INTERVAL))
            } else {
                None
            };
            let Some(delay) = delay else {
                return Err(error);
            };
            tracing::debug!(%error, ?delay, "downloading again");
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.cancel.cancelled() => {
                    return Err(DownloadError::Cancelled { bytes: self.kept_bytes().await? });
                }
            }
        }
    }

    async fn kept_bytes(&self) -> Result<u64, DownloadError> {
        Ok(match self.part.kept(self.link.as_str()).await? {
            Kept::Nothing => 0,
            Kept::Beginning { bytes, .. } | Kept::Everything { bytes } => bytes,
        })
    }

    /// One request, or two if the first can't go on from what is kept.
    async fn attempt(&mut self, tries: Tries) -> Result<Downloaded, DownloadError> {
        let kept = match self.part.kept(self.link.as_str()).await? {
            Kept::Everything { bytes } if self.check_length(bytes).is_ok() => {
                self.progress(bytes, Some(bytes));
                return Ok(Downloaded {
                    path: self.part.path().to_owned(),
                    bytes,
                    resumed_from: bytes,
                });
            }
            Kept::Everything { .. } => Kept::Nothing,
            kept => kept,
        };
        if let Outcome::Done(done) = Transfer::new(self, tries).run(kept).await? {
            return Ok(done);
        }
        tracing::debug!(
            url = redacted(&self.link),
            "can't go on from what is there, beginning anew"
        );
        self.part.discard().await?;
        match Transfer::new(self, tries).run(Kept::Nothing).await? {
            Outcome::Done(done) => Ok(done),
            Outcome::MustBeginAnew(problem) => Err(DownloadError::WrongRange {
                url: redacted(&self.link),
                problem,
            }),
        }
    }

    fn progress(&mut self, bytes: u64, total: Option<u64>) {
        let callback = self.on_progress.get_mut();
        (callback.unwrap_or_else(PoisonError::into_inner))(DownloadProgress { bytes, total });
    }

    fn check_length(&self, found: u64) -> Result<(), DownloadError> {
        match self.expected_size {
            Some(expected) if expected != found => Err(DownloadError::WrongLength {
                url: redacted(&self.link),
                expected,
                found,
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("link", &redacted(&self.link))
            .field("part", &self.part.path())
            .field("expected_size", &self.expected_size)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
