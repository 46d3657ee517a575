//! The times of an export.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::dataset::TIME;
use crate::{CubeError, Dataset};

/// A part of a dataset's coordinate `time`.
#[derive(Debug, Clone)]
pub(super) struct TimeAxis {
    /// The coordinate's attributes, units and calendar among them.
    pub(super) attributes: Map<String, Value>,
    /// Its numbers as they are stored.
    pub(super) numbers: Vec<f64>,
    /// The same in words: ISO 8601, with `Z` where the calendar is that of the time line. The numbers where they can't be read.
    pub(super) texts: Vec<String>,
}

impl TimeAxis {
    /// Reads it; the numbers of the steps where the dataset has a dimension `time` without a coordinate.
    pub(super) async fn read(
        dataset: &Dataset,
        group: &str,
        steps: Range<u64>,
    ) -> Result<Self, CubeError> {
        let structure = dataset.group(group)?;
        let range = steps.start as usize..steps.end as usize;
        let Some(coordinate) = structure.coordinates.iter().find(|c| c.name == TIME) else {
            let numbers: Vec<f64> = steps.map(|step| step as f64).collect();
            return Ok(Self {
                attributes: Map::new(),
                texts: numbers.iter().map(f64::to_string).collect(),
                numbers,
            });
        };
        let steps = coordinate.shape.first().copied().unwrap_or(0);
        let slab = dataset.slab(group, coordinate, std::iter::once(0..steps).collect())?;
        let numbers = dataset.read(&slab).await?.pixels.to_f64();
        let texts: Vec<String> = match (dataset.times(group).await, dataset.dates(group).await) {
            (Ok(times), _) => times.iter().map(ToString::to_string).collect(),
            (_, Ok(dates)) => dates.iter().map(ToString::to_string).collect(),
            _ => numbers.iter().map(f64::to_string).collect(),
        };
        Ok(Self {
            attributes: coordinate.attributes.clone(),
            numbers: numbers[range.clone()].to_vec(),
            texts: texts[range].to_vec(),
        })
    }
}
