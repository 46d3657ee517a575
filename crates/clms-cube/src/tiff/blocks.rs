//! Blocks (tiles or strips) of a TIFF file, decoded.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::bytes::{RasterBytes, TiffBytes as _};
use super::directory::Directory;
use super::lzw;
use super::table::BlockTable;
use crate::dtype::SourceWindow;

/// Where the blocks of a file are and how they are encoded.
#[derive(Debug)]
pub(crate) struct BlockLayout {
    width: usize,
    height: usize,
    block_width: usize,
    block_height: usize,
    across: usize,
    /// Blocks of one band.
    per_band: usize,
    itemsize: usize,
    compression: Compression,
    differences: bool,
    swapped: bool,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Lzw,
    Deflate,
}

/// A block larger than this, decoded, is left to GDAL, which reads its lines one after the other.
const MOST_BLOCK_BYTES: usize = 64 << 20;
/// Decoded blocks that are kept because the next window needs their other rows.
pub(crate) const KEPT_BYTES: usize = 12 << 20;

impl BlockLayout {
    /// What GDAL has found in the header must be what stands here; `None` for a layout that GDAL has to read.
    pub(crate) fn read(
        directory: &Directory,
        bytes: &mut RasterBytes,
        (width, height): (usize, usize),
        itemsize: usize,
        bands: usize,
    ) -> Result<Option<Self>, String> {
        let Some(table) = BlockTable::read(directory, bytes)? else {
            return Ok(None);
        };
        let compression = match table.compression {
            1 => Compression::None,
            5 => Compression::Lzw,
            8 | 32946 => Compression::Deflate,
            _ => return Ok(None),
        };
        let differences = match table.predictor {
            1 => false,
            2 if itemsize <= 4 => true,
            _ => return Ok(None),
        };
        let plain = table.size == [height as u64, width as u64]
            && table.bits == itemsize as u64 * 8
            && table.fill_order == 1
            && table.samples == bands as u64
            && (bands == 1 || table.planes == 2);
        if !plain {
            return Ok(None);
        }
        let (Ok(block_height), Ok(block_width)) = (
            usize::try_from(table.block[0]),
            usize::try_from(table.block[1]),
        ) else {
            return Ok(None);
        };
        let (offsets, lengths) = (table.offsets, table.lengths);
        let block_bytes = block_width
            .checked_mul(block_height)
            .and_then(|n| n.checked_mul(itemsize));
        if !block_bytes.is_some_and(|bytes| (1..=MOST_BLOCK_BYTES).contains(&bytes)) {
            return Ok(None);
        }
        let across = width.div_ceil(block_width);
        let per_band = across * height.div_ceil(block_height);
        let is_whole = offsets.len() == per_band * bands && lengths.len() == offsets.len();
        // Blocks that were never written mean nodata to GDAL.
        if !is_whole || offsets.contains(&0) || lengths.contains(&0) {
            return Ok(None);
        }
        Ok(Some(Self {
            width,
            height,
            block_width,
            block_height,
            across,
            per_band,
            itemsize,
            compression,
            differences,
            swapped: itemsize > 1 && directory.big_endian != cfg!(target_endian = "big"),
            offsets,
            lengths,
        }))
    }

    fn block_bytes(&self) -> usize {
        self.block_width * self.block_height * self.itemsize
    }
}

/// Reads windows of one file; each thread has its own.
#[derive(Debug)]
pub(crate) struct BlockReader {
    layout: Arc<BlockLayout>,
    bytes: RasterBytes,
    table: lzw::Table,
    encoded: Vec<u8>,
    decoded: Vec<u8>,
    /// Blocks that windows to come need once more.
    /// Behind [`lzw::PREFIX`] bytes, as in `kept`.
    kept: HashMap<usize, Vec<u8>>,
}

impl BlockReader {
    pub(crate) fn new(layout: Arc<BlockLayout>, bytes: RasterBytes) -> Self {
        Self {
            layout,
            bytes,
            table: lzw::Table::default(),
            encoded: Vec::new(),
            decoded: Vec::new(),
            kept: HashMap::new(),
        }
    }

