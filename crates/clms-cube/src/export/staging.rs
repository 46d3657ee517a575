//! Files that are whole or absent: written in a hidden folder beside their place, and renamed at the end.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::CubeError;

/// Endings of the files beside an export that go with it.
const SIDE_CARS: [&str; 1] = [super::side_car::ENDING];

/// What is being written for a path. When this goes before [`Staging::publish`], so does all that was written.
#[derive(Debug)]
pub(super) struct Staging {
    target: PathBuf,
    overwrite: bool,
    folder: TempDir,
}

impl Staging {
    /// Makes the hidden folder.
    ///
    /// # Errors
    /// [`CubeError::FileExists`] where something stands that may not be replaced, [`CubeError::WriteFile`] where nothing can be written.
    pub(super) fn new(target: &Path, overwrite: bool) -> Result<Self, CubeError> {
        let Some(name) = target.file_name() else {
            let reason = format!("{:?} is no name of a file", target.display().to_string());
            return Err(CubeError::InvalidExport { reason });
        };
        refuse_existing(target, overwrite)?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(&format!(".{}.", name.to_string_lossy()))
            .suffix(".part")
            .tempdir_in(parent)
            .map_err(|error| CubeError::write_file(target, &error))?;
        Ok(Self {
            target: target.to_owned(),
            overwrite,
            folder,
        })
    }

    /// Where it will be.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// A file or folder of this name in the hidden folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file or folder that becomes the export.
    pub(super) fn result(&self) -> PathBuf {
        self.path("result")
    }

    /// A file beside the export that goes with it: its name is that of the export with this after it.
    pub(super) fn side_car(&self, ending: &str) -> PathBuf {
        self.path(&format!("result{ending}"))
    }

    /// That something of the system failed while the export was written.
    pub(super) fn failed(&self, error: &io::Error) -> CubeError {
        CubeError::write_file(&self.target, error)
    }

    /// Whether nothing more can be written: GDAL's words don't always say so.
    pub(super) fn is_disk_full(&self) -> bool {
        const PROBE: usize = 1 << 18;
        let path = self.path("probe");
        let written = std::fs::write(&path, vec![0x5a; PROBE]);
        let _ = std::fs::remove_file(path);
        written.is_err_and(|error| self.failed(&error).kind() == "disk_full")
    }

    /// Moves what was written to its place: side-cars first, so that the export is never without them; those of what is replaced go. Returns the export's size
    /// in bytes.
    pub(super) fn publish(&self) -> Result<u64, CubeError> {
        let failed = |error: io::Error| self.failed(&error);
        let bytes = size_of(&self.result()).map_err(failed)?;
        refuse_existing(&self.target, self.overwrite)?;
        for ending in SIDE_CARS {
            let mut beside = self.target.clone().into_os_string();
            beside.push(ending);
            let written = self.side_car(ending);
            if written.exists() {
                std::fs::rename(written, beside).map_err(failed)?;
            } else if self.overwrite {
                match std::fs::remove_file(beside) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed(error));
                    }
                    _ => {}
                }
            }
        }
        if self.overwrite && (self.result().is_dir() || self.target.is_dir()) {
            // A folder takes no other's place: the old one goes with the hidden folder.
            match std::fs::rename(&self.target, self.path("replaced")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        std::fs::rename(self.result(), &self.target).map_err(failed)?;
        Ok(bytes)
    }
}

fn refuse_existing(target: &Path, overwrite: bool) -> Result<(), CubeError> {
    // Also a link that leads nowhere stands there.
    if !overwrite && target.symlink_metadata().is_ok() {
        return Err(CubeError::FileExists {
            path: target.to_owned(),
        });
    }
    Ok(())
}

/// Bytes of a file, or of all files below a folder.
fn size_of(path: &Path) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        bytes += size_of(&entry?.path())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn whole_or_absent() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.tif");
        let staging = Staging::new(&target, false).unwrap();
        std::fs::write(staging.result(), b"12345").unwrap();
        std::fs::write(staging.side_car(".aux.xml"), b"x").unwrap();
        assert!(!target.exists());
        assert_eq!(staging.publish().unwrap(), 5);
        drop(staging);
        assert_eq!(names(&dir), ["a.tif", "a.tif.aux.xml"]);

        assert_eq!(
            Staging::new(&target, false).unwrap_err().kind(),
            "file_exists"
        );
        let staging = Staging::new(&target, true).unwrap();
        assert_eq!(names(&dir).len(), 3);
        drop(staging);
        assert_eq!(names(&dir), ["a.tif", "a.tif.aux.xml"]);
        // The next one has none.
        let staging = Staging::new(&target, true).unwrap();
        std::fs::write(staging.result(), b"6").unwrap();
        assert_eq!(staging.publish().unwrap(), 1);
        drop(staging);
        assert_eq!(names(&dir), ["a.tif"]);
    }

    #[test]
    fn folders_are_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.zarr");
        for content in ["old", "new"] {
            let staging = Staging::new(&target, true).unwrap();
            std::fs::create_dir(staging.result()).unwrap();
            std::fs::write(staging.result().join(content), content).unwrap();
            assert_eq!(staging.publish().unwrap(), 3);
        }
        assert_eq!(names(&dir), ["a.zarr"]);
        assert!(target.join("new").exists() && !target.join("old").exists());
    }

    #[test]
    fn folders_that_are_not_there() {
        let error = Staging::new("/no/such/folder/a.tif".as_ref(), false).unwrap_err();
        assert_eq!(error.kind(), "write_file");
        assert!(error.to_string().contains("a.tif"), "{error}");
    }
}
