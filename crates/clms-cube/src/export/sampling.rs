//! Where the pixels of a tile come from: they are the dataset's own, or made of these.

use std::ops::Range;

use super::Resampling;
use super::scene::{Layer, Scene, Tile, TilePlace, Validity};
use super::warp::{self, Part};
use crate::dataset::Decoding;
use crate::dtype::{Element, each_pixels};
use crate::range::blocking;
use crate::{ArrayStructure, CubeError, DataType, Grid, Pixels};

/// Bytes of the source that are reprojected at once.
const SOURCE_BYTES: u64 = 2 << 20;

/// How a scene's pixels follow from the dataset's.
#[derive(Debug)]
pub(super) enum Sampling {
    /// They are those of a window; rows may run from south to north there.
    Copied {
        rows: Range<u64>,
        cols: Range<u64>,
        is_south_up: bool,
    },
    /// They are made of those under them.
    Warped { source: Grid, method: Resampling },
}

impl Sampling {
    /// A window of a dataset's grid as a grid of its own, north-up.
    pub(super) fn copied(source: &Grid, rows: Range<u64>, cols: Range<u64>) -> (Grid, Self) {
        let mut grid = source.window(&rows, &cols);
        let is_south_up = grid.geotransform[5] > 0.0;
        if is_south_up {
            grid.geotransform[3] += grid.geotransform[5] * grid.height as f64;
            grid.geotransform[5] = -grid.geotransform[5];
        }
        let sampling = Self::Copied {
            rows,
            cols,
            is_south_up,
        };
        (grid, sampling)
    }

    pub(super) async fn tile(&self, scene: &Scene, place: TilePlace) -> Result<Tile, CubeError> {
        match self {
            Self::Copied {
                rows,
                cols,
                is_south_up,
            } => {
                let wanted = if *is_south_up {
                    rows.end - place.rows.end..rows.end - place.rows.start
                } else {
                    rows.start + place.rows.start..rows.start + place.rows.end
                };
                let cols = cols.start + place.cols.start..cols.start + place.cols.end;
                let layer = &scene.layers[place.layer];
                let slab = scene.slab(layer, &layer.array, &place.steps, wanted, cols)?;
                let window = scene.dataset.read(&slab).await?;
                let valid = window.valid().map(<[bool]>::to_vec);
                let (pixels, valid) = if *is_south_up {
                    let size = [place.height(), place.width()];
                    let pixels = each_pixels!(&window.pixels, values => {
                        Element::pixels(turned_over(values, size))
                    });
                    (pixels, valid.map(|valid| turned_over(&valid, size)))
                } else {
                    (window.pixels, valid)
                };
                Ok(Tile {
                    place,
                    pixels,
                    valid,
                })
            }
            Self::Warped { source, method } => warped(scene, source, *method, place).await,
        }
    }
}

/// The same with the last row of each step first.
fn turned_over<T: Copy>(values: &[T], [height, width]: [usize; 2]) -> Vec<T> {
    let mut turned = Vec::with_capacity(values.len());
    for step in values.chunks(height * width) {
        for row in step.chunks(width).rev() {
            turned.extend_from_slice(row);
        }
    }
    turned
}

