//! Attributes.

use serde_json::{Map, Value};

use super::encoding::{
    Bytes, TextEnd, dataspace, datatype, dimension_reference_type, list_type, little_endian,
    reference_type, text_type,
};
use crate::{DataType, Pixels};

/// Bytes of the largest attribute that fits where attributes are kept here: longer ones are left out.
const MOST: usize = 60_000;

/// Attributes whose numbers are of the variable's type, as CF wants it.
const OF_THE_VARIABLES_TYPE: [&str; 6] = [
    "flag_values",
    "flag_masks",
    "valid_range",
    "valid_min",
    "valid_max",
    "missing_value",
];

/// An attribute as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    name: String,
    datatype: Vec<u8>,
    dataspace: Vec<u8>,
    data: Vec<u8>,
}

impl Attribute {
    pub(super) fn text(name: &str, text: &str, end: TextEnd) -> Self {
        let mut data = text.as_bytes().to_vec();
        if end == TextEnd::Zero {
            data.push(0);
        }
        Self {
            name: name.to_owned(),
            datatype: text_type(data.len(), end),
            dataspace: dataspace(&[]),
            data,
        }
    }

    pub(super) fn numbers(name: &str, numbers: &Pixels) -> Self {
        Self {
            name: name.to_owned(),
            datatype: datatype(numbers.dtype()),
            dataspace: dataspace(&[numbers.len() as u64]),
            data: little_endian(numbers),
        }
    }

    fn texts(name: &str, texts: &[&str]) -> Self {
        let size = texts
            .iter()
            .map(|text| text.len())
            .max()
            .unwrap_or(0)
            .max(1);
        let mut data = Vec::with_capacity(size * texts.len());
        for text in texts {
            data.extend_from_slice(text.as_bytes());
            data.resize(data.len() + size - text.len(), 0);
        }
        Self {
            name: name.to_owned(),
            datatype: text_type(size, TextEnd::Padded),
            dataspace: dataspace(&[texts.len() as u64]),
            data,
        }
    }

    /// Which arrays have a dimension, and as which of theirs: addresses and places.
    pub(super) fn users(name: &str, users: &[(u64, u32)]) -> Self {
        let mut data = Bytes::default();
        for (address, dimension) in users {
            data.u64(*address).u32(*dimension).u32(0);
        }
        Self {
            name: name.to_owned(),
            datatype: dimension_reference_type(),
            dataspace: dataspace(&[users.len() as u64]),
            data: data.0,
        }
    }

    /// Lists of one reference each, given the heap that these lie in and their numbers there.
    pub(super) fn references(name: &str, heap: u64, numbers: &[u32]) -> Self {
        let mut data = Bytes::default();
        for number in numbers {
            data.u32(1).u64(heap).u32(*number);
        }
        Self {
            name: name.to_owned(),
            datatype: list_type(&reference_type()),
            dataspace: dataspace(&[numbers.len() as u64]),
            data: data.0,
        }
    }

    /// The message of it.
    pub(super) fn message(&self) -> Vec<u8> {
        let utf8 = 1;
        let mut message = Bytes::default();
        message.u8(3).u8(0).u16(self.name.len() as u16 + 1);
        message
            .u16(self.datatype.len() as u16)
            .u16(self.dataspace.len() as u16)
            .u8(utf8)
            .raw(self.name.as_bytes())
            .u8(0)
            .raw(&self.datatype)
            .raw(&self.dataspace)
            .raw(&self.data);
        message.0
    }
}

/// The attributes of a variable of a type. What NetCDF has no counterpart for (objects, empty texts) is left out.
pub(super) fn of_map(attributes: &Map<String, Value>, dtype: DataType) -> Vec<Attribute> {
    let of_value = |(name, value): (&String, &Value)| {
        // The format forbids it.
        let name = name.replace('/', "_");
        let attribute = of_value(&name, value, dtype)?;
        (attribute.data.len() <= MOST && name.len() < 256).then_some(attribute)
    };
    attributes.iter().filter_map(of_value).collect()
}

fn of_value(name: &str, value: &Value, dtype: DataType) -> Option<Attribute> {
    let items = match value {
        Value::String(text) if !text.is_empty() => {
            return Some(Attribute::text(name, text, TextEnd::Padded));
        }
        Value::Number(_) => std::slice::from_ref(value),
        Value::Array(items) if !items.is_empty() => items,
        _ => return None,
    };
    let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    if let Some(texts) = texts {
        return Some(Attribute::texts(name, &texts));
    }
    let numbers: Vec<f64> = items.iter().map(Value::as_f64).collect::<Option<_>>()?;
    let is_whole = items.iter().all(|item| item.is_i64() || item.is_u64());
    let fit = |dtype: DataType| numbers.iter().all(|number| dtype.holds(*number));
    let dtype = if OF_THE_VARIABLES_TYPE.contains(&name) && fit(dtype) {
        dtype
    } else if is_whole && fit(DataType::Int32) {
        DataType::Int32
    } else {
        DataType::Float64
    };
    Some(Attribute::numbers(name, &typed(dtype, &numbers)))
}

fn typed(dtype: DataType, numbers: &[f64]) -> Pixels {
    use crate::dtype::{Element, with_element};
    with_element!(dtype, T => {
        let typed: Vec<T> = numbers.iter().map(|number| T::from_f64(*number)).collect();
        Pixels::from_bytes(dtype, T::bytes(&typed))
    })
}
