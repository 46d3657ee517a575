//! NetCDF-4 with CF attributes, written without the libraries of NetCDF and HDF5, which not every GDAL comes with.
//!
//! Chunks are deflated and appended as tiles arrive; their index and all metadata come behind them (see [`file`]).

mod attribute;
mod chunk_index;
mod dimensions;
mod encoding;
mod file;

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value, json};

use super::pipeline::{self, Pace, TileWriter, Watch};
use super::scene::{Layer, Scene, Tile};
use super::staging::Staging;
use super::variable_attributes::{self as variable, GRID_MAPPING};
use super::{ExportReport, Format};
use crate::dataset::TIME;
use crate::dtype::{Element, each_pixels, with_element};
use crate::metadata::cf;
use crate::{CubeError, DataType, Pixels};
use attribute::Attribute;
use file::{Dimension, NetcdfFile, Storage, Variable};

/// Rows and columns of a chunk, which is the smallest part that can be read.
const CHUNK: u64 = 512;

/// The level of deflate.
const LEVEL: u32 = 4;

pub(super) async fn export(
    scene: Arc<Scene>,
    staging: &Arc<Staging>,
    watch: Watch<'_>,
) -> Result<ExportReport, CubeError> {
    let pace = Pace {
        tile: scene.tile_size(CHUNK),
        finishing: 0,
    };
    let (scene_of, staging_of) = (Arc::clone(&scene), Arc::clone(staging));
    pipeline::write(&scene, pace, watch, move || {
        NetcdfWriter::new(scene_of, staging_of)
    })
    .await?;
    pipeline::publish(&scene, Format::NetCdf, staging)
}

struct NetcdfWriter {
    scene: Arc<Scene>,
    staging: Arc<Staging>,
    file: NetcdfFile,
    /// The variable of each layer, and of its validity.
    of_layers: Vec<(usize, Option<usize>)>,
    /// Rows and columns of a chunk: no more than there are.
    chunk: [u64; 2],
}

impl NetcdfWriter {
    fn new(scene: Arc<Scene>, staging: Arc<Staging>) -> Result<Self, CubeError> {
        let file = NetcdfFile::create(&staging.result()).map_err(|error| staging.failed(&error))?;
        let chunk = [scene.grid.height.min(CHUNK), scene.grid.width.min(CHUNK)];
        let mut writer = Self {
            of_layers: Vec::new(),
            chunk,
            file,
            staging,
            scene,
        };
        writer.define();
        Ok(writer)
    }

    /// Dimensions with their coordinates, the grid mapping, and the variables without their pixels.
    fn define(&mut self) {
        let scene = Arc::clone(&self.scene);
        let grid = &scene.grid;
        let mut coordinates = vec![
            ("y", grid.y(), cf::axis(&grid.crs, "Y")),
            ("x", grid.x(), cf::axis(&grid.crs, "X")),
        ];
        if let Some(time) = &scene.time {
            let mut attributes = variable::kept(&time.attributes);
            attributes.entry("axis").or_insert(json!("T"));
            coordinates.insert(0, (TIME, time.numbers.clone(), attributes));
        }
        for (name, numbers, attributes) in coordinates {
            self.file.dimensions.push(Dimension {
                name: name.to_owned(),
                len: numbers.len() as u64,
            });
            let dimension = self.file.dimensions.len() - 1;
            self.file.variables.push(Variable {
                name: name.to_owned(),
                dtype: DataType::Float64,
                dims: vec![dimension],
                fill: None,
                attributes: attribute::of_map(&attributes, DataType::Float64),
                storage: Storage::Whole(encoding::little_endian(&Pixels::Float64(numbers))),
            });
        }
        self.file.variables.push(Variable {
            name: GRID_MAPPING.to_owned(),
            dtype: DataType::Int32,
            dims: Vec::new(),
            fill: None,
            attributes: attribute::of_map(&cf::spatial_ref(grid), DataType::Int32),
            storage: Storage::Whole(vec![0; DataType::Int32.itemsize()]),
        });
        for layer in &scene.layers {
            let name = variable::array_name(layer);
            let attributes = variable::of_layer(layer);
            let dtype = layer.array.dtype;
            let number = self.define_array(name, layer, (dtype, layer.fill), &attributes);
            let validity = variable::validity_name(layer).map(|name| {
                let attributes = variable::of_validity(layer);
                self.define_array(name, layer, (DataType::UInt8, None), &attributes)
            });
            self.of_layers.push((number, validity));
        }
        let global = variable::of_dataset(&scene);
        self.file.attributes = attribute::of_map(&global, DataType::Float64);
    }