/// A tile of pixels that are made of others.
async fn warped(
    scene: &Scene,
    source: &Grid,
    method: Resampling,
    place: TilePlace,
) -> Result<Tile, CubeError> {
    let layer = &scene.layers[place.layer];
    let dtype = layer.array.dtype;
    let pieces = {
        let (source, target) = (source.clone(), scene.grid.clone());
        let whole: Part = (place.rows.clone(), place.cols.clone());
        let steps = place.steps.end - place.steps.start;
        let most = SOURCE_BYTES / (dtype.itemsize() as u64 * steps);
        blocking(move || warp::pieces(&source, &target, whole, most)).await?
    };
    let empty = layer.fill.unwrap_or(0.0);
    let mut pixels = Canvas::new(dtype, &place, empty);
    let mut valid = layer
        .validity
        .is_some()
        .then(|| Canvas::new(DataType::UInt8, &place, 0.0));
    for (piece, under) in pieces {
        let Some((rows, cols)) = under else { continue };
        let from = source.window(&rows, &cols);
        let into = scene.grid.window(&piece.0, &piece.1);
        let read = |array: &ArrayStructure| {
            let slab = scene.slab(layer, array, &place.steps, rows.clone(), cols.clone());
            let dataset = scene.dataset.clone();
            async move { Ok::<_, CubeError>(dataset.read(&slab?).await?.pixels) }
        };
        let values = read(&layer.array).await?;
        let mask = match &layer.validity {
            None => None,
            Some(Validity::Mask(mask)) => {
                let is_data = read(mask).await?.is_not_zero();
                let bytes = is_data.into_iter().map(u8::from).collect();
                Some(Pixels::UInt8(bytes))
            }
            Some(Validity::Coverage) => {
                Some(warp::blank(DataType::UInt8, values.len() as u64, 1.0))
            }
        };
        let layer = layer.clone();
        let (values, mask) = blocking(move || {
            let values = if method == Resampling::Mean {
                without_codes(values, &layer)
            } else {
                values
            };
            let step_size = (from.width * from.height) as usize;
            let warp_all = |pixels: Pixels, nodata: Option<f64>, empty: f64| {
                let warp = |of_step| warp::warp((&from, of_step), &into, method, nodata, empty);
                if pixels.len() == step_size {
                    return warp(pixels);
                }
                let steps = (0..pixels.len() / step_size)
                    .map(|step| warp(part(&pixels, step * step_size..(step + 1) * step_size)));
                let steps: Vec<Pixels> = steps.collect::<Result<_, _>>()?;
                Ok::<_, CubeError>(Pixels::concatenated(pixels.dtype(), &steps))
            };
            let warped = warp_all(values, layer.fill, empty)?;
            let mask = mask.map(|mask| warp_all(mask, None, 0.0)).transpose()?;
            Ok((warped, mask))
        })
        .await?;
        pixels.paste(&piece, &values);
        if let (Some(valid), Some(mask)) = (&mut valid, mask) {
            valid.paste(&piece, &mask);
        }
    }
    Ok(Tile {
        pixels: pixels.pixels,
        valid: valid.map(|valid| valid.pixels.is_not_zero()),
        place,
    })
}

/// A part of pixels.
fn part(pixels: &Pixels, range: Range<usize>) -> Pixels {
    each_pixels!(pixels, values => Element::pixels(values[range].to_vec()))
}

/// Fill in place of all that is no value by the variable's valid range: codes have no mean.
fn without_codes(pixels: Pixels, layer: &Layer) -> Pixels {
    let Some(fill) = layer.fill.filter(|_| layer.array.valid_range().is_some()) else {
        return pixels;
    };
    let decoding = Decoding::of(&layer.array);
    each_pixels!(pixels, values => {
        let mut values = values;
        let fill = Element::from_f64(fill);
        for value in &mut values {
            if decoding.value(Element::to_f64(*value)).is_nan() {
                *value = fill;
            }
        }
        Element::pixels(values)
    })
}

/// Pixels of a tile, put together from pieces.
struct Canvas {
    pixels: Pixels,
    rows: Range<u64>,
    cols: Range<u64>,
}

impl Canvas {
    fn new(dtype: DataType, place: &TilePlace, empty: f64) -> Self {
        Self {
            pixels: warp::blank(dtype, place.pixels(), empty),
            rows: place.rows.clone(),
            cols: place.cols.clone(),
        }
    }

    fn paste(&mut self, (rows, cols): &Part, pixels: &Pixels) {
        let size = self.pixels.dtype().itemsize();
        let from = each_pixels!(pixels, values => Element::bytes(values));
        let line = (cols.end - cols.start) as usize * size;
        let stride = (self.cols.end - self.cols.start) as usize * size;
        let first_row = (rows.start - self.rows.start) as usize;
        let first = (cols.start - self.cols.start) as usize * size;
        let height = (rows.end - rows.start) as usize;
        let step_rows = (self.rows.end - self.rows.start) as usize;
        let into = each_pixels!(&mut self.pixels, values => Element::bytes_mut(values));
        for (number, from) in from.chunks_exact(line.max(1)).enumerate() {
            let row = number / height * step_rows + first_row + number % height;
            let at = row * stride + first;
            into[at..at + line].copy_from_slice(from);
        }
    }
}
