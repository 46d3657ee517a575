//! Cloud optimised GeoTIFFs: each variable and step a band.
//!
//! Tiles are written to a GeoTIFF beside the target first, of which GDAL's COG driver makes a copy with overviews: neither holds more than a few blocks in memory.

use std::sync::Arc;

use gdal::cpl::CslStringList;
use gdal::raster::{ColorEntry, ColorTable, PaletteInterpretation, RasterBand};
use gdal::{Dataset, DriverManager, Metadata};
use serde_json::Value;

use super::gdal_calls::{create_copy, set_unit};
use super::gdal_raster::{create, gdal_dtype, write};
use super::pipeline::{self, Pace, TileWriter, Watch};
use super::scene::{Layer, Scene, Tile};
use super::staging::Staging;
use super::{ExportReport, Format, invalid, side_car};
use crate::dtype::{Element, each_pixels};
use crate::gdal_source::LocalConfig;
use crate::gdal_words::{gdal_words, says_disk_is_full};
use crate::{CubeError, DataType, Pixels};

/// Rows and columns of a block.
const BLOCK: u64 = 512;

/// Bytes that overviews are made of at once, instead of 10 MB.
const OVERVIEW_CHUNK_BYTES: &str = "2000000";

/// Bands of one file: GDAL keeps something of each in memory.
const MOST_BANDS: u64 = 4096;

/// Attributes that are said in GeoTIFF's own ways, or mean nothing there.
const SAID_OTHERWISE: [&str; 10] = [
    "_FillValue",
    "scale_factor",
    "add_offset",
    "units",
    "grid_mapping",
    "coordinates",
    "ancillary_variables",
    "missing_value",
    "_CRS",
    "_Netcdf4Dimid",
];

pub(super) async fn export(
    scene: Arc<Scene>,
    staging: &Arc<Staging>,
    watch: Watch<'_>,
) -> Result<ExportReport, CubeError> {
    let dtype = check(&scene)?;
    let pace = Pace {
        tile: scene.tile_size(BLOCK),
        finishing: 1,
    };
    side_car::write(&scene, &staging.side_car(side_car::ENDING))
        .map_err(|error| staging.failed(&error))?;
    let (scene_of, staging_of) = (Arc::clone(&scene), Arc::clone(staging));
    pipeline::write(&scene, pace, watch, move || {
        GeoTiffWriter::new(scene_of, staging_of, dtype)
    })
    .await?;
    pipeline::publish(&scene, Format::GeoTiff, staging)
}

/// The one type of all bands.
fn check(scene: &Scene) -> Result<DataType, CubeError> {
    let Some(first) = scene.layers.first() else {
        return invalid("there is no variable to export".to_owned());
    };
    let dtype = first.array.dtype;
    if let Some(other) = scene.layers.iter().find(|layer| layer.array.dtype != dtype) {
        return invalid(format!(
            "a GeoTIFF has one type for all bands, and {} is {dtype}, {} is {}: choose one variable",
            first.array.name, other.array.name, other.array.dtype
        ));
    }
    // NaN is the same fill as NaN.
    let fill = |layer: &Layer| layer.fill.map(f64::to_bits);
    if let Some(other) = scene.layers.iter().find(|layer| fill(layer) != fill(first)) {
        return invalid(format!(
            "a GeoTIFF has one value for no data, and {} and {} have different ones: choose one variable",
            first.array.name, other.array.name
        ));
    }
    let bands: u64 = scene.layers.iter().map(Layer::step_count).sum();
    if bands > MOST_BANDS {
        return invalid(format!(
            "{bands} bands are more than the {MOST_BANDS} that go in a GeoTIFF: choose fewer times, or NetCDF or Zarr"
        ));
    }
    if bands > 1 && scene.layers.iter().any(|layer| layer.validity.is_some()) {
        return invalid(
            "a GeoTIFF has one mask for all bands: choose one variable and one time, or NetCDF or Zarr"
                .to_owned(),
        );
    }
    Ok(dtype)
}

struct GeoTiffWriter {
    // Closed first of all.
    dataset: Dataset,
    scene: Arc<Scene>,
    staging: Arc<Staging>,
    /// The number of each layer's first band.
    first_bands: Vec<usize>,
    _config: [Option<LocalConfig>; 2],
}

