//! References: files with which other software opens a lazily opened dataset itself.
//!
//! A reference says for each chunk of a dataset in which file, from which byte on and how many bytes long it is, in the words of Zarr v2 (so
//! that xarray opens a year of NetCDF files as one cube), and holds no pixels. Two forms, both of the Python packages kerchunk and fsspec:
//! JSON (version 1), and a folder of Parquet files for what would be a large JSON file, of which readers load only what they need.

mod documents;
mod json;
mod names;
mod output;
mod parquet;
mod stored;
mod variable;

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dataset::READ_AT_ONCE;
use crate::range::{blocking, is_cancelled, on_threads};
use crate::{CubeError, Dataset};
use documents::Documents;
use output::Output;
pub(crate) use stored::{ByteOrder, Encoding, Place, StoredArray, StoredChunk, numpy_type};
use variable::Variable;

/// Files whose tables of chunks are held at the same time.
const FILES_AHEAD: usize = 16;

/// What a reference consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ReferenceReport {
    /// Files that it refers to.
    pub files: usize,
    /// Variables, coordinates not counted.
    pub variables: usize,
    /// Chunks that it refers to.
    pub chunks: u64,
    /// Chunks that no file has; they are read as fill.
    pub absent: u64,
}

impl Dataset {
    /// Writes a reference to this dataset, with which xarray opens it without this crate: version 1 of kerchunk's JSON to a path that ends
    /// with `.json`, the folder of Parquet files that fsspec's `LazyReferenceMapper` reads to one that ends with `.parq` or `.parquet`. What
    /// is there already is replaced when all is written.
    ///
    /// `url` tells for the name of each file ([`Dataset::files`]) where fsspec shall find it (`https://...`, `s3://...`). All variables of
    /// the full resolution are there, with the attributes that they have here; overviews are not. Coordinates, and the `spatial_ref` of
    /// GeoTIFFs, are in the reference itself.
    ///
    /// LZW, PackBits and predictors of GeoTIFFs need the Python packages `imagecodecs` and `imagecodecs-numcodecs`; all else is read by what
    /// xarray, Zarr and fsspec bring along. The last strip of a GeoTIFF, when it has fewer rows than the others and is compressed, is read and
    /// stands in the reference as a whole one, because chunks of Zarr are all of one size.
    ///
    /// For it, the metadata and the tables of chunks of all files are read, some files at a time ([`Dataset::traffic`] counts). When the future
    /// is dropped, nothing stays.
    ///
    /// ```no_run
    /// # async fn example(dataset: clms_cube::Dataset) -> Result<(), clms_cube::CubeError> {
    /// let report = dataset
    ///     .write_reference("ssm.json".as_ref(), |name| format!("https://globalland.vito.be/{name}"))
    ///     .await?;
    /// println!("{} chunks of {} files", report.chunks, report.files);
    /// // In Python:
    /// // xarray.open_dataset("reference://", engine="zarr", chunks={}, storage_options={
    /// //     "fo": "ssm.json", "remote_protocol": "https", "remote_options": {"asynchronous": True}})
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CubeError::NoReference`] for what Zarr or its codecs have no words for, such as bands that are interleaved by pixel;
    /// [`CubeError::Stack`] for files that are stored differently; [`CubeError::SaveReference`] if it can't be written; what reading says.
    pub async fn write_reference(
        &self,
        path: &Path,
        url: impl Fn(&str) -> String + Send + 'static,
    ) -> Result<ReferenceReport, CubeError> {
        let (dataset, path) = (self.clone(), path.to_owned());
        blocking(move || write(&dataset, &url, &path)).await
    }
}

fn write(
    dataset: &Dataset,
    url: &dyn Fn(&str) -> String,
    path: &Path,
) -> Result<ReferenceReport, CubeError> {
    names::check(dataset)?;
    let variables = Variable::all(dataset)?;
    let documents = Documents::of(dataset, &variables)?;
    let failed = |source| CubeError::SaveReference {
        path: path.to_owned(),
        source,
    };
    let mut output = Output::create(path, &documents, &variables).map_err(failed)?;
    let mut report = ReferenceReport {
        files: dataset.files().len(),
        variables: variables.len(),
        chunks: 0,
        absent: 0,
    };
    let steps = dataset.source().steps();
    for first in (0..steps).step_by(FILES_AHEAD) {
        let count = FILES_AHEAD.min(steps - first);
        let files = on_threads(READ_AT_ONCE, count, |file| {
            let of_file = variables.iter();
            let stored = of_file.map(|variable| variable.stored(dataset, first + file));
            stored.collect::<Result<Vec<_>, _>>()
        })?;
        for (file, stored) in (first..).zip(files) {
            for (number, (variable, stored)) in variables.iter().zip(stored).enumerate() {
                report.chunks += stored.len() as u64;
                report.absent += variable.chunks_of_file - stored.len() as u64;
                // Only now is it known how the file is really called.
                let url = url(&variable.file(dataset, file));
                for chunk in stored {
                    let at = file as u64 * variable.chunks_of_file + chunk.number;
                    output
                        .chunk(&variables, number, at, &url, &chunk.place)
                        .map_err(failed)?;
                }
            }
        }
    }
    if is_cancelled() {
        return Err(CubeError::Cancelled);
    }
    output.finish(&variables).map_err(failed)?;
    Ok(report)
}
