//! The portal's small tables.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::words::Format;
use crate::error::DecodeError;

/// Which formats can be had of data in which format (`@format_conversion_table`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormatTable {
    rows: Vec<(Format, Vec<Format>)>,
}

impl FormatTable {
    /// Reads the portal's table of tables of true and false.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_portal(value: Value) -> Result<Self, DecodeError> {
        let table: Map<String, Value> = object(value, "")?;
        let rows = table.into_iter().map(|(from, row)| {
            let row = object(row, &from)?;
            let targets = row
                .iter()
                .filter(|(_, possible)| **possible == Value::Bool(true))
                .map(|(to, _)| Format::from(to.as_str()))
                .collect();
            Ok((Format::from(from), targets))
        });
        Ok(Self {
            rows: rows.collect::<Result<_, DecodeError>>()?,
        })
    }

    /// The table as the portal's public software has it (clms.downloadtool 16.3), to check
    /// requests without asking the portal, which tells it to those who are signed in only.
    pub fn known() -> Self {
        use Format::{Gdb, Geojson, Geotiff, Gml, Gpkg, Netcdf, Shapefile, Wfs};
        let vectors = [Gdb, Gml, Gpkg, Geojson, Shapefile];
        let with = |more: Format| vectors.iter().cloned().chain([more]).collect();
        let rows = [
            (Gdb, vectors.to_vec()),
            (Gml, vec![Gml]),
            (Gpkg, vectors.to_vec()),
            (Geojson, vectors.to_vec()),
            (Geotiff, vec![Geotiff]),
            (Netcdf, vec![Geotiff, Netcdf]),
            (Shapefile, vectors.to_vec()),
            (Wfs, with(Wfs)),
        ];
        Self { rows: rows.into() }
    }

    /// All formats that data may be in.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        self.rows.iter().map(|(format, _)| format)
    }

    /// The formats that data in this one can be had in; none if the portal does not know it.
    pub fn targets(&self, from: &Format) -> &[Format] {
        let row = self.rows.iter().find(|(format, _)| format == from);
        row.map_or(&[], |(_, targets)| targets)
    }
}

fn object(value: Value, path: &str) -> Result<Map<String, Value>, DecodeError> {
    Fields::new(value, path).map(Fields::rest)
}

/// What the map viewer is told of a dataset (`@get-time-series-metadata`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimeSeriesMetadata {
    /// Whether the dataset is a time series.
    pub is_time_series: bool,
    /// The most days that one request may ask for; `None` where the portal sets no limit.
    pub max_days: Option<u32>,
    /// The first instant of a series.
    pub start: Option<Timestamp>,
    /// The last one; `None` is an open end, or unknown.
    pub end: Option<Timestamp>,
    /// Everything else that the portal said: the times of a map service, say.
    pub extra: Map<String, Value>,
}

impl TimeSeriesMetadata {
    /// Reads the portal's answer.
    ///
    /// # Errors
    /// When it is no object.
    pub fn from_portal(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(value, "")?;
        Ok(Self {
            is_time_series: fields.flag("mapviewer_istimeseries").unwrap_or(false),
            max_days: fields
                .whole("download_limit_temporal_extent")
                .and_then(|days| u32::try_from(days).ok())
                .filter(|days| *days > 0),
            start: fields.time("start"),
            end: fields.time("end"),
            extra: fields.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats() {
        let table = json!({"Netcdf": {"Geotiff": true, "GDB": false, "Netcdf": true}, "WFS": {}});
        let table = FormatTable::from_portal(table).unwrap();
        assert_eq!(
            table.targets(&Format::Netcdf),
            [Format::Geotiff, Format::Netcdf]
        );
        assert!(table.targets(&Format::Gml).is_empty());
        assert_eq!(table.formats().count(), 2);
        let error = FormatTable::from_portal(json!({"GDB": []})).unwrap_err();
        assert_eq!(error.path, "GDB");
    }

    #[test]
    fn series() {
        let metadata =
            json!({"download_limit_temporal_extent": 0, "mapviewer_istimeseries": false, "new": 1});
        let metadata = TimeSeriesMetadata::from_portal(metadata).unwrap();
        assert_eq!((metadata.is_time_series, metadata.max_days), (false, None));
        assert_eq!(Value::Object(metadata.extra), json!({"new": 1}));
    }
}