impl GeoTiffWriter {
    /// Makes the file beside the target, with all that is said of the bands.
    fn new(scene: Arc<Scene>, staging: Arc<Staging>, dtype: DataType) -> Result<Self, CubeError> {
        let config = [
            LocalConfig::without_side_cars(),
            LocalConfig::set("GDAL_TIFF_INTERNAL_MASK", "YES"),
        ];
        let failed = |error: gdal::errors::GdalError| failed(&staging, gdal_words(&error));
        let mut first_bands = Vec::new();
        let mut bands = 0;
        for layer in &scene.layers {
            first_bands.push(bands + 1);
            bands += layer.step_count() as usize;
        }
        let options = options(&[
            ("TILED", "YES"),
            ("BLOCKXSIZE", &BLOCK.to_string()),
            ("BLOCKYSIZE", &BLOCK.to_string()),
            ("COMPRESS", "DEFLATE"),
            ("ZLEVEL", "1"),
            ("INTERLEAVE", "BAND"),
            ("BIGTIFF", "YES"),
            ("SPARSE_OK", "TRUE"),
        ])?;
        let layout = (bands, dtype);
        let mut dataset = create(
            "GTiff",
            &staging.path("pixels.tif"),
            &scene.grid,
            layout,
            &options,
        )
        .map_err(failed)?;
        describe_dataset(&mut dataset, &scene).map_err(failed)?;
        for (layer, first) in scene.layers.iter().zip(&first_bands) {
            for step in 0..layer.step_count() as usize {
                describe_band(&dataset, first + step, layer, &scene, step).map_err(failed)?;
            }
        }
        if let [only] = &scene.layers[..]
            && bands == 1
        {
            let mut band = dataset.rasterband(1).map_err(failed)?;
            if let Some(colours) = colours(only) {
                band.set_color_table(&colours);
            }
            if only.validity.is_some() {
                band.create_mask_band(true).map_err(failed)?;
            }
        }
        Ok(Self {
            scene,
            staging,
            dataset,
            first_bands,
            _config: config,
        })
    }

    fn failed(&self, words: String) -> CubeError {
        failed(&self.staging, words)
    }
}

fn options(pairs: &[(&str, &str)]) -> Result<CslStringList, CubeError> {
    let mut options = CslStringList::new();
    for (name, value) in pairs {
        options
            .set_name_value(name, value)
            .map_err(|error| CubeError::internal("naming options for GDAL", error))?;
    }
    Ok(options)
}

fn failed(staging: &Staging, words: String) -> CubeError {
    if says_disk_is_full(&words) || staging.is_disk_full() {
        return CubeError::disk_full(staging.target().to_string_lossy(), words);
    }
    CubeError::WriteFile {
        path: staging.target().to_owned(),
        reason: words,
    }
}

fn describe_dataset(dataset: &mut Dataset, scene: &Scene) -> gdal::errors::Result<()> {
    dataset.set_metadata_item("AREA_OR_POINT", "Area", "")?;
    for (name, value) in &scene.dataset.structure().attributes {
        if let Value::String(text) = value
            && !name.contains([':', '='])
            && name != "Conventions"
        {
            dataset.set_metadata_item(name, text, "")?;
        }
    }
    Ok(())
}

fn describe_band(
    dataset: &Dataset,
    number: usize,
    layer: &Layer,
    scene: &Scene,
    step: usize,
) -> gdal::errors::Result<()> {
    let mut band = dataset.rasterband(number)?;
    band.set_no_data_value(layer.fill)?;
    let array = &layer.array;
    let factor = |name: &str| array.attributes.get(name).and_then(Value::as_f64);
    if let Some(scale) = factor("scale_factor") {
        band.set_scale(scale)?;
    }
    if let Some(offset) = factor("add_offset") {
        band.set_offset(offset)?;
    }
    if let Some(units) = array.units() {
        set_unit(&band, units);
    }
    let mut description = array.name.clone();
    if layer.time_axis.is_some()
        && let Some(text) = scene.time.as_ref().and_then(|time| time.texts.get(step))
    {
        description = format!("{description} {text}");
        band.set_metadata_item("time", text, "")?;
    }
    band.set_description(&description)?;
    for (name, value) in &array.attributes {
        if !SAID_OTHERWISE.contains(&name.as_str())
            && !name.contains([':', '='])
            && let Some(text) = words(value)
        {
            band.set_metadata_item(name, &text, "")?;
        }
    }
    Ok(())
}

