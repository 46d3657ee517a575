//! What a dataset is read from.

use std::fmt;
use std::ops::Range;

use super::ArrayStructure;
use crate::{CubeError, Pixels};

/// Pixels of an array of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// Path of the group; that of an overview for one.
    pub(super) group: &'a str,
    pub(super) array: &'a ArrayStructure,
    /// One range for each dimension, within the array and not empty.
    pub(super) ranges: &'a [Range<u64>],
}

/// A store of arrays. Reads block: they are made on threads for that, of which several may read at once.
pub(super) trait Source: fmt::Debug + Send + Sync {
    /// Reads pixels as they are stored, the last dimension fastest.
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError>;
}
