//! Datasets that are read lazily: structure first, pixels when they are asked for.
//!
//! One [`Dataset`] type for a Zarr hierarchy (ours or anyone's, v2 or v3), a GeoTIFF and a NetCDF file, local or remote, and a stack of
//! files along `time`.
//!
//! Opening reads metadata only. [`Dataset::select`] turns words (bbox in any CRS, times, coordinates, a resolution) into indices,
//! [`Dataset::read`] reads a part, [`Dataset::stream`] a large part piece by piece. Everything that is read is counted.

mod calendar;
mod cf_time;
mod decode;
mod file;
mod hdf5_chunks;
mod longitude;
mod merge;
mod mosaic;
mod netcdf;
mod overview;
mod placement;
mod raster;
mod samples;
mod selection;
mod source;
mod span;
mod stack;
mod structure;
mod times;
mod variables;
mod window;
mod zarr;

use std::ops::Range;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use object_store::ObjectStore;

pub use calendar::CfDateTime;
pub(crate) use cf_time::TimeUnits;
pub use decode::Decoding;
pub use file::FileOptions;
pub use overview::Overview;
pub use selection::Selection;
pub(crate) use selection::TIME;
pub use stack::{Duplicates, StackFile};
pub use structure::{ArrayStructure, DatasetStructure, Dimension, GroupStructure};
pub use window::{Slab, Window};

use crate::CubeError;
use crate::range::{Meter, Traffic, blocking};
use crate::vector::VectorPackage;
pub(crate) use source::{Request, Source};
pub(crate) use stack::READ_AT_ONCE;

/// Bytes of the largest window that is read at once.
const MAX_WINDOW: u64 = 1 << 30;

/// Pieces of a stream that are read at the same time.
const PIECES_AHEAD: usize = 2;

/// An opened dataset: structure first, pixels when they are asked for. Cheap to clone; holds metadata, and what its source keeps in
/// bounded memory.
///
/// ```
/// use std::sync::Arc;
/// use clms_cube::{Dataset, Selection};
/// use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
///
/// # #[tokio::main(flavor = "multi_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any object store; here a hierarchy with one array, all fill.
/// let store = Arc::new(InMemory::new());
/// let array = serde_json::json!({
///     "zarr_format": 3, "node_type": "array", "shape": [400, 600], "data_type": "uint8",
///     "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [256, 256]}},
///     "chunk_key_encoding": {"name": "default"}, "fill_value": 255, "codecs": [{"name": "bytes"}],
///     "dimension_names": ["y", "x"], "attributes": {"_FillValue": 255, "scale_factor": 0.5},
/// });
/// let group = serde_json::json!({
///     "zarr_format": 3, "node_type": "group",
///     "attributes": {"spatial:transform": [10.0, 0.0, 4e6, 0.0, -10.0, 3e6], "proj:wkt2": "PROJCRS[]"},
/// });
/// store.put(&"zarr.json".into(), group.to_string().into()).await?;
/// store.put(&"NDVI/zarr.json".into(), array.to_string().into()).await?;
///
/// let dataset = Dataset::open_zarr(store).await?;
/// for variable in &dataset.group("")?.variables {
///     println!("{} {:?} {:?}", variable.name, variable.dims, variable.shape);
/// }
/// let selection = Selection::new().bbox([4_001_000.0, 2_998_000.0, 4_002_000.0, 2_999_000.0]);
/// let slab = dataset.select("", "NDVI", &selection).await?;
/// let window = dataset.read(&slab).await?;
/// assert_eq!(window.shape(), [100, 100]);
/// assert_eq!(window.pixels.value(0), 255.0);
/// assert!(window.values()[0].is_nan());
/// println!("{:?}", dataset.traffic());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    structure: Arc<DatasetStructure>,
    source: Arc<dyn Source>,
    meter: Arc<Meter>,
}

impl Dataset {
    /// Opens the Zarr hierarchy that a store is rooted at. One object is read when the metadata is consolidated, as that of every
    /// cube made here is.
    ///
    /// # Errors
    /// [`CubeError::NotACube`], or what the store says.
    pub async fn open_zarr(store: Arc<dyn ObjectStore>) -> Result<Self, CubeError> {
        let meter = Arc::default();
        let (structure, source) = zarr::open(store, &meter).await?;
        let (structure, source) = placed(structure, source).await?;
        Ok(Self {
            structure: Arc::new(structure),
            source: Arc::new(source),
            meter,
        })
    }

    /// What it holds instead of rasters, if it is a vector package.
    #[must_use]
    pub fn vector(&self) -> Option<VectorPackage> {
        VectorPackage::of_attributes(&self.structure.attributes)
    }

