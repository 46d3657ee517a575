//! How arrays and dimensions know each other: HDF5's dimension scales, whose references lie in a heap.

use super::attribute::Attribute;
use super::encoding::{Bytes, TextEnd};
use super::file::{Dimension, Variable};

/// Bytes of the smallest heap.
const LEAST: usize = 4096;

/// Which array is the scale of each dimension, and where references to it are.
pub(super) struct Scales<'a> {
    dimensions: &'a [Dimension],
    variables: &'a [Variable],
}

impl<'a> Scales<'a> {
    pub(super) fn new(dimensions: &'a [Dimension], variables: &'a [Variable]) -> Self {
        Self {
            dimensions,
            variables,
        }
    }

    /// The dimension that a variable is the coordinate of.
    fn scale_of(&self, variable: &Variable) -> Option<usize> {
        match variable.dims[..] {
            [only] if self.dimensions[only].name == variable.name => Some(only),
            _ => None,
        }
    }

    /// Variables that have dimensions and are no coordinates, with the numbers that their references have in the heap.
    fn users(&self) -> impl Iterator<Item = (usize, Vec<u32>)> {
        let mut next = 1;
        let numbers = |(number, variable): (usize, &Variable)| {
            if self.scale_of(variable).is_some() || variable.dims.is_empty() {
                return None;
            }
            let first = next;
            next += variable.dims.len() as u32;
            Some((number, (first..next).collect()))
        };
        self.variables
            .iter()
            .enumerate()
            .filter_map(numbers)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The attributes of a variable that say so, given where all variables and the heap are.
    pub(super) fn attributes(&self, number: usize, addresses: &[u64], heap: u64) -> Vec<Attribute> {
        let variable = &self.variables[number];
        if let Some(dimension) = self.scale_of(variable) {
            let mut attributes = vec![
                Attribute::text("CLASS", "DIMENSION_SCALE", TextEnd::Zero),
                Attribute::text("NAME", &variable.name, TextEnd::Zero),
            ];
            let mut users = Vec::new();
            for (user, _) in self.users() {
                let dims = (0..).zip(&self.variables[user].dims);
                let of_this = dims.filter(|(_, known)| **known == dimension);
                users.extend(of_this.map(|(axis, _)| (addresses[user], axis)));
            }
            if !users.is_empty() {
                attributes.push(Attribute::users("REFERENCE_LIST", &users));
            }
            return attributes;
        }
        let numbers = self.users().find(|(user, _)| *user == number);
        numbers
            .map(|(_, numbers)| Attribute::references("DIMENSION_LIST", heap, &numbers))
            .into_iter()
            .collect()
    }

    /// The heap with the references to the dimensions' coordinates.
    pub(super) fn heap(&self, addresses: &[u64]) -> Vec<u8> {
        let scale = |dimension: usize| {
            let mut scales = self.variables.iter().zip(addresses);
            let found = scales.find(|(variable, _)| self.scale_of(variable) == Some(dimension));
            found.map_or(0, |(_, address)| *address)
        };
        let mut objects = Bytes::default();
        for (user, numbers) in self.users() {
            for (number, dimension) in numbers.into_iter().zip(&self.variables[user].dims) {
                let used_once = 1;
                objects.u16(number as u16).u16(used_once).u32(0).u64(8);
                objects.u64(scale(*dimension));
            }
        }
        const HEAD: usize = 16;
        let size = (HEAD + objects.0.len() + HEAD)
            .max(LEAST)
            .next_multiple_of(8);
        let mut heap = Bytes::default();
        heap.raw(b"GCOL").u8(1).raw(&[0; 3]).u64(size as u64);
        heap.raw(&objects.0);
        // What is left is object 0.
        let left = size - heap.0.len();
        heap.u16(0).u16(0).u32(0).u64(left as u64);
        heap.0.resize(size, 0);
        heap.0
    }
}
