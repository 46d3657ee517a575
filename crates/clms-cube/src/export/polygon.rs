//! Statistics of polygons as a table: for each variable and time one row, or one for each class.
//!
//! The polygons of a file count as one area. A pixel belongs to it if its centre lies in it, as GDAL rasterises. Vertices are moved to the dataset's CRS,
//! edges are straight there.

use std::path::Path;
use std::sync::Arc;

use gdal::raster::rasterize;
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform};
use gdal::vector::{Geometry, LayerAccess, OGRwkbGeometryType, geometry_type_flatten};
use gdal::{DatasetOptions, GdalOpenFlags};

use super::counted::Counted;
use super::gdal_raster::{in_memory, read_all};
use super::pipeline::Watch;
use super::scene::{Layer, Scene, Tile, TilePlace};
use super::staging::Staging;
use super::table::{Table, number};
use super::{ExportOptions, ExportReport, ExportState, invalid, warp};
use crate::dataset::Decoding;
use crate::gdal_source::initialise;
use crate::gdal_words::gdal_words;
use crate::range::blocking;
use crate::statistics::PixelArea;
use crate::{CubeError, DataType, Dataset, Grid};

/// A row is of all pixels, or of those of one class. `pixels` are those of the area, `valid` those with a value; of quantities are `mean` to `std`.
const COLUMNS: [&str; 12] = [
    "variable", "time", "class", "name", "pixels", "area_m2", "valid", "mean", "min", "max", "std",
    "unit",
];

/// Rows and columns that are looked at in one go.
const TILE: u64 = 1024;

/// The name of the row of pixels without data, where a variable has classes.
const NO_DATA: &str = "no data";

pub(super) async fn export(
    dataset: &Dataset,
    options: &ExportOptions,
    staging: &Arc<Staging>,
    watch: Watch<'_>,
) -> Result<ExportReport, CubeError> {
    let scene = watch.reading(Scene::new(dataset, options)).await?;
    let area = {
        let (grid, path) = (
            scene.grid.clone(),
            options.polygon.clone().unwrap_or_default(),
        );
        watch
            .reading(blocking(move || Area::read(&path, &grid)))
            .await?
    };
    let area = Arc::new(area);
    let mut counted: Vec<Vec<Counted>> = scene
        .layers
        .iter()
        .map(|layer| vec![Counted::default(); layer.step_count() as usize])
        .collect();
    let total = area.tiles.len() as u64;
    for (done, (rows, cols)) in (0..).zip(&area.tiles) {
        watch.progress.advanced(ExportState { done, total });
        let inside = {
            let (area, part) = (Arc::clone(&area), scene.grid.window(rows, cols));
            watch.reading(blocking(move || area.inside(&part))).await?
        };
        if !inside.contains(&true) {
            continue;
        }
        for place in scene.tiles_of(rows, cols) {
            let tile = watch.reading(scene.tile(place)).await?;
            let layer = &scene.layers[tile.place.layer];
            count(
                &tile,
                layer,
                &inside,
                &area.pixels,
                &mut counted[tile.place.layer],
            );
        }
    }
    watch.progress.advanced(ExportState { done: total, total });
    let mut table = Table::new(staging, &COLUMNS)?;
    for (layer, steps) in scene.layers.iter().zip(&counted) {
        for (step, counted) in steps.iter().enumerate() {
            write(&mut table, layer, &scene.time_of(layer, step), counted)?;
        }
    }
    table.publish(&scene)
}

/// Polygons in the CRS of a grid.
struct Area {
    /// As well-known binary, which may go to other threads.
    polygons: Vec<Vec<u8>>,
    /// The tiles of the grid that the polygons may lie in.
    tiles: Vec<warp::Part>,
    pixels: PixelArea,
}

impl Area {
    /// Reads all polygons of a file. Blocks.
    fn read(path: &Path, grid: &Grid) -> Result<Self, CubeError> {
        let unreadable = |reason: String| CubeError::UnreadableVector {
            file: path.display().to_string(),
            reason,
        };
        // GDAL takes addresses for paths, too.
        path.metadata().map_err(|error| CubeError::InvalidExport {
            reason: format!("the polygons in {}: {error}", path.display()),
        })?;
        initialise();
        let options = DatasetOptions {
            open_flags: GdalOpenFlags::GDAL_OF_READONLY
                | GdalOpenFlags::GDAL_OF_VECTOR
                | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
            ..DatasetOptions::default()
        };
        let failed = |error: gdal::errors::GdalError| unreadable(gdal_words(&error));
        let file = gdal::Dataset::open_ex(path, options).map_err(failed)?;
        let own = grid.crs.spatial_ref().map_err(failed)?;
        let (mut polygons, mut edges) = (Vec::new(), None);
        for mut layer in file.layers() {
            // One without a CRS is taken for one in that of the dataset.
            let transform = match layer.spatial_ref() {
                Some(mut srs) if srs.to_wkt().is_ok_and(|wkt| !wkt.is_empty()) => {
                    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
                    Some(CoordTransform::new(&srs, &own).map_err(failed)?)
                }
                _ => None,
            };
            for feature in layer.features() {
                let Some(geometry) = feature.geometry().filter(|geometry| is_polygon(geometry))
                else {
                    continue;
                };
                let mut geometry = geometry.clone();
                if let Some(transform) = &transform {
                    geometry.transform_inplace(transform).map_err(failed)?;
                }
                let of_this = geometry.envelope();
                let [west, south, east, north] = edges.unwrap_or([
                    f64::INFINITY,
                    f64::INFINITY,
                    f64::NEG_INFINITY,
                    f64::NEG_INFINITY,
                ]);
                edges = Some([
                    of_this.MinX.min(west),
                    of_this.MinY.min(south),
                    of_this.MaxX.max(east),
                    of_this.MaxY.max(north),
                ]);
                polygons.push(geometry.wkb().map_err(failed)?);
            }
        }
        let Some(edges) = edges else {
            return Err(unreadable("there is no polygon in it".to_owned()));
        };
        let Some((rows, cols)) = grid.rows_cols(edges) else {
            return invalid(format!(
                "the polygons of {} lie outside of the data",
                path.display()
            ));
        };
        let tiles = rows.clone().step_by(TILE as usize).flat_map(|row| {
            let tile_rows = row..(row + TILE).min(rows.end);
            let cols = cols.clone();
            cols.clone()
                .step_by(TILE as usize)
                .map(move |col| (tile_rows.clone(), col..(col + TILE).min(cols.end)))
        });
        Ok(Self {
            tiles: tiles.collect(),
            polygons,
            pixels: PixelArea::of(grid)?,
        })
    }

