//! Writing one GeoTIFF with GDAL, strip by strip.

use std::path::Path;
use std::thread;

use gdal::raster::{
    Buffer, ColorEntry, ColorTable, GdalType, PaletteInterpretation, RasterCreationOptions,
};
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DriverManager};

use crate::error::{AtPath, Error, Result};
use crate::pattern::Pattern;
use crate::raster::{Crs, DType, RasterSpec};
use crate::statistics::{Statistics, Tally};
use crate::tiff_tags::{TIFFTAG_GDAL_NODATA, TIFFTAG_SAMPLEFORMAT, TiffTags};

/// No strip of pixels is much larger than this, in bytes.
const STRIP_BYTES: usize = 16 << 20;

/// Rasters that are larger uncompressed, in bytes, may not fit into the 4 GB of a classic TIFF; GDAL does not guess it.
const LARGEST_CLASSIC: usize = 16 << 30;

const SAMPLEFORMAT_INT: u16 = 2;

/// A pixel type that GDAL can store.
trait Pixel: GdalType + Copy + Default + Send {
    fn cast(value: f64) -> Self;
    fn number(self) -> f64;
}

macro_rules! pixel {
    ($($t:ty),*) => {$(
        impl Pixel for $t {
            #[inline]
            fn cast(value: f64) -> Self {
                value as i64 as $t
            }
            #[inline]
            fn number(self) -> f64 {
                self as f64
            }
        }
    )*};
}
pixel!(u8, u16, i16, u32, i32);

impl Pixel for f32 {
    fn cast(value: f64) -> Self {
        value as Self
    }
    fn number(self) -> f64 {
        f64::from(self)
    }
}

impl Pixel for f64 {
    fn cast(value: f64) -> Self {
        value
    }
    fn number(self) -> f64 {
        self
    }
}

/// Writes the file and returns the statistics of its first band, nodata excluded.
pub(crate) fn write(spec: &RasterSpec, path: &Path) -> Result<Statistics> {
    if spec.bands.is_empty() || spec.width == 0 || spec.height == 0 {
        return Err(Error::spec(
            &spec.name,
            "a raster has at least one band and one pixel",
        ));
    }
    let statistics = match spec.dtype {
        DType::U8 | DType::I8 => create::<u8>(spec, path),
        DType::U16 => create::<u16>(spec, path),
        DType::I16 => create::<i16>(spec, path),
        DType::U32 => create::<u32>(spec, path),
        DType::I32 => create::<i32>(spec, path),
        DType::F32 => create::<f32>(spec, path),
        DType::F64 => create::<f64>(spec, path),
    }?;
    patch_tags(spec, path)?;
    Ok(statistics)
}

fn create<T: Pixel>(spec: &RasterSpec, path: &Path) -> Result<Statistics> {
    let mut options = vec![format!("COMPRESS={}", spec.compress)];
    if let Some(block) = spec.block {
        options.push("TILED=YES".to_owned());
        options.push(format!("BLOCKXSIZE={block}"));
        options.push(format!("BLOCKYSIZE={block}"));
    }
    options.extend(spec.options.iter().cloned());
    if spec.width * spec.height * size_of::<T>() > LARGEST_CLASSIC
        && !spec
            .options
            .iter()
            .any(|option| option.starts_with("BIGTIFF="))
    {
        options.push("BIGTIFF=YES".to_owned());
    }
    let options = RasterCreationOptions::from_iter(options.iter().map(String::as_str));

    let driver = DriverManager::get_driver_by_name("GTiff").at(path)?;
    let (width, height, bands) = (spec.width, spec.height, spec.bands.len());
    let mut dataset = driver
        .create_with_band_type_with_options::<T, _>(path, width, height, bands, &options)
        .at(path)?;
    if let Some(crs) = &spec.crs {
        dataset
            .set_spatial_ref(&spatial_ref(crs).at(path)?)
            .at(path)?;
    }
    if let Some(geotransform) = &spec.geotransform {
        dataset.set_geo_transform(geotransform).at(path)?;
    }
    describe_bands(spec, &dataset).at(path)?;

    let mut statistics = Statistics::default();
    for (index, pattern) in spec.bands.iter().enumerate() {
        let band = write_band::<T>(spec, pattern, index, &dataset).at(path)?;
        if index == 0 {
            statistics = band;
        }
    }
    dataset.close().at(path)?;
    Ok(statistics)
}

/// Reads a CRS of a specification.
pub(crate) fn spatial_ref(crs: &Crs) -> gdal::errors::Result<SpatialRef> {
    match crs {
        Crs::Epsg(code) => SpatialRef::from_epsg(*code),
        Crs::Definition(text) => SpatialRef::from_definition(text),
    }
}

