//! GDAL's reprojection, copying and cache, which the crate `gdal` has no calls for with all that is needed here.

#![expect(
    unsafe_code,
    reason = "gdal has no safe calls for reprojection with a method, copies that can be stopped, its cache, and units"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;

use gdal::cpl::CslStringList;
use gdal::raster::RasterBand;
use gdal::{Dataset, Driver};

use super::Resampling;
use crate::gdal_source::BLOCK_CACHE_BYTES;
use crate::gdal_words::last_words;

/// Reprojects all bands of a dataset onto the grid of another one, where it has something: exactly, without the usual approximation between
/// a few exact points of each row.
///
/// # Errors
/// GDAL's words.
pub(super) fn reproject(from: &Dataset, into: &Dataset, method: Resampling) -> Result<(), String> {
    let method = match method {
        Resampling::Nearest => gdal_sys::GDALResampleAlg::GRA_NearestNeighbour,
        Resampling::Mode => gdal_sys::GDALResampleAlg::GRA_Mode,
        Resampling::Mean => gdal_sys::GDALResampleAlg::GRA_Average,
    };
    // SAFETY: both datasets live until the call returns; null stands for "as the dataset says" or "the default" in all others.
    let outcome = unsafe {
        gdal_sys::CPLErrorReset();
        gdal_sys::GDALReprojectImage(
            from.c_dataset(),
            ptr::null(),
            into.c_dataset(),
            ptr::null(),
            method,
            0.0,
            0.0,
            None,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    if outcome == gdal_sys::CPLErr::CE_None {
        Ok(())
    } else {
        Err(last_words("GDAL gives no reason"))
    }
}

/// The grid that GDAL makes of another one in a CRS given as WKT: geotransform, width and height. Its diagonal has as many pixels as that of the other one.
///
/// # Errors
/// GDAL's words.
pub(super) fn suggested_grid(from: &Dataset, wkt: &str) -> Result<([f64; 6], [u64; 2]), String> {
    let option = CString::new(format!("DST_SRS={wkt}"))
        .map_err(|_| "the CRS holds a zero byte".to_owned())?;
    let mut options = [option.as_ptr().cast_mut(), ptr::null_mut()];
    let mut geotransform = [0.0; 6];
    let (mut width, mut height) = (0, 0);
    // SAFETY: the dataset and the list live until the calls return, GDAL changes neither; the transformer is used between its creation and its
    // end only, and the results are written to places of the right size.
    let outcome = unsafe {
        gdal_sys::CPLErrorReset();
        let transformer = gdal_sys::GDALCreateGenImgProjTransformer2(
            from.c_dataset(),
            ptr::null_mut(),
            options.as_mut_ptr(),
        );
        if transformer.is_null() {
            return Err(last_words("there is no way from one CRS to the other"));
        }
        let outcome = gdal_sys::GDALSuggestedWarpOutput(
            from.c_dataset(),
            Some(gdal_sys::GDALGenImgProjTransform),
            transformer,
            geotransform.as_mut_ptr(),
            &raw mut width,
            &raw mut height,
        );
        gdal_sys::GDALDestroyGenImgProjTransformer(transformer);
        outcome
    };
    let size = (u64::try_from(width), u64::try_from(height));
    match (outcome, size) {
        (gdal_sys::CPLErr::CE_None, (Ok(width), Ok(height))) => Ok((geotransform, [width, height])),
        _ => Err(last_words("GDAL gives no reason")),
    }
}

/// Copies a dataset into a file of another format. `go_on` hears how far it is, from 0 to 1, and stops it with `false`.
///
/// # Errors
/// GDAL's words; anything at all when it was stopped.
pub(super) fn create_copy(
    driver: &Driver,
    path: &Path,
    from: &Dataset,
    options: &CslStringList,
    go_on: &dyn Fn(f64) -> bool,
) -> Result<(), String> {
    let path = CString::new(path.to_string_lossy().into_owned())
        .map_err(|_| "its name holds a zero byte".to_owned())?;
    let mut watch = Watch(go_on);
    // SAFETY: name, dataset, list and `watch` live until the call returns; GDAL calls back only until then and on this thread. What it
    // returns is a dataset of its own or null.
    let closed = unsafe {
        gdal_sys::CPLErrorReset();
        let copy = gdal_sys::GDALCreateCopy(
            driver.c_driver(),
            path.as_ptr(),
            from.c_dataset(),
            0,
            options.as_ptr(),
            Some(on_progress),
            ptr::from_mut(&mut watch).cast(),
        );
        if copy.is_null() {
            return Err(last_words("GDAL gives no reason"));
        }
        Dataset::from_c_dataset(copy).close()
    };
    closed.map_err(|error| crate::gdal_words::gdal_words(&error))
}

struct Watch<'a>(&'a dyn Fn(f64) -> bool);

/// Called by GDAL now and then; 0 stops it.
unsafe extern "C" fn on_progress(
    complete: f64,
    _message: *const c_char,
    watch: *mut c_void,
) -> c_int {
    // SAFETY: it is the pointer that `create_copy` handed over, whose target is alive while GDAL copies.
    let watch = unsafe { &*watch.cast::<Watch<'_>>() };
    c_int::from((watch.0)(complete.clamp(0.0, 1.0)))
}

/// A smaller cache of GDAL's blocks than [`BLOCK_CACHE_BYTES`], for all threads, while this lives.
pub(super) struct BlockCache(());

impl BlockCache {
    pub(super) fn smaller(bytes: u64) -> Self {
        set_block_cache(bytes);
        Self(())
    }
}

impl Drop for BlockCache {
    fn drop(&mut self) {
        set_block_cache(BLOCK_CACHE_BYTES);
    }
}

fn set_block_cache(bytes: u64) {
    // SAFETY: it takes a plain number, and GDAL locks its cache.
    unsafe {
        gdal_sys::GDALSetCacheMax64(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// Sets the unit of a band's values; nothing for a text that holds a zero byte.
pub(super) fn set_unit(band: &RasterBand<'_>, unit: &str) {
    let Ok(unit) = CString::new(unit) else {
        return;
    };
    // SAFETY: band and text live until the call returns; GDAL copies the text.
    unsafe {
        gdal_sys::GDALSetRasterUnitType(band.c_rasterband(), unit.as_ptr());
    }
}