    /// What has been read so far through this dataset and its clones: metadata and pixels, as they are stored.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    /// Names of the files that it was opened from ([`RangeReader::name`](crate::RangeReader::name)), in the order of `time`; none for a Zarr
    /// hierarchy.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        self.source.files()
    }

    pub(crate) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Groups, dimensions, variables and attributes.
    #[must_use]
    pub fn structure(&self) -> &DatasetStructure {
        &self.structure
    }

    /// The group of a path; the root group's is empty. Overviews are found as well.
    ///
    /// # Errors
    /// [`CubeError::NoSuchGroup`].
    pub fn group(&self, path: &str) -> Result<&GroupStructure, CubeError> {
        let groups = self.structure.groups.iter();
        let mut with_overviews =
            groups.flat_map(|group| std::iter::once(group).chain(&group.overviews));
        let found = with_overviews.find(|group| group.path == path);
        found.ok_or_else(|| CubeError::NoSuchGroup {
            group: path.to_owned(),
        })
    }

    /// A variable of a group.
    ///
    /// # Errors
    /// [`CubeError::NoSuchGroup`] or [`CubeError::NoSuchVariable`].
    pub fn variable(&self, group: &str, variable: &str) -> Result<&ArrayStructure, CubeError> {
        let variables = &self.group(group)?.variables;
        variables
            .iter()
            .find(|known| known.name == variable)
            .ok_or_else(|| CubeError::NoSuchVariable {
                group: group.to_owned(),
                variable: variable.to_owned(),
                available: variables.iter().map(|known| known.name.clone()).collect(),
            })
    }

    /// Reads a part of an array, whole in memory. Only the chunks under it are read, and those of its mask where it has one
    /// ([`GroupStructure::validity_mask`]).
    ///
    /// # Errors
    /// [`CubeError::OutOfBounds`] for a part that is empty or reaches beyond the array, [`CubeError::WindowTooLarge`] for more than
    /// 1 GiB, which [`Dataset::stream`] reads; what the source says.
    pub async fn read(&self, slab: &Slab) -> Result<Window, CubeError> {
        let array = self.array(slab)?;
        check_bounds(&slab.ranges, &array.shape)?;
        let bytes = (slab.pixels() as u64).saturating_mul(array.dtype.itemsize() as u64);
        if bytes > MAX_WINDOW {
            return Err(CubeError::WindowTooLarge {
                shape: slab.shape(),
                bytes,
                most: MAX_WINDOW,
            });
        }
        let decoding = Decoding::of(array);
        let mask = self.group(&slab.group)?.validity_mask(array).cloned();
        let (source, array, part) = (Arc::clone(&self.source), array.clone(), slab.clone());
        let (pixels, mask) = blocking(move || {
            let read = |array: &ArrayStructure| {
                source.read(Request {
                    group: &part.group,
                    array,
                    ranges: &part.ranges,
                })
            };
            Ok((read(&array)?, mask.as_ref().map(read).transpose()?))
        })
        .await?;
        Ok(Window {
            slab: slab.clone(),
            pixels,
            decoding,
            valid: mask.map(|mask| mask.is_not_zero()),
        })
    }

    /// Reads a part of any size in pieces of at most `most` pixels (or one chunk, where chunks are larger), in the order of rows. Two pieces
    /// are read ahead; memory holds three.
    pub fn stream(
        &self,
        slab: &Slab,
        most: usize,
    ) -> impl Stream<Item = Result<Window, CubeError>> + Send + use<> {
        let dataset = self.clone();
        futures::stream::iter(slab.pieces(most))
            .map(move |piece| {
                let dataset = dataset.clone();
                async move { dataset.read(&piece).await }
            })
            .buffered(PIECES_AHEAD)
    }

    /// Reads rows and columns of a variable. Dimensions before these two must have one index only.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub async fn read_window(
        &self,
        group: &str,
        variable: &str,
        rows: Range<u64>,
        cols: Range<u64>,
    ) -> Result<Window, CubeError> {
        let array = self.variable(group, variable)?;
        let mut ranges = vec![0..1; array.shape.len().saturating_sub(2)];
        ranges.extend([rows, cols]);
        check_bounds(&ranges, &array.shape)?;
        if array.shape.iter().rev().skip(2).any(|size| *size != 1) {
            let reason = format!(
                "it has more than rows and columns: {}",
                array.dims.join(", ")
            );
            return Err(selection::invalid(variable, reason));
        }
        let slab = selection::slab(self.group(group)?, array, ranges);
        self.read(&slab).await
    }

    /// The part of an array of a group that lies in some ranges of indices.
    pub(crate) fn slab(
        &self,
        group: &str,
        array: &ArrayStructure,
        ranges: Vec<Range<u64>>,
    ) -> Result<Slab, CubeError> {
        check_bounds(&ranges, &array.shape)?;
        Ok(selection::slab(self.group(group)?, array, ranges))
    }

    /// The variable or coordinate of a slab.
    fn array(&self, slab: &Slab) -> Result<&ArrayStructure, CubeError> {
        let coordinates = &self.group(&slab.group)?.coordinates;
        match coordinates.iter().find(|known| known.name == slab.variable) {
            Some(coordinate) => Ok(coordinate),
            None => self.variable(&slab.group, &slab.variable),
        }
    }
}

fn check_bounds(ranges: &[Range<u64>], shape: &[u64]) -> Result<(), CubeError> {
    let within = |(range, size): (&Range<u64>, &u64)| range.start < range.end && range.end <= *size;
    if ranges.len() == shape.len() && ranges.iter().zip(shape).all(within) {
        Ok(())
    } else {
        Err(CubeError::OutOfBounds {
            ranges: ranges.to_vec(),
            shape: shape.to_vec(),
        })
    }
}

/// Places the groups whose attributes don't say where they lie.
async fn placed<S: Source + 'static>(
    mut structure: DatasetStructure,
    source: S,
) -> Result<(DatasetStructure, S), CubeError> {
    if structure.groups.iter().all(|group| group.grid.is_some()) {
        return Ok((structure, source));
    }
    blocking(move || {
        for group in structure
            .groups
            .iter_mut()
            .filter(|group| group.grid.is_none())
        {
            placement::place(&source, group)?;
        }
        Ok((structure, source))
    })
    .await
}
