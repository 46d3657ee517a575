//! Keeps HDF5 from printing, below GDAL's driver for NetCDF.
//!
//! HDF5 prints each of its errors unless it is told not to, also those that the caller expects: that a file lacks an attribute, say. libnetcdf
//! tells it once, when it begins. That is enough for an HDF5 without threads, as compiled into this crate by `bundled-gdal`; but one made for
//! threads, such as Debian's, keeps the setting for each thread.

#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "neither GDAL nor libnetcdf has a call for what HDF5 prints"
    )
)]

/// Turns HDF5's printing off in this thread, if GDAL brings an HDF5 along.
#[cfg(unix)]
pub(crate) fn turn_off() {
    use std::ffi::{c_int, c_void};

    /// Stack of errors, what prints it, and data for that.
    type SetAuto = unsafe extern "C" fn(i64, *const c_void, *const c_void) -> c_int;
    /// `H5E_DEFAULT`: the thread's own.
    const STACK: i64 = 0;

    // SAFETY: the name ends in a zero byte. What is found under it, in one of the libraries that the program is linked with, has been this
    // function since HDF5 1.8 (when the stack's number was an `int`, which zero fits too); null stands for "print nothing".
    unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, c"H5Eset_auto2".as_ptr());
        if !found.is_null() {
            let set_auto = std::mem::transmute::<*mut c_void, SetAuto>(found);
            set_auto(STACK, std::ptr::null(), std::ptr::null());
        }
    }
}

/// Nobody knows how elsewhere.
#[cfg(not(unix))]
pub(crate) fn turn_off() {}
