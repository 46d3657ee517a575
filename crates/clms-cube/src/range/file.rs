//! Local files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{FileVersion, Part, RangeError, RangeReader};

/// A local file, held open: one that is replaced by another of its name is read on as it was.
#[derive(Debug)]
pub struct LocalFile {
    name: String,
    file: Arc<Mutex<File>>,
}

impl LocalFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`RangeError::NotFound`], or what the system says.
    pub fn open(path: &Path) -> Result<Self, RangeError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self {
                name,
                file: Arc::new(Mutex::new(file)),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(RangeError::NotFound { name })
            }
            Err(error) => Err(failed(&name, error)),
        }
    }
}

fn failed(name: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> RangeError {
    RangeError::Failed {
        name: name.to_owned(),
        source: error.into(),
    }
}

fn read(file: &Mutex<File>, range: Range<u64>) -> io::Result<Part> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let metadata = file.metadata()?;
    let size = metadata.len();
    let wanted = range.end.min(size).saturating_sub(range.start);
    let mut bytes = vec![0; usize::try_from(wanted).map_err(io::Error::other)?];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut bytes)?;
    let modified = metadata.modified().ok();
    Ok(Part {
        bytes: bytes.into(),
        version: FileVersion {
            size,
            e_tag: None,
            modified: modified.and_then(|time| Timestamp::try_from(time).ok()),
        },
    })
}

#[async_trait]
impl RangeReader for LocalFile {
    fn name(&self) -> &str {
        &self.name
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || read(&file, range))
            .await
            .map_err(|error| failed(&self.name, error))?
            .map_err(|error| failed(&self.name, error))
    }
}
