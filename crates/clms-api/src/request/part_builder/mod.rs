//! Asking for a part of a dataset, one choice at a time.

mod checks;

use super::area::Area;
use super::days::Days;
use super::invalid::InvalidRequest;
use super::nuts::NutsCode;
use super::part::PartRequest;
use crate::model::{
    BBox, Dataset, DownloadInformation, Format, FormatTable, InformationId, Source,
};

/// A placeholder that the catalogue lists as a layer and the portal refuses as one.
const ALL_LAYERS: &str = "ALL BANDS";

/// Datasets (by the last part of their address) that the portal refuses to give as NetCDF.
const WITHOUT_NETCDF: [&str; 1] = ["water-bodies-global-v1-0-100m"];

/// Builds a [`PartRequest`]; made by [`Client::part_request`](crate::Client::part_request), or
/// by [`PartRequestBuilder::new`] where the portal's tables are at hand.
///
/// ```
/// # use clms_api::{Dataset, Format, FormatTable, InvalidRequest, PartRequestBuilder};
/// # fn example(dataset: &Dataset, formats: &FormatTable, crs: &[String]) -> Result<(), InvalidRequest> {
/// let collection = &dataset.download_information[0].id;
/// let part = PartRequestBuilder::new(dataset, collection, formats.clone(), crs.to_vec())?
///     .nuts("LU".parse()?)
///     .format(Format::Geotiff)
///     .crs("EPSG:3035")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PartRequestBuilder {
    dataset: String,
    is_time_series: bool,
    max_days: Option<u32>,
    information: DownloadInformation,
    formats: FormatTable,
    projections: Vec<String>,
    part: PartRequest,
}

impl PartRequestBuilder {
    /// Begins with a collection of a dataset; format and CRS are the collection's own and the
    /// first of `projections` unless chosen.
    ///
    /// `formats` and `projections` are the portal's tables
    /// ([`Client::format_table`](crate::Client::format_table) and
    /// [`Client::projections`](crate::Client::projections) for this dataset).
    ///
    /// # Errors
    /// [`InvalidRequest::Collection`] for a collection that the dataset does not have, and
    /// [`InvalidRequest::NotDownloadable`] for one without a format, a path or a source that the
    /// portal can take data from.
    pub fn new(
        dataset: &Dataset,
        collection: &InformationId,
        formats: FormatTable,
        projections: Vec<String>,
    ) -> Result<Self, InvalidRequest> {
        let Some(information) = dataset
            .download_information
            .iter()
            .find(|information| information.id == *collection)
        else {
            let known = dataset.download_information.iter();
            return Err(InvalidRequest::Collection {
                dataset: dataset.id.clone(),
                found: collection.to_string(),
                allowed: known
                    .map(|information| information.id.to_string())
                    .collect(),
            });
        };
        let refused = |problem: &str| InvalidRequest::NotDownloadable {
            dataset: dataset.id.clone(),
            collection: collection.to_string(),
            problem: problem.to_owned(),
        };
        let source = match &information.source {
            None => return Err(refused("the portal does not say where its data come from")),
            Some(Source::Unknown(word)) => {
                return Err(refused(&format!(
                    "the portal can't take data from '{word}'"
                )));
            }
            Some(source) => source.clone(),
        };
        if information.path.is_none() && source != Source::Cdse {
            return Err(refused("the portal does not know where its data lie"));
        }
        let Some(format) = information.format.clone() else {
            return Err(refused("the portal does not know the format of its data"));
        };
        let part = PartRequest {
            dataset_uid: dataset.uid.clone(),
            information_id: collection.clone(),
            format,
            crs: projections.first().cloned().unwrap_or_default(),
            area: None,
            days: None,
            layer: None,
            source,
            path: information.path.clone(),
            byoc_collection: information.byoc_collection.clone(),
        };
        Ok(Self {
            dataset: dataset.id.clone(),
            is_time_series: dataset.is_time_series,
            max_days: dataset.max_days,
            information: information.clone(),
            formats,
            projections,
            part,
        })
    }

    /// Begins with a collection of a dataset and what is known of the portal's tables without
    /// asking for them: [`FormatTable::known`] and [`Dataset::projections`].
    ///
    /// # Errors
    /// As for [`PartRequestBuilder::new`].
    pub fn offline(dataset: &Dataset, collection: &InformationId) -> Result<Self, InvalidRequest> {
        let projections = dataset.projections.clone();
        Self::new(dataset, collection, FormatTable::known(), projections)
    }

    /// Cuts out a bounding box; replaces any area chosen before.
    pub fn bbox(self, bbox: BBox) -> Self {
        self.area(Area::BBox(bbox))
    }

    /// Cuts out a region; replaces any area chosen before.
    pub fn nuts(self, code: NutsCode) -> Self {
        self.area(Area::Nuts(code))
    }

    /// Cuts out an area; replaces any chosen before.
    pub fn area(mut self, area: Area) -> Self {
        self.part.area = Some(area);
        self
    }

    /// Takes these days only.
    pub fn days(mut self, days: Days) -> Self {
        self.part.days = Some(days);
        self
    }

    /// Converts to a format; the collection's own unless chosen.
    pub fn format(mut self, format: Format) -> Self {
        self.part.format = format;
        self
    }

    /// Projects to a CRS such as `EPSG:3035`.
    pub fn crs(mut self, code: impl Into<String>) -> Self {
        self.part.crs = code.into();
        self
    }

    /// Takes one layer only; outer blanks don't matter.
    pub fn layer(mut self, name: impl Into<String>) -> Self {
        self.part.layer = Some(name.into());
        self
    }

    /// The formats that can be chosen.
    pub fn allowed_formats(&self) -> Vec<Format> {
        let Some(own) = &self.information.format else {
            return Vec::new();
        };
        let is_allowed = |format: &&Format| {
            **format != Format::Netcdf || !WITHOUT_NETCDF.contains(&self.dataset.as_str())
        };
        self.formats
            .targets(own)
            .iter()
            .filter(is_allowed)
            .cloned()
            .collect()
    }

    /// The CRSs that can be chosen.
    pub fn allowed_crs(&self) -> &[String] {
        &self.projections
    }

    /// The layers that can be chosen, as the catalogue spells them.
    pub fn allowed_layers(&self) -> impl Iterator<Item = &str> {
        let layers = self.information.layers.iter().map(String::as_str);
        layers.filter(|layer| layer.trim() != ALL_LAYERS)
    }
}
