//! What a job needs besides the server and the cache: someone who opens the package, and someone who makes the cube.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use clms_cache::Staged;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{JobId, JobRequest, Meter, Problem, TaskId};

/// Opens a downloaded package; [`ZipUnpacker`](crate::ZipUnpacker) is the usual one.
#[async_trait]
pub trait Unpacker: fmt::Debug + Send + Sync + 'static {
    /// Makes the content of `archive` readable, writing only below the folder `into`, which exists and may hold leftovers of an
    /// earlier attempt.
    ///
    /// The package may point into `archive`, which stays where it is until the cube is built.
    ///
    /// # Errors
    /// Kinds that [blame the link](crate::ProblemKind::blames_link) lead to another download; any other ends the job.
    /// [`Interrupted`](crate::ProblemKind::Interrupted) soon after `cancel` was cancelled.
    async fn unpack(
        &self,
        archive: &Path,
        into: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<UnpackedPackage, Problem>;
}

/// Makes a cube of an unpacked package.
#[async_trait]
pub trait CubeBuilder: fmt::Debug + Send + Sync + 'static {
    /// Writes the whole cube into `staged`. It is committed or discarded by the caller.
    ///
    /// # Errors
    /// A retryable [`Problem`] leads to another attempt with the same package, any other ends the job, whose download is kept.
    /// [`Interrupted`](crate::ProblemKind::Interrupted) soon after `cancel` was cancelled.
    async fn build(
        &self,
        build: BuildOrder<'_>,
        staged: &Staged,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<(), Problem>;

    /// How many bytes of memory this build will take at most, if that is known; asked before it, if there is a limit for all of them together
    /// ([`EngineLimits::memory`](crate::EngineLimits::memory)).
    ///
    /// # Errors
    /// As for [`build`](Self::build), if the package can't become a cube.
    async fn memory(&self, build: BuildOrder<'_>) -> Result<Option<u64>, Problem> {
        let _ = build;
        Ok(None)
    }
}

/// What a [`CubeBuilder`] is to build from.
#[derive(Debug, Clone, Copy)]
pub struct BuildOrder<'a> {
    /// The job.
    pub job: &'a JobId,
    /// What was asked for.
    pub request: &'a JobRequest,
    /// The task that gave the package.
    pub task: &'a TaskId,
    /// The package.
    pub package: &'a UnpackedPackage,
    /// A folder for temporary files; removed after success.
    pub scratch: &'a Path,
}

/// The content of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackedPackage {
    /// The entries that were wanted, in the archive's order.
    pub entries: Vec<UnpackedEntry>,
    /// Names of the files that were not wanted.
    pub skipped: Vec<String>,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackedEntry {
    /// Its relative path in the innermost archive, with `/` between the components, such as `X/DATA/X.tif`.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// Where its bytes are.
    pub source: EntrySource,
}

/// Where the bytes of an [`UnpackedEntry`] are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntrySource {
    /// They are a file.
    File(PathBuf),
    /// They are the bytes `offset .. offset + len` of the file `path`: an entry that is stored without compression.
    Range {
        /// The file.
        path: PathBuf,
        /// Where the entry begins in it.
        offset: u64,
        /// The entry's length.
        len: u64,
    },
    /// They are a deflated entry of the archive `path` that nobody has read yet: who reads it has to compare its length and its
    /// checksum, and to report a [`DamagedZip`](crate::ProblemKind::DamagedZip) where they differ.
    Deflated {
        /// The archive.
        path: PathBuf,
        /// Where the compressed bytes begin in it, behind the entry's own header.
        offset: u64,
        /// Their number.
        compressed_len: u64,
        /// The entry's length, inflated; never more must be taken from it.
        len: u64,
        /// Checksum of the inflated bytes.
        crc32: u32,
    },
}
