//! What data ids become when they are opened, in the words that users of xcube's data stores know.

use std::str::FromStr;

use futures::{Stream, StreamExt as _, stream};
use serde_json::{Map, Value};

use crate::{
    ClmsStore, DataId, StoreError,
    catalogue::{Entry, Filter, How},
};

/// What a data id is when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DataType {
    /// Arrays with dimensions and coordinates.
    Dataset,
    /// Features with geometries: a GeoPackage.
    GeoDataFrame,
}

impl FromStr for DataType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Dataset, Self::GeoDataFrame];
        let found = all.into_iter().find(|known| known.as_str() == text);
        found.ok_or_else(|| {
            format!("{text:?} is no type of data; there are dataset and geodataframe")
        })
    }
}

impl DataType {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::GeoDataFrame => "geodataframe",
        }
    }

    /// The formats of the portal that are no rasters, in its spelling.
    const VECTORS: [&str; 6] = ["GDB", "GPKG", "Shapefile", "Geojson", "GML", "WFS"];

    /// By the portal's word for the format.
    pub(crate) fn of_format(format: Option<&str>) -> Self {
        let format = format.unwrap_or_default();
        let is_vector = |known: &&str| known.eq_ignore_ascii_case(format);
        match Self::VECTORS.iter().any(is_vector) {
            true => Self::GeoDataFrame,
            false => Self::Dataset,
        }
    }

    /// The ways in which such data are opened that are got so; none for what can't be had.
    pub(crate) fn opener_ids(self, how: Option<How>, format: Option<&str>) -> Vec<String> {
        let kind = self.as_str();
        match (how, self, format) {
            (None, ..) => Vec::new(),
            (Some(How::Preload), Self::Dataset, _) => vec![format!("{kind}:zarr:cache")],
            (Some(How::Preload), Self::GeoDataFrame, _) => vec![format!("{kind}:gpkg:cache")],
            (Some(How::Open), _, Some(format)) => {
                vec![format!("{kind}:{}:https", format.to_lowercase())]
            }
            // Only the files themselves tell.
            (Some(How::Open), _, None) => ["netcdf", "geotiff"]
                .map(|format| format!("{kind}:{format}:https"))
                .into(),
        }
    }
}

impl ClmsStore {
    /// All types that data ids may have.
    #[must_use]
    pub fn data_types() -> [DataType; 2] {
        [DataType::Dataset, DataType::GeoDataFrame]
    }

    /// What `data_id` is when it is opened. Needs no credentials.
    ///
    /// # Errors
    /// As for [`describe`](Self::describe).
    pub async fn data_type(&self, data_id: &DataId) -> Result<DataType, StoreError> {
        Ok(self.describe(data_id).await?.data_type)
    }

    /// The ways in which `data_id` is opened, as `<data type>:<format>:<place>`: `dataset:zarr:cache` for what is preloaded,
    /// `dataset:netcdf:https` or `dataset:geotiff:https` for what is opened where it lies. Empty for what can't be had.
    ///
    /// # Errors
    /// As for [`describe`](Self::describe).
    pub async fn opener_ids(&self, data_id: &DataId) -> Result<Vec<String>, StoreError> {
        Ok(self.describe(data_id).await?.opener_ids)
    }

    /// The data ids that can be had, one after the other, each with those attributes of its [`Entry`] that are named, such as `title` and `size`; `*` names
    /// all of them. Needs no credentials.
    ///
    /// # Errors
    /// [`StoreError::Api`] as for [`catalogue`](Self::catalogue), before the first data id.
    pub async fn data_ids(
        &self,
        filter: &Filter,
        attributes: &[&str],
    ) -> Result<impl Stream<Item = (DataId, Map<String, Value>)> + Send + use<>, StoreError> {
        let listing = self.listing().await?;
        let entries: Vec<Entry> = listing.list(filter).cloned().collect();
        let attributes: Vec<String> = attributes.iter().map(|&name| name.to_owned()).collect();
        Ok(stream::iter(entries).map(move |entry| {
            let all = match serde_json::to_value(&entry) {
                Ok(Value::Object(all)) => all,
                _ => Map::new(),
            };
            let is_wanted = |name: &String| {
                attributes.contains(name) || attributes.iter().any(|all| all == "*")
            };
            let wanted = all.into_iter().filter(|(name, _)| is_wanted(name));
            (entry.data_id, wanted.collect())
        }))
    }
}
