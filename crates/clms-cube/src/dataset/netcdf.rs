//! NetCDF files, classic and NetCDF-4, local or remote.
//!
//! Read by a pure Rust reader of HDF5 over the file's ranges and not by GDAL: GDAL's netCDF driver needs privileges for files that are not
//! local, its HDF5 driver is missing in builds without that library, and neither says where chunks are.

use std::fmt;
use std::sync::Arc;

use hdf5_reader::error::Error as Hdf5Error;
use hdf5_reader::storage::{Storage, StorageBuffer};
use hdf5_reader::{Hdf5File, OpenOptions};
use netcdf_reader::{
    Error as NcError, NcAttrValue, NcAttribute, NcFile, NcFormat, NcGroup, NcMetadataMode,
    NcOpenOptions, NcReadable, NcSliceInfo, NcSliceInfoElem, NcType, NcVariable,
};
use serde_json::{Map, Number, Value, json};

use super::source::{Request, Source};
use super::{ArrayStructure, DatasetStructure, GroupStructure, hdf5_chunks, placement};
use crate::metadata::node_path;
use crate::range::FileBytes;
use crate::reference::StoredArray;
use crate::{CubeError, DataType, Pixels};

/// Bytes of decoded chunks that are kept for each file.
const CHUNK_CACHE: usize = 16 << 20;

/// Bytes of the largest chunk that is decoded: CLMS files have up to some 30 MB.
const MAX_CHUNK: usize = 256 << 20;

/// Values of an attribute that are kept. Longer ones are tables that nobody reads as attributes.
const MAX_ATTRIBUTE: usize = 10_000;

/// A NetCDF file as a source of pixels.
pub(super) struct NetcdfSource {
    file: Arc<FileBytes>,
    netcdf: NcFile,
    /// Of NetCDF-4: tells where chunks are. Reads no values.
    hdf5: Option<Hdf5File>,
}

impl fmt::Debug for NetcdfSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetcdfSource")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// The file as the reader of HDF5 sees it.
struct FileStorage(Arc<FileBytes>);

