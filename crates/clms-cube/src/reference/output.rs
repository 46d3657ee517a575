//! Where a reference is written: beside its place, which it takes when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::documents::Documents;
use super::json::JsonReference;
use super::parquet::{METADATA, ParquetReference};
use super::stored::Place;
use super::variable::Variable;

/// A reference in one of its forms. Goes away when it is dropped before its end.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Json(JsonReference, NamedTempFile),
    Parquet(ParquetReference, TempDir),
}

/// The folder that is being filled, below a temporary one that nobody else may look into.
const NEW: &str = "new";
/// A reference that was there before.
const OLD: &str = "old";

impl Output {
    /// Of the form that the ending of the path says.
    pub(super) fn create(
        path: &Path,
        documents: &Documents,
        variables: &[Variable],
    ) -> io::Result<Self> {
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        let beside = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".reference-");
        let form = match ending.as_deref().and_then(|ending| ending.to_str()) {
            Some("json") => {
                // Not tempfile's own way, which lets nobody else read it.
                let file = builder.make_in(beside, |path| File::create_new(path))?;
                let reference = JsonReference::create(file.as_file().try_clone()?, documents)?;
                Form::Json(reference, file)
            }
            Some("parq" | "parquet") => {
                if path.exists() && !path.join(METADATA).exists() {
                    return Err(io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        "something else is there",
                    ));
                }
                let folder = builder.tempdir_in(beside)?;
                let new = folder.path().join(NEW);
                fs::create_dir(&new)?;
                let reference = ParquetReference::create(new, documents, variables)?;
                Form::Parquet(reference, folder)
            }
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "its name must end with .json, .parq or .parquet",
                ));
            }
        };
        let path = path.to_owned();
        Ok(Self { path, form })
    }

    /// Adds a chunk of a variable; those of one variable come in their order.
    pub(super) fn chunk(
        &mut self,
        variables: &[Variable],
        variable: usize,
        number: u64,
        url: &str,
        place: &Place,
    ) -> io::Result<()> {
        match &mut self.form {
            Form::Json(reference, _) => {
                let variable = &variables[variable];
                let key = format!("{}/{}", variable.path(), variable.chunk_key(number));
                reference.chunk(&key, url, place)
            }
            Form::Parquet(reference, _) => reference.chunk(variables, variable, number, url, place),
        }
    }

    /// Ends it, and puts it in its place.
    pub(super) fn finish(self, variables: &[Variable]) -> io::Result<()> {
        match self.form {
            Form::Json(reference, file) => {
                reference.finish()?;
                file.persist(&self.path).map_err(|error| error.error)?;
            }
            Form::Parquet(reference, folder) => {
                reference.finish(variables)?;
                let old = folder.path().join(OLD);
                let is_there = self.path.exists();
                if is_there {
                    fs::rename(&self.path, &old)?;
                }
                if let Err(error) = fs::rename(folder.path().join(NEW), &self.path) {
                    if is_there {
                        fs::rename(&old, &self.path)?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}
