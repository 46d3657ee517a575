//! Files that GDAL reads through a [`FileBytes`], and with it through a [`super::RangeReader`].
//!
//! GDAL is told of one file system, `/vsiclms/`, in which exactly the files are that a [`VsiFile`] stands for. Any other name is "no such
//! file", so that GDAL's looking for side-cars costs nothing. Files are read only.
//!
//! This is the only module with `unsafe` code. What it relies on:
//! * GDAL passes NUL-terminated names, buffers of the size that it says, and handles that `open` gave and `close` has not had.
//! * A handle is a leaked `Box<Handle>`, freed by `close` alone. It holds the file by an `Arc`, so that it outlives the [`VsiFile`], and
//!   is used through shared references with atomic fields: GDAL may call from any thread.
//! * No panic crosses into C: every callback is run by [`guarded`].

#![expect(
    unsafe_code,
    reason = "GDAL's interface for file systems is a table of C functions"
)]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::FileBytes;

const PREFIX: &CStr = c"/vsiclms/";

const SEEK_SET: c_int = 0;
const SEEK_CUR: c_int = 1;
const SEEK_END: c_int = 2;

type Files = BTreeMap<String, Arc<FileBytes>>;

/// The files that GDAL can open, by their names behind the prefix.
fn files() -> MutexGuard<'static, Files> {
    static FILES: Mutex<Files> = Mutex::new(BTreeMap::new());
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that GDAL can open while this lives. What GDAL has opened stays readable after that.
#[derive(Debug)]
pub(crate) struct VsiFile {
    key: String,
}

impl VsiFile {
    /// Tells GDAL of a file; `None` when GDAL takes no file systems.
    pub(crate) fn new(bytes: Arc<FileBytes>) -> Option<Self> {
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if !*INSTALLED.get_or_init(install) {
            return None;
        }
        let key = format!("{}/raster", NEXT.fetch_add(1, Ordering::Relaxed));
        files().insert(key.clone(), bytes);
        Some(Self { key })
    }

    /// What GDAL calls it.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("{}{}", PREFIX.to_string_lossy(), self.key))
    }
}

impl Drop for VsiFile {
    fn drop(&mut self) {
        files().remove(&self.key);
    }
}

fn install() -> bool {
    // SAFETY: the table comes from GDAL, zeroed ("not supported") but for what is set here, and is never freed, because
    // GDAL's versions do not promise alike that they copy it. Called once.
    unsafe {
        let callbacks = gdal_sys::VSIAllocFilesystemPluginCallbacksStruct();
        let Some(table) = callbacks.as_mut() else {
            return false;
        };
        table.open = Some(open);
        table.tell = Some(tell);
        table.seek = Some(seek);
        table.read = Some(read);
        table.read_multi_range = Some(read_multi_range);
        table.eof = Some(eof);
        table.close = Some(close);
        gdal_sys::VSIInstallPluginHandler(PREFIX.as_ptr(), callbacks) == 0
    }
}

/// Runs a callback; a panic becomes the value that means failure.
fn guarded<T>(failure: T, callback: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(callback)).unwrap_or(failure)
}

/// The file of a name as GDAL passes it, with or without the prefix.
///
/// # Safety
/// `name` is null or NUL-terminated.
unsafe fn find(name: *const c_char) -> Option<Arc<FileBytes>> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and NUL-terminated as the caller promises.
    let name = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    let key = name.strip_prefix(PREFIX.to_str().ok()?).unwrap_or(name);
    files().get(key).cloned()
}

/// An opened file.
struct Handle {
    file: Arc<FileBytes>,
    position: AtomicU64,
    /// Whether the last read reached the end of the file.
    at_end: AtomicBool,
}

impl Handle {
    /// # Safety
    /// `pointer` is null or came from [`open`] and has not been closed.
    unsafe fn of<'a>(pointer: *mut c_void) -> Option<&'a Self> {
        // SAFETY: as the caller promises, it points to a leaked `Handle`, of which only shared references are made.
        unsafe { pointer.cast::<Self>().as_ref() }
    }
}

unsafe extern "C" fn open(
    _: *mut c_void,
    name: *const c_char,
    access: *const c_char,
) -> *mut c_void {
    guarded(std::ptr::null_mut(), || {
        // SAFETY: GDAL passes NUL-terminated texts.
        let (file, access) = unsafe {
            (
                find(name),
                (!access.is_null()).then(|| CStr::from_ptr(access)),
            )
        };
        let writes = |access: &CStr| access.to_bytes().iter().any(|mode| b"wa+".contains(mode));
        match file {
            Some(file) if !access.is_some_and(writes) => Box::into_raw(Box::new(Handle {
                file,
                position: AtomicU64::new(0),
                at_end: AtomicBool::new(false),
            }))
            .cast(),
            _ => std::ptr::null_mut(),
        }
    })
}

