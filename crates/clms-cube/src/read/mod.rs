//! Reading cubes: structure, windows and overviews, through any object store.

mod open;
mod overview;
mod storage;
mod structure;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::ObjectStore;
use serde_json::Value;
use zarrs::array::{Array, ArrayBytes, ArrayMetadata, ArraySubset, CodecOptions};

pub use overview::Overview;
pub use structure::{ArrayStructure, CubeStructure, Dimension, GroupStructure};

use crate::metadata::node_path;
use crate::vector::VectorPackage;
use crate::{CubeError, Pixels};
use storage::ObjectReader;

/// An opened cube. Cheap to clone; holds metadata only.
#[derive(Debug, Clone)]
pub struct Cube {
    store: Arc<dyn ObjectStore>,
    structure: Arc<CubeStructure>,
    /// The Zarr documents of all arrays by path.
    arrays: Arc<HashMap<String, Value>>,
    bytes_read: Arc<AtomicU64>,
}

/// A window of pixels, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Rows of the array, counted from the north.
    pub rows: Range<u64>,
    /// Columns of the array, counted from the west.
    pub cols: Range<u64>,
    /// Raw values: not scaled, fill included.
    pub pixels: Pixels,
}

impl Cube {
    /// What it holds instead of rasters, if it is a vector package.
    #[must_use]
    pub fn vector(&self) -> Option<VectorPackage> {
        VectorPackage::of_attributes(&self.structure.attributes)
    }

    /// Opens the cube that a store is rooted at. One object is read when the metadata is consolidated, as that of every
    /// cube made here is.
    ///
    /// # Errors
    /// [`CubeError::NotACube`], or what the store says.
    pub async fn open(store: Arc<dyn ObjectStore>) -> Result<Self, CubeError> {
        let (structure, arrays) = open::open(store.as_ref()).await?;
        Ok(Self {
            store,
            structure: Arc::new(structure),
            arrays: Arc::new(arrays),
            bytes_read: Arc::default(),
        })
    }

    /// Bytes of pixels that this cube and its clones have read from the store, as they are stored.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Groups, dimensions, variables and attributes.
    #[must_use]
    pub fn structure(&self) -> &CubeStructure {
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

    /// Reads the pixels of a window of a variable with two dimensions. Only the chunks under the window are read.
    ///
    /// # Errors
    /// [`CubeError::OutOfBounds`] for a window that is empty or reaches beyond the array; what the store says.
    pub async fn read_window(
        &self,
        group: &str,
        variable: &str,
        rows: Range<u64>,
        cols: Range<u64>,
    ) -> Result<Window, CubeError> {
        let structure = self.variable(group, variable)?;
        let within = |range: &Range<u64>, size: u64| range.start < range.end && range.end <= size;
        match structure.shape[..] {
            [height, width] if within(&rows, height) && within(&cols, width) => {}
            _ => {
                return Err(CubeError::OutOfBounds {
                    rows,
                    cols,
                    shape: structure.shape.clone(),
                });
            }
        }
        let dtype = structure.dtype;
        let array = self.array(group, variable)?;
        let subset = ArraySubset::new_with_ranges(&[rows.clone(), cols.clone()]);
        let pixels = blocking(move || {
            let bytes: ArrayBytes<'static> =
                array.read(|array| array.retrieve_array_subset(&subset))?;
            array
                .pixels_bytes(bytes)
                .map(|bytes| Pixels::from_bytes(dtype, &bytes))
        })
        .await?;
        Ok(Window { rows, cols, pixels })
    }

    fn array(&self, group: &str, variable: &str) -> Result<BlockingArray, CubeError> {
        let path = node_path(group, variable);
        let document = self.arrays.get(&path).cloned().unwrap_or_default();
        let failed = |reason: String| CubeError::Decode {
            array: path.clone(),
            reason,
        };
        let metadata: ArrayMetadata =
            serde_json::from_value(document).map_err(|error| failed(error.to_string()))?;
        let reader = Arc::new(ObjectReader::new(
            Arc::clone(&self.store),
            Arc::clone(&self.bytes_read),
        ));
        let array = Array::new_with_metadata(Arc::clone(&reader), &format!("/{path}"), metadata);
        let array = array.map_err(|error| failed(error.to_string()))?;
        Ok(BlockingArray {
            array,
            reader,
            path,
        })
    }
}

/// Runs blocking work on Tokio's threads for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CubeError> + Send + 'static,
) -> Result<T, CubeError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| CubeError::internal("a reading thread", error))?
}

/// An array of zarrs over an object store. Its reads block: call them on a thread for that.
struct BlockingArray {
    array: Array<ObjectReader>,
    reader: Arc<ObjectReader>,
    path: String,
}

impl BlockingArray {
    /// Calls into zarrs and turns its error, which is a text when the store failed, back into the store's own.
    fn read<T, E: ToString>(
        &self,
        call: impl FnOnce(&Array<ObjectReader>) -> Result<T, E>,
    ) -> Result<T, CubeError> {
        call(&self.array).map_err(|error| {
            self.reader
                .take_failure()
                .unwrap_or_else(|| CubeError::Decode {
                    array: self.path.clone(),
                    reason: error.to_string(),
                })
        })
    }

    fn pixels_bytes<'a>(
        &self,
        bytes: ArrayBytes<'a>,
    ) -> Result<std::borrow::Cow<'a, [u8]>, CubeError> {
        let failed = |error: &dyn ToString| CubeError::Decode {
            array: self.path.clone(),
            reason: error.to_string(),
        };
        bytes.into_fixed().map_err(|error| failed(&error))
    }

    /// For reads that run beside others: one thread each.
    fn single_threaded() -> CodecOptions {
        CodecOptions::default().with_concurrent_target(1)
    }
}
