//! The files beside a raster.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dbf::{self, Column, Kind};
use crate::error::{AtPath, Result};
use crate::legend;
use crate::raster::RasterSpec;
use crate::statistics::Statistics;
use crate::{aux_xml, geotiff, iso_metadata};

/// A file beside the raster `X.tif`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sidecar {
    /// `X.tfw`: the world file, which holds the *centre* of the upper left pixel.
    Tfw,
    /// `X.tif.clr`: value (or code), red, green, blue on each line; no names.
    Clr(ClrKey),
    /// `X.tif.vat.dbf`: the value attribute table.
    VatDbf(VatColumns),
    /// `X.tif.vat.cpg`: the encoding of that table, UTF-8.
    VatCpg,
    /// `X.tif.aux.xml`: GDAL's statistics, and a raster attribute table.
    AuxXml(RatColumns),
    /// `X.tif.ovr`: overviews by these factors.
    Ovr(Vec<i32>),
    /// `X.tif.xml`: metadata.
    Xml,
    /// `X.tif` with this ending added, and any content: for side-cars that are wrong or huge.
    Raw {
        /// Such as `.vat.dbf`.
        ending: String,
        /// The content.
        bytes: Vec<u8>,
    },
}

/// What the first number of a `.clr` line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClrKey {
    /// The pixel value.
    Value,
    /// The class's code.
    Code,
}

/// The columns of a value attribute table beside `Value` and `Count`, each with its name as the product spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VatColumns {
    /// The pixel value, N10.
    pub value: String,
    /// The number of pixels, N10 (19 in tables that may count more than 10 digits).
    pub count: (String, u8),
    /// The class's code, with the width of its text column.
    pub code: Option<(String, u8)>,
    /// The class's name, C254.
    pub name: Option<String>,
    /// The area of the class: `AREA_KM2` and `AREA_PERC`, F19.
    pub areas: bool,
    /// `Red`, `Green`, `Blue` as fractions of 1, F19.
    pub colours: bool,
}

impl VatColumns {
    /// The tables of the CORINE rasters of Europe: `Value`, `Count`, `Code_18` C3, `LABEL3`, colours. The year is that of the code column.
    #[must_use]
    pub fn corine(year: u32) -> Self {
        Self {
            value: "Value".into(),
            count: ("Count".into(), 10),
            code: Some((format!("Code_{:02}", year % 100), 3)),
            name: Some("LABEL3".into()),
            areas: false,
            colours: true,
        }
    }

    /// The tables of the CORINE rasters of the French overseas departments: another case, a wide code, no colours.
    #[must_use]
    pub fn corine_overseas(year: u32) -> Self {
        Self {
            code: Some((format!("CODE_{:02}", year % 100), 254)),
            colours: false,
            ..Self::corine(year)
        }
    }

    /// `Value`, `Count`, `Class_Name` and colours.
    #[must_use]
    pub fn named() -> Self {
        Self {
            code: None,
            name: Some("Class_Name".into()),
            count: ("Count".into(), 19),
            ..Self::corine(0)
        }
    }

    /// The tables of the High Resolution Layers: `Value`, `Count`, areas, `Class_Name` and colours.
    #[must_use]
    pub fn high_resolution_layer() -> Self {
        Self {
            areas: true,
            ..Self::named()
        }
    }

    /// `VALUE` and `COUNT` alone.
    #[must_use]
    pub fn counts() -> Self {
        Self {
            value: "VALUE".into(),
            count: ("COUNT".into(), 10),
            code: None,
            name: None,
            areas: false,
            colours: false,
        }
    }
}

/// What the raster attribute table of an `.aux.xml` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatColumns {
    /// There is none, only statistics.
    None,
    /// `VALUE` and `COUNT`.
    Counts,
    /// `value`, `count`, `class_name` and the colours as whole numbers.
    Named,
}

