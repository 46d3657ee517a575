//! Pixels of any window of a grid, put together from the tiles under it.

use std::collections::BTreeMap;

use gdal::Dataset;

use crate::CubeError;
use crate::dtype::{Element, SourceWindow};
use crate::gdal_source::RasterSource;
use crate::plan::{Content, Fill, Tile, VariablePlan};
use crate::reading_log::{Reading, ReadingLog};
use crate::tiff::BlockReader;

/// A part of a grid, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) row: u64,
    pub(super) col: u64,
    pub(super) height: u64,
    pub(super) width: u64,
}

impl Window {
    /// The part that a tile covers.
    pub(super) fn intersection(&self, tile: &Tile) -> Option<Self> {
        let row = self.row.max(tile.row);
        let col = self.col.max(tile.col);
        let bottom = (self.row + self.height).min(tile.row + tile.height);
        let right = (self.col + self.width).min(tile.col + tile.width);
        (row < bottom && col < right).then(|| Self {
            row,
            col,
            height: bottom - row,
            width: right - col,
        })
    }
}

/// Open rasters of one thread: GDAL's datasets may not be shared between threads.
pub(super) struct OpenRasters {
    log: ReadingLog,
    /// The one used last stands last.
    open: Vec<(RasterSource, OpenRaster)>,
    /// Pixels that differ from those of a tile before it, which were kept, by variable and tile.
    pub(super) differing: BTreeMap<(String, String), u64>,
}

enum OpenRaster {
    Blocks(Box<BlockReader>),
    Gdal(
        Dataset,
        #[expect(dead_code, reason = "lives as long as the dataset")] Reading,
    ),
}

impl OpenRaster {
    fn open(source: &RasterSource, log: &ReadingLog) -> Result<Self, CubeError> {
        match source.block_reader() {
            Some(reader) => Ok(Self::Blocks(Box::new(reader))),
            None => Self::with_gdal(source, log),
        }
    }

    fn with_gdal(source: &RasterSource, log: &ReadingLog) -> Result<Self, CubeError> {
        let reading = log.begin(&source.name);
        Ok(Self::Gdal(source.open()?, reading))
    }

    /// Reads a window of a band (counted from 1); all windows of `around` are going to be read, row by row.
    fn read<T: Element>(
        &mut self,
        source: &RasterSource,
        band: usize,
        window: SourceWindow,
        around: SourceWindow,
        out: &mut [T],
        log: &ReadingLog,
    ) -> Result<(), CubeError> {
        if let Self::Blocks(reader) = self {
            match reader.read(band, window, around, T::bytes_mut(out)) {
                Ok(()) => return Ok(()),
                // GDAL can read more, and says better what is wrong.
                Err(reason) => {
                    tracing::debug!(file = source.name, reason, "left to GDAL");
                    *self = Self::with_gdal(source, log)?;
                }
            }
        }
        if let Self::Gdal(dataset, _) = self {
            let unreadable = |error: gdal::errors::GdalError| source.unreadable(&error);
            let band = dataset.rasterband(band).map_err(unreadable)?;
            T::read(&band, window, out).map_err(unreadable)?;
        }
        Ok(())
    }
}

impl OpenRasters {
    pub(super) fn new(log: &ReadingLog) -> Self {
        Self {
            log: log.clone(),
            open: Vec::new(),
            differing: BTreeMap::new(),
        }
    }

    /// Reads a window of a band (counted from 1) of a raster; all windows of `around` are going to be read, row by row.
    pub(super) fn read<T: Element>(
        &mut self,
        source: &RasterSource,
        band: usize,
        window: SourceWindow,
        around: SourceWindow,
        out: &mut [T],
    ) -> Result<(), CubeError> {
        let log = self.log.clone();
        let raster = self.get(source)?;
        raster.read(source, band, window, around, out, &log)
    }

    /// Enough for the tiles around a corner, twice.
    const MOST: usize = 8;

    fn get(&mut self, source: &RasterSource) -> Result<&mut OpenRaster, CubeError> {
        let known = |(open, _): &(RasterSource, OpenRaster)| open.key() == source.key();
        let entry = match self.open.iter().position(known) {
            Some(index) => self.open.remove(index),
            None => {
                if self.open.len() >= Self::MOST {
                    self.open.remove(0);
                }
                (source.clone(), OpenRaster::open(source, &self.log)?)
            }
        };
        self.open.push(entry);
        self.open
            .last_mut()
            .map(|(_, raster)| raster)
            .ok_or_else(|| CubeError::internal("opening a raster", "lost it"))
    }
}

/// One variable's tiles of one time under one unit, as pixels of type `T`.
pub(super) struct Mosaic<'a, T> {
    variable: &'a VariablePlan,
    fill_plan: Fill,
    fill: T,
    unit: Window,
    /// Tiles that the unit touches, in the order of names.
    tiles: Vec<&'a Tile>,
}

impl<'a, T: Element> Mosaic<'a, T> {
    pub(super) fn new(variable: &'a VariablePlan, step: u64, unit: &Window) -> Self {
        let tiles = variable
            .tiles_at(step)
            .iter()
            .filter(|tile| unit.intersection(tile).is_some())
            .collect();
        let fill = T::from_f64(variable.fill.value.unwrap_or(0.0));
        Self {
            variable,
            fill_plan: variable.fill,
            fill,
            unit: *unit,
            tiles,
        }
    }

    /// The value of pixels without data; 0 when the variable has none.
    pub(super) fn fill(&self) -> T {
        self.fill
    }