impl Storage for FileStorage {
    fn len(&self) -> u64 {
        self.0.size()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer, Hdf5Error> {
        let end = offset.checked_add(len as u64);
        let range = end
            .filter(|end| *end <= self.0.size())
            .map(|end| offset..end);
        let range = range.ok_or_else(|| Hdf5Error::UnexpectedEof {
            offset,
            needed: len as u64,
            available: self.0.size().saturating_sub(offset),
        })?;
        let failed = || Hdf5Error::Other("the file could not be read".to_owned());
        let bytes = self.0.read(range).ok_or_else(failed)?;
        StorageBuffer::from_shared_owner(Arc::new(bytes), 0, len)
    }
}

/// Reads the structure and three values of each spatial coordinate. Blocks.
pub(super) fn open(file: Arc<FileBytes>) -> Result<(DatasetStructure, NetcdfSource), CubeError> {
    let storage = Arc::new(FileStorage(Arc::clone(&file)));
    let options = NcOpenOptions {
        chunk_cache_bytes: CHUNK_CACHE,
        // One odd variable must not hide the others.
        metadata_mode: NcMetadataMode::Lossy,
        max_chunk_bytes: MAX_CHUNK,
        ..NcOpenOptions::default()
    };
    let netcdf = NcFile::from_storage_with_options(storage.clone(), options)
        .map_err(|error| failed(&file, &error))?;
    let hdf5 = match netcdf.format() {
        NcFormat::Nc4 | NcFormat::Nc4Classic => {
            let options = OpenOptions::default().with_chunk_cache_bytes(0);
            Hdf5File::from_storage_with_options(storage, options).ok()
        }
        _ => None,
    };
    let source = NetcdfSource {
        file: Arc::clone(&file),
        netcdf,
        hdf5,
    };
    let root = source
        .netcdf
        .root_group()
        .map_err(|error| failed(&file, &error))?;
    let mut groups = Vec::new();
    add_groups(root, "", source.hdf5.as_ref(), &mut groups);
    for group in &mut groups {
        placement::place(&source, group)?;
    }
    let attributes = attributes(&root.attributes);
    file.check()?;
    Ok((DatasetStructure { attributes, groups }, source))
}

/// The reader's own failure if there was one, else what is wrong with the file.
fn failed(file: &FileBytes, error: &NcError) -> CubeError {
    match file.take_failure() {
        Some(failure) => failure.into(),
        None => CubeError::Unreadable {
            file: file.name().to_owned(),
            reason: error.to_string(),
        },
    }
}

fn add_groups(
    group: &NcGroup,
    path: &str,
    hdf5: Option<&Hdf5File>,
    groups: &mut Vec<GroupStructure>,
) {
    let (mut arrays, mut others) = (Vec::new(), Vec::new());
    for variable in &group.variables {
        match array(variable, path, hdf5) {
            Some(array) => arrays.push(array),
            None => others.push(variable.name.clone()),
        }
    }
    let mut structure = GroupStructure::new(path, attributes(&group.attributes), arrays);
    structure.other_arrays = others;
    groups.push(structure);
    for below in &group.groups {
        add_groups(below, &node_path(path, &below.name), hdf5, groups);
    }
}

/// A variable; `None` when it is of a type that this crate does not read.
fn array(variable: &NcVariable, group: &str, hdf5: Option<&Hdf5File>) -> Option<ArrayStructure> {
    let attributes = attributes(&variable.attributes);
    let is_scalar = variable.dimensions.is_empty();
    let is_unsigned = attributes.get("_Unsigned").and_then(Value::as_str) == Some("true");
    let dtype = match (variable.dtype(), is_unsigned) {
        (NcType::Byte, false) => DataType::Int8,
        (NcType::Byte, true) | (NcType::UByte, _) => DataType::UInt8,
        (NcType::Short, false) => DataType::Int16,
        (NcType::Short, true) | (NcType::UShort, _) => DataType::UInt16,
        (NcType::Int, false) => DataType::Int32,
        (NcType::Int, true) | (NcType::UInt, _) => DataType::UInt32,
        (NcType::Float, _) => DataType::Float32,
        (NcType::Double | NcType::Int64 | NcType::UInt64, _) => DataType::Float64,
        // What the attributes of a grid mapping hang on.
        (NcType::Char, _) if is_scalar => DataType::UInt8,
        _ => return None,
    };
    let shape = variable.shape();
    let path = node_path(group, &variable.name);
    let chunks = hdf5
        .and_then(|file| file.dataset(&path).ok()?.chunks())
        .map(|chunks| chunks.into_iter().map(u64::from).collect::<Vec<_>>())
        .filter(|chunks| chunks.len() == shape.len() && !chunks.contains(&0));
    let fill_value = attributes
        .get("_FillValue")
        .and_then(Value::as_f64)
        .map(|fill| unsigned(fill, dtype));
    Some(ArrayStructure {
        name: variable.name.clone(),
        dtype,
        dims: variable
            .dimensions
            .iter()
            .map(|dim| dim.name.clone())
            .collect(),
        chunks: chunks.unwrap_or_else(|| unchunked(&shape, dtype)),
        shape,
        shards: None,
        fill_value,
        attributes,
    })
}

/// The number that a negative one stands for in an unsigned type: files of the classic model have no unsigned types.
fn unsigned(value: f64, dtype: DataType) -> f64 {
    match dtype {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 if value < 0.0 => {
            value + 2_f64.powi(dtype.itemsize() as i32 * 8)
        }
        _ => value,
    }
}

/// Rows that make a good read of an array without chunks: about a megabyte.
fn unchunked(shape: &[u64], dtype: DataType) -> Vec<u64> {
    let mut chunks: Vec<u64> = shape.iter().map(|_| 1).collect();
    let mut room = (1_u64 << 20) / dtype.itemsize() as u64;
    for (chunk, size) in chunks.iter_mut().zip(shape).rev() {
        *chunk = (*size).clamp(1, room.max(1));
        room /= *chunk;
    }
    chunks
}

fn attributes(attributes: &[NcAttribute]) -> Map<String, Value> {
    attributes
        .iter()
        .filter_map(|attribute| Some((attribute.name.clone(), value(&attribute.value)?)))
        .collect()
}

/// A single value by itself, several as a list; `None` for types without a counterpart and for NaN alone.
fn value(value: &NcAttrValue) -> Option<Value> {
    fn list<T: Copy>(values: &[T], json: impl Fn(T) -> Value) -> Option<Value> {
        match values {
            [one] => Some(json(*one)),
            _ if values.len() > MAX_ATTRIBUTE => None,
            _ => Some(values.iter().map(|value| json(*value)).collect()),
        }
    }
    let number = |value: f64| Number::from_f64(value).map_or(Value::Null, Value::Number);
    match value {
        NcAttrValue::Chars(text) => Some(json!(text.trim_end_matches('\0'))),
        NcAttrValue::Strings(texts) if texts.len() == 1 => Some(json!(texts[0])),
        NcAttrValue::Strings(texts) => Some(json!(texts)),
        NcAttrValue::Bytes(values) => list(values, |value| json!(value)),
        NcAttrValue::Shorts(values) => list(values, |value| json!(value)),
        NcAttrValue::Ints(values) => list(values, |value| json!(value)),
        NcAttrValue::UBytes(values) => list(values, |value| json!(value)),
        NcAttrValue::UShorts(values) => list(values, |value| json!(value)),
        NcAttrValue::UInts(values) => list(values, |value| json!(value)),
        NcAttrValue::Int64s(values) => list(values, |value| json!(value)),
        NcAttrValue::UInt64s(values) => list(values, |value| json!(value)),
        // The shortest text that means the same, so that 0.1 stays 0.1.
        NcAttrValue::Floats(values) => list(values, |value| {
            number(value.to_string().parse().unwrap_or(f64::from(value)))
        }),
        NcAttrValue::Doubles(values) => list(values, number),
        NcAttrValue::UserDefined { .. } => None,
    }
}

impl Source for NetcdfSource {
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError> {
        let path = node_path(request.group, &request.array.name);
        let selection = NcSliceInfo {
            selections: request
                .ranges
                .iter()
                .map(|range| NcSliceInfoElem::Slice {
                    start: range.start,
                    end: range.end,
                    step: 1,
                })
                .collect(),
        };
        let variable = self.netcdf.variable(&path);
        let variable = variable.map_err(|error| failed(&self.file, &error))?;
        let pixels = match variable.dtype() {
            NcType::Byte => self.slice::<i8>(&path, &selection).map(Pixels::Int8),
            NcType::UByte => self.slice::<u8>(&path, &selection).map(Pixels::UInt8),
            NcType::Short => self.slice::<i16>(&path, &selection).map(Pixels::Int16),
            NcType::UShort => self.slice::<u16>(&path, &selection).map(Pixels::UInt16),
            NcType::Int => self.slice::<i32>(&path, &selection).map(Pixels::Int32),
            NcType::UInt => self.slice::<u32>(&path, &selection).map(Pixels::UInt32),
            NcType::Float => self.slice::<f32>(&path, &selection).map(Pixels::Float32),
            NcType::Double => self.slice::<f64>(&path, &selection).map(Pixels::Float64),
            NcType::Int64 => self.slice::<i64>(&path, &selection).map(|values| {
                Pixels::Float64(values.into_iter().map(|value| value as f64).collect())
            }),
            NcType::UInt64 => self.slice::<u64>(&path, &selection).map(|values| {
                Pixels::Float64(values.into_iter().map(|value| value as f64).collect())
            }),
            // The scalar that attributes hang on has no value of its own.
            _ => return Ok(Pixels::UInt8(vec![0])),
        };
        let pixels = pixels.map_err(|error| failed(&self.file, &error))?;
        Ok(match (pixels, request.array.dtype) {
            (Pixels::Int8(signed), DataType::UInt8) => {
                Pixels::UInt8(signed.into_iter().map(i8::cast_unsigned).collect())
            }
            (Pixels::Int16(signed), DataType::UInt16) => {
                Pixels::UInt16(signed.into_iter().map(i16::cast_unsigned).collect())
            }
            (Pixels::Int32(signed), DataType::UInt32) => {
                Pixels::UInt32(signed.into_iter().map(i32::cast_unsigned).collect())
            }
            (pixels, _) => pixels,
        })
    }

    fn files(&self) -> Vec<&str> {
        vec![self.file.name()]
    }

    fn stored(
        &self,
        _file: usize,
        group: &str,
        array: &ArrayStructure,
    ) -> Result<StoredArray, CubeError> {
        let path = node_path(group, &array.name);
        let stored = match &self.hdf5 {
            Some(hdf5) => hdf5_chunks::stored(hdf5, self.file.size(), &path, &array.shape),
            None => Err("the file is of the classic format".to_owned()),
        };
        self.file.check()?;
        stored.map_err(|reason| CubeError::NoReference {
            file: self.file.name().to_owned(),
            array: path,
            reason,
        })
    }
}

impl NetcdfSource {
    fn slice<T: NcReadable>(&self, path: &str, selection: &NcSliceInfo) -> Result<Vec<T>, NcError> {
        let array = self.netcdf.read_variable_slice::<T>(path, selection)?;
        Ok(array.into_iter().collect())
    }
}
