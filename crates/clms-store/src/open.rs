//! Opening: what is cached from the cache, what is not lazily from where it lies.

use clms_api::Days;
use clms_cube::{CubeError, Dataset};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ClmsStore, DataId, StoreError,
    catalogue::How,
    day_range::DayRange,
    sources::{self, Wanted, cdse::VersionWish},
};

/// What to open of a data id. Days and boxes keep sources from looking at files that nobody wants; cached cubes are opened whole, for of
/// them everything is there. Windows are chosen when they are read, whatever is opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpenOptions {
    /// Only these days, such as `2020-01-01/2020-01-31`; all if not given.
    #[schemars(with = "Option<String>")]
    pub time: Option<DayRange>,
    /// Only what lies in this box: west, south, east, north in degrees (WGS 84). Of sources that are made of tiles, others are not looked at.
    pub bbox: Option<[f64; 4]>,
    /// Only these variables; all if not given. Of CDSE's GeoTIFFs each is a file of its own.
    pub variables: Option<Vec<String>>,
    /// Which of several versions of one day, where a source keeps them: `newest`, `all`, a version such as `V1.2.1`, or how final it is, such as
    /// `RT0` or `NRT`.
    #[serde(with = "crate::as_text")]
    #[schemars(with = "String")]
    pub version: VersionWish,
}

impl OpenOptions {
    /// What is left of a dataset that was opened.
    fn choose(&self, dataset: Dataset) -> Result<Dataset, CubeError> {
        match &self.variables {
            Some(names) => dataset.with_variables(names),
            None => Ok(dataset),
        }
    }

    /// The days of a dataset that are wanted: all that it has if none are named.
    pub(crate) fn days(&self, dataset: &clms_api::Dataset) -> Result<Days, StoreError> {
        let extent = &dataset.temporal_extent;
        let day = |time: jiff::Timestamp| time.to_zoned(jiff::tz::TimeZone::UTC).date();
        let first = self.time.and_then(|time| time.first);
        let last = self.time.and_then(|time| time.last);
        // No land data are older than the first satellites that are in the catalogue.
        let first = first
            .or(extent.start.map(day))
            .unwrap_or(jiff::civil::date(1980, 1, 1));
        let last = last
            .or(extent.end.map(day))
            .unwrap_or_else(|| day(jiff::Timestamp::now()));
        Ok(Days::new(first, last.max(first)).map_err(clms_api::ApiError::from)?)
    }
}

impl ClmsStore {
    /// Opens a data id: from the cache what is there, else lazily from where it lies. Reads metadata and no pixels. What is cached needs neither
    /// credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::NotCached`] if it has to be preloaded first, [`StoreError::NoSuchDataId`] with the nearest names,
    /// [`StoreError::Unavailable`] for what can't be had, [`StoreError::Cube`] if it can't be read.
    pub async fn open(&self, data_id: &DataId) -> Result<Dataset, StoreError> {
        self.open_part(data_id, &OpenOptions::default()).await
    }

    /// Opens a part of a data id; of lazily opened sources, the files of other days and places are not looked at.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_part(
        &self,
        data_id: &DataId,
        options: &OpenOptions,
    ) -> Result<Dataset, StoreError> {
        let name = data_id.cube_name()?;
        if self.cache.look_up(&name).await?.is_some() {
            let cube = Dataset::open_zarr(self.cache.open(&name).await?).await;
            let chosen = cube.and_then(|cube| options.choose(cube));
            return chosen.map_err(|why| StoreError::of_cube(data_id, why));
        }
        let not_cached = || StoreError::NotCached {
            data_id: data_id.to_string(),
            cache: self.cache_in_full(),
        };
        if data_id.subset().is_some() {
            return Err(not_cached());
        }
        let catalogue = match self.catalogue_with(std::slice::from_ref(data_id)).await {
            Ok(catalogue) => catalogue,
            Err(why) if data_id.file().is_some() => {
                tracing::debug!(%why, "whether it could be had otherwise is unknown");
                return Err(not_cached());
            }
            Err(why) => return Err(why),
        };
        let entry = catalogue.entry(data_id)?;
        match (entry.how, &entry.why_not) {
            (Some(How::Open), _) => {
                let wanted = Wanted {
                    data_id,
                    dataset: catalogue.dataset(entry),
                    options,
                    network: &self.network,
                    cache: &self.cache_in_full(),
                };
                let dataset = sources::open(wanted).await?;
                let chosen = options.choose(dataset);
                chosen.map_err(|why| StoreError::of_files(data_id, why))
            }
            (_, Some(why)) => Err(StoreError::Unavailable {
                data_id: data_id.to_string(),
                why: why.clone(),
            }),
            _ => Err(not_cached()),
        }
    }
}
