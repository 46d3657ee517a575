//! What can't be got with this version, why, and what to do instead.

use std::cmp::Ordering;

use clms_api::{Dataset, FileKind, Format, PrepackagedFile, Source};
use serde::Serialize;

use crate::DataId;

/// Why something can't be got with this version, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unavailable {
    /// A stable word: `vector_only`, `unsupported_source` or `no_file`.
    pub kind: &'static str,
    /// The reason.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}

pub(super) fn why_not_file(file: &PrepackagedFile, dataset: &Dataset) -> Option<Unavailable> {
    let vector_format = matches!(
        file.format,
        Some(
            Format::Gdb
                | Format::Gpkg
                | Format::Shapefile
                | Format::Geojson
                | Format::Gml
                | Format::Wfs
        )
    );
    if file.kind == FileKind::Vector || vector_format {
        return Some(Unavailable {
            kind: "vector_only",
            reason: format!(
                "it holds vector data ({}), and a cube is made of rasters",
                file.format
                    .as_ref()
                    .map_or_else(|| file.kind.to_string(), ToString::to_string)
            ),
            hint: match raster_sibling(file, dataset) {
                Some(sibling) => format!("the same product as a raster: {sibling}"),
                None => format!("download it by hand from {}", page(dataset)),
            },
        });
    }
    match &file.source {
        None | Some(Source::Eea) => None,
        Some(other) => Some(Unavailable {
            kind: "unsupported_source",
            reason: format!("its source is {other}, which this version can't preload from"),
            hint: format!("see {}", page(dataset)),
        }),
    }
}

/// Another file of the same dataset that is a raster, the one most alike in name.
fn raster_sibling(file: &PrepackagedFile, dataset: &Dataset) -> Option<DataId> {
    dataset
        .files
        .iter()
        .filter(|other| other.kind == FileKind::Raster && other.id != file.id)
        .max_by(|a, b| {
            let likeness = |other: &PrepackagedFile| strsim::jaro_winkler(&file.name, &other.name);
            likeness(a)
                .partial_cmp(&likeness(b))
                .unwrap_or(Ordering::Equal)
        })
        .and_then(|sibling| DataId::of_file(&dataset.id, &sibling.name).ok())
}

pub(super) fn why_not_product(source: Option<&Source>, dataset: &Dataset) -> Unavailable {
    match source {
        None => Unavailable {
            kind: "no_file",
            reason: "the portal names no file to download".to_owned(),
            hint: format!("see {}", page(dataset)),
        },
        Some(source @ Source::Landcover) => Unavailable {
            kind: "unsupported_source",
            reason: format!("its source {source} was closed in June 2025"),
            hint: "the same data are in the Copernicus Data Space Ecosystem (CDSE), dataspace.copernicus.eu".to_owned(),
        },
        Some(source @ (Source::Cdse | Source::CdseCsv)) => Unavailable {
            kind: "unsupported_source",
            reason: format!("its source is {source}, which this version can't open"),
            hint: "get it from the Copernicus Data Space Ecosystem, dataspace.copernicus.eu".to_owned(),
        },
        Some(source @ Source::Wekeo) => Unavailable {
            kind: "unsupported_source",
            reason: format!("its source is {source}, which this version can't open"),
            hint: "get it from WEkEO, wekeo.copernicus.eu".to_owned(),
        },
        Some(source) => Unavailable {
            kind: "unsupported_source",
            reason: format!("its source is {source}, which this version can't open"),
            hint: format!("see {}", page(dataset)),
        },
    }
}

fn page(dataset: &Dataset) -> String {
    dataset.url.as_ref().map_or_else(
        || "https://land.copernicus.eu".to_owned(),
        ToString::to_string,
    )
}
