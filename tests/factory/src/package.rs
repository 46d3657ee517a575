//! The specification of a whole package, and how it is written.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::archive::Archive;
use crate::error::{AtPath, Error, Result};
use crate::iso_metadata;
use crate::raster::RasterSpec;
use crate::sidecars::Sidecar;
use crate::vector::VectorSpec;

/// Where the files are inside the inner zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The folder of the outer zip that holds the inner zip.
    pub results_folder: String,
    /// The folder that holds everything in the inner zip.
    pub root: Root,
    /// The folder of the rasters: `DATA`, `Data` or `Dataset`; empty puts them into the root.
    pub data_folder: String,
    /// The folder of the metadata records, one for each raster; `None` leaves them out.
    pub metadata_folder: Option<String>,
}

impl Default for Layout {
    /// `Results/<file>.zip`, in it `<file>/DATA` and `<file>/Metadata`.
    fn default() -> Self {
        Self {
            results_folder: "Results".into(),
            root: Root::File,
            data_folder: "DATA".into(),
            metadata_folder: Some("Metadata".into()),
        }
    }
}

/// The root folder of an inner zip. All of these occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `<file>/`
    File,
    /// `<file>/<file>/`
    Doubled,
    /// A folder of 40 hexadecimal digits.
    Hex,
    /// None.
    Flat,
}

impl Root {
    fn prefix(self, file: &str) -> String {
        match self {
            Self::File => format!("{file}/"),
            Self::Doubled => format!("{file}/{file}/"),
            Self::Hex => {
                let digits = file
                    .bytes()
                    .chain(*b"clms-factory-of-packages")
                    .map(|byte| format!("{byte:02x}"));
                format!(
                    "{}/",
                    digits.collect::<String>().get(..40).unwrap_or_default()
                )
            }
            Self::Flat => String::new(),
        }
    }
}

/// How the inner zip sits in the outer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nesting {
    /// `Results/<file>.zip`, as packages are.
    Single,
    /// This many inner zips, `<file>_1.zip` and so on; the rasters are dealt out in turn.
    Several(usize),
    /// The files themselves in the outer zip, below `Results/`.
    Plain,
    /// No inner zip and no raster, only a readme.
    Missing,
}

/// What is cut to half of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncated {
    /// The outer zip, as after an interrupted download.
    Outer,
    /// The inner zip, in a sound outer one.
    Inner,
}

/// How zips are compressed; by default both are deflated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ZipStyle {
    /// The outer zip only stores.
    pub outer_stored: bool,
    /// The inner zip only stores.
    pub inner_stored: bool,
}

/// Any other file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its path below the root folder.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A package: what is in it, and how it is wrapped.
///
/// ```
/// use clms_factory::{PackageSpec, RasterSpec};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let zip = PackageSpec::new("two_tiles")
///     .raster(RasterSpec::new("west.tif", 64, 64))
///     .raster(RasterSpec::new("east.tif", 64, 64).corner(4_000_640.0, 3_000_000.0, 10.0))
///     .write(dir.path())?;
/// assert!(zip.ends_with("two_tiles.zip"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PackageSpec {
    /// The file's name on the portal, without `.zip`.
    pub file: String,
    /// Folders.
    pub layout: Layout,
    /// Wrapping.
    pub nesting: Nesting,
    /// Compression of the zips.
    pub zip: ZipStyle,
    /// The rasters, in the order in which they are put into the zip.
    pub rasters: Vec<RasterSpec>,
    /// The vector files, in the data folder.
    pub vectors: Vec<VectorSpec>,
    /// Legends, readmes and the like.
    pub documents: Vec<Document>,
    /// What is broken off.
    pub truncated: Option<Truncated>,
}

