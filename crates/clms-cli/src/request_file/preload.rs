//! What a preload asks for.

use std::time::Duration;

use clms_store::{
    PreloadOptions, Subset, TileSize,
    cube::{Levels, ZarrFormat},
};
use serde::{Deserialize, Serialize};

use super::{
    complete,
    values::{Numbers, span, typed},
};
use crate::{
    args::{Preload, SubsetArgs},
    failure::Failure,
};

/// The request of `clms preload`: what shapes the cube. What is about one call only, such as `--dry-run`, is not part of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PreloadRequest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) data_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bbox: Option<Numbers<4>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nuts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tile_size: Option<TileSize>,
    #[serde(skip_serializing_if = "Option::is_none", with = "typed")]
    zarr_format: Option<ZarrFormat>,
    #[serde(skip_serializing_if = "Option::is_none", with = "typed")]
    levels: Option<Levels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_downloads: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", with = "span")]
    timeout: Option<Duration>,
}

impl PreloadRequest {
    /// What the command line and the request file ask for together.
    pub(crate) fn of(preload: &Preload) -> Result<Self, Failure> {
        let subset = &preload.subset;
        // It knows best what is wrong with what was typed.
        let _ = chosen(subset)?;
        let given = Self {
            data_ids: preload.data_ids.clone(),
            bbox: subset.bbox.as_deref().and_then(|text| text.parse().ok()),
            nuts: subset.nuts.clone(),
            time: subset.time.clone(),
            crs: subset.crs.clone(),
            format: subset.format.clone(),
            layer: subset.layer.clone(),
            tile_size: preload.tile_size,
            zarr_format: preload.zarr_format,
            levels: preload.levels,
            keep_downloads: preload.keep_downloads.then_some(true),
            timeout: preload.timeout,
        };
        let request = complete(given, &["bbox", "nuts"], &preload.files)?;
        if request.data_ids.is_empty() {
            let failure = Failure::usage("the request file names no data_ids");
            return Err(failure
                .with_hint("name them: data_ids = [\"PRODUCT|FILE\"], or on the command line"));
        }
        Ok(request)
    }

    /// The subset that is asked for; empty if there is none.
    pub(crate) fn subset(&self) -> Result<Subset, Failure> {
        let it = self.clone();
        let args = SubsetArgs {
            bbox: it.bbox.map(|bbox| bbox.to_string()),
            nuts: it.nuts,
            time: it.time,
            crs: it.crs,
            format: it.format,
            layer: it.layer,
        };
        chosen(&args)
    }

    /// How the cubes are to be built.
    pub(crate) fn options(&self) -> PreloadOptions {
        PreloadOptions {
            tile_size: self.tile_size,
            zarr_format: self.zarr_format.unwrap_or_default(),
            levels: self.levels.unwrap_or_default(),
            keep_downloads: self.keep_downloads.unwrap_or_default(),
            timeout: self.timeout,
            ..PreloadOptions::default()
        }
    }
}

fn chosen(args: &SubsetArgs) -> Result<Subset, Failure> {
    args.chosen().map_err(|why| {
        Failure::usage(why.to_string())
            .with_hint("a subset looks like --bbox 5.8,45.8,10.5,47.8 --time 2021-01-01/2021-01-31; `clms describe ID` says what can be chosen")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command, StoreCommand};

    fn request(line: &str) -> Result<PreloadRequest, Failure> {
        let typed = ["clms", "preload"].into_iter().chain(line.split(' '));
        match Cli::parse_from(typed).command {
            Command::OfStore(StoreCommand::Preload(preload)) => PreloadRequest::of(&preload),
            _ => panic!("another command"),
        }
    }

    #[test]
    fn what_is_saved_is_read_again_and_options_win() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["request.json", "request.toml"] {
            let file = folder.path().join(name);
            let file = file.to_str().unwrap();
            let saved = request(&format!(
                "a|b c|d --bbox -1,2.5,3,4 --tile-size 512,256 --zarr-format 2 --levels 3 --timeout 90m --keep-downloads --save-request {file}"
            ))
            .unwrap();
            assert_eq!(request(&format!("--request-file {file}")).unwrap(), saved);
            let changed =
                request(&format!("x --request-file {file} --nuts LU --levels auto")).unwrap();
            assert_eq!(changed.data_ids, ["x"]);
            assert_eq!((changed.bbox, changed.nuts.as_deref()), (None, Some("LU")));
            assert_eq!(changed.levels, Some(Levels::default()));
            assert_eq!(changed.tile_size, saved.tile_size);
            assert_eq!(saved.subset().unwrap().to_string(), "bbox=-1,2.5,3,4");
        }
    }

    #[test]
    fn what_nobody_understands_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("request.toml");
        for (text, complaint) in [
            ("data_ids = [\"a\"]\ntilesize = 3", "tilesize"),
            ("data_ids = [\"a\"", "line 1"),
            ("data_ids = [\"a\"]\nlevels = \"many\"", "many"),
            ("nuts = \"LU\"", "data_ids"),
        ] {
            std::fs::write(&file, text).unwrap();
            let failure = request(&format!("--request-file {}", file.display())).unwrap_err();
            assert!(failure.message.contains(complaint), "{}", failure.message);
        }
    }
}
