//! Classes of a raster: codes, names and colours, merged from what the side-cars say.

mod clc;
mod dbf;
mod legend_text;
mod legend_xml;
mod rat_xml;
mod side_cars;
mod table;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use side_cars::SideCars;

/// A format of side-cars that hold classes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SideCarFormat {
    /// An attribute table in dBASE III.
    Dbf,
    /// GDAL's `.aux.xml`, with an attribute table or without.
    AuxXml,
    /// Colour tables as text, QML or SLD.
    Legend,
}

impl SideCarFormat {
    /// The classes in a file.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub(crate) fn classes(self, bytes: &[u8]) -> Result<Vec<Class>, String> {
        match self {
            Self::Dbf => dbf::parse(bytes)?.classes(),
            Self::AuxXml => {
                let table = rat_xml::parse(&decode_text(bytes))?;
                // Most files of this name hold statistics only.
                if table.columns.is_empty() {
                    Ok(Vec::new())
                } else {
                    table.classes()
                }
            }
            Self::Legend => {
                let text = decode_text(bytes);
                if text.trim_start().starts_with('<') {
                    legend_xml::parse(&text)
                } else {
                    Ok(legend_text::parse(&text))
                }
            }
        }
    }
}

/// A class of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
pub(crate) fn decode_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// XML text without references; what can't be resolved is left out.
pub(crate) fn unescape(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(';') {
            Some((name, rest)) => {
                plain.push_str(&resolve(name));
                plain.push_str(rest);
            }
            None => plain.push_str(piece),
        }
    }
    plain
}

/// The character of `&name;`: the five of XML and numbers. Entities that a file declares itself are not followed.
pub(crate) fn resolve(name: &str) -> String {
    let number = name
        .strip_prefix('#')
        .and_then(|digits| match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        });
    match (name, number.and_then(char::from_u32)) {
        (_, Some(character)) => character.to_string(),
        ("amp", _) => "&".to_owned(),
        ("lt", _) => "<".to_owned(),
        ("gt", _) => ">".to_owned(),
        ("quot", _) => "\"".to_owned(),
        ("apos", _) => "'".to_owned(),
        _ => String::new(),
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

    #[test]
    fn references_in_xml() {
        assert_eq!(unescape("a &amp; b &#8211; &lt;c&unknown;&"), "a & b – <c");
    }

    /// Valid side-cars of each kind, to be damaged.
    fn side_cars() -> Vec<Vec<u8>> {
        let xml = "<PAMDataset><GDALRasterAttributeTable><FieldDefn><Name>Value</Name><Usage>5</Usage></FieldDefn>\
            <Row><F>1</F></Row></GDALRasterAttributeTable></PAMDataset>";
        let qml = r##"<qgis><paletteEntry value="1" label="a &amp; b" color="#228b22ff"/></qgis>"##;
        let texts = [xml, qml, "1,2,3,4,255,a\r\n", "1 2 3 4\n"];
        let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        // One field of three digits, one record.
        let mut dbf = vec![3, 124, 1, 1, 1, 0, 0, 0, 65, 0, 4, 0];
        dbf.resize(32, 0);
        dbf.extend(b"VALUE\0\0\0\0\0\0N\0\0\0\0\x03\0");
        dbf.resize(64, 0);
        dbf.extend(b"\r  42\x1a");
        all.push(dbf);
        all
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(3000))]
        #[test]
        fn damaged_side_cars_are_errors_and_no_more(
            which in 0_usize..5,
            changes in proptest::collection::vec((0_usize..400, proptest::num::u8::ANY), 0..6),
            cut in 0_usize..400,
            noise in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        ) {
            let mut bytes = side_cars().swap_remove(which);
            for (at, byte) in changes {
                let len = bytes.len();
                bytes[at % len] = byte;
            }
            bytes.truncate(cut.max(1));
            bytes.extend(noise);
            let text = decode_text(&bytes);
            let _ = dbf::parse(&bytes).and_then(|table| table.classes());
            let _ = rat_xml::parse(&text).and_then(|table| table.classes());
            let _ = legend_xml::parse(&text);
            let _ = legend_text::parse(&text);
        }
    }

    #[test]
    fn the_side_cars_to_damage_are_sound() {
        let all = side_cars();
        assert_eq!(dbf::parse(&all[4]).unwrap().classes().unwrap()[0].value, 42);
        let of = |index: usize| decode_text(&all[index]);
        assert_eq!(
            rat_xml::parse(&of(0)).unwrap().classes().unwrap()[0].value,
            1
        );
        assert_eq!(legend_xml::parse(&of(1)).unwrap().len(), 1);
        assert_eq!(
            legend_text::parse(&of(2)).len() + legend_text::parse(&of(3)).len(),
            2
        );
    }
}
