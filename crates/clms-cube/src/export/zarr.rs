//! Zarr v3 hierarchies like those that are built here, with `time` where the dataset has it. They have no overviews.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::pipeline::{self, Pace, TileWriter, Watch};
use super::scene::{Layer, Scene, Tile};
use super::staging::Staging;
use super::variable_attributes::{self as variable, GRID_MAPPING};
use super::{ExportReport, Format};
use crate::build::{ChunkCompressor, ShardEncoder, encode_chunk};
use crate::dataset::TIME;
use crate::dtype::{Element, each_pixels};
use crate::metadata::{
    DEFAULT_COMPRESSION_LEVEL, Document, cf, document_key, geozarr, node_path, zarr_v3,
};
use crate::plan::ChunkLayout;
use crate::{CubeError, DataType, Pixels};

/// Rows and columns of a chunk.
const CHUNK: u64 = 1024;

const DIMS: [&str; 2] = ["y", "x"];

pub(super) async fn export(
    scene: Arc<Scene>,
    staging: &Arc<Staging>,
    watch: Watch<'_>,
) -> Result<ExportReport, CubeError> {
    let widest = scene.layers.iter().map(|layer| layer.array.dtype);
    let widest = widest.max_by_key(|dtype| dtype.itemsize());
    let layout = layout(&scene, widest.unwrap_or(DataType::UInt8));
    let pace = Pace {
        tile: layout.shard,
        finishing: 0,
    };
    let (scene_of, staging_of) = (Arc::clone(&scene), Arc::clone(staging));
    pipeline::write(&scene, pace, watch, move || {
        Ok(ZarrWriter {
            root: staging_of.result(),
            compressor: ChunkCompressor::new(None)?,
            scene: scene_of,
            staging: staging_of,
            layout,
        })
    })
    .await?;
    pipeline::publish(&scene, Format::Zarr, staging)
}

/// Chunks as in cubes, and shards of few of them: several shards are in memory at a time.
fn layout(scene: &Scene, widest: DataType) -> ChunkLayout {
    let size = [scene.grid.height, scene.grid.width];
    let chunk = size.map(|size| size.clamp(1, CHUNK));
    let side = if widest.itemsize() == 1 { 2 } else { 1 };
    let shard = [0, 1].map(|axis| chunk[axis] * side.min(size[axis].div_ceil(chunk[axis])));
    ChunkLayout {
        chunk,
        shard,
        shards_per_unit: 1,
    }
}

struct ZarrWriter {
    scene: Arc<Scene>,
    staging: Arc<Staging>,
    root: PathBuf,
    /// Of all arrays: a tile is a shard.
    layout: ChunkLayout,
    compressor: ChunkCompressor,
}

impl TileWriter for ZarrWriter {
    fn take(&mut self, tile: Tile) -> Result<(), CubeError> {
        let scene = Arc::clone(&self.scene);
        let layer = &scene.layers[tile.place.layer];
        let fill = layer.fill.unwrap_or(0.0);
        self.write_tile(
            &variable::array_name(layer),
            layer,
            &tile,
            &tile.pixels,
            fill,
        )?;
        if let (Some(valid), Some(name)) = (&tile.valid, variable::validity_name(layer)) {
            let mask = Pixels::UInt8(valid.iter().map(|valid| u8::from(*valid)).collect());
            self.write_tile(&name, layer, &tile, &mask, 0.0)?;
        }
        Ok(())
    }

    fn finish(self, _: &dyn Fn(f64) -> bool) -> Result<(), CubeError> {
        let documents = self.write_coordinates()?;
        let mut arrays = documents;
        for layer in &self.scene.layers {
            let mut attributes = variable::of_layer(layer);
            if let Some(fill) = layer.fill {
                let fill = cf::fill_attribute(fill, layer.array.dtype);
                attributes.insert("_FillValue".to_owned(), fill);
            }
            let content = self.array(layer, (layer.array.dtype, layer.fill), attributes);
            arrays.push(Document {
                path: variable::array_name(layer),
                content,
            });
            if let Some(path) = variable::validity_name(layer) {
                let attributes = variable::of_validity(layer);
                let content = self.array(layer, (DataType::UInt8, None), attributes);
                arrays.push(Document { path, content });
            }
        }
        let mut attributes = variable::of_dataset(&self.scene);
        let dims = DIMS.map(str::to_owned);
        attributes.extend(geozarr::grid_attributes(&self.scene.grid, dims, None));
        let mut root = zarr_v3::group(attributes);
        zarr_v3::consolidate(&mut root, arrays.iter(), "");
        // What makes it a hierarchy comes last.
        arrays.push(Document {
            path: String::new(),
            content: root,
        });
        for document in &arrays {
            let bytes = serde_json::to_vec_pretty(&document.content)
                .map_err(|error| CubeError::internal("writing metadata as JSON", error))?;
            self.write(&document_key(&document.path), [&bytes[..]])?;
        }
        Ok(())
    }
}

