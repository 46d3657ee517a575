//! Pixels on their way to GDAL and back.

use std::path::Path;

use gdal::cpl::CslStringList;
use gdal::raster::{Buffer, RasterBand};
use gdal::{Dataset, DriverManager};

use crate::dtype::{Element, SourceWindow, with_element};
use crate::gdal_source::initialise;
use crate::{DataType, Grid, Pixels};

/// The type that GDAL holds pixels as: it has signed bytes from 3.7 on only, so these become numbers of 16 bits.
pub(super) fn gdal_dtype(dtype: DataType) -> DataType {
    match dtype {
        DataType::Int8 => DataType::Int16,
        other => other,
    }
}

/// A new raster with this many bands.
pub(super) fn create(
    driver: &str,
    path: &Path,
    grid: &Grid,
    (bands, dtype): (usize, DataType),
    options: &CslStringList,
) -> gdal::errors::Result<Dataset> {
    initialise();
    let driver = DriverManager::get_driver_by_name(driver)?;
    let (width, height) = (grid.width as usize, grid.height as usize);
    macro_rules! create {
        ($T:ty) => {
            driver.create_with_band_type_with_options::<$T, _>(path, width, height, bands, options)
        };
    }
    let mut dataset = match dtype {
        DataType::UInt8 => create!(u8),
        DataType::UInt16 => create!(u16),
        DataType::Int8 | DataType::Int16 => create!(i16),
        DataType::UInt32 => create!(u32),
        DataType::Int32 => create!(i32),
        DataType::Float32 => create!(f32),
        DataType::Float64 => create!(f64),
    }?;
    dataset.set_geo_transform(&grid.geotransform)?;
    dataset.set_spatial_ref(&grid.crs.spatial_ref()?)?;
    Ok(dataset)
}

/// A raster in memory with one band that holds these pixels.
pub(super) fn in_memory(
    grid: &Grid,
    pixels: Pixels,
    nodata: Option<f64>,
) -> gdal::errors::Result<Dataset> {
    let layout = (1, pixels.dtype());
    let dataset = create("MEM", Path::new(""), grid, layout, &CslStringList::new())?;
    let mut band = dataset.rasterband(1)?;
    band.set_no_data_value(nodata)?;
    let size = [grid.width as usize, grid.height as usize];
    write(&mut band, [0, 0], size, pixels)?;
    Ok(dataset)
}

/// Writes a window of a band: column and row, width and height.
pub(super) fn write(
    band: &mut RasterBand<'_>,
    [col, row]: [usize; 2],
    [width, height]: [usize; 2],
    pixels: Pixels,
) -> gdal::errors::Result<()> {
    let (at, size) = ((col as isize, row as isize), (width, height));
    macro_rules! write {
        ($values:expr) => {
            band.write(at, size, &mut Buffer::new(size, $values))
        };
    }
    match pixels {
        Pixels::UInt8(values) => write!(values),
        Pixels::Int8(values) => write!(values.into_iter().map(i16::from).collect::<Vec<_>>()),
        Pixels::UInt16(values) => write!(values),
        Pixels::Int16(values) => write!(values),
        Pixels::UInt32(values) => write!(values),
        Pixels::Int32(values) => write!(values),
        Pixels::Float32(values) => write!(values),
        Pixels::Float64(values) => write!(values),
    }
}

/// All pixels of a band, as the type that they had before [`gdal_dtype`].
pub(super) fn read_all(band: &RasterBand<'_>, dtype: DataType) -> gdal::errors::Result<Pixels> {
    let window = SourceWindow {
        col: 0,
        row: 0,
        width: band.x_size(),
        height: band.y_size(),
    };
    with_element!(dtype, T => {
        let mut pixels = vec![T::from_f64(0.0); window.width * window.height];
        T::read(band, window, &mut pixels)?;
        Ok(T::pixels(pixels))
    })
}
