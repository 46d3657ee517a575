//! A file behind a direct link.

use std::{ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use clms_cube::{ObjectReader, Part, RangeError, RangeReader};
use object_store::{ObjectStore, path::Path};
use url::Url;

/// Pauses before a file that is said not to exist is asked for again: the server says so of files that it has, when much is asked of it.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

/// Reads a file of the former global land service by ranges.
#[derive(Debug)]
pub(super) struct LegacyFile {
    link: String,
    reader: ObjectReader,
}

impl LegacyFile {
    pub(super) fn new(server: Arc<dyn ObjectStore>, link: &Url) -> Self {
        let path = Path::from_url_path(link.path()).unwrap_or_else(|_| Path::from(link.path()));
        Self {
            link: link.to_string(),
            reader: ObjectReader::new(server, path),
        }
    }
}

#[async_trait]
impl RangeReader for LegacyFile {
    fn name(&self) -> &str {
        &self.link
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        for pause in PAUSES {
            match self.reader.read(range.clone()).await {
                Err(RangeError::NotFound { .. }) => {
                    tracing::debug!(link = %self.link, ?pause, "not found, which may pass");
                    tokio::time::sleep(pause).await;
                }
                read => return read,
            }
        }
        self.reader.read(range).await
    }
}
