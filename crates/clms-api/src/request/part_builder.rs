//! Asking for a part of a dataset, one choice at a time.

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

    /// Checks all choices.
    ///
    /// # Errors
    /// An [`InvalidRequest`] that names the values that are allowed: for a format, CRS, layer or
    /// area that can't be had, and for days that are missing, too many or not allowed.
    pub fn build(mut self) -> Result<PartRequest, InvalidRequest> {
        self.check_format()?;
        if !self.projections.contains(&self.part.crs) {
            return Err(InvalidRequest::Crs {
                found: self.part.crs,
                allowed: self.projections,
            });
        }
        self.spell_layer()?;
        if let Some(area) = &self.part.area {
            area.check()?;
        }
        self.check_days()?;
        self.check_extent()?;
        Ok(self.part)
    }

    fn check_format(&self) -> Result<(), InvalidRequest> {
        let allowed = self.allowed_formats();
        if allowed.contains(&self.part.format) {
            return Ok(());
        }
        Err(InvalidRequest::Format {
            found: self.part.format.to_string(),
            from: self
                .information
                .format
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            allowed: allowed.iter().map(ToString::to_string).collect(),
        })
    }

    /// The portal compares the layer with its own spelling, blanks and all.
    fn spell_layer(&mut self) -> Result<(), InvalidRequest> {
        let Some(wanted) = &self.part.layer else {
            return Ok(());
        };
        let spelling = self
            .allowed_layers()
            .find(|layer| layer.trim() == wanted.trim())
            .map(str::to_owned);
        match spelling {
            Some(spelling) => {
                self.part.layer = Some(spelling);
                Ok(())
            }
            None => Err(InvalidRequest::Layer {
                found: wanted.clone(),
                allowed: self
                    .allowed_layers()
                    .map(|layer| layer.trim().to_owned())
                    .collect(),
            }),
        }
    }

    fn check_days(&self) -> Result<(), InvalidRequest> {
        let dataset = || self.dataset.clone();
        match (self.part.days, self.max_days) {
            (Some(_), None) => Err(InvalidRequest::DaysNotAllowed { dataset: dataset() }),
            (Some(days), Some(max)) if i64::from(days.span()) > i64::from(max) => {
                Err(InvalidRequest::TooManyDays {
                    dataset: dataset(),
                    found: days.span(),
                    max,
                })
            }
            (None, max) if self.is_time_series => Err(InvalidRequest::DaysNeeded {
                dataset: dataset(),
                max: max.unwrap_or_default(),
            }),
            _ => Ok(()),
        }
    }

    /// The portal gives no whole datasets this way, but days of one of the agency's.
    fn check_extent(&self) -> Result<(), InvalidRequest> {
        let problem = match (&self.part.area, self.part.days, &self.part.source) {
            (Some(_), _, _) | (None, Some(_), Source::Eea) => return Ok(()),
            (None, None, Source::Eea) => {
                "the whole of it can be had as prepackaged files, which are requested by their FileID"
            }
            (None, _, _) => {
                "the whole of it can't be requested here; some sources give direct links"
            }
        };
        Err(InvalidRequest::AreaNeeded {
            dataset: self.dataset.clone(),
            problem: problem.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn table() -> FormatTable {
        FormatTable::from_portal(json!({
            "Geotiff": {"Geotiff": true, "Netcdf": false},
            "Netcdf": {"Geotiff": true, "Netcdf": true},
            "GDB": {"GPKG": true, "GDB": true},
        }))
        .unwrap()
    }

    fn builder(dataset: &Dataset) -> Result<PartRequestBuilder, InvalidRequest> {
        let projections = ["EPSG:4326", "EPSG:3035"].map(str::to_owned).to_vec();
        PartRequestBuilder::new(dataset, &"i".into(), table(), projections)
    }

    fn dataset(information: serde_json::Value, more: serde_json::Value) -> Dataset {
        let mut value = json!({
            "UID": "u", "id": "product", "dataset_download_information": {"items": [information]},
        });
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Dataset::from_portal(value).unwrap()
    }

    fn geotiff() -> Dataset {
        let information = json!({
            "@id": "i", "full_format": "Geotiff", "full_source": "EEA", "full_path": "H:\\x",
            "layers": ["ALL BANDS", "Built-up "],
        });
        dataset(information, json!({}))
    }

    fn series() -> Dataset {
        let information =
            json!({"@id": "i", "full_format": "Netcdf", "full_source": "EEA", "full_path": "/x"});
        dataset(
            information,
            json!({"download_limit_temporal_extent": 30, "mapviewer_istimeseries": true}),
        )
    }

    fn lu() -> NutsCode {
        "LU".parse().unwrap()
    }

    #[track_caller]
    fn refused(result: Result<PartRequest, InvalidRequest>, words: &[&str]) {
        let error = result.unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{word} is not in: {error}");
        }
    }

    #[test]
    fn choices_have_sensible_beginnings() {
        let part = builder(&geotiff()).unwrap().nuts(lu()).build().unwrap();
        assert_eq!((part.format(), part.crs()), (&Format::Geotiff, "EPSG:4326"));
        assert_eq!(part.layer(), None);
        let part = builder(&geotiff())
            .unwrap()
            .nuts(lu())
            .layer(" Built-up")
            .build()
            .unwrap();
        assert_eq!(part.layer(), Some("Built-up "), "as the portal spells it");
    }

    #[test]
    fn messages_name_what_is_allowed() {
        let begin = || builder(&geotiff()).unwrap().nuts(lu());
        refused(
            begin().format(Format::Netcdf).build(),
            &["Netcdf", "for data in Geotiff", "'Geotiff'"],
        );
        refused(
            begin().format("GeoTIFF".into()).build(),
            &["'GeoTIFF'", "'Geotiff'"],
        );
        refused(
            begin().crs("4326").build(),
            &["'4326'", "'EPSG:4326', 'EPSG:3035'"],
        );
        refused(begin().crs("").build(), &["'EPSG:3035'"]);
        refused(begin().layer("nope").build(), &["'nope'", "'Built-up'"]);
        refused(begin().layer("ALL BANDS").build(), &["'Built-up'"]);
        let huge = BBox::new(-30.0, 30.0, 40.0, 72.0).unwrap();
        refused(begin().bbox(huge).build(), &["1.6e12", "smaller"]);
    }

    #[test]
    fn collections_that_can_not_be_cut() {
        let error =
            PartRequestBuilder::new(&geotiff(), &"x".into(), table(), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("it has 'i'"), "{error}");
        for (key, problem) in [
            ("full_format", "format"),
            ("full_path", "lie"),
            ("full_source", "come from"),
        ] {
            let mut information = json!({"@id": "i", "full_format": "Geotiff", "full_source": "EEA", "full_path": "/x"});
            information[key] = json!("");
            let error = builder(&dataset(information, json!({}))).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
        let odd =
            json!({"@id": "i", "full_format": "Geotiff", "full_source": "MARS", "full_path": "/x"});
        assert!(
            builder(&dataset(odd, json!({})))
                .unwrap_err()
                .to_string()
                .contains("MARS")
        );
    }

    #[test]
    fn days() {
        let days = |last| Days::new(date(2021, 1, 1), last).unwrap();
        let begin = || builder(&series()).unwrap().nuts(lu());
        begin().days(days(date(2021, 1, 31))).build().unwrap();
        refused(
            begin().days(days(date(2021, 2, 1))).build(),
            &["31 days", "allows 30"],
        );
        refused(begin().build(), &["needs days", "30"]);
        // Days of the whole of it can be had from the agency.
        builder(&series())
            .unwrap()
            .days(days(date(2021, 1, 5)))
            .build()
            .unwrap();
        let not_a_series = builder(&geotiff())
            .unwrap()
            .nuts(lu())
            .days(days(date(2021, 1, 5)));
        refused(not_a_series.build(), &["takes no days"]);
    }

    #[test]
    fn whole_datasets() {
        refused(builder(&geotiff()).unwrap().build(), &["prepackaged"]);
        let mut series = series();
        series.download_information[0].source = Some(Source::Wekeo);
        let days = Days::new(date(2021, 1, 1), date(2021, 1, 5)).unwrap();
        refused(
            builder(&series).unwrap().days(days).build(),
            &["needs a bounding box or a NUTS code"],
        );
    }
}
