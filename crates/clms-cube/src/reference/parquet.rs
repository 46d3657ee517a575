//! The Parquet form: a folder with the metadata in one file, and for each array files of rows, one for each chunk in row-major order.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::json;

use super::documents::Documents;
use super::stored::Place;
use super::variable::Variable;
use crate::metadata::CONSOLIDATED_V2;

/// Rows of a file. Readers load a whole one for each chunk that they want first.
const RECORD_SIZE: u64 = 10_000;

/// The name of the file with the metadata, by which a folder is known as a reference.
pub(super) const METADATA: &str = CONSOLIDATED_V2;

/// A reference that is being written. Holds one unfinished file for each variable.
#[derive(Debug)]
pub(super) struct ParquetReference {
    folder: PathBuf,
    records: Vec<Record>,
    metadata: serde_json::Value,
}

/// Rows of the file that a variable is at.
#[derive(Debug, Default)]
struct Record {
    number: u64,
    rows: Vec<Row>,
}

/// A chunk; the default is one that no file has.
#[derive(Debug, Clone, Default)]
struct Row {
    path: Option<ByteArray>,
    offset: i64,
    size: i64,
    raw: Option<ByteArray>,
}

impl ParquetReference {
    /// Begins with what is inline, in an empty folder.
    pub(super) fn create(
        folder: PathBuf,
        documents: &Documents,
        variables: &[Variable],
    ) -> io::Result<Self> {
        for (path, bytes) in &documents.inline {
            if !bytes.is_empty() {
                let row = Row {
                    raw: Some(bytes.clone().into()),
                    ..Row::default()
                };
                write(&folder, path, 0, &[row])?;
            }
        }
        let mut metadata = documents
            .metadata
            .get(METADATA)
            .cloned()
            .unwrap_or_default();
        metadata["record_size"] = json!(RECORD_SIZE);
        Ok(Self {
            folder,
            records: variables.iter().map(|_| Record::default()).collect(),
            metadata,
        })
    }

    /// Adds a chunk; those of a variable come in their order.
    pub(super) fn chunk(
        &mut self,
        variables: &[Variable],
        variable: usize,
        number: u64,
        url: &str,
        place: &Place,
    ) -> io::Result<()> {
        if self.records[variable].number != number / RECORD_SIZE {
            self.flush(&variables[variable], variable)?;
            self.records[variable].number = number / RECORD_SIZE;
        }
        let rows = &mut self.records[variable].rows;
        rows.resize((number % RECORD_SIZE) as usize, Row::default());
        let beyond = |_| io::Error::other("an offset beyond all files");
        rows.push(match place {
            Place::File(range) => Row {
                // Shares the bytes with the row before, as most do.
                path: Some(match rows.last().and_then(|row| row.path.clone()) {
                    Some(path) if path.data() == url.as_bytes() => path,
                    _ => ByteArray::from(url),
                }),
                offset: i64::try_from(range.start).map_err(beyond)?,
                size: i64::try_from(range.end - range.start).map_err(beyond)?,
                raw: None,
            },
            Place::Inline(bytes) => Row {
                raw: Some(bytes.clone().into()),
                ..Row::default()
            },
        });
        Ok(())
    }

    /// Ends all files; the metadata comes last.
    pub(super) fn finish(mut self, variables: &[Variable]) -> io::Result<()> {
        for (number, variable) in variables.iter().enumerate() {
            self.flush(variable, number)?;
        }
        fs::write(self.folder.join(METADATA), self.metadata.to_string())
    }

    /// Writes the file that a variable is at, unless it would refer to nothing.
    fn flush(&mut self, variable: &Variable, number: usize) -> io::Result<()> {
        let record = std::mem::take(&mut self.records[number]);
        if record.rows.is_empty() {
            return Ok(());
        }
        let left = variable.chunk_count - record.number * RECORD_SIZE;
        let mut rows = record.rows;
        rows.resize(left.min(RECORD_SIZE) as usize, Row::default());
        write(&self.folder, &variable.path(), record.number, &rows)
    }
}

/// Writes the rows of a file. Of the columns `path`, `offset` and `size` on one side and `raw` on the other, those that say nothing are left
/// out, which readers take for empty.
fn write(folder: &Path, array: &str, record: u64, rows: &[Row]) -> io::Result<()> {
    let folder = folder.join(array);
    fs::create_dir_all(&folder)?;
    let file = File::create(folder.join(format!("refs.{record}.parq")))?;
    write_rows(&file, rows).map_err(|error| match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        error => io::Error::other(error),
    })?;
    file.sync_all()
}

fn write_rows(file: &File, rows: &[Row]) -> Result<(), ParquetError> {
    let has_raw = rows.iter().any(|row| row.raw.is_some());
    let has_path = rows.iter().any(|row| row.path.is_some());
    let path = "optional binary path (UTF8); required int64 offset; required int64 size;";
    let schema = format!(
        "message refs {{ {} {} }}",
        if has_path { path } else { "" },
        if has_raw { "optional binary raw;" } else { "" },
    );
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        // fastparquet takes numbers for doubles unless these say that none is missing.
        .set_column_statistics_enabled("offset".into(), EnabledStatistics::Chunk)
        .set_column_statistics_enabled("size".into(), EnabledStatistics::Chunk)
        .build();
    let schema = Arc::new(parse_message_type(&schema)?);
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    if has_path {
        write_optional(&mut group, rows.iter().map(|row| row.path.as_ref()))?;
        for number in [|row: &Row| row.offset, |row: &Row| row.size] {
            let numbers: Vec<i64> = rows.iter().map(number).collect();
            if let Some(mut column) = group.next_column()? {
                column
                    .typed::<Int64Type>()
                    .write_batch(&numbers, None, None)?;
                column.close()?;
            }
        }
    }
    if has_raw {
        write_optional(&mut group, rows.iter().map(|row| row.raw.as_ref()))?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn write_optional<'a>(
    group: &mut SerializedRowGroupWriter<'_, &File>,
    values: impl Iterator<Item = Option<&'a ByteArray>> + Clone,
) -> Result<(), ParquetError> {
    let is_there: Vec<i16> = values.clone().map(|value| value.is_some().into()).collect();
    let values: Vec<ByteArray> = values.flatten().cloned().collect();
    if let Some(mut column) = group.next_column()? {
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&is_there), None)?;
        column.close()?;
    }
    Ok(())
}