    /// An array of a layer's shape; its number.
    fn define_array(
        &mut self,
        name: String,
        layer: &Layer,
        (dtype, fill): (DataType, Option<f64>),
        attributes: &Map<String, Value>,
    ) -> usize {
        let first = usize::from(self.scene.time.is_some());
        let mut dims = vec![first, first + 1];
        let mut chunk = self.chunk.to_vec();
        if layer.time_axis.is_some() {
            dims.insert(0, 0);
            chunk.insert(0, 1);
        }
        let mut attributes = attribute::of_map(attributes, dtype);
        let fill = fill.map(|fill| one(dtype, fill));
        if let Some(fill) = &fill {
            attributes.insert(0, Attribute::numbers("_FillValue", fill));
        }
        self.file.variables.push(Variable {
            name,
            dtype,
            dims,
            fill: fill.as_ref().map(encoding::little_endian),
            attributes,
            storage: Storage::chunked(chunk),
        });
        self.file.variables.len() - 1
    }

    /// Appends the chunks of a tile.
    fn append(
        &mut self,
        number: usize,
        tile: &Tile,
        pixels: &Pixels,
        fill: f64,
    ) -> Result<(), CubeError> {
        let place = &tile.place;
        let [height, width] = self.chunk.map(|size| size as usize);
        let area = place.width() * place.height();
        let is_timed = self.file.variables[number].dims.len() == 3;
        for (index, step) in place.steps.clone().enumerate() {
            for row in (0..place.height()).step_by(height) {
                for col in (0..place.width()).step_by(width) {
                    let window = Window {
                        first: index * area,
                        stride: place.width(),
                        rows: row..(row + height).min(place.height()),
                        cols: col..(col + width).min(place.width()),
                    };
                    let Some(bytes) = window.chunk(pixels, [height, width], fill)? else {
                        continue;
                    };
                    let mut at = vec![place.rows.start + row as u64, place.cols.start + col as u64];
                    if is_timed {
                        at.insert(0, step);
                    }
                    let appended = self.file.append_chunk(number, at, &bytes);
                    appended.map_err(|error| self.staging.failed(&error))?;
                }
            }
        }
        Ok(())
    }
}

impl TileWriter for NetcdfWriter {
    fn take(&mut self, tile: Tile) -> Result<(), CubeError> {
        let (number, validity) = self.of_layers[tile.place.layer];
        let fill = self.scene.layers[tile.place.layer].fill.unwrap_or(0.0);
        self.append(number, &tile, &tile.pixels, fill)?;
        if let (Some(valid), Some(number)) = (&tile.valid, validity) {
            let mask = Pixels::UInt8(valid.iter().map(|valid| u8::from(*valid)).collect());
            self.append(number, &tile, &mask, 0.0)?;
        }
        Ok(())
    }

    fn finish(self, _: &dyn Fn(f64) -> bool) -> Result<(), CubeError> {
        let staging = Arc::clone(&self.staging);
        self.file.finish().map_err(|error| staging.failed(&error))
    }
}

/// One pixel.
fn one(dtype: DataType, value: f64) -> Pixels {
    with_element!(dtype, T => Pixels::from_bytes(dtype, T::bytes(&[T::from_f64(value)])))
}

/// The part of a step's pixels that lies in a chunk.
struct Window {
    /// Where the step begins.
    first: usize,
    stride: usize,
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
}

impl Window {
    /// A whole chunk, shuffled and deflated, with fill beyond the pixels; `None` if all of it is fill.
    fn chunk(
        &self,
        pixels: &Pixels,
        [height, width]: [usize; 2],
        fill: f64,
    ) -> Result<Option<Vec<u8>>, CubeError> {
        let dtype = pixels.dtype();
        let chunk = each_pixels!(pixels, values => {
            let fill = Element::from_f64(fill);
            let mut chunk = vec![fill; height * width];
            for (row, line) in self.rows.clone().zip(chunk.chunks_exact_mut(width)) {
                let from = self.first + row * self.stride;
                let from = &values[from + self.cols.start..from + self.cols.end];
                line[..from.len()].copy_from_slice(from);
            }
            if chunk.iter().all(|pixel| pixel.same(fill)) {
                return Ok(None);
            }
            Pixels::from_bytes(dtype, Element::bytes(&chunk))
        });
        let bytes = encoding::shuffled(&encoding::little_endian(&chunk), dtype.itemsize());
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(LEVEL));
        let deflated = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        let deflated = deflated.map_err(|error| CubeError::internal("deflating a chunk", error))?;
        Ok(Some(deflated))
    }
}
