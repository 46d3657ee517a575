//! Pictures of a window in the colours of its variable.

use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;

use super::pipeline::Watch;
use super::scene::{Layer, Scene};
use super::staging::Staging;
use super::{ExportOptions, ExportReport, ExportState, Format, invalid};
use crate::dtype::{Element, each_pixels};
use crate::style::MaskedPixels;
use crate::{CubeError, Dataset, Pixels, Selection, Slab, Style};

/// The most columns and rows where nothing is said.
const MAX_SIDE: u32 = 2048;

/// The largest picture, which is held in memory.
const LARGEST_SIDE: u32 = 8192;

/// Pixels that are read at once.
const PIECE: usize = 4 << 20;

/// Each pixel of the picture is one of the dataset: that in the middle of the part that it stands for, of the coarsest overview that has enough.
pub(super) async fn export(
    dataset: &Dataset,
    options: &ExportOptions,
    staging: &Arc<Staging>,
    watch: Watch<'_>,
) -> Result<ExportReport, CubeError> {
    let scene = watch.reading(Scene::new(dataset, options)).await?;
    let layer = check(&scene)?;
    let max_side = options.max_side.unwrap_or(MAX_SIDE);
    if !(1..=LARGEST_SIDE).contains(&max_side) {
        return invalid(format!(
            "a picture has 1 to {LARGEST_SIDE} pixels along a side, not {max_side}"
        ));
    }
    let slab = watch.reading(level(&scene, layer, max_side)).await?;
    let [.., rows, cols] = &slab.ranges[..] else {
        return invalid("it has no rows and columns".to_owned());
    };
    let longest = (rows.end - rows.start).max(cols.end - cols.start);
    let step = (longest as f64 / f64::from(max_side)).max(1.0);
    let side =
        |range: &Range<u64>| ((range.end - range.start) as f64 / step).round().max(1.0) as u64;
    let samples = [(rows.clone(), side(rows)), (cols.clone(), side(cols))];
    let mut sampled = Sampled::new(layer.array.dtype.itemsize(), samples);
    let total = slab.pixels() as u64;
    let (mut done, mut pieces) = (0, dataset.stream(&slab, PIECE));
    while let Some(window) = watch
        .reading(async { pieces.next().await.transpose() })
        .await?
    {
        sampled.take(&window.slab, &window.pixels, window.valid());
        done += window.slab.pixels() as u64;
        watch.progress.advanced(ExportState { done, total });
    }
    let Sampled {
        bytes,
        valid,
        samples,
        ..
    } = sampled;
    let [height, width] = samples.map(|(_, count)| count);
    let mut pixels = Pixels::from_bytes(layer.array.dtype, &bytes);
    let mut valid = valid;
    if slab
        .grid
        .as_ref()
        .is_some_and(|grid| grid.geotransform[5] > 0.0)
    {
        let width = width as usize;
        let dtype = pixels.dtype();
        pixels = each_pixels!(&pixels, values => {
            let turned: Vec<_> = values.chunks(width).rev().flatten().copied().collect();
            Pixels::from_bytes(dtype, Element::bytes(&turned))
        });
        valid = valid.map(|valid| valid.chunks(width).rev().flatten().copied().collect());
    }
    let masked = MaskedPixels::new(&pixels, valid.as_deref());
    let colours = Style::new(&layer.array, masked).render(masked);
    write_png(
        staging,
        [width as u32, height as u32],
        colours.as_flattened(),
    )
    .map_err(|error| staging.failed(&error))?;
    let bytes = staging.publish()?;
    let bbox = scene.grid.bbox();
    Ok(ExportReport {
        path: staging.target().to_owned(),
        format: Format::Png,
        bytes,
        variables: scene.variables(),
        dims: vec!["y".to_owned(), "x".to_owned()],
        shape: vec![height, width],
        crs: Some(scene.crs_name()),
        bbox: Some(bbox),
        pixel_size: Some([
            (bbox[2] - bbox[0]) / width as f64,
            (bbox[3] - bbox[1]) / height as f64,
        ]),
        time: scene.first_and_last_time(),
        resampling: None,
    })
}

/// The one variable at one time that a picture can show.
fn check(scene: &Scene) -> Result<&Layer, CubeError> {
    let [layer] = &scene.layers[..] else {
        return invalid(format!(
            "a picture shows one variable: choose one of {}",
            scene.variables().join(", ")
        ));
    };
    if layer.step_count() != 1 {
        return invalid(format!(
            "a picture shows one time, and there are {}: choose one",
            layer.step_count()
        ));
    }
    Ok(layer)
}

/// The part of the coarsest overview that has enough pixels.
async fn level(scene: &Scene, layer: &Layer, max_side: u32) -> Result<Slab, CubeError> {
    let grid = &scene.grid;
    let [width, height] = grid.pixel_size();
    let wanted = (width * grid.width as f64).max(height * grid.height as f64) / f64::from(max_side);
    let mut selection = Selection::new()
        .bbox(grid.bbox())
        .resolution(wanted.max(width.max(height)));
    if layer.time_axis.is_some() {
        selection = selection.indices(crate::dataset::TIME, layer.steps.clone());
    }
    scene
        .dataset
        .select(&scene.group, &layer.array.name, &selection)
        .await
}

/// Pixels that are picked out of pieces.
struct Sampled {
    itemsize: usize,
    /// Rows and columns that there are, and how many are picked.
    samples: [(Range<u64>, u64); 2],
    bytes: Vec<u8>,
    valid: Option<Vec<bool>>,
}

impl Sampled {
    fn new(itemsize: usize, samples: [(Range<u64>, u64); 2]) -> Self {
        let [(_, height), (_, width)] = &samples;
        Self {
            itemsize,
            bytes: vec![0; (height * width) as usize * itemsize],
            samples,
            valid: None,
        }
    }

    /// The picked ones within a range: places in the picture and in the range.
    fn within(&self, axis: usize, range: &Range<u64>) -> Vec<(usize, usize)> {
        let (all, count) = &self.samples[axis];
        let size = all.end - all.start;
        let picked = |index: u64| all.start + (2 * index + 1) * size / (2 * count);
        (0..*count)
            .map(|index| (index as usize, picked(index)))
            .filter(|(_, at)| range.contains(at))
            .map(|(index, at)| (index, (at - range.start) as usize))
            .collect()
    }

    fn take(&mut self, slab: &Slab, pixels: &Pixels, valid: Option<&[bool]>) {
        let [.., rows, cols] = &slab.ranges[..] else {
            return;
        };
        let (picked_rows, picked_cols) = (self.within(0, rows), self.within(1, cols));
        let (stride, width) = ((cols.end - cols.start) as usize, self.samples[1].1 as usize);
        let size = self.itemsize;
        let all = self.bytes.len() / size;
        let bytes = each_pixels!(pixels, values => Element::bytes(values));
        for (to_row, from_row) in &picked_rows {
            for (to_col, from_col) in &picked_cols {
                let (to, from) = (to_row * width + to_col, from_row * stride + from_col);
                self.bytes[to * size..(to + 1) * size]
                    .copy_from_slice(&bytes[from * size..(from + 1) * size]);
                if let Some(valid) = valid {
                    self.valid.get_or_insert_with(|| vec![true; all])[to] = valid[from];
                }
            }
        }
    }
}

fn write_png(staging: &Staging, [width, height]: [u32; 2], rgba: &[u8]) -> std::io::Result<()> {
    let file = BufWriter::new(File::create(staging.result())?);
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
    writer
        .write_image_data(rgba)
        .map_err(std::io::Error::other)?;
    writer.finish().map_err(std::io::Error::other)
}
