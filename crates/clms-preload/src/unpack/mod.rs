//! Opens packages: zip archives in zip archives, of which nothing is believed.
//!
//! * Archives are read at random by their central directory; nothing is ever extracted as a whole. An inner archive that is stored is read where it is.
//! * Names come from the archive but paths don't: a name that points outside, an absolute one, a link, two names that differ in case only, or more
//!   entries, bytes, compression or nesting than [`UnpackLimits`] allow end the attempt before anything is written.
//! * What an entry says of itself has to agree with the archive's directory, and what is to be inflated has to fit on the disk.
//! * Every wanted entry is read to its end and its CRC compared, also if it is used in place.

mod directory;
mod error;
mod extract;
mod section;

use std::{fmt, fs, io, path::Path, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use self::error::UnpackError;
use self::extract::{Choices, Extraction};
use crate::{Meter, Problem, ProblemKind, UnpackedPackage, Unpacker};

/// A question about the name of an entry.
type Choice = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The usual [`Unpacker`]: opens zip archives, and the zip archives in them.
///
/// The names in the [`UnpackedPackage`] are those within the innermost archive. Where several inner archives lie side by side, the name of each (without
/// `.zip`) becomes the first component of its entries' names.
#[derive(Clone)]
pub struct ZipUnpacker {
    wanted: Choice,
    left_deflated: Choice,
    limits: UnpackLimits,
}

/// What an archive may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Entries in all archives together.
    pub entries: usize,
    /// Bytes of all wanted entries and inner archives together, inflated.
    pub total_bytes: u64,
    /// How many times larger than its package the inflated content may be ...
    pub ratio: u64,
    /// ... unless it is smaller than this many bytes.
    pub ratio_free_bytes: u64,
    /// How many archives may be nested in each other, counting the outermost.
    pub depth: u32,
    /// A stored entry of at least so many bytes is used where it is, a smaller one is copied into a file of its own.
    pub in_place_bytes: u64,
}

impl Default for UnpackLimits {
    /// Ample for every known product: 50 000 entries, 1 TiB, 300 times the package beyond 1 GiB, three levels; in place from 64 MiB on.
    fn default() -> Self {
        Self {
            entries: 50_000,
            total_bytes: 1 << 40,
            ratio: 300,
            ratio_free_bytes: 1 << 30,
            depth: 3,
            in_place_bytes: 64 << 20,
        }
    }
}

impl ZipUnpacker {
    /// Unpacks the files for whose names (such as `X/DATA/X.tif`) `wanted` is true.
    #[must_use]
    pub fn new(wanted: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self {
            wanted: Arc::new(wanted),
            left_deflated: Arc::new(|_| false),
            limits: UnpackLimits::default(),
        }
    }

    /// Hands wanted entries over as [`EntrySource::Deflated`](crate::EntrySource::Deflated), unread, if they are deflated and `left_deflated` is
    /// true for their names: for a cube builder that decodes them while it inflates them. They count against the limits like the others.
    #[must_use]
    pub fn leaving_deflated(
        mut self,
        left_deflated: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.left_deflated = Arc::new(left_deflated);
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: UnpackLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Unpacks on this thread; see [`Unpacker::unpack`].
    ///
    /// # Errors
    /// [`UnpackError`] says what is wrong with the archive or the disk.
    pub fn unpack_blocking(
        &self,
        archive: &Path,
        into: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<UnpackedPackage, UnpackError> {
        clear(into).map_err(|source| UnpackError::Disk {
            doing: "clear the folder",
            path: into.to_owned(),
            source,
        })?;
        let choices = Choices {
            wanted: &*self.wanted,
            left_deflated: &*self.left_deflated,
        };
        Extraction::new(&self.limits, choices, into, meter, cancel).run(archive)
    }
}

/// Removes what an earlier attempt left in the folder, and creates it if necessary.
fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)
}

#[async_trait]
impl Unpacker for ZipUnpacker {
    async fn unpack(
        &self,
        archive: &Path,
        into: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<UnpackedPackage, Problem> {
        let (this, archive, into, meter) = (
            self.clone(),
            archive.to_owned(),
            into.to_owned(),
            meter.clone(),
        );
        let cancel = cancel.child_token();
        // If this future is dropped, the thread is to end as well.
        let _guard = cancel.clone().drop_guard();
        let unpacked = tokio::task::spawn_blocking(move || {
            this.unpack_blocking(&archive, &into, &meter, &cancel)
        })
        .await;
        match unpacked {
            Ok(unpacked) => Ok(unpacked?),
            Err(error) => Err(Problem::new(
                ProblemKind::Internal,
                format!("the unpacker's thread broke down: {error}"),
            )),
        }
    }
}

impl fmt::Debug for ZipUnpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipUnpacker")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