    /// Reads a window of a band (counted from 1), which must lie within the raster, into memory of just that size. All windows of
    /// `around` are going to be read, row by row: blocks are kept that another one needs.
    pub(crate) fn read(
        &mut self,
        band: usize,
        window: SourceWindow,
        around: SourceWindow,
        out: &mut [u8],
    ) -> Result<(), String> {
        let layout = Arc::clone(&self.layout);
        if (window.row, window.col) == (around.row, around.col) {
            self.kept.clear();
        }
        let (right, bottom) = (window.col + window.width, window.row + window.height);
        let more_below = bottom < around.row + around.height;
        let more_right = right < around.col + around.width;
        let size = layout.itemsize;
        for block_row in window.row / layout.block_height..bottom.div_ceil(layout.block_height) {
            let top = block_row * layout.block_height;
            let rows = window.row.max(top)..bottom.min(top + layout.block_height);
            let reaches_below = top + layout.block_height > bottom && more_below;
            for block_col in window.col / layout.block_width..right.div_ceil(layout.block_width) {
                let left = block_col * layout.block_width;
                let cols = window.col.max(left)..right.min(left + layout.block_width);
                let index = (band - 1) * layout.per_band + block_row * layout.across + block_col;
                let needed_again =
                    reaches_below || (left + layout.block_width > right && more_right);
                match self.kept.remove(&index) {
                    Some(kept) => self.decoded = kept,
                    None if needed_again => self.decode(index, layout.height - top)?,
                    None => self.decode(index, rows.end - top)?,
                }
                let decoded = &self.decoded[lzw::PREFIX..];
                for row in rows.clone() {
                    let from = ((row - top) * layout.block_width + cols.start - left) * size;
                    let to = ((row - window.row) * window.width + cols.start - window.col) * size;
                    let len = cols.len() * size;
                    out[to..to + len].copy_from_slice(&decoded[from..from + len]);
                }
                if needed_again {
                    if (self.kept.len() + 1) * layout.block_bytes() > KEPT_BYTES {
                        self.kept.clear();
                    }
                    self.kept.insert(index, std::mem::take(&mut self.decoded));
                }
            }
        }
        Ok(())
    }

    /// Decodes the first `rows` rows of a block, or all of them if it has fewer.
    fn decode(&mut self, index: usize, rows: usize) -> Result<(), String> {
        let layout = &*self.layout;
        let len = layout.lengths[index];
        if len > self.bytes.len() {
            return Err(format!("a block of {len} bytes"));
        }
        self.encoded.resize(len as usize, 0);
        self.bytes
            .read_at(layout.offsets[index], &mut self.encoded)?;
        let stride = layout.block_width * layout.itemsize;
        let whole = rows.min(layout.block_height) * stride;
        lzw::make_room(&mut self.decoded, whole);
        let pixels = lzw::PREFIX..lzw::PREFIX + whole;
        let found = match layout.compression {
            Compression::None => {
                let found = self.encoded.len().min(whole);
                self.decoded[pixels.clone()][..found].copy_from_slice(&self.encoded[..found]);
                found
            }
            Compression::Lzw => lzw::decode(&mut self.table, &self.encoded, &mut self.decoded)
                .ok_or("a block is no LZW")?,
            Compression::Deflate => {
                let mut decoder = flate2::read::ZlibDecoder::new(&self.encoded[..]);
                decoder
                    .read_exact(&mut self.decoded[pixels.clone()])
                    .map_err(|error| error.to_string())?;
                whole
            }
        };
        if found < whole {
            return Err(format!("a block holds {found} bytes instead of {whole}"));
        }
        let pixels = &mut self.decoded[pixels];
        if layout.swapped {
            pixels
                .chunks_exact_mut(layout.itemsize)
                .for_each(<[u8]>::reverse);
        }
        if layout.differences {
            pixels
                .chunks_exact_mut(stride)
                .for_each(|row| sum_up(row, layout.itemsize));
        }
        debug_assert!(layout.width <= layout.across * layout.block_width);
        Ok(())
    }
}