    /// Reads a window into `out`, row by row; returns whether any tile touches it. If none does, `out` is left as it is.
    pub(super) fn read(
        &self,
        window: Window,
        rasters: &mut OpenRasters,
        out: &mut Vec<T>,
    ) -> Result<bool, CubeError> {
        let under: Vec<(&Tile, Window)> = self
            .tiles
            .iter()
            .filter_map(|tile| Some((*tile, window.intersection(tile)?)))
            .collect();
        if under.is_empty() {
            return Ok(false);
        }
        out.resize((window.height * window.width) as usize, self.fill);
        if let [(tile, part)] = under[..]
            && part.height == window.height
            && part.width == window.width
        {
            self.read_part(tile, part, rasters, out)?;
            return Ok(true);
        }
        out.fill(self.fill);
        let mut pixels = Vec::new();
        // Where no value says that there is no data, it has to be kept beside the pixels which of them a tile has written.
        let fill_tells =
            self.variable.fill.value.is_some() || self.variable.content == Content::Validity;
        let overlap = under.iter().any(|(tile, _)| tile.overlaps);
        let mut written =
            vec![Written::Nothing; if fill_tells || !overlap { 0 } else { out.len() }];
        for (tile, part) in &under {
            pixels.resize((part.height * part.width) as usize, self.fill);
            self.read_part(tile, *part, rasters, &mut pixels)?;
            let (width, skip) = (part.width as usize, (part.col - window.col) as usize);
            let mut differing = 0;
            for (row, from) in pixels.chunks_exact(width).enumerate() {
                let start = ((part.row - window.row) as usize + row) * window.width as usize + skip;
                let to = &mut out[start..start + width];
                if let Some(written) = written.get_mut(start..start + width) {
                    differing += lay_under(to, written, from, tile.nodata.map(T::from_f64));
                } else if tile.overlaps && fill_tells {
                    for (to, from) in to.iter_mut().zip(from) {
                        if to.same(self.fill) {
                            *to = *from;
                        } else if !from.same(self.fill) && !from.same(*to) {
                            differing += 1;
                        }
                    }
                } else {
                    to.copy_from_slice(from);
                }
            }
            if differing > 0 {
                let place = (self.variable.name.clone(), tile.source.name.clone());
                *rasters.differing.entry(place).or_default() += differing;
            }
        }
        Ok(true)
    }

    /// Reads a part of a tile, with the tile's nodata replaced by the variable's.
    fn read_part(
        &self,
        tile: &Tile,
        part: Window,
        rasters: &mut OpenRasters,
        out: &mut [T],
    ) -> Result<(), CubeError> {
        let validity = self.variable.content == Content::Validity;
        if validity && tile.nodata.is_none() {
            out.fill(T::from_f64(1.0));
            return Ok(());
        }
        let of_source = |part: Window| SourceWindow {
            col: (part.col - tile.col) as usize,
            row: (if tile.south_up {
                tile.row + tile.height - part.row - part.height
            } else {
                part.row - tile.row
            }) as usize,
            width: part.width as usize,
            height: part.height as usize,
        };
        let window = of_source(part);
        // Rows that are turned over come from below, so that what the next window needs is not known here.
        let around = if tile.south_up {
            window
        } else {
            of_source(self.unit.intersection(tile).unwrap_or(part))
        };
        rasters.read(&tile.source, tile.band, window, around, out)?;
        if tile.south_up {
            turn_over(out, window.width);
        }
        if validity {
            let nodata = tile.nodata.map(T::from_f64);
            out.iter_mut().for_each(|pixel| {
                let missing = nodata.is_some_and(|nodata| pixel.same(nodata));
                *pixel = T::from_f64(if missing { 0.0 } else { 1.0 });
            });
            return Ok(());
        }
        if self.fill_plan.clashes_in(tile) && out.contains(&self.fill) {
            return Err(CubeError::FillClash {
                variable: self.variable.name.clone(),
                value: self.fill_plan.value.unwrap_or_default(),
                file: tile.source.name.clone(),
            });
        }
        if let Some(nodata) = self.fill_plan.replaces_in(tile) {
            let nodata = T::from_f64(nodata);
            out.iter_mut()
                .filter(|pixel| pixel.same(nodata))
                .for_each(|pixel| *pixel = self.fill);
        }
        Ok(())
    }
}

/// What a pixel without a fill value holds so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    /// Of a tile that has no data there.
    NoData,
    Data,
}

/// Writes a row of a tile where those before it have no data; returns how many of its valid pixels differ from what is there.
fn lay_under<T: Element>(
    to: &mut [T],
    written: &mut [Written],
    from: &[T],
    nodata: Option<T>,
) -> u64 {
    let mut differing = 0;
    for ((to, written), from) in to.iter_mut().zip(written).zip(from) {
        let is_data = !nodata.is_some_and(|nodata| nodata.same(*from));
        match (*written, is_data) {
            (Written::Data, true) if !from.same(*to) => differing += 1,
            (Written::Nothing, false) => (*to, *written) = (*from, Written::NoData),
            (Written::Nothing | Written::NoData, true) => (*to, *written) = (*from, Written::Data),
            (Written::Data, _) | (Written::NoData, false) => {}
        }
    }
    differing
}

/// Reverses the order of rows.
fn turn_over<T: Element>(pixels: &mut [T], width: usize) {
    let rows = pixels.len() / width;
    for row in 0..rows / 2 {
        let (upper, lower) = pixels.split_at_mut((rows - 1 - row) * width);
        upper[row * width..(row + 1) * width].swap_with_slice(&mut lower[..width]);
    }
}
