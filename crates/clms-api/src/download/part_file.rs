//! The part file, and the validator beside it that makes a resume safe.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncSeekExt;

use super::error::DownloadError;

/// Shorter part files are not worth a resume, and have not shown that they are a zip.
const MIN_RESUMED: u64 = 4;

/// Where the validator of a part file is kept: `<part>.json`. Remove or leave both together.
pub fn validator_path(part: &Path) -> PathBuf {
    let mut path = part.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

/// What the bytes in a part file belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Validator {
    /// The link as it was asked for.
    pub(super) url: String,
    /// The server's strong entity tag, with its quotes.
    pub(super) etag: Option<String>,
    /// The length of the whole file, as far as it is known.
    pub(super) total: Option<u64>,
}

/// Bytes that need not be fetched again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// None.
    Nothing,
    /// The file's beginning.
    Beginning {
        /// So many bytes.
        bytes: u64,
        /// Of the version with this strong entity tag.
        etag: String,
        /// And this length.
        total: Option<u64>,
    },
    /// The whole file.
    Everything {
        /// So many bytes.
        bytes: u64,
    },
}

/// A file that is being downloaded.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
}

impl PartFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What an earlier download of the same link left behind.
    pub(super) async fn kept(&self, link: &str) -> Result<Kept, DownloadError> {
        let bytes = self.len().await?;
        let Some(validator) = self
            .validator()
            .await?
            .filter(|validator| validator.url == link)
        else {
            return Ok(Kept::Nothing);
        };
        Ok(match validator {
            Validator { total, .. } if total == Some(bytes) => Kept::Everything { bytes },
            Validator {
                etag: Some(etag),
                total,
                ..
            } if bytes >= MIN_RESUMED && total.is_none_or(|total| bytes < total) => {
                Kept::Beginning { bytes, etag, total }
            }
            _ => Kept::Nothing,
        })
    }

    /// Begins an empty file. It is emptied before the validator changes, so that at no time
    /// bytes of one version stand beside the validator of another.
    pub(super) async fn begin(&self, validator: &Validator) -> Result<File, DownloadError> {
        if let Some(folder) = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs::create_dir_all(folder).await.map_err(DownloadError::io(
                "make the folder",
                folder,
                0,
            ))?;
        }
        let file = File::create(&self.path)
            .await
            .map_err(DownloadError::io("create", &self.path, 0))?;
        self.write_validator(validator, 0).await?;
        Ok(file)
    }

    /// Goes on after so many bytes. Not by appending: should a download that was dropped a moment
    /// ago still have a write under way, both put the same bytes in the same place.
    pub(super) async fn open_at(&self, bytes: u64) -> Result<File, DownloadError> {
        let open = async {
            let mut file = OpenOptions::new().write(true).open(&self.path).await?;
            file.seek(SeekFrom::Start(bytes)).await?;
            Ok(file)
        };
        open.await
            .map_err(DownloadError::io("open", &self.path, bytes))
    }

    /// Notes that the file is whole, for servers that did not say its length before.
    pub(super) async fn complete(
        &self,
        link: &str,
        etag: Option<String>,
        bytes: u64,
    ) -> Result<(), DownloadError> {
        let validator = Validator {
            url: link.to_owned(),
            etag,
            total: Some(bytes),
        };
        self.write_validator(&validator, bytes).await
    }

    /// Forgets what has come.
    pub(super) async fn discard(&self) -> Result<(), DownloadError> {
        for path in [self.path.clone(), validator_path(&self.path)] {
            match fs::remove_file(&path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(DownloadError::io("remove", &path, 0)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn len(&self) -> Result<u64, DownloadError> {
        match fs::metadata(&self.path).await {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(DownloadError::io("look at", &self.path, 0)(error)),
        }
    }

    /// One that can't be decoded is none: then the download begins anew.
    async fn validator(&self) -> Result<Option<Validator>, DownloadError> {
        let path = validator_path(&self.path);
        match fs::read(&path).await {
            Ok(json) => Ok(serde_json::from_slice(&json).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DownloadError::io("read", &path, 0)(error)),
        }
    }

    /// Writes the validator in one step: the old one, or the new one, and nothing between.
    async fn write_validator(
        &self,
        validator: &Validator,
        bytes: u64,
    ) -> Result<(), DownloadError> {
        let path = validator_path(&self.path);
        let mut unfinished = path.clone().into_os_string();
        unfinished.push(".tmp");
        let unfinished = PathBuf::from(unfinished);
        let json = serde_json::to_vec(validator).map_err(io::Error::from);
        let write = async { fs::write(&unfinished, json?).await };
        write
            .await
            .map_err(DownloadError::io("write", &unfinished, bytes))?;
        fs::rename(&unfinished, &path)
            .await
            .map_err(DownloadError::io("write", &path, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "http://h/1.zip";

    fn validator(etag: Option<&str>, total: Option<u64>) -> Validator {
        Validator {
            url: LINK.to_owned(),
            etag: etag.map(str::to_owned),
            total,
        }
    }

    #[tokio::test]
    async fn what_may_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let part = PartFile::new(folder.path().join("new/x.part"));
        assert_eq!(part.kept(LINK).await.unwrap(), Kept::Nothing);

        for (validator, bytes, link, kept) in [
            (validator(Some("\"a\""), Some(9)), 5, LINK, true),
            (validator(Some("\"a\""), None), 5, LINK, true),
            (
                validator(Some("\"a\""), Some(9)),
                5,
                "http://h/2.zip",
                false,
            ),
            (validator(None, Some(9)), 5, LINK, false),
            (validator(Some("\"a\""), Some(9)), 3, LINK, false),
            (validator(Some("\"a\""), Some(4)), 5, LINK, false),
        ] {
            part.begin(&validator).await.unwrap();
            fs::write(part.path(), vec![b'x'; bytes]).await.unwrap();
            let found = part.kept(link).await.unwrap();
            assert_eq!(
                matches!(found, Kept::Beginning { .. }),
                kept,
                "{validator:?} {bytes} {link}"
            );
        }

        part.complete(LINK, None, 5).await.unwrap();
        assert_eq!(
            part.kept(LINK).await.unwrap(),
            Kept::Everything { bytes: 5 }
        );
        assert_eq!(part.kept("http://h/2.zip").await.unwrap(), Kept::Nothing);
        fs::write(part.path(), b"xxx").await.unwrap();
        assert_eq!(
            part.kept(LINK).await.unwrap(),
            Kept::Nothing,
            "truncated since"
        );
        fs::write(validator_path(part.path()), b"{").await.unwrap();
        assert_eq!(
            part.kept(LINK).await.unwrap(),
            Kept::Nothing,
            "half a validator"
        );

        part.discard().await.unwrap();
        part.discard().await.unwrap();
        assert!(!part.path().exists());
    }
}
