//! GDAL's vector translation of one layer, watched while it runs.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;

use gdal::Dataset;
use tokio_util::sync::CancellationToken;

use crate::gdal_words::last_words;

/// Hears how far a translation is, and stops it.
pub(super) struct Watch<'a> {
    /// Called with the number of features that are copied, not less than before.
    pub(super) copied: &'a (dyn Fn(u64) + Sync),
    pub(super) cancel: &'a CancellationToken,
}

/// One layer's part in a [`Watch`].
struct LayerWatch<'a> {
    watch: &'a Watch<'a>,
    /// Features of the layers before this one.
    before: u64,
    /// Features of this one.
    features: u64,
}

/// Copies a layer of `from` into `into`, with the arguments of `ogr2ogr` that follow the names of its files.
///
/// `before` features were copied earlier, and `features` are in this layer. Looks at the token after each feature.
///
/// # Errors
/// What GDAL says; anything at all when it was cancelled.
pub(super) fn translate(
    from: &Dataset,
    into: &Dataset,
    arguments: &[String],
    watch: &Watch<'_>,
    (before, features): (u64, u64),
) -> Result<(), String> {
    let words = arguments
        .iter()
        .map(|word| CString::new(word.as_str()))
        .collect::<Result<Vec<CString>, _>>()
        .map_err(|_| "a name holds a zero byte".to_owned())?;
    let mut list: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    list.push(ptr::null_mut());
    let mut layer = LayerWatch {
        watch,
        before,
        features,
    };
    let mut source = from.c_dataset();
    let mut wrong_usage = 0;
    #[expect(unsafe_code, reason = "gdal has no safe call for GDALVectorTranslate")]
    // SAFETY: the list ends with a null pointer and lives, like `layer` and both datasets, until the translation is over; GDAL copies the words,
    // takes the list for one that it does not change, and calls back only while it translates, on this thread.
    let done = unsafe {
        gdal_sys::CPLErrorReset();
        let options = gdal_sys::GDALVectorTranslateOptionsNew(list.as_mut_ptr(), ptr::null_mut());
        if options.is_null() {
            return Err(last_words("its options were refused"));
        }
        gdal_sys::GDALVectorTranslateOptionsSetProgress(
            options,
            Some(on_progress),
            ptr::from_mut(&mut layer).cast(),
        );
        let done = gdal_sys::GDALVectorTranslate(
            ptr::null(),
            into.c_dataset(),
            1,
            &raw mut source,
            options,
            &raw mut wrong_usage,
        );
        gdal_sys::GDALVectorTranslateOptionsFree(options);
        done
    };
    if done.is_null() || wrong_usage != 0 {
        Err(last_words("GDAL gives no reason"))
    } else {
        Ok(())
    }
}

/// Called by GDAL after each feature; 0 stops it.
#[expect(unsafe_code, reason = "GDAL calls back into it")]
unsafe extern "C" fn on_progress(
    complete: f64,
    _message: *const c_char,
    layer: *mut c_void,
) -> c_int {
    // SAFETY: it is the pointer that `translate` handed over, whose target is alive while GDAL translates.
    let layer = unsafe { &*layer.cast::<LayerWatch<'_>>() };
    let copied = (complete.clamp(0.0, 1.0) * layer.features as f64) as u64;
    (layer.watch.copied)(layer.before + copied);
    c_int::from(!layer.watch.cancel.is_cancelled())
}