/// Undoes the horizontal predictor: each pixel is stored as its difference to the one on its left.
fn sum_up(row: &mut [u8], itemsize: usize) {
    macro_rules! sum_up {
        ($T:ty) => {{
            let mut sum: $T = 0;
            for pixel in row.chunks_exact_mut(size_of::<$T>()) {
                let mut bytes = [0; size_of::<$T>()];
                bytes.copy_from_slice(pixel);
                sum = sum.wrapping_add(<$T>::from_ne_bytes(bytes));
                pixel.copy_from_slice(&sum.to_ne_bytes());
            }
        }};
    }
    match itemsize {
        1 => sum_up!(u8),
        2 => sum_up!(u16),
        _ => sum_up!(u32),
    }
}

#[cfg(test)]
mod tests {
    use clms_factory::{DType, Pattern, RasterSpec};

    use super::*;
    use crate::dtype::{Element, with_element};
    use crate::gdal_source::RasterSource;
    use crate::{EntrySource, PackageEntry};

    /// Writes a raster and returns what reads it without GDAL, after comparing it with GDAL window by window.
    fn compared(spec: &RasterSpec) -> Option<BlockReader> {
        let dir = tempfile::tempdir().unwrap();
        let entry = PackageEntry {
            name: spec.name.clone(),
            source: EntrySource::File(spec.write(dir.path()).unwrap()),
        };
        let header = RasterSource::new(&entry).header().unwrap();
        let mut reader = header.source.block_reader()?;
        let dataset = header.source.open().unwrap();
        let bands = header.bands.len();
        for (row, col, height, width) in [
            (0, 0, 150, 200),
            (0, 60, 70, 70),
            (70, 60, 79, 9),
            (149, 199, 1, 1),
        ] {
            let window = SourceWindow {
                col,
                row,
                width,
                height,
            };
            for band in 1..=bands {
                with_element!(header.dtype, T => {
                    let mut ours = vec![T::from_f64(0.0); width * height];
                    let mut theirs = ours.clone();
                    reader.read(band, window, window, T::bytes_mut(&mut ours)).unwrap();
                    T::read(&dataset.rasterband(band).unwrap(), window, &mut theirs).unwrap();
                    assert_eq!(T::bytes(&ours), T::bytes(&theirs), "{window:?} of {spec:?}");
                });
            }
        }
        Some(reader)
    }

    fn spec(dtype: DType) -> RasterSpec {
        RasterSpec::new("a.tif", 200, 150)
            .dtype(dtype)
            .block(Some(64))
            .pattern(Pattern::custom(|x, y| {
                (x / 70.0).floor() + (y * 0.3).floor()
            }))
    }

    #[test]
    fn the_same_as_gdal() {
        for dtype in [
            DType::U8,
            DType::I8,
            DType::U16,
            DType::I16,
            DType::I32,
            DType::F32,
            DType::F64,
        ] {
            for compress in ["NONE", "LZW", "DEFLATE"] {
                let plain = spec(dtype).compress(compress);
                assert!(compared(&plain).is_some(), "{dtype:?} {compress}");
                assert!(
                    compared(&plain.clone().block(None)).is_some(),
                    "{dtype:?} {compress} strips"
                );
                // The factory makes no signed bytes of that kind.
                let swapped = (dtype != DType::I8).then(|| plain.clone().option("ENDIANNESS=BIG"));
                if let Some(swapped) = &swapped {
                    assert!(
                        compared(swapped).is_some(),
                        "{dtype:?} {compress} big-endian"
                    );
                }
                assert!(compared(&plain.clone().option("BIGTIFF=YES")).is_some());
                if compress != "NONE" && !matches!(dtype, DType::F32 | DType::F64) {
                    for spec in swapped.into_iter().chain([plain]) {
                        assert!(
                            compared(&spec.option("PREDICTOR=2")).is_some(),
                            "{dtype:?} {compress} predictor"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn bands_and_what_is_left_to_gdal() {
        let two = spec(DType::U8).band(Pattern::plane(10.0));
        assert!(compared(&two.clone().option("INTERLEAVE=BAND")).is_some());
        for left in [
            two.option("INTERLEAVE=PIXEL"),
            spec(DType::U8).compress("PACKBITS"),
            spec(DType::F32).option("PREDICTOR=3"),
            spec(DType::U8).option("NBITS=7"),
            spec(DType::U8)
                .option("SPARSE_OK=TRUE")
                .pattern(Pattern::Constant(0.0)),
        ] {
            assert!(compared(&left).is_none(), "{left:?}");
        }
    }
}