fn describe_bands(spec: &RasterSpec, dataset: &Dataset) -> gdal::errors::Result<()> {
    for mut band in dataset.rasterbands().collect::<Result<Vec<_>, _>>()? {
        if let Some(text) = &spec.nodata {
            // Not a number: `patch_tags` replaces the text, but the tag has to be there.
            band.set_no_data_value(Some(text.trim().parse().unwrap_or(0.0)))?;
        }
        if let Some((scale, offset)) = spec.scale_offset {
            band.set_scale(scale)?;
            band.set_offset(offset)?;
        }
        if spec.palette {
            let mut table = ColorTable::new(PaletteInterpretation::Rgba);
            for class in &spec.classes.0 {
                let [r, g, b] = class.colour.map(i16::from);
                // A signed byte's negative values have no place in a palette.
                if let Ok(index) = u16::try_from(class.value) {
                    table.set_color_entry(index, &ColorEntry::rgba(r, g, b, 255));
                }
            }
            band.set_color_table(&table);
        }
    }
    Ok(())
}

fn write_band<T: Pixel>(
    spec: &RasterSpec,
    pattern: &Pattern,
    index: usize,
    dataset: &Dataset,
) -> gdal::errors::Result<Statistics> {
    let mut band = dataset.rasterband(index + 1)?;
    let block = spec.block.unwrap_or(1);
    let rows_that_fit = STRIP_BYTES / (spec.width * size_of::<T>());
    // Whole rows of blocks, so that none is compressed twice.
    let strip = (rows_that_fit / block * block).clamp(block, spec.height.max(block));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::new(spec.dtype);
    let mut top = 0;
    while top < spec.height {
        let rows = strip.min(spec.height - top);
        let mut pixels = vec![T::default(); rows * spec.width];
        let share = rows.div_ceil(workers);
        thread::scope(|scope| {
            let parts = pixels.chunks_mut(share * spec.width).enumerate();
            let running: Vec<_> = parts
                .map(|(k, part)| {
                    scope.spawn(move || fill::<T>(spec, pattern, top + k * share, part))
                })
                .collect();
            for worker in running {
                match worker.join() {
                    Ok(part) => tally.add(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        let mut buffer = Buffer::new((spec.width, rows), pixels);
        band.write((0, top as isize), (spec.width, rows), &mut buffer)?;
        top += rows;
    }
    let nodata = spec
        .nodata
        .as_deref()
        .and_then(|text| text.trim().parse().ok());
    Ok(tally.finish(nodata))
}

/// Computes whole rows from `first` on.
fn fill<T: Pixel>(spec: &RasterSpec, pattern: &Pattern, first: usize, pixels: &mut [T]) -> Tally {
    let mut tally = Tally::new(spec.dtype);
    let mut values = vec![0.0; spec.width];
    let mut scratch = Vec::new();
    for (k, row) in pixels.chunks_exact_mut(spec.width).enumerate() {
        spec.fill_row(pattern, first + k, &mut values, &mut scratch);
        for (pixel, value) in row.iter_mut().zip(&values) {
            *pixel = T::cast(*value);
        }
        tally.count(row.iter().map(|pixel| pixel.number()));
    }
    tally
}

/// Sets what GDAL cannot be asked to write: a signed sample format in every version, and odd nodata texts.
fn patch_tags(spec: &RasterSpec, path: &Path) -> Result<()> {
    if spec.dtype != DType::I8 && spec.nodata.is_none() {
        return Ok(());
    }
    let mut tags = TiffTags::open(path)?;
    if spec.dtype == DType::I8 {
        tags.set_shorts(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_INT)?;
    }
    if let Some(text) = &spec.nodata {
        tags.set_text(TIFFTAG_GDAL_NODATA, text)?;
    }
    Ok(())
}

/// Builds the overviews of a raster in a file beside it (`.ovr`), of nearest neighbours.
pub(crate) fn build_overviews(path: &Path, factors: &[i32]) -> Result<()> {
    // For this thread only: other threads may be writing other rasters.
    gdal::config::set_thread_local_config_option("COMPRESS_OVERVIEW", "LZW").at(path)?;
    // Opened for reading, GDAL puts the overviews beside the file.
    let mut dataset = Dataset::open(path).at(path)?;
    let built = dataset.build_overviews("NEAREST", factors, &[]).at(path);
    gdal::config::clear_thread_local_config_option("COMPRESS_OVERVIEW").at(path)?;
    built?;
    dataset.close().at(path)
}