/// An attribute as text: numbers of a list separated by blanks, names by commas.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            let separator = if items.iter().all(Value::is_string) {
                ", "
            } else {
                " "
            };
            let items: Option<Vec<String>> = items.iter().map(words).collect();
            items.map(|items| items.join(separator))
        }
        _ => None,
    }
}

/// The colours of classes, which one band of bytes can have.
fn colours(layer: &Layer) -> Option<ColorTable<'static>> {
    if layer.array.dtype != DataType::UInt8 || !layer.is_of_classes() {
        return None;
    }
    let mut table = ColorTable::new(PaletteInterpretation::Rgba);
    let mut any = false;
    for class in layer.array.classes() {
        if let (Ok(value), Some([red, green, blue])) = (u8::try_from(class.value), class.colour) {
            let entry = ColorEntry::rgba(red.into(), green.into(), blue.into(), 255);
            table.set_color_entry(value.into(), &entry);
            any = true;
        }
    }
    any.then_some(table)
}

impl TileWriter for GeoTiffWriter {
    fn take(&mut self, tile: Tile) -> Result<(), CubeError> {
        let Tile {
            place,
            pixels,
            valid,
        } = tile;
        let failed = |error: gdal::errors::GdalError| self.failed(gdal_words(&error));
        let at = [place.cols.start as usize, place.rows.start as usize];
        let size = [place.width(), place.height()];
        let area = size[0] * size[1];
        let first = self.first_bands[place.layer] + place.steps.start as usize;
        let steps = (place.steps.end - place.steps.start) as usize;
        let write = |mut band: RasterBand<'_>, pixels: Pixels| {
            write(&mut band, at, size, pixels).map_err(failed)
        };
        let band = |step: usize| self.dataset.rasterband(first + step).map_err(failed);
        if steps == 1 {
            write(band(0)?, pixels)?;
        } else {
            for step in 0..steps {
                let of_step = each_pixels!(&pixels, values => {
                    Element::pixels(values[step * area..(step + 1) * area].to_vec())
                });
                write(band(step)?, of_step)?;
            }
        }
        // There is one band where there is a mask.
        if let Some(valid) = valid {
            let mask = valid.into_iter().map(|valid| if valid { 255 } else { 0 });
            let mask = Pixels::UInt8(mask.collect());
            write(band(0)?.open_mask_band().map_err(failed)?, mask)?;
        }
        Ok(())
    }

    fn finish(mut self, go_on: &dyn Fn(f64) -> bool) -> Result<(), CubeError> {
        let gdal_failed =
            |error: gdal::errors::GdalError| failed(&self.staging, gdal_words(&error));
        self.dataset.flush_cache().map_err(gdal_failed)?;
        let driver = DriverManager::get_driver_by_name("COG").map_err(gdal_failed)?;
        let of_classes = self.scene.layers.iter().any(Layer::is_of_classes);
        let has_codes =
            self.scene.layers.iter().any(|layer| {
                layer.array.valid_range().is_some() || !layer.array.classes().is_empty()
            });
        let overviews = match (of_classes, has_codes) {
            (true, _) => "MODE",
            // A mean of codes would look like a value.
            (false, true) => "NEAREST",
            (false, false) => "AVERAGE",
        };
        let itemsize = gdal_dtype(self.scene.layers[0].array.dtype).itemsize();
        let options = options(&[
            ("COMPRESS", "DEFLATE"),
            ("PREDICTOR", if itemsize > 1 { "YES" } else { "NO" }),
            ("BLOCKSIZE", &BLOCK.to_string()),
            ("OVERVIEW_RESAMPLING", overviews),
            ("BIGTIFF", "IF_SAFER"),
            // Each thread has megabytes of its own.
            ("NUM_THREADS", "1"),
        ])?;
        let _config = LocalConfig::set("GDAL_OVR_CHUNK_MAX_SIZE", OVERVIEW_CHUNK_BYTES);
        let result = self.staging.result();
        create_copy(&driver, &result, &self.dataset, &options, go_on)
            .map_err(|words| self.failed(words))
    }
}
