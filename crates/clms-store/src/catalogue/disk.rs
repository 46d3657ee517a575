//! The catalogue as it is kept on disk, so that the second look at it needs no network.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clms_api::Dataset;
use clms_cache::Checksum;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::whole_file::write_whole;

/// The form of the file. One of another version is not read, and written anew.
const VERSION: u32 = 3;

/// What the portal said, and when.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    version: u32,
    /// The portal that said it.
    pub(super) portal: String,
    pub(crate) loaded_at: Timestamp,
    pub(crate) unreadable: Vec<String>,
    pub(crate) datasets: Vec<Dataset>,
    /// Of the file that it was read from or written to, if it was.
    #[serde(skip)]
    pub(super) checksum: Option<Checksum>,
}

impl Kept {
    pub(crate) fn now(portal: &str, datasets: Vec<Dataset>, unreadable: Vec<String>) -> Self {
        Self {
            version: VERSION,
            portal: portal.to_owned(),
            loaded_at: Timestamp::now(),
            unreadable,
            datasets: datasets.into_iter().map(without_extra).collect(),
            checksum: None,
        }
    }

    /// Writes it so that nobody ever reads a part of it.
    pub(crate) fn write(&mut self, file: &Path) -> std::io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        write_whole(file, &bytes)?;
        self.checksum = Some(Checksum::of(&bytes));
        Ok(())
    }

    /// What stands in a file; `None` if there is none, or none that can be read, or it is another portal's.
    pub(crate) fn read(file: &Path, portal: &str) -> Option<Self> {
        // Whole: serde_json is faster on a slice than on a reader.
        let bytes = std::fs::read(file).ok()?;
        let mut kept: Self = serde_json::from_slice(&bytes)
            .inspect_err(|why| tracing::debug!(%why, "the catalogue on disk can't be read"))
            .ok()?;
        kept.checksum = Some(Checksum::of(&bytes));
        (kept.version == VERSION && kept.portal == portal).then_some(kept)
    }
}

/// Whether what was loaded then is younger than `limit`. What is of the future is not believed.
pub(crate) fn is_fresh(loaded_at: Timestamp, limit: Duration) -> bool {
    let age = Timestamp::now().duration_since(loaded_at);
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    (SignedDuration::ZERO..limit).contains(&age)
}

/// What nothing is made of would be most of the file.
fn without_extra(mut dataset: Dataset) -> Dataset {
    dataset.extra.clear();
    for collection in &mut dataset.download_information {
        collection.extra.clear();
    }
    for file in &mut dataset.files {
        file.extra.clear();
    }
    dataset
}

/// The file of a portal's catalogue in the folder that a user's programs have for what can be made again.
pub(crate) fn file_of(portal: &str, user_cache: &Path) -> PathBuf {
    let name = crate::user_folders::as_folder_name(portal);
    user_cache
        .join("clms")
        .join("catalogue")
        .join(format!("{name}.json"))
}
