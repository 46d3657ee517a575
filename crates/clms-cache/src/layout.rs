//! What lies where below the root of a cache. No other module knows any of these names.
//!
//! On a file system:
//!
//! ```text
//! <root>/
//!   <name>.zarr/                 a finished cube
//!   .clms/v1/
//!     records/                   journals of the layers above
//!     manifests/<name>.zarr/     what the cube was made of; see manifest.rs
//!     staging/<id>/<name>.zarr/  a cube that is being written
//!     staging/<id>/replaced/     the cube that it replaces, while the two are swapped without an exchange
//!     staging/<id>.lock          locked by the process that writes it
//!     trash/<id>/                what was removed or replaced, while it is deleted
//!     locks/<name>.zarr.lock     locked by the holder of a lease, whose text is in it
//!     locks/.staging.lock        keeps those who begin to stage apart from those who sweep up
//!     locks/.records.lock        keeps those who write a record or a manifest apart from those who sweep up unfinished ones
//!     locks/.swap.lock           keeps those apart who put a cube in place without an exchange
//!     scratch/                   downloads in progress, and a CACHEDIR.TAG that keeps backups away from them
//! ```
//!
//! In an object store, whose part is in [`keys`]:
//!
//! ```text
//! <root>/
//!   <name>.zarr/                 a finished cube, or one that is being written and has no root metadata yet
//!   .clms/v1/
//!     records/                   as above
//!     staging/<generation>/      a cube that is being written while there is another one at its final place
//!     cubes/<name>.zarr.json     which generation of the cube is finished, and which one is being written
//!     writers/<generation>.json  sign of life of the process that writes it
//!     leases/<name>.zarr.json    sign of life of the holder of a lease, or that nobody has it
//! ```

pub(crate) mod keys;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{CacheError, CubeName, Generation, durable::flush_folder, error::Doing};

/// Version of the hidden folder; part of its path.
const VERSION: u32 = 1;

/// The hidden folder of all versions.
const HIDDEN: &str = ".clms";

/// A Zarr group of either format has at least one of these at its root.
pub(crate) const ROOT_METADATA: [&str; 4] = ["zarr.json", ".zgroup", ".zattrs", ".zmetadata"];

/// See <https://bford.info/cachedir/>.
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Downloads in progress of clms; they can be fetched again.\n";

/// The paths of one cache.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below `root`, an absolute path, which need not exist.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn hidden(&self) -> PathBuf {
        self.root.join(HIDDEN).join(format!("v{VERSION}"))
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.hidden().join("records")
    }

    pub(crate) fn manifests(&self) -> PathBuf {
        self.hidden().join("manifests")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.hidden().join("scratch")
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.hidden().join("trash")
    }

    /// Where something waits to be deleted.
    pub(crate) fn trashed(&self, id: &Generation) -> PathBuf {
        self.trash().join(id.as_str())
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.hidden().join("staging")
    }

    /// The folder of one staging place.
    pub(crate) fn staged(&self, id: &Generation) -> PathBuf {
        self.staging().join(id.as_str())
    }

    /// Where the cube that `id` replaces waits while it is swapped without an exchange.
    pub(crate) fn replaced(&self, id: &Generation) -> PathBuf {
        self.staged(id).join("replaced")
    }

    /// The file that the owner of a staging place keeps locked.
    pub(crate) fn staged_lock(&self, id: &Generation) -> PathBuf {
        self.staging().join(format!("{}.lock", id.as_str()))
    }

    pub(crate) fn staging_gate(&self) -> PathBuf {
        self.hidden().join("locks").join(".staging.lock")
    }

    pub(crate) fn records_gate(&self) -> PathBuf {
        self.hidden().join("locks").join(".records.lock")
    }

    pub(crate) fn swap_gate(&self) -> PathBuf {
        self.hidden().join("locks").join(".swap.lock")
    }

    /// The file that the holder of a lease keeps locked. One spelling on every file system, since all have to agree.
    pub(crate) fn lease_lock(&self, name: &CubeName) -> PathBuf {
        self.hidden()
            .join("locks")
            .join(format!("{}.lock", name.portable_folder()))
    }

    /// Where the finished cube `name` is, in whichever spelling, or `None`.
    pub(crate) fn find(&self, name: &CubeName) -> Result<Option<PathBuf>, CacheError> {
        for folder in [name.folder(), name.portable_folder()] {
            let path = self.root.join(&folder);
            if is_cube(&path)? && self.is_spelled(&folder)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Whether what the file system finds under the name `folder` in the root is spelled so, and not the folder of another
    /// cube whose name differs in upper and lower case.
    fn is_spelled(&self, folder: &str) -> Result<bool, CacheError> {
        let flipped: String = folder.chars().map(flip_case).collect();
        let other = self.root.join(&flipped);
        // Seldom is there anything under the other spelling; then the file system tells them apart.
        if flipped == folder || !other.try_exists().doing("look at", &other)? {
            return Ok(true);
        }
        let spelled = entries(&self.root)?;
        Ok(spelled.iter().any(|entry| entry.file_name() == folder))
    }

    /// Creates what is missing of the hidden folder.
    pub(crate) fn create(&self) -> Result<(), CacheError> {
        self.check_version()?;
        self.create_root()?;
        let locks = self.hidden().join("locks");
        for folder in [
            self.records(),
            self.staging(),
            self.trash(),
            locks,
            self.scratch(),
        ] {
            fs::create_dir_all(&folder).doing("create the folder", &folder)?;
        }
        let tag = self.scratch().join("CACHEDIR.TAG");
        if !tag.try_exists().doing("look at", &tag)? {
            fs::write(&tag, CACHEDIR_TAG).doing("write", &tag)?;
        }
        Ok(())
    }

    /// Creates the root, durably: cubes are flushed to the disk with all that leads to them.
    fn create_root(&self) -> Result<(), CacheError> {
        let missing = self
            .root
            .ancestors()
            .take_while(|folder| !folder.exists())
            .count();
        fs::create_dir_all(&self.root).doing("create the folder", &self.root)?;
        let mut parents = self.root.ancestors().skip(1).take(missing);
        parents.try_for_each(flush_folder)
    }

    /// Refuses a cache whose hidden folder was made by a newer version of this software.
    pub(crate) fn check_version(&self) -> Result<(), CacheError> {
        let hidden = self.root.join(HIDDEN);
        for entry in entries(&hidden)? {
            let version = entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix('v')?.parse::<u32>().ok());
            keys::Keys::check_version(version, &self.root.display().to_string())?;
        }
        Ok(())
    }
}

fn flip_case(c: char) -> char {
    if c.is_ascii_lowercase() {
        c.to_ascii_uppercase()
    } else {
        c.to_ascii_lowercase()
    }
}

/// True if `folder` is a cube: a Zarr hierarchy has its metadata at its root.
pub(crate) fn is_cube(folder: &Path) -> Result<bool, CacheError> {
    for file in ROOT_METADATA {
        let path = folder.join(file);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => return Ok(true),
            Ok(_) => {}
            Err(error) if is_absence(&error) => {}
            Err(error) => return Err(error).doing("look at", &path),
        }
    }
    Ok(false)
}

/// What is in `folder`; nothing if it is not there.
pub(crate) fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, CacheError> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .collect::<io::Result<_>>()
            .doing("read the folder", folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).doing("read the folder", folder),
    }
}

/// True if `error` only says that there is no such file. A name that the file system cannot hold is not there either.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}
