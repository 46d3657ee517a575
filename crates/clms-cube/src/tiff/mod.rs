//! TIFF blocks without GDAL: the layouts that CLMS products have, several times faster and while they are still being inflated.
//!
//! GDAL reads every header and has the last word: what is not understood here, or can't be decoded, is read by GDAL.

mod blocks;
mod bytes;
mod directory;
mod last_strip;
mod lzw;
mod stored;
mod table;

pub(crate) use blocks::{BlockLayout, BlockReader, KEPT_BYTES};
pub(crate) use bytes::RasterBytes;
pub(crate) use directory::Directory;
pub(crate) use stored::stored;
