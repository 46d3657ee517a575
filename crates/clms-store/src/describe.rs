//! What a data id is, in one answer.

use clms_api::Dataset;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    CubeContents, DataId, DataType, ExpectedValues,
    catalogue::{Catalogue, Collection, Entry, How, Unavailable},
};

/// What the portal says of a data id, and whether it is in the cache.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Description {
    /// Its name.
    pub data_id: DataId,
    /// The product's title.
    pub title: String,
    /// A paragraph about the product, plain text.
    pub description: String,
    /// The product's page for people.
    pub url: Option<String>,
    /// The product's extent in degrees: west, south, east, north (WGS 84).
    pub bbox: Option<[f64; 4]>,
    /// Its coordinate reference systems, such as `EPSG:3035`.
    pub crs: Vec<String>,
    /// The time that it covers.
    pub time_range: TimeRange,
    /// The portal's word for the resolution, such as `100 m`.
    pub resolution: Option<String>,
    /// The portal's word for the area, such as `Europe` or `E00N20`.
    pub area: Option<String>,
    /// The portal's word for the format, such as `Geotiff`.
    pub format: Option<String>,
    /// Size of the download in bytes, rounded by the portal.
    pub size: Option<u64>,
    /// The product's version.
    pub version: Option<String>,
    /// Where the portal says that it comes from, such as `EEA`.
    pub source: Option<String>,
    /// Conditions of use, plain text.
    pub licence: Option<String>,
    /// How to cite it, plain text.
    pub citation: Option<String>,
    /// What it is when it is opened.
    pub data_type: DataType,
    /// The ways in which it is opened; see [`ClmsStore::opener_ids`](crate::ClmsStore::opener_ids).
    pub opener_ids: Vec<String>,
    /// True if this program can get it.
    pub available: bool,
    /// How it is got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// Why it can't be got, if it can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<Unavailable>,
    /// Where its cube is, if it is cached.
    pub cube: Option<String>,
    /// Which values its raster will have, if that is documented and it is not cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedValues>,
    /// What its cube holds, if it is cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contents: Option<CubeContents>,
    /// How many other data ids the same product has.
    pub siblings: usize,
    /// Of a product as a whole: the collections from which the portal cuts [subsets](crate::Subset), and what these can be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Collection>,
}

/// The time that a product covers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TimeRange {
    /// The beginning.
    pub start: Option<Timestamp>,
    /// The end; `None` if it is open or unknown.
    pub end: Option<Timestamp>,
    /// The portal's own words for it, such as `2016 - present`.
    pub text: Option<String>,
}

impl Description {
    /// Of an entry of the catalogue.
    pub(crate) fn of(entry: &Entry, catalogue: &Catalogue, cube: Option<String>) -> Self {
        let dataset = catalogue.dataset(entry);
        Self {
            resolution: entry.resolution.clone(),
            area: entry.area.clone(),
            format: entry.format.clone(),
            size: entry.size,
            version: entry.version.clone(),
            source: entry.source.clone(),
            available: entry.available,
            how: entry.how,
            why_not: entry.why_not.clone(),
            siblings: dataset.files.len().saturating_sub(1),
            expected: match (&cube, entry.data_id.file()) {
                (None, Some(file)) => ExpectedValues::of_file(file),
                _ => None,
            },
            ..Self::of_dataset(entry.data_id.clone(), dataset, cube)
        }
        .typed()
    }

    /// Of a product with all its files and collections.
    pub(crate) fn of_product(
        data_id: DataId,
        dataset: &Dataset,
        collections: Vec<Collection>,
    ) -> Self {
        let siblings = dataset.files.len();
        Self {
            available: siblings > 0 || collections.iter().any(|it| it.available),
            siblings,
            collections,
            ..Self::of_dataset(data_id, dataset, None)
        }
    }

    /// Of a subset of that collection, which can be had.
    pub(crate) fn of_subset(
        data_id: DataId,
        dataset: &Dataset,
        collection: Collection,
        cube: Option<String>,
    ) -> Self {
        let subset = data_id.subset();
        let format = subset.and_then(|subset| subset.format().map(ToString::to_string));
        let crs = subset.and_then(|subset| subset.crs().map(str::to_owned));
        Self {
            format: format.or(collection.format),
            crs: crs.or(collection.default_crs).into_iter().collect(),
            source: collection.source,
            available: true,
            how: Some(How::Preload),
            siblings: dataset.files.len(),
            ..Self::of_dataset(data_id, dataset, cube)
        }
        .typed()
    }

    /// With the type of its data and the ways to open them, by its format and how it is got.
    fn typed(self) -> Self {
        let format = self.format.as_deref();
        let data_type = DataType::of_format(format);
        let opener_ids = data_type.opener_ids(self.how, format);
        Self {
            data_type,
            opener_ids,
            ..self
        }
    }

    fn of_dataset(data_id: DataId, dataset: &Dataset, cube: Option<String>) -> Self {
        Self {
            data_id,
            title: dataset.title.clone(),
            description: dataset.description.clone(),
            url: dataset.url.as_ref().map(ToString::to_string),
            bbox: dataset
                .bbox
                .map(|bbox| [bbox.west, bbox.south, bbox.east, bbox.north]),
            crs: dataset.crs.clone(),
            time_range: TimeRange {
                start: dataset.temporal_extent.start,
                end: dataset.temporal_extent.end,
                text: dataset.temporal_extent.text.clone(),
            },
            resolution: dataset.resolution.clone(),
            area: None,
            format: None,
            size: None,
            version: None,
            source: None,
            licence: dataset.license.clone(),
            citation: dataset.citation.clone(),
            available: false,
            data_type: DataType::Dataset,
            opener_ids: Vec::new(),
            how: None,
            why_not: None,
            cube,
            expected: None,
            contents: None,
            siblings: 0,
            collections: Vec::new(),
        }
    }
}
