//! What can't be got with this version, why, and what to do instead.

use clms_api::{Dataset, PrepackagedFile, Source};
use serde::Serialize;

/// Why something can't be got with this version, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unavailable {
    /// A stable word: `unsupported_source` or `no_file`.
    pub kind: &'static str,
    /// The reason.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}

pub(super) fn why_not_file(file: &PrepackagedFile, dataset: &Dataset) -> Option<Unavailable> {
    match &file.source {
        None | Some(Source::Eea) => None,
        Some(other) => Some(Unavailable {
            kind: "unsupported_source",
            reason: format!("its source is {other}, which this version can't preload from"),
            hint: format!("see {}", page(dataset)),
        }),
    }
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
