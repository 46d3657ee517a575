//! What the caller decides about a cube.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

/// How a cube is planned and built. The defaults are right for most.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Size of a chunk, the smallest part that can be read; by default 1024 x 1024 pixels (512 x 512 when the sources
    /// are wide and striped, which bounds the memory).
    pub tile_size: Option<TileSize>,
    /// Fill value for all variables, in place of what the sources and the product say.
    pub fill_value: Option<f64>,
    /// Zstandard level of the chunks; 1 by default.
    pub compression_level: Option<i32>,
    /// Overviews: the same ground at half, a quarter, ... of the resolution.
    pub levels: Levels,
    /// Which Zarr it is written as.
    pub zarr_format: ZarrFormat,
    /// Threads that read and encode; by default one for each core, at most 8.
    pub workers: Option<NonZeroUsize>,
    /// A file, which need not exist, that holds the names of the rasters that GDAL is reading while it is: if the process dies of one, the next
    /// [`crate::plan`] with the same file says so.
    pub reading_log: Option<PathBuf>,
    /// Where the data comes from, for the attributes of the cube.
    pub provenance: Provenance,
}

/// The version of the Zarr format that a cube is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ZarrFormat {
    /// Version 3, with sharded chunks and consolidated metadata: few files, small reads.
    #[default]
    V3,
    /// Version 2 with consolidated metadata, one file for each chunk: for GDAL before 3.13, and what is built on it.
    V2,
}

/// A text that is no version of Zarr.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version of Zarr that is written: expected 3 or 2")]
pub struct ZarrFormatError {
    /// The text.
    pub text: String,
}

/// `3` or `2`.
impl FromStr for ZarrFormat {
    type Err = ZarrFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "3" => Ok(Self::V3),
            "2" => Ok(Self::V2),
            _ => Err(ZarrFormatError {
                text: text.to_owned(),
            }),
        }
    }
}

/// As it is read.
impl fmt::Display for ZarrFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3 => "3",
            Self::V2 => "2",
        })
    }
}

/// How many overviews each group of a cube has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Levels {
    /// For groups of more than 4096 x 4096 pixels: a quarter of the resolution, an eighth, ... until the last one is at most 1024 pixels
    /// long and wide.
    #[default]
    Auto,
    /// Half of the resolution, a quarter, ...: so many, whatever the size; 0 for none.
    Exactly(u8),
}

/// A text that is no number of overviews.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no number of overviews: expected auto, or a number such as 0 or 5")]
pub struct LevelsError {
    /// The text.
    pub text: String,
}

/// `auto` or `N`.
impl FromStr for Levels {
    type Err = LevelsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |_| LevelsError {
            text: text.to_owned(),
        };
        match text.trim() {
            "auto" => Ok(Self::Auto),
            number => number.parse().map(Self::Exactly).map_err(error),
        }
    }
}

/// As it is read.
impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(count) => count.fmt(f),
        }
    }
}

/// Size of a chunk in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSize {
    /// Rows.
    pub height: NonZeroU32,
    /// Columns.
    pub width: NonZeroU32,
}

/// A text that is no tile size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no tile size: expected a number of pixels up to {}, or height,width",
    TileSize::MAX
)]
pub struct TileSizeError {
    /// The text.
    pub text: String,
}

impl TileSize {
    /// The largest side that is taken: chunks beyond it would not fit the memory that a build may use.
    pub const MAX: u32 = 8192;

    /// A tile of the given size.
    ///
    /// # Errors
    /// When a side is zero or larger than [`TileSize::MAX`].
    pub fn new(height: u32, width: u32) -> Result<Self, TileSizeError> {
        let side = |n: u32| NonZeroU32::new(n).filter(|n| n.get() <= Self::MAX);
        match (side(height), side(width)) {
            (Some(height), Some(width)) => Ok(Self { height, width }),
            _ => Err(TileSizeError {
                text: format!("{height},{width}"),
            }),
        }
    }
}

/// `N` or `H,W`.
impl FromStr for TileSize {
    type Err = TileSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || TileSizeError {
            text: text.to_owned(),
        };
        let number = |part: &str| part.trim().parse::<u32>().map_err(|_| error());
        let (height, width) = match text.split_once(',') {
            Some((height, width)) => (number(height)?, number(width)?),
            None => (number(text)?, number(text)?),
        };
        Self::new(height, width).map_err(|_| error())
    }
}

impl fmt::Display for TileSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.height, self.width)
    }
}

/// Where the data of a cube comes from; what is given ends up in the attributes of the root group.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Provenance {
    /// The data id, such as `forest-type-2015|FTY_2015_100m_eu_03035_d02_Full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_id: Option<String>,
    /// The product's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A paragraph about the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The download task that the package came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The name of the downloaded file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_file: Option<String>,
    /// A page about the product; never a link that carries a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The version of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_version: Option<String>,
    /// The licence of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// How to cite the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// The product's DOI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    /// The program that made the cube, with its version; this crate when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// When the cube was made. No time is written when not given, so that equal input makes equal cubes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<jiff::Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_from_text() {
        for (text, levels) in [
            ("auto", Levels::Auto),
            ("0", Levels::Exactly(0)),
            ("5", Levels::Exactly(5)),
        ] {
            assert_eq!(text.parse(), Ok(levels));
            assert_eq!(levels.to_string(), text);
        }
        for bad in ["", "-1", "many", "1000"] {
            assert_eq!(bad.parse::<Levels>().unwrap_err().text, bad);
        }
    }

    #[test]
    fn tile_sizes_from_text() {
        assert_eq!("512".parse(), TileSize::new(512, 512));
        assert_eq!("512, 1024".parse(), TileSize::new(512, 1024));
        assert_eq!(
            "512,1024".parse::<TileSize>().unwrap().to_string(),
            "512,1024"
        );
        for bad in ["", "0", "a", "1,2,3", "-1", "512,0", "100000"] {
            assert_eq!(bad.parse::<TileSize>().unwrap_err().text, bad, "{bad}");
        }
    }
}