impl ZarrWriter {
    /// Writes each step of a tile as a shard.
    fn write_tile(
        &mut self,
        name: &str,
        layer: &Layer,
        tile: &Tile,
        pixels: &Pixels,
        fill: f64,
    ) -> Result<(), CubeError> {
        let place = &tile.place;
        let (width, height) = (place.width(), place.height());
        let [row, col] = [
            place.rows.start / self.layout.shard[0],
            place.cols.start / self.layout.shard[1],
        ];
        each_pixels!(pixels, values => {
            for (step, of_step) in place.steps.clone().zip(values.chunks(width * height)) {
                let shard = self.encode(of_step, width, fill)?;
                let time = match layer.time_axis {
                    Some(_) => format!("{step}/"),
                    None => String::new(),
                };
                if let Some(shard) = shard {
                    let key = node_path(name, &format!("c/{time}{row}/{col}"));
                    self.write(&key, shard.iter().map(|part| &part[..]))?;
                }
            }
        });
        Ok(())
    }

    fn encode<T: Element>(
        &mut self,
        pixels: &[T],
        width: usize,
        fill: f64,
    ) -> Result<Option<object_store::PutPayload>, CubeError> {
        let mut encoder = ShardEncoder::new(&self.layout, T::from_f64(fill), false);
        let height = self.layout.chunk[0] as usize;
        for (number, band) in pixels.chunks(height * width).enumerate() {
            let place = [number * height, 0];
            encoder.encode(&mut self.compressor, place, band, width, 0..width)?;
        }
        Ok(encoder.finish().1)
    }

    /// The document of an array of a layer's shape.
    fn array(
        &self,
        layer: &Layer,
        fill: (DataType, Option<f64>),
        attributes: Map<String, Value>,
    ) -> Value {
        let grid = &self.scene.grid;
        let (mut shape, mut dims) = (
            vec![grid.height, grid.width],
            DIMS.map(str::to_owned).to_vec(),
        );
        let (mut chunk, mut shard) = (self.layout.chunk.to_vec(), self.layout.shard.to_vec());
        if layer.time_axis.is_some() {
            shape.insert(0, layer.step_count());
            dims.insert(0, TIME.to_owned());
            chunk.insert(0, 1);
            shard.insert(0, 1);
        }
        let level = DEFAULT_COMPRESSION_LEVEL;
        zarr_v3::sharded_array(&shape, [&chunk, &shard], fill, level, attributes, &dims)
    }

    /// Writes coordinates and grid mapping; their documents.
    fn write_coordinates(&self) -> Result<Vec<Document>, CubeError> {
        let grid = &self.scene.grid;
        let mut coordinates = vec![
            ("y", grid.y(), cf::axis(&grid.crs, "Y")),
            ("x", grid.x(), cf::axis(&grid.crs, "X")),
        ];
        if let Some(time) = &self.scene.time {
            let mut attributes = variable::kept(&time.attributes);
            attributes.entry("axis").or_insert(json!("T"));
            coordinates.insert(0, (TIME, time.numbers.clone(), attributes));
        }
        let mut documents = Vec::new();
        for (name, numbers, attributes) in coordinates {
            let chunk = encode_chunk(&numbers)?;
            self.write(&node_path(name, "c/0"), [&chunk[..]])?;
            documents.push(Document {
                path: name.to_owned(),
                content: zarr_v3::coordinate(name, numbers.len() as u64, attributes),
            });
        }
        documents.push(Document {
            path: GRID_MAPPING.to_owned(),
            content: zarr_v3::scalar(cf::spatial_ref(grid)),
        });
        Ok(documents)
    }

    fn write<'a>(
        &self,
        key: &str,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), CubeError> {
        let path = self.root.join(key);
        let write = || -> io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = BufWriter::new(fs::File::create(&path)?);
            for part in parts {
                file.write_all(part)?;
            }
            file.flush()
        };
        write().map_err(|error| self.staging.failed(&error))
    }
}
