//! The grid that an export has.

use std::path::Path;

use gdal::cpl::CslStringList;

use super::gdal_calls::suggested_grid;
use super::gdal_raster::create;
use super::{ExportOptions, invalid};
use crate::{Crs, CubeError, DataType, Grid};

/// The most columns or rows: what GDAL can count.
const MOST: f64 = i32::MAX as f64;

/// The grid that the options ask for, if it is another one than the dataset's own. Blocks.
///
/// Its edges are those of the bbox, seen from the new CRS; without one, those around the dataset. Its pixels have the wanted size, or the dataset's own, or in
/// another CRS the one with which the diagonal of what is seen has as many pixels as before (GDAL's rule). As with `gdalwarp`, the north-western corner is
/// exact and the number of pixels rounded.
pub(super) fn new_grid(source: &Grid, options: &ExportOptions) -> Result<Option<Grid>, CubeError> {
    if options.crs.is_none() && options.resolution.is_none() {
        return Ok(None);
    }
    let crs = match &options.crs {
        Some(definition) => known_crs(definition)?,
        None => source.crs.clone(),
    };
    let is_same = crs.is_same(&source.crs);
    let [_, _, right, _] = source.bbox();
    if !is_same && source.crs.is_geographic() && right > 180.0 + source.pixel_size()[0] {
        return invalid(format!(
            "its longitudes run to {right} degrees: such datasets are not reprojected"
        ));
    }
    let bbox = options.bbox.map(|bbox| check(bbox, options)).transpose()?;
    let bbox_crs = options.bbox_crs.as_deref().map(known_crs).transpose()?;
    let bbox_crs = bbox_crs.as_ref().unwrap_or(&source.crs);
    let seen = |bbox: [f64; 4], to: &Crs| {
        if bbox_crs.is_same(to) {
            return Ok(bbox);
        }
        to.bbox_from(bbox_crs, bbox).map_or_else(
            || invalid(format!("the bbox {bbox:?} has no place in the other CRS")),
            Ok,
        )
    };
    let suggested = match (is_same, bbox) {
        (true, _) => None,
        (false, None) => Some(suggestion(source, &crs)?),
        (false, Some(bbox)) => {
            let own = seen(bbox, &source.crs)?;
            let Some((rows, cols)) = source.rows_cols(own) else {
                return invalid(source.misses(bbox, Some(bbox_crs)));
            };
            Some(suggestion(&source.window(&rows, &cols), &crs)?)
        }
    };
    let pixel = match (options.resolution, &suggested) {
        (Some([x, y]), _) if x > 0.0 && y > 0.0 && x.is_finite() && y.is_finite() => [x, y],
        (Some(wrong), _) => return invalid(format!("{wrong:?} is no size of a pixel")),
        (None, Some(suggested)) => suggested.pixel_size(),
        (None, None) => source.pixel_size(),
    };
    let edges = match (bbox, &suggested) {
        (Some(bbox), _) => seen(bbox, &crs)?,
        (None, Some(suggested)) => suggested.bbox(),
        (None, None) => source.bbox(),
    };
    check_pixel(pixel, edges, &crs)?;
    grid(crs, edges, pixel).map(Some)
}

/// Whoever types metres where the CRS has degrees would get a single pixel.
fn check_pixel(pixel: [f64; 2], edges: [f64; 4], crs: &Crs) -> Result<(), CubeError> {
    let [west, south, east, north] = edges;
    let lengths = [east - west, north - south];
    if pixel
        .iter()
        .zip(lengths)
        .all(|(pixel, length)| *pixel <= length)
    {
        return Ok(());
    }
    let (name, unit) = match crs.is_geographic() {
        true => ("degrees", "°"),
        false => ("metres", " m"),
    };
    let [x, y] = pixel;
    let [width, height] = lengths;
    invalid(format!(
        "a pixel of {x} x {y}{unit} is larger than the window, {width:.6} x {height:.6}{unit}: the resolution is in {name} here"
    ))
}

/// As `gdalwarp` makes it of `-te` and `-tr`.
fn grid(crs: Crs, edges: [f64; 4], pixel: [f64; 2]) -> Result<Grid, CubeError> {
    let [west, south, east, north] = edges;
    let count = |length: f64, pixel: f64| (length / pixel + 0.5).floor().max(1.0);
    let (width, height) = (count(east - west, pixel[0]), count(north - south, pixel[1]));
    if !(width <= MOST && height <= MOST) {
        return invalid(format!("{width} x {height} pixels are too many"));
    }
    Ok(Grid {
        crs,
        geotransform: [west, pixel[0], 0.0, north, 0.0, -pixel[1]],
        width: width as u64,
        height: height as u64,
    })
}

pub(super) fn known_crs(definition: &str) -> Result<Crs, CubeError> {
    Crs::from_definition(definition)
        .map_or_else(|| invalid(format!("{definition:?} is no known CRS")), Ok)
}

fn check(bbox: [f64; 4], options: &ExportOptions) -> Result<[f64; 4], CubeError> {
    let [west, south, east, north] = bbox;
    let is_bbox = west < east && south < north && bbox.iter().all(|edge| edge.is_finite());
    match is_bbox {
        true => Ok(bbox),
        false => invalid(format!(
            "the bbox {bbox:?}{} is not west, south, east, north",
            options
                .bbox_crs
                .as_ref()
                .map_or(String::new(), |crs| format!(" in {crs}"))
        )),
    }
}

/// GDAL's grid for all of a grid in another CRS.
fn suggestion(source: &Grid, crs: &Crs) -> Result<Grid, CubeError> {
    let failed = |reason: String| CubeError::InvalidExport {
        reason: format!("the dataset can't be reprojected: {reason}"),
    };
    // Without bands it takes no memory.
    let layout = (0, DataType::UInt8);
    let described = create("MEM", Path::new(""), source, layout, &CslStringList::new())
        .map_err(|error| failed(error.to_string()))?;
    let (geotransform, [width, height]) = suggested_grid(&described, &crs.wkt).map_err(failed)?;
    Ok(Grid {
        crs: crs.clone(),
        geotransform,
        width,
        height,
    })
}
