//! What a variable's values are, and how much ground each covers: a table of classes or a histogram.
//!
//! They come from an overview where a variable is large, and say so: classes that cover little ground may be missing in it.

mod histogram;
mod pixel_area;
mod reading;
mod tally;

use schemars::JsonSchema;
use serde::Serialize;

pub use histogram::Bin;
pub(crate) use pixel_area::PixelArea;

use crate::{CubeError, Dataset};
use tally::Tally;

/// What the values of a variable are at one time. All shares but that of [`missing`](Self::missing) are of the ground with data. Pixels count
/// by the ground that they cover, which in degrees depends on the latitude; where the CRS is unknown, all count the same.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Statistics {
    /// Path of the variable's group; empty for the root group.
    pub group: String,
    /// The variable's name.
    pub variable: String,
    /// Which pixels were counted.
    pub counted: Counted,
    /// How many they are.
    pub pixels: u64,
    /// What has no data: fill, and what a mask beside the variable leaves out.
    pub missing: Cover,
    /// The rest.
    pub values: Distribution,
}

/// The pixels that statistics come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Counted {
    /// All of the full resolution.
    All,
    /// All of an overview, each of which stands for `scale` by `scale` of the full resolution.
    Overview {
        /// Such as 16.
        scale: u64,
    },
    /// Of a variable without overviews, one of so many along each side.
    Sample {
        /// Such as 3.9.
        scale: f64,
    },
}

/// How much ground something covers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Cover {
    /// The part, from 0 to 1.
    pub share: f64,
    /// Square metres, in the plane of a projection or on the ellipsoid; `None` where nothing says where the pixels lie.
    pub area_m2: Option<f64>,
}

/// Values and how often they occur.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Distribution {
    /// Of codes.
    Classes {
        /// The classes that occur, by value.
        classes: Vec<ClassCover>,
    },
    /// Of a quantity, in its physical units.
    Quantity {
        /// The least value; `None` when there is no value at all.
        min: Option<f64>,
        /// The mean over the ground with values.
        mean: Option<f64>,
        /// The greatest value.
        max: Option<f64>,
        /// Units of the values.
        units: Option<String>,
        /// The histogram, from the least to the greatest value.
        bins: Vec<Bin>,
        /// Codes among the values that occur.
        codes: Vec<ClassCover>,
    },
}

/// A class and the ground that it covers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ClassCover {
    /// The pixel value.
    pub value: i64,
    /// The name; the value as text when there is none.
    pub name: String,
    /// Red, green, blue, as [`Style`](crate::Style) draws it.
    pub colour: [u8; 3],
    /// How much of it there is.
    #[serde(flatten)]
    pub cover: Cover,
}

impl Dataset {
    /// What the values of a variable are, at the last of its times if it has such. At most about a million pixels are counted: all of them, all of
    /// the finest overview that has not more, or else a sample, as long as that means to read at most 4096 by 4096 pixels. `None` for what is
    /// larger and has no overview.
    ///
    /// ```no_run
    /// # async fn example(cube: clms_cube::Dataset) -> Result<(), clms_cube::CubeError> {
    /// use clms_cube::Distribution;
    /// if let Some(statistics) = cube.statistics("", "FTY").await?
    ///     && let Distribution::Classes { classes } = statistics.values
    /// {
    ///     for class in classes {
    ///         println!("{} {:.1} %", class.name, class.cover.share * 100.0);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Dataset::overview`].
    pub async fn statistics(
        &self,
        group: &str,
        variable: &str,
    ) -> Result<Option<Statistics>, CubeError> {
        let steps = self.variable(group, variable)?.steps();
        let last = steps.unwrap_or(1).saturating_sub(1);
        self.statistics_at(group, variable, last).await
    }

    /// The same at another index along `time`: 0 is the first, and all there is of a variable without times.
    ///
    /// # Errors
    /// As for [`Dataset::overview_at`].
    pub async fn statistics_at(
        &self,
        group: &str,
        variable: &str,
        index: u64,
    ) -> Result<Option<Statistics>, CubeError> {
        let array = self.variable(group, variable)?;
        let Some(sample) = reading::read(self, group, array, index).await? else {
            return Ok(None);
        };
        let area = match &self.group(group)?.grid {
            Some(grid) => Some(PixelArea::of(grid)?),
            None => None,
        };
        let (missing, values) = Tally::of(array, &sample, area.as_ref()).conclude(area.is_some());
        Ok(Some(Statistics {
            group: group.to_owned(),
            variable: variable.to_owned(),
            counted: sample.counted,
            pixels: sample.pixels.len() as u64,
            missing,
            values,
        }))
    }
}
