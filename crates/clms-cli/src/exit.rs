//! Exit codes: part of the program's contract.

use clms_store::ErrorClass;

/// All done.
pub(crate) const DONE: u8 = 0;
/// It failed.
pub(crate) const FAILED: u8 = 1;
/// It was called in a way that makes no sense.
pub(crate) const USAGE: u8 = 2;
/// There is no such data id; nothing was done.
pub(crate) const NO_SUCH_DATA_ID: u8 = 3;
/// Credentials are missing or refused.
pub(crate) const CREDENTIALS: u8 = 4;
/// Some of several failed and some succeeded.
pub(crate) const PARTLY: u8 = 5;
/// Stopped by Ctrl-C (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM (128 + 15).
pub(crate) const TERMINATED: u8 = 143;

/// Ends the program at once, whatever its other threads do.
///
/// The usual end takes GDAL and other libraries of C++ apart while threads may still work in them, which then crash: a stopped export ended
/// with a segmentation fault one time in ten.
pub(crate) fn now(code: u8) -> ! {
    #[cfg(unix)]
    #[expect(unsafe_code, reason = "nothing else leaves GDAL's destructors out")]
    // SAFETY: it takes no pointer and never comes back. What has to be written has been: the printer flushes, files are whole or removed.
    unsafe {
        libc::_exit(code.into())
    }
    #[cfg(not(unix))]
    std::process::exit(code.into())
}

/// The code for what failed.
pub(crate) fn of(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::NoSuchDataId => NO_SUCH_DATA_ID,
        ErrorClass::Credentials => CREDENTIALS,
        ErrorClass::Setting => USAGE,
        _ => FAILED,
    }
}