/// Writes the side-cars of a raster that lies at `path`.
pub(crate) fn write_all(spec: &RasterSpec, path: &Path, statistics: &Statistics) -> Result<()> {
    // Overviews first: GDAL would look at the other side-cars when it opens the raster.
    for sidecar in &spec.sidecars {
        if let Sidecar::Ovr(factors) = sidecar {
            geotiff::build_overviews(path, factors)?;
        }
    }
    for sidecar in &spec.sidecars {
        let (target, bytes) = match sidecar {
            Sidecar::Ovr(_) => continue,
            Sidecar::Tfw => (path.with_extension("tfw"), world_file(spec).into_bytes()),
            Sidecar::Clr(key) => (
                beside(path, ".clr"),
                legend::clr(&spec.classes, *key).into_bytes(),
            ),
            Sidecar::VatDbf(columns) => (
                beside(path, ".vat.dbf"),
                value_table(spec, columns, statistics),
            ),
            Sidecar::VatCpg => (beside(path, ".vat.cpg"), b"UTF-8".to_vec()),
            Sidecar::AuxXml(columns) => {
                let text = aux_xml::document(&spec.classes, *columns, statistics);
                (beside(path, ".aux.xml"), text.into_bytes())
            }
            Sidecar::Xml => (
                beside(path, ".xml"),
                iso_metadata::document(spec)?.into_bytes(),
            ),
            Sidecar::Raw { ending, bytes } => (beside(path, ending), bytes.clone()),
        };
        fs::write(&target, bytes).at(&target)?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn world_file(spec: &RasterSpec) -> String {
    let gt = spec.transform();
    let (x, y) = spec.centre(0, 0);
    [gt[1], gt[4], gt[2], gt[5], x, y]
        .map(|number| format!("{number:.10}\r\n"))
        .concat()
}

/// One record for each class (also for those without a pixel), or for each value where there are no classes.
fn value_table(spec: &RasterSpec, names: &VatColumns, statistics: &Statistics) -> Vec<u8> {
    let column = |name: &str, kind, width| Column {
        name: name.to_owned(),
        kind,
        width,
    };
    let mut columns = vec![
        column(&names.value, Kind::Number, 10),
        column(&names.count.0, Kind::Number, names.count.1),
    ];
    if names.areas {
        columns.extend(["AREA_KM2", "AREA_PERC"].map(|name| column(name, Kind::Float, 19)));
    }
    if let Some((name, width)) = &names.code {
        columns.push(column(name, Kind::Text, *width));
    }
    if let Some(name) = &names.name {
        columns.push(column(name, Kind::Text, 254));
    }
    if names.colours {
        columns.extend(["Red", "Green", "Blue"].map(|name| column(name, Kind::Float, 19)));
    }
    let values: Vec<i64> = if spec.classes.0.is_empty() {
        statistics.counts.keys().copied().collect()
    } else {
        spec.classes.values().collect()
    };
    let gt = spec.transform();
    let pixel_km2 = (gt[1] * gt[5] - gt[2] * gt[4]).abs() / 1e6;
    let row = |value: &i64| {
        let class = spec.classes.get(*value);
        let count = statistics.counts.get(value).copied().unwrap_or(0);
        let mut row = vec![value.to_string(), count.to_string()];
        if names.areas {
            let percent = 100.0 * count as f64 / statistics.all.max(1) as f64;
            row.extend([count as f64 * pixel_km2, percent].map(dbf::float));
        }
        if names.code.is_some() {
            row.push(class.map_or_else(|| value.to_string(), |class| class.code.clone()));
        }
        if names.name.is_some() {
            row.push(class.map_or_else(String::new, |class| class.name.clone()));
        }
        if names.colours {
            let colour = class.map_or([0; 3], |class| class.colour);
            row.extend(colour.map(|part| dbf::float(f64::from(part) / 255.0)));
        }
        row
    };
    let rows: Vec<_> = values.iter().map(row).collect();
    dbf::table(&columns, &rows)
}
