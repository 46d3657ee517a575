//! What an export asks for.

use std::path::{Path, PathBuf};

use clms_store::{DayRange, cube::Resampling};
use serde::{Deserialize, Serialize};

use super::{
    complete,
    values::{Numbers, typed},
};
use crate::{args::Export, failure::Failure};

/// The request of `clms export`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExportRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) data_id: String,
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) out: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bbox: Option<Numbers<4>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bbox_crs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<DayRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolution: Option<Numbers<2>>,
    #[serde(skip_serializing_if = "Option::is_none", with = "typed")]
    pub(crate) resampling: Option<Resampling>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) point: Vec<Numbers<2>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) polygon: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_side: Option<u32>,
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

impl ExportRequest {
    /// What the command line and the request file ask for together.
    pub(crate) fn of(export: &Export) -> Result<Self, Failure> {
        let given = Self {
            data_id: export.data_id.clone().unwrap_or_default(),
            out: export.out.clone().unwrap_or_default(),
            bbox: export.bbox.map(Numbers),
            bbox_crs: export.bbox_crs.clone(),
            time: export.time,
            variable: export.variable.clone(),
            group: export.group.clone(),
            crs: export.crs.clone(),
            resolution: export.resolution.map(Numbers),
            resampling: export.resampling,
            point: export.point.iter().copied().map(Numbers).collect(),
            polygon: export.polygon.clone(),
            max_side: export.max_side,
        };
        let request = complete(given, &["point", "polygon"], &export.files)?;
        for (name, is_missing) in [
            ("data_id", request.data_id.is_empty()),
            ("out", is_empty(&request.out)),
        ] {
            if is_missing {
                let failure = Failure::usage(format!("the request file has no {name}"));
                return Err(failure.with_hint("name it there, or on the command line"));
            }
        }
        Ok(request)
    }
}
