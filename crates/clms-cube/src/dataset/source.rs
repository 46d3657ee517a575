//! What a dataset is read from.

use std::fmt;
use std::ops::Range;

use super::ArrayStructure;
use crate::reference::StoredArray;
use crate::{CubeError, Pixels};

/// Pixels of an array of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Path of the group; that of an overview for one.
    pub(crate) group: &'a str,
    pub(crate) array: &'a ArrayStructure,
    /// One range for each dimension, within the array and not empty.
    pub(crate) ranges: &'a [Range<u64>],
}

/// A store of arrays. Reads block: they are made on threads for that, of which several may read at once.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// Reads pixels as they are stored, the last dimension fastest.
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError>;

    /// Names of the files, in the order of their time.
    fn files(&self) -> Vec<&str>;

    /// How many files store each array, one after the other along `time`.
    fn steps(&self) -> usize {
        self.files().len()
    }

    /// The name of the file that stores a step of an array; once it has been read, its real one.
    fn file_of(&self, step: usize, _group: &str, _array: &ArrayStructure) -> Option<&str> {
        self.files().get(step).copied()
    }

    /// How the file of a step stores an array of a group (not an overview), with the dimensions that the array has in the file. Blocks.
    ///
    /// # Errors
    /// [`CubeError::NoReference`] when other software could not read it; what reading says.
    fn stored(
        &self,
        step: usize,
        group: &str,
        array: &ArrayStructure,
    ) -> Result<StoredArray, CubeError>;
}