impl PackageSpec {
    /// An empty package with the usual layout.
    pub fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            layout: Layout::default(),
            nesting: Nesting::Single,
            zip: ZipStyle::default(),
            rasters: Vec::new(),
            vectors: Vec::new(),
            documents: Vec::new(),
            truncated: None,
        }
    }

    /// Adds a raster.
    #[must_use]
    pub fn raster(mut self, raster: RasterSpec) -> Self {
        self.rasters.push(raster);
        self
    }

    /// Adds rasters.
    #[must_use]
    pub fn rasters(mut self, rasters: impl IntoIterator<Item = RasterSpec>) -> Self {
        self.rasters.extend(rasters);
        self
    }

    /// Adds a vector file.
    #[must_use]
    pub fn vector(mut self, vector: VectorSpec) -> Self {
        self.vectors.push(vector);
        self
    }

    /// Adds these side-cars to all rasters that it has so far.
    #[must_use]
    pub fn sidecars(mut self, sidecars: &[Sidecar]) -> Self {
        for raster in &mut self.rasters {
            raster.sidecars.extend_from_slice(sidecars);
        }
        self
    }

    /// Adds any file, by its path below the root folder.
    #[must_use]
    pub fn document(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.documents.push(Document {
            path: path.into(),
            bytes: bytes.into(),
        });
        self
    }

    /// Sets the layout.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Sets the root folder.
    #[must_use]
    pub fn root(mut self, root: Root) -> Self {
        self.layout.root = root;
        self
    }

    /// Sets the folder of the rasters.
    #[must_use]
    pub fn data_folder(mut self, folder: impl Into<String>) -> Self {
        self.layout.data_folder = folder.into();
        self
    }

    /// Sets the wrapping.
    #[must_use]
    pub fn nesting(mut self, nesting: Nesting) -> Self {
        self.nesting = nesting;
        self
    }

    /// Sets the compression of the zips.
    #[must_use]
    pub fn zip(mut self, zip: ZipStyle) -> Self {
        self.zip = zip;
        self
    }

    /// Breaks something off.
    #[must_use]
    pub fn truncated(mut self, what: Truncated) -> Self {
        self.truncated = Some(what);
        self
    }

    /// Writes `<dir>/<file>.zip` and returns its path. The file appears by a rename when it is whole; everything before
    /// happens in a hidden folder beside it.
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses a raster.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        let staging = Staging::new(dir, &self.file)?;
        let outer = staging.path.join("outer.zip");
        let results = &self.layout.results_folder;
        let mut archive = Archive::create(&outer, self.zip.outer_stored)?;
        match self.nesting {
            Nesting::Single | Nesting::Several(_) => {
                let parts = if let Nesting::Several(n) = self.nesting {
                    n
                } else {
                    1
                };
                for part in 0..parts {
                    let name = match self.nesting {
                        Nesting::Several(_) => format!("{}_{}.zip", self.file, part + 1),
                        _ => format!("{}.zip", self.file),
                    };
                    let inner = staging.path.join(&name);
                    let mut members = Archive::create(&inner, self.zip.inner_stored)?;
                    self.add_members(&staging.path, &mut members, "", (part, parts))?;
                    members.finish()?;
                    if self.truncated == Some(Truncated::Inner) {
                        halve(&inner)?;
                    }
                    archive.move_in(&inner, &join(results, &name))?;
                }
            }
            Nesting::Plain => self.add_members(&staging.path, &mut archive, results, (0, 1))?,
            Nesting::Missing => {
                archive.add_bytes(&join(results, "readme.txt"), b"No file was produced.\r\n")?;
            }
        }
        archive.finish()?;
        if self.truncated == Some(Truncated::Outer) {
            halve(&outer)?;
        }
        let target = dir.join(format!("{}.zip", self.file));
        fs::rename(&outer, &target).at(&target)?;
        Ok(target)
    }

    /// Writes only the rasters and their side-cars, all of them directly into `dir`, and returns the paths of the rasters.
    ///
    /// # Errors
    /// When a file cannot be written, or GDAL refuses a raster.
    pub fn write_rasters(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(dir).at(dir)?;
        self.rasters
            .iter()
            .map(|raster| raster.write(dir))
            .collect()
    }

    /// Adds one part of the rasters and, to the first part, everything else.
    fn add_members(
        &self,
        staging: &Path,
        archive: &mut Archive,
        folder: &str,
        (part, parts): (usize, usize),
    ) -> Result<()> {
        let root = join(folder, &self.layout.root.prefix(&self.file));
        let data = join(&root, &self.layout.data_folder);
        for raster in self.rasters.iter().skip(part).step_by(parts) {
            let files = staging.join("raster");
            fs::create_dir(&files).at(&files)?;
            raster.write(&files)?;
            let folder = raster
                .folder
                .as_ref()
                .map_or_else(|| data.clone(), |folder| join(&root, folder));
            archive.move_in_all(&files, &folder)?;
            if let Some(metadata) = &self.layout.metadata_folder {
                let stem = Path::new(&raster.name)
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy();
                let path = join(&join(&root, metadata), &format!("{stem}.xml"));
                archive.add_bytes(&path, iso_metadata::document(raster)?.as_bytes())?;
            }
        }
        if part > 0 {
            return Ok(());
        }
        for vector in &self.vectors {
            let files = staging.join("vector");
            fs::create_dir(&files).at(&files)?;
            vector.write(&files)?;
            let path = files.join(&vector.name);
            if path.is_dir() {
                archive.move_in_all(&path, &join(&data, &vector.name))?;
            }
            archive.move_in_all(&files, &data)?;
        }
        for document in &self.documents {
            archive.add_bytes(&join(&root, &document.path), &document.bytes)?;
        }
        Ok(())
    }
}

/// Joins two parts of a path within a zip, of which either may be empty.
fn join(folder: &str, name: &str) -> String {
    match folder.trim_end_matches('/') {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

fn halve(path: &Path) -> Result<()> {
    let file = File::options().write(true).open(path).at(path)?;
    let half = file.metadata().at(path)?.len() / 2;
    file.set_len(half).at(path)
}

/// A hidden folder for work in progress, removed at the end.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn new(dir: &Path, file: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if file.is_empty() || file.contains(['/', '\\']) {
            return Err(Error::spec(
                file,
                "a package's file name is not empty and has no slash",
            ));
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!(".{file}.{}-{number}.part", std::process::id()));
        fs::create_dir_all(&path).at(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing depends on it: a folder left behind is hidden and takes only space.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Writes a small file in one step.
pub(crate) fn write_by_rename(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = File::create(&part).at(&part)?;
    file.write_all(bytes).at(&part)?;
    fs::rename(&part, path).at(path)
}
