//! Classes of a raster: codes, names and colours, merged from what the side-cars say.

mod clc;
mod dbf;
mod legend_text;
mod rat_xml;
mod side_cars;
mod table;

use std::collections::BTreeMap;

use serde::Serialize;

pub(crate) use side_cars::SideCars;

/// A class of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Class {
    /// The pixel value.
    pub value: i64,
    /// The name, as the source spells it.
    pub name: Option<String>,
    /// Red, green, blue.
    pub colour: Option<[u8; 3]>,
}

/// More rows are no class table (a table of all 16 bit values may come with a quantity).
pub(crate) const MAX_CLASSES: usize = 4096;

/// Merges what several sources say, best source first: the first name and the first colour of a value hold. When any
/// source has names, values that no source names are left out: palettes and colour files list values that don't occur.
pub(crate) fn merge(sources: &[Vec<Class>]) -> Vec<Class> {
    let mut merged: BTreeMap<i64, Class> = BTreeMap::new();
    for class in sources.iter().flatten() {
        let known = merged.entry(class.value).or_insert_with(|| Class {
            value: class.value,
            name: None,
            colour: None,
        });
        if known.name.is_none() {
            known.name.clone_from(&class.name);
        }
        known.colour = known.colour.or(class.colour);
    }
    let named = merged.values().any(|class| class.name.is_some());
    merged
        .into_values()
        .filter(|class| !named || class.name.is_some())
        .collect()
}

/// Text of unknown encoding: UTF-8, else Latin-1.
fn decode_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A number as files write it, with a decimal point or comma.
fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.replace(',', ".").parse())
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A whole number, also when written as `1.000`.
fn parse_value(text: &str) -> Option<i64> {
    parse_number(text)
        .filter(|number| number.fract() == 0.0 && number.abs() < 1e15)
        .map(|number| number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(value: i64, name: Option<&str>, colour: Option<[u8; 3]>) -> Class {
        Class {
            value,
            name: name.map(str::to_owned),
            colour,
        }
    }

    #[test]
    fn names_and_colours_of_different_sources_are_merged() {
        let names = vec![
            class(1, Some("a"), None),
            class(2, Some("b"), Some([1, 2, 3])),
        ];
        let colours = vec![
            class(1, None, Some([9, 9, 9])),
            class(2, None, Some([0; 3])),
            class(7, None, Some([7; 3])),
        ];
        assert_eq!(
            merge(&[names, colours.clone()]),
            [
                class(1, Some("a"), Some([9, 9, 9])),
                class(2, Some("b"), Some([1, 2, 3]))
            ]
        );
        assert_eq!(merge(&[vec![], colours.clone()]), colours);
    }

    #[test]
    fn numbers_as_files_write_them() {
        assert_eq!(parse_value(" 255 "), Some(255));
        assert_eq!(parse_value("10,0000"), Some(10));
        assert_eq!(parse_value("1.5"), None);
        assert_eq!(parse_value("nan"), None);
        assert_eq!(parse_value("1e300"), None);
    }
}
