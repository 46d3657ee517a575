//! What the tags of a directory say of its blocks (tiles or strips).

use super::bytes::TiffBytes;
use super::directory::Directory;

mod tag {
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const FILL_ORDER: u16 = 266;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const SAMPLES: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_LENGTHS: u16 = 279;
    pub(super) const PLANES: u16 = 284;
    pub(super) const PREDICTOR: u16 = 317;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const TILE_HEIGHT: u16 = 323;
    pub(super) const TILE_OFFSETS: u16 = 324;
    pub(super) const TILE_LENGTHS: u16 = 325;
}

/// Numbers as the tags have them, or as they are when a tag is left out. Nothing is checked.
#[derive(Debug)]
pub(super) struct BlockTable {
    /// Rows and columns of the image.
    pub(super) size: [u64; 2],
    /// Bits of a sample.
    pub(super) bits: u64,
    pub(super) compression: u64,
    pub(super) predictor: u64,
    pub(super) fill_order: u64,
    /// Bands.
    pub(super) samples: u64,
    /// 1: the bands of a pixel stand side by side; 2: each band has blocks of its own.
    pub(super) planes: u64,
    /// Whether the blocks are tiles, which are whole at the edges; the last strip is not.
    pub(super) tiled: bool,
    /// Rows and columns of a block.
    pub(super) block: [u64; 2],
    /// Where the blocks begin; 0 for those that were never written.
    pub(super) offsets: Vec<u64>,
    /// Bytes of the blocks.
    pub(super) lengths: Vec<u64>,
}

impl BlockTable {
    /// `None` when a tag has several numbers that differ, or there is no table.
    pub(super) fn read(
        directory: &Directory,
        bytes: &mut impl TiffBytes,
    ) -> Result<Option<Self>, String> {
        let mut all_one = true;
        let mut number = |tag: u16, default: u64| -> Result<u64, String> {
            let number = directory.number(tag, default, bytes)?;
            all_one &= number.is_some();
            Ok(number.unwrap_or(default))
        };
        let size = [number(tag::HEIGHT, 0)?, number(tag::WIDTH, 0)?];
        let rows = number(tag::ROWS_PER_STRIP, size[0])?;
        let tile = [number(tag::TILE_HEIGHT, 0)?, number(tag::TILE_WIDTH, 0)?];
        let mut table = Self {
            size,
            bits: number(tag::BITS, 1)?,
            compression: number(tag::COMPRESSION, 1)?,
            predictor: number(tag::PREDICTOR, 1)?,
            fill_order: number(tag::FILL_ORDER, 1)?,
            samples: number(tag::SAMPLES, 1)?,
            planes: number(tag::PLANES, 1)?,
            tiled: true,
            block: tile,
            offsets: Vec::new(),
            lengths: Vec::new(),
        };
        if !all_one {
            return Ok(None);
        }
        let mut numbers = |tag: u16| directory.numbers(tag, bytes);
        let mut found = numbers(tag::TILE_OFFSETS)?.zip(numbers(tag::TILE_LENGTHS)?);
        if found.is_none() {
            found = numbers(tag::STRIP_OFFSETS)?.zip(numbers(tag::STRIP_LENGTHS)?);
            table.tiled = false;
            table.block = [rows.min(size[0]), size[1]];
        }
        let Some((offsets, lengths)) = found else {
            return Ok(None);
        };
        (table.offsets, table.lengths) = (offsets, lengths);
        Ok(Some(table))
    }
}
