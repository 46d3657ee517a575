//! What GDAL says when something fails.

use gdal::errors::GdalError;

/// Whether words of GDAL, SQLite or the system are about a disk that is full.
pub(crate) fn says_disk_is_full(words: &str) -> bool {
    ["disk is full", "No space left"]
        .iter()
        .any(|full| words.contains(full))
}

/// GDAL's own words, where there are any.
pub(crate) fn gdal_words(error: &GdalError) -> String {
    match error {
        GdalError::CplError { msg, .. } | GdalError::NullPointer { msg, .. } if !msg.is_empty() => {
            msg.clone()
        }
        other => other.to_string(),
    }
}

/// GDAL's last message on this thread.
pub(crate) fn last_words(otherwise: &str) -> String {
    #[expect(
        unsafe_code,
        reason = "gdal shows the last message only within its own errors"
    )]
    // SAFETY: GDAL returns a string that ends with a zero byte and lives until the next message on this thread.
    let words = unsafe { std::ffi::CStr::from_ptr(gdal_sys::CPLGetLastErrorMsg()) };
    match words.to_string_lossy().trim() {
        "" => otherwise.to_owned(),
        words => words.to_owned(),
    }
}
