//! What the portal would refuse, found before anything is sent.

use super::PartRequestBuilder;
use crate::model::Source;
use crate::request::invalid::InvalidRequest;
use crate::request::part::PartRequest;

impl PartRequestBuilder {
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
    use crate::model::{BBox, Dataset, Format, FormatTable};
    use crate::request::{Days, NutsCode};

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