    /// Which pixels of a part of the grid have their centres in a polygon. Blocks.
    fn inside(&self, part: &Grid) -> Result<Vec<bool>, CubeError> {
        let failed = |error: gdal::errors::GdalError| {
            CubeError::internal("rasterising polygons", gdal_words(&error))
        };
        let blank = warp::blank(DataType::UInt8, part.width * part.height, 0.0);
        let mut raster = in_memory(part, blank, None).map_err(failed)?;
        let polygons: Result<Vec<Geometry>, _> = self
            .polygons
            .iter()
            .map(|wkb| Geometry::from_wkb(wkb))
            .collect();
        let polygons = polygons.map_err(failed)?;
        let burnt = vec![1.0; polygons.len()];
        rasterize(&mut raster, &[1], &polygons, &burnt, None).map_err(failed)?;
        let band = raster.rasterband(1).map_err(failed)?;
        let pixels = read_all(&band, DataType::UInt8).map_err(failed)?;
        Ok(pixels.is_not_zero())
    }
}

fn is_polygon(geometry: &Geometry) -> bool {
    [
        OGRwkbGeometryType::wkbPolygon,
        OGRwkbGeometryType::wkbMultiPolygon,
        OGRwkbGeometryType::wkbGeometryCollection,
        OGRwkbGeometryType::wkbCurvePolygon,
        OGRwkbGeometryType::wkbMultiSurface,
    ]
    .contains(&geometry_type_flatten(geometry.geometry_type()))
}

/// Counts the pixels of a tile that lie in the area.
fn count(tile: &Tile, layer: &Layer, inside: &[bool], area: &PixelArea, steps: &mut [Counted]) {
    let TilePlace {
        steps: places,
        rows,
        ..
    } = &tile.place;
    let width = tile.place.width();
    let decoding = Decoding::of(&layer.array);
    let classes = layer.array.classes();
    let mut values: Vec<i64> = classes.iter().map(|class| class.value).collect();
    values.sort_unstable();
    let of_classes = layer.is_of_classes();
    for (number, step) in places.clone().enumerate() {
        let counted = &mut steps[step as usize];
        for (row, inside) in rows.clone().zip(inside.chunks(width)) {
            let area = area.of_row(row);
            let add = |(pixels, metres): &mut (u64, f64)| {
                *pixels += 1;
                *metres += area;
            };
            let first = number * tile.place.height() * width + (row - rows.start) as usize * width;
            for (index, _) in (first..).zip(inside).filter(|(_, inside)| **inside) {
                add(&mut counted.all);
                let stored = tile.pixels.value(index);
                let is_valid = tile.valid.as_ref().is_none_or(|valid| valid[index]);
                let value = if is_valid {
                    decoding.value(stored)
                } else {
                    f64::NAN
                };
                if !value.is_nan() {
                    counted.quantity.add(value);
                }
                let is_class = is_valid && values.binary_search(&(stored as i64)).is_ok();
                if is_class || (of_classes && !value.is_nan()) {
                    add(counted.classes.entry(stored as i64).or_default());
                } else if value.is_nan() {
                    add(&mut counted.without_data);
                }
            }
        }
    }
}

/// The rows of a variable at a time: of a quantity one for all pixels, then one for each class or code that occurs.
fn write(table: &mut Table, layer: &Layer, time: &str, counted: &Counted) -> Result<(), CubeError> {
    let array = &layer.array;
    let row = |class: String, name: String, (pixels, area): (u64, f64)| {
        let mut cells = vec![array.name.clone(), time.to_owned(), class, name];
        cells.extend([pixels.to_string(), number(area)]);
        cells
    };
    let classes = array.classes();
    if !layer.is_of_classes() {
        let quantity = &counted.quantity;
        let mut cells = row(String::new(), String::new(), counted.all);
        cells.push(quantity.valid.to_string());
        let numbers = [
            quantity.mean,
            quantity.min,
            quantity.max,
            quantity.deviation(),
        ];
        cells.extend(numbers.map(number));
        cells.push(array.units().unwrap_or_default().to_owned());
        table.row(&cells)?;
    }
    let no_statistics = || std::iter::repeat_n(String::new(), 6);
    for (value, extent) in &counted.classes {
        let class = classes.iter().find(|class| class.value == *value);
        let name = class.and_then(|class| class.name.clone());
        let mut cells = row(value.to_string(), name.unwrap_or_default(), *extent);
        cells.extend(no_statistics());
        table.row(&cells)?;
    }
    if layer.is_of_classes() && counted.without_data.0 > 0 {
        let mut cells = row(String::new(), NO_DATA.to_owned(), counted.without_data);
        cells.extend(no_statistics());
        table.row(&cells)?;
    }
    Ok(())
}