unsafe extern "C" fn tell(handle: *mut c_void) -> u64 {
    // SAFETY: GDAL passes what `open` gave.
    let handle = unsafe { Handle::of(handle) };
    handle.map_or(0, |handle| handle.position.load(Ordering::Relaxed))
}

unsafe extern "C" fn seek(handle: *mut c_void, offset: u64, whence: c_int) -> c_int {
    // SAFETY: GDAL passes what `open` gave.
    let Some(handle) = (unsafe { Handle::of(handle) }) else {
        return -1;
    };
    let origin = match whence {
        SEEK_SET => 0,
        SEEK_CUR => handle.position.load(Ordering::Relaxed),
        SEEK_END => handle.file.size(),
        _ => return -1,
    };
    // GDAL passes negative offsets as their two's complement.
    handle
        .position
        .store(origin.wrapping_add(offset), Ordering::Relaxed);
    handle.at_end.store(false, Ordering::Relaxed);
    0
}

unsafe extern "C" fn read(
    handle: *mut c_void,
    buffer: *mut c_void,
    size: usize,
    count: usize,
) -> usize {
    guarded(0, || {
        // SAFETY: GDAL passes what `open` gave.
        let (Some(handle), Some(wanted)) = (unsafe { Handle::of(handle) }, size.checked_mul(count))
        else {
            return 0;
        };
        if wanted == 0 || buffer.is_null() {
            return 0;
        }
        let start = handle.position.load(Ordering::Relaxed);
        let end = start.saturating_add(wanted as u64);
        let range = start..end.min(handle.file.size());
        if end > handle.file.size() {
            handle.at_end.store(true, Ordering::Relaxed);
        }
        if range.is_empty() {
            return 0;
        }
        let Some(bytes) = handle.file.read(range) else {
            return 0;
        };
        // SAFETY: GDAL's buffer holds `size * count` bytes, of which these are some.
        unsafe { copy(&bytes, buffer, wanted) };
        handle
            .position
            .store(start + bytes.len() as u64, Ordering::Relaxed);
        bytes.len() / size
    })
}

/// # Safety
/// `buffer` can be written to for `room` bytes.
unsafe fn copy(bytes: &[u8], buffer: *mut c_void, room: usize) {
    let len = bytes.len().min(room);
    // SAFETY: as the caller promises; a fresh answer never overlaps a buffer of GDAL's.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), len) }
}

unsafe extern "C" fn read_multi_range(
    handle: *mut c_void,
    count: c_int,
    buffers: *mut *mut c_void,
    offsets: *const u64,
    sizes: *const usize,
) -> c_int {
    guarded(-1, || {
        // SAFETY: GDAL passes what `open` gave.
        let Some(handle) = (unsafe { Handle::of(handle) }) else {
            return -1;
        };
        let count = usize::try_from(count).unwrap_or(0);
        if count == 0 {
            return 0;
        }
        if buffers.is_null() || offsets.is_null() || sizes.is_null() {
            return -1;
        }
        // SAFETY: GDAL passes three arrays of `count` entries.
        let (buffers, offsets, sizes) = unsafe {
            (
                std::slice::from_raw_parts(buffers, count),
                std::slice::from_raw_parts(offsets, count),
                std::slice::from_raw_parts(sizes, count),
            )
        };
        let ranges: Vec<Range<u64>> = offsets
            .iter()
            .zip(sizes)
            .map(|(offset, size)| *offset..offset.saturating_add(*size as u64))
            .collect();
        let Some(parts) = handle.file.read_all(ranges) else {
            return -1;
        };
        for ((part, buffer), size) in parts.iter().zip(buffers).zip(sizes) {
            if !buffer.is_null() {
                // SAFETY: GDAL's buffers are as large as the sizes that come with them.
                unsafe { copy(part, *buffer, *size) };
            }
        }
        0
    })
}

unsafe extern "C" fn eof(handle: *mut c_void) -> c_int {
    // SAFETY: GDAL passes what `open` gave.
    let handle = unsafe { Handle::of(handle) };
    handle.map_or(1, |handle| {
        c_int::from(handle.at_end.load(Ordering::Relaxed))
    })
}

unsafe extern "C" fn close(handle: *mut c_void) -> c_int {
    if handle.is_null() {
        return -1;
    }
    guarded(-1, || {
        // SAFETY: GDAL closes what `open` gave, once; nothing else frees it.
        drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        0
    })
}
