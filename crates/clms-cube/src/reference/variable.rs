//! Variables of a reference.

use serde_json::{Value, json};

use super::stored::{Encoding, StoredArray, StoredChunk};
use crate::CubeError;
use crate::dataset::{ArrayStructure, Dataset};
use crate::metadata::{FILL_VALUE, node_path};

/// A variable whose chunks are in files.
#[derive(Debug)]
pub(super) struct Variable {
    /// Path of its group.
    group: String,
    pub(super) array: ArrayStructure,
    /// As the first file has it, which all others must agree with.
    pub(super) encoding: Encoding,
    /// Lengths of a chunk along the dimensions of the array.
    pub(super) chunks: Vec<u64>,
    /// Chunks along the dimensions of the array.
    grid: Vec<u64>,
    /// Chunks of all files.
    pub(super) chunk_count: u64,
    /// Chunks of a file.
    pub(super) chunks_of_file: u64,
}

impl Variable {
    /// All variables of the full resolution. The first file is read.
    pub(super) fn all(dataset: &Dataset) -> Result<Vec<Self>, CubeError> {
        let steps = dataset.source().steps() as u64;
        let groups = dataset.structure().groups.iter();
        let arrays =
            groups.flat_map(|group| group.variables.iter().map(move |array| (group, array)));
        let variable = |(group, array): (_, &ArrayStructure)| {
            let group: &crate::GroupStructure = group;
            let stored = dataset.source().stored(0, &group.path, array)?;
            Self::new(&group.path, array, stored.encoding, steps).map_err(|reason| {
                let file = dataset.source().file_of(0, &group.path, array);
                CubeError::NoReference {
                    file: file.unwrap_or_default().to_owned(),
                    array: node_path(&group.path, &array.name),
                    reason,
                }
            })
        };
        arrays.map(variable).collect()
    }

    fn new(
        group: &str,
        array: &ArrayStructure,
        encoding: Encoding,
        files: u64,
    ) -> Result<Self, String> {
        let mut chunks = encoding.chunks.clone();
        if chunks.len() + 1 == array.shape.len() {
            // The stack's own dimension.
            chunks.insert(0, 1);
        }
        if chunks.len() != array.shape.len() || chunks.contains(&0) {
            return Err("its chunks have other dimensions".to_owned());
        }
        let sizes = array.shape.iter().zip(&chunks);
        let grid: Vec<u64> = sizes.map(|(size, chunk)| size.div_ceil(*chunk)).collect();
        if files > 1 && (grid.first() != Some(&files) || chunks[0] != 1) {
            return Err("its chunks have room for several times".to_owned());
        }
        let all = grid
            .iter()
            .try_fold(1_u64, |all, along| all.checked_mul(*along));
        let all = all.ok_or("its chunks are too many to be counted")?;
        Ok(Self {
            group: group.to_owned(),
            array: array.clone(),
            encoding,
            chunks,
            grid,
            chunk_count: all,
            chunks_of_file: all / files.max(1),
        })
    }

    /// Where it is in the hierarchy.
    pub(super) fn path(&self) -> String {
        node_path(&self.group, &self.array.name)
    }

    /// The key of a chunk below the array's path, such as `0.3.2`.
    pub(super) fn chunk_key(&self, number: u64) -> String {
        let mut rest = number;
        let mut indices: Vec<String> = Vec::with_capacity(self.grid.len().max(1));
        for count in self.grid.iter().rev() {
            indices.push((rest % count).to_string());
            rest /= count;
        }
        indices.reverse();
        if indices.is_empty() {
            return "0".to_owned();
        }
        indices.join(".")
    }

    /// The name of the file of a step.
    pub(super) fn file(&self, dataset: &Dataset, step: usize) -> String {
        let file = dataset.source().file_of(step, &self.group, &self.array);
        file.unwrap_or_default().to_owned()
    }

    /// The chunks that a file has, after looking that it has them in the way of the first one.
    pub(super) fn stored(
        &self,
        dataset: &Dataset,
        file: usize,
    ) -> Result<Vec<StoredChunk>, CubeError> {
        let name = || self.file(dataset, file);
        let StoredArray {
            encoding,
            chunks,
            absent,
        } = dataset.source().stored(file, &self.group, &self.array)?;
        if encoding != self.encoding {
            return Err(CubeError::Stack {
                file: name(),
                reason: format!(
                    "{} is stored in another way than in the first file",
                    self.path()
                ),
            });
        }
        let fill = self.fill().unwrap_or(0.0);
        let absent = absent.unwrap_or(fill);
        let is_whole = chunks.len() as u64 == self.chunks_of_file;
        if !is_whole && absent != fill && !(absent.is_nan() && fill.is_nan()) {
            return Err(CubeError::NoReference {
                file: name(),
                array: self.path(),
                reason: format!(
                    "what was never written of it is {absent}, and its fill value is {fill}"
                ),
            });
        }
        Ok(chunks)
    }

    /// The number that means "no data", as it is stored: files without unsigned types say -1 for 255.
    fn fill(&self) -> Option<f64> {
        let told = self.array.attributes.get(FILL_VALUE)?;
        // JSON has no NaN.
        Some(told.as_f64().or(self.array.fill_value).unwrap_or(f64::NAN))
    }

    /// The same in Zarr's words.
    pub(super) fn zarr_fill(&self) -> Value {
        let is_float = self.encoding.dtype.contains('f');
        match self.fill() {
            None => Value::Null,
            Some(fill) if fill.is_nan() => json!("NaN"),
            Some(f64::INFINITY) => json!("Infinity"),
            Some(f64::NEG_INFINITY) => json!("-Infinity"),
            Some(fill) if is_float => json!(fill),
            // The greatest numbers of 64 bits have no sign.
            Some(fill) if fill > 0.0 => json!(fill as u64),
            Some(fill) => json!(fill as i64),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::DataType;

    fn variable(shape: &[u64], dtype: &str, fill: &Value) -> Result<Variable, String> {
        let mut attributes = Map::new();
        attributes.insert(FILL_VALUE.to_owned(), fill.clone());
        let array = ArrayStructure {
            name: "v".to_owned(),
            dtype: DataType::Float64,
            dims: vec!["d".to_owned(); shape.len()],
            shape: shape.to_vec(),
            chunks: vec![1; shape.len()],
            shards: None,
            fill_value: fill.as_f64(),
            attributes,
        };
        let encoding = Encoding {
            dtype: dtype.to_owned(),
            chunks: vec![1; shape.len()],
            filters: Vec::new(),
            compressor: None,
        };
        Variable::new("", &array, encoding, 1)
    }

    #[test]
    fn fill_values_of_64_bits_keep_their_sign() {
        let fill = |dtype: &str, fill: Value| variable(&[1], dtype, &fill).unwrap().zarr_fill();
        assert_eq!(fill("<u8", json!(u64::MAX)), json!(u64::MAX));
        assert_eq!(fill("<i8", json!(-1)), json!(-1));
        assert_eq!(fill("|u1", json!(255)), json!(255));
        assert_eq!(fill("<f4", Value::Null), json!("NaN"));
    }

    #[test]
    fn more_chunks_than_can_be_counted() {
        let refused = variable(&[1 << 33, 1 << 33], "|u1", &json!(0)).unwrap_err();
        assert!(refused.contains("too many"), "{refused}");
    }
}
