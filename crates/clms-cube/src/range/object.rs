//! Files in object stores and on web servers, through `object_store`.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::{FileVersion, Part, RangeError, RangeReader};

/// An object of an [`ObjectStore`]: S3, Azure, Google, HTTP(S), memory. One request for each read.
#[derive(Debug, Clone)]
pub struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl ObjectReader {
    /// The object at `path`. Nothing is read yet.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self { store, path }
    }
}

#[async_trait]
impl RangeReader for ObjectReader {
    fn name(&self) -> &str {
        self.path.as_ref()
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        let failed = |error| RangeError::of_store(self.name(), error);
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            ..GetOptions::default()
        };
        let answer = self
            .store
            .get_opts(&self.path, options)
            .await
            .map_err(failed)?;
        let version = FileVersion {
            size: answer.meta.size,
            e_tag: answer.meta.e_tag.clone(),
            modified: Timestamp::from_second(answer.meta.last_modified.timestamp()).ok(),
        };
        let wanted = range.end.min(version.size).saturating_sub(range.start);
        if answer.range.start != range.start {
            return Err(RangeError::Changed {
                name: self.name().to_owned(),
            });
        }
        let bytes = answer.bytes().await.map_err(failed)?;
        if bytes.len() as u64 != wanted {
            return Err(RangeError::Truncated {
                name: self.name().to_owned(),
                offset: range.start,
                wanted,
                got: bytes.len() as u64,
            });
        }
        Ok(Part { bytes, version })
    }
}
