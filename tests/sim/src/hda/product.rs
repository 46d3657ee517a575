//! What the broker holds.

use std::path::PathBuf;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::package::Package;

/// A dataset of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct HdaDataset {
    pub(super) id: String,
    pub(super) time_names: (String, String),
    pub(super) terms: Vec<String>,
}

impl HdaDataset {
    /// A dataset of that id, whose queries name times `startdate` and `enddate`, under the general licence of Copernicus.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            time_names: ("startdate".to_owned(), "enddate".to_owned()),
            terms: vec!["Copernicus_General_License".to_owned()],
        }
    }

    /// What queries call the first and the last instant.
    pub fn time_names(mut self, start: impl Into<String>, end: impl Into<String>) -> Self {
        self.time_names = (start.into(), end.into());
        self
    }
}

/// A product of a dataset: one file.
#[derive(Debug, Clone)]
#[must_use]
pub struct HdaProduct {
    pub(super) dataset: String,
    pub(super) id: String,
    pub(super) file: Package,
    pub(super) filters: Vec<(String, String)>,
    pub(super) bbox: [f64; 4],
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) size_is_told: bool,
    pub(super) visible_after_searches: u32,
}

impl HdaProduct {
    /// A product with that content: all over the world, on 1 January 2018, until told otherwise.
    pub fn new(
        dataset: impl Into<String>,
        id: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Self {
        Self {
            dataset: dataset.into(),
            id: id.into(),
            file: Package::Memory(content.into()),
            filters: Vec::new(),
            bbox: [-180.0, -90.0, 180.0, 90.0],
            start: Timestamp::UNIX_EPOCH,
            end: Timestamp::UNIX_EPOCH,
            size_is_told: true,
            visible_after_searches: 0,
        }
        .on("2018-01-01")
    }

    /// A product that is a file on disk, which must be there.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub fn of_file(
        dataset: impl Into<String>,
        id: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> std::io::Result<Self> {
        let path = path.into();
        let size = path.metadata()?.len();
        let mut product = Self::new(dataset, id, Bytes::new());
        product.file = Package::File(path, size);
        Ok(product)
    }

    /// A filter that it matches, such as `productType` `FSC`.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filters.push((name.into(), value.into()));
        self
    }

    /// Where it lies, in degrees: west, south, east, north.
    pub fn bbox(mut self, bbox: [f64; 4]) -> Self {
        self.bbox = bbox;
        self
    }

    /// Made of what was seen at noon of that day (`YYYY-MM-DD`); a day that is none is left alone.
    pub fn on(mut self, day: &str) -> Self {
        if let Ok(noon) = format!("{day}T12:00:00Z").parse::<Timestamp>() {
            self.start = noon;
            self.end = noon + SignedDuration::from_secs(30);
        }
        self
    }

    /// Its size is `ND`.
    pub fn of_unknown_size(mut self) -> Self {
        self.size_is_told = false;
        self
    }

    /// It comes into the archive after so many search requests.
    pub fn visible_after_searches(mut self, searches: u32) -> Self {
        self.visible_after_searches = searches;
        self
    }
}
