//! Pixels as colours: classes in their own, quantities along a ramp, fill transparent.

mod masked;
mod ramp;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::dtype::each_pixels;
use crate::{ArrayStructure, Class, DataType, Decoding, Pixels};
pub use masked::MaskedPixels;
use ramp::Ramp;

/// How the values of a variable are coloured.
#[derive(Debug, Clone)]
pub struct Style {
    fill_value: Option<f64>,
    /// By value.
    classes: Vec<Class>,
    quantity: Option<Quantity>,
    /// From stored numbers, which [`Quantity`] is of, to values.
    decoding: Decoding,
    units: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Quantity {
    ramp: Ramp,
    min: f64,
    max: f64,
    /// Whether values beyond the range are codes and have no colour of the ramp.
    strict: bool,
}

/// What the colours of a picture mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Legend {
    /// The classes that occur, by value.
    Classes {
        /// The classes.
        classes: Vec<LegendClass>,
    },
    /// A colour ramp.
    Ramp {
        /// Physical value and colour, from the least to the greatest value.
        stops: Vec<(f64, [u8; 3])>,
        /// Units of the values.
        units: Option<String>,
        /// Codes beyond the range that occur.
        classes: Vec<LegendClass>,
    },
}

/// One line of a legend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegendClass {
    /// The pixel value.
    pub value: i64,
    /// The name; the value as text when there is none.
    pub name: String,
    /// Red, green, blue.
    pub colour: [u8; 3],
}

/// Colours for classes without one, told apart by most eyes (Okabe and Ito).
const CATEGORIES: [[u8; 3]; 8] = [
    [0, 158, 115],
    [230, 159, 0],
    [86, 180, 233],
    [204, 121, 167],
    [0, 114, 178],
    [213, 94, 0],
    [240, 228, 66],
    [120, 120, 120],
];

/// Integers with at most this many values in a picture, of which nothing else is known, are taken for classes.
const FEW: usize = 16;

const LEGEND_STOPS: usize = 5;
const TRANSPARENT: [u8; 4] = [0; 4];
/// Of a code that no table knows: visible, and unlike any class.
const UNKNOWN: [u8; 3] = [255, 0, 255];

/// What a stored value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Fill, or no number.
    NoData,
    /// The class of that index.
    Class(usize),
    /// A number of a quantity.
    Number,
    /// Neither of them.
    UnknownCode,
}

impl Style {
    /// The style of a variable; its pixels give the range of a quantity whose metadata has none.
    #[must_use]
    pub fn new<'a>(variable: &ArrayStructure, pixels: impl Into<MaskedPixels<'a>>) -> Self {
        let pixels = pixels.into();
        let mut classes = variable.classes();
        classes.sort_by_key(|class| class.value);
        let fill_value = variable.fill_value;
        let units = variable.units().map(str::to_owned);
        let range = variable.valid_range().filter(|[min, max]| min < max);
        let mut style = Self {
            fill_value,
            classes,
            quantity: None,
            decoding: Decoding::of(variable),
            units,
        };
        if range.is_some() || style.classes.is_empty() {
            let values = if range.is_none() {
                style.few_values(pixels)
            } else {
                None
            };
            if let Some(values) = values {
                style.classes = values
                    .into_iter()
                    .map(|value| Class {
                        value,
                        name: None,
                        colour: None,
                    })
                    .collect();
            } else {
                let [min, max] = range.unwrap_or_else(|| style.range(pixels));
                let ramp = if ["TCD", "BCD", "CCD"].contains(&variable.name.as_str()) {
                    Ramp::Greens
                } else {
                    Ramp::Viridis
                };
                style.quantity = Some(Quantity {
                    ramp,
                    min,
                    max,
                    strict: range.is_some(),
                });
            }
        }
        let uncoloured = style
            .classes
            .iter_mut()
            .filter(|class| class.colour.is_none());
        for (index, class) in uncoloured.enumerate() {
            class.colour = Some(CATEGORIES[index % CATEGORIES.len()]);
        }
        style
    }

    /// Red, green, blue and alpha of each pixel; what is no data is transparent.
    #[must_use]
    pub fn render<'a>(&self, pixels: impl Into<MaskedPixels<'a>>) -> Vec<[u8; 4]> {
        let masked = pixels.into();
        let mut colours = self.colours(masked.pixels);
        for (index, colour) in colours.iter_mut().enumerate() {
            if !masked.is_valid(index) {
                *colour = TRANSPARENT;
            }
        }
        colours
    }

    fn colours(&self, pixels: &Pixels) -> Vec<[u8; 4]> {
        match pixels.dtype() {
            // One look-up for each pixel.
            DataType::UInt8 | DataType::Int8 | DataType::UInt16 | DataType::Int16 => {
                let (min, max) = pixels.dtype().integer_range().unwrap_or_default();
                let table: Vec<[u8; 4]> =
                    (min..=max).map(|value| self.colour(value as f64)).collect();
                let zero = -min;
                match pixels {
                    Pixels::UInt8(values) => values
                        .iter()
                        .map(|value| table[usize::from(*value)])
                        .collect(),
                    Pixels::UInt16(values) => values
                        .iter()
                        .map(|value| table[usize::from(*value)])
                        .collect(),
                    Pixels::Int8(values) => values
                        .iter()
                        .map(|value| table[(i64::from(*value) + zero) as usize])
                        .collect(),
                    Pixels::Int16(values) => values
                        .iter()
                        .map(|value| table[(i64::from(*value) + zero) as usize])
                        .collect(),
                    _ => Vec::new(),
                }
            }
            _ => pixels
                .to_f64()
                .into_iter()
                .map(|value| self.colour(value))
                .collect(),
        }
    }

    /// What the colours of these pixels mean.
    #[must_use]
    pub fn legend<'a>(&self, pixels: impl Into<MaskedPixels<'a>>) -> Legend {
        let present = distinct(pixels.into(), usize::MAX).unwrap_or_default();
        let classes = self
            .classes
            .iter()
            .filter(|class| present.contains(&class.value) && !self.is_fill(class.value as f64))
            .map(|class| {
                let (name, colour) = self.code(class.value);
                LegendClass {
                    value: class.value,
                    name,
                    colour,
                }
            })
            .collect();
        let Some(Quantity { ramp, min, max, .. }) = self.quantity else {
            return Legend::Classes { classes };
        };
        let stop = |index: usize| {
            let part = index as f64 / (LEGEND_STOPS - 1) as f64;
            let stored = min + part * (max - min);
            (self.decoding.scaled(stored), ramp.colour(part))
        };
        let mut stops: Vec<_> = (0..LEGEND_STOPS).map(stop).collect();
        // A negative scale turns the order round.
        stops.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Legend::Ramp {
            stops,
            units: self.units.clone(),
            classes,
        }
    }

    fn colour(&self, value: f64) -> [u8; 4] {
        let [red, green, blue] = match self.meaning(value) {
            Meaning::NoData => return TRANSPARENT,
            Meaning::Class(index) => self.classes[index].colour.unwrap_or_default(),
            Meaning::Number => self.of_number(value),
            Meaning::UnknownCode => UNKNOWN,
        };
        [red, green, blue, 255]
    }

    /// The colour along the ramp of a stored number.
    pub(crate) fn of_number(&self, value: f64) -> [u8; 3] {
        match self.quantity {
            Some(Quantity { ramp, min, max, .. }) if max > min => {
                ramp.colour((value - min) / (max - min))
            }
            Some(Quantity { ramp, .. }) => ramp.colour(0.5),
            None => UNKNOWN,
        }
    }

    /// What a stored value is.
    pub(crate) fn meaning(&self, value: f64) -> Meaning {
        if self.is_fill(value) || value.is_nan() {
            return Meaning::NoData;
        }
        let class = self
            .classes
            .binary_search_by(|class| (class.value as f64).total_cmp(&(value + 0.0)));
        match (class, self.quantity) {
            (Ok(index), _) => Meaning::Class(index),
            (
                _,
                Some(Quantity {
                    min, max, strict, ..
                }),
            ) if !strict || (min..=max).contains(&value) => Meaning::Number,
            _ => Meaning::UnknownCode,
        }
    }

    /// Whether values run along a ramp, with or without codes among them.
    pub(crate) fn is_of_quantity(&self) -> bool {
        self.quantity.is_some()
    }

    /// Name and colour of a class or code; the value as text where there is no name.
    pub(crate) fn code(&self, value: i64) -> (String, [u8; 3]) {
        let class = self.classes.iter().find(|class| class.value == value);
        let name = class.and_then(|class| class.name.clone());
        (
            name.unwrap_or_else(|| value.to_string()),
            class.and_then(|class| class.colour).unwrap_or(UNKNOWN),
        )
    }

    fn is_fill(&self, value: f64) -> bool {
        self.fill_value
            .is_some_and(|fill| fill == value || (fill.is_nan() && value.is_nan()))
    }

    /// The values of integers, if there are few.
    fn few_values(&self, pixels: MaskedPixels<'_>) -> Option<BTreeSet<i64>> {
        let mut values = distinct(pixels, FEW + 1)?;
        values.retain(|value| !self.is_fill(*value as f64));
        (values.len() <= FEW).then_some(values)
    }

    /// The range of the valid pixels, or 0..1 when there is none.
    fn range(&self, masked: MaskedPixels<'_>) -> [f64; 2] {
        let values = masked.pixels.to_f64().into_iter().enumerate();
        let valid = values
            .filter(|(index, _)| masked.is_valid(*index))
            .map(|(_, value)| value)
            .filter(|value| value.is_finite() && !self.is_fill(*value));
        let [min, max] = valid.fold([f64::INFINITY, f64::NEG_INFINITY], |[min, max], value| {
            [min.min(value), max.max(value)]
        });
        if min <= max { [min, max] } else { [0.0, 1.0] }
    }
}

/// The values that occur, for integers; `None` when there are more than `limit`.
fn distinct(masked: MaskedPixels<'_>, limit: usize) -> Option<BTreeSet<i64>> {
    if masked.pixels.dtype().is_float() {
        return None;
    }
    let mut values = BTreeSet::new();
    let mut last = None;
    let complete = each_pixels!(masked.pixels, pixels => pixels.iter().enumerate().all(|(index, pixel)| {
        let value = *pixel as i64;
        // Neighbours are mostly equal.
        if last != Some(value) && masked.is_valid(index) {
            last = Some(value);
            values.insert(value);
        }
        values.len() <= limit
    }));
    complete.then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variable(name: &str, attributes: serde_json::Value, fill: f64) -> ArrayStructure {
        ArrayStructure {
            name: name.to_owned(),
            dtype: DataType::UInt8,
            dims: vec!["y".to_owned(), "x".to_owned()],
            shape: vec![1, 4],
            chunks: vec![1, 4],
            shards: None,
            fill_value: Some(fill),
            attributes: attributes.as_object().cloned().unwrap_or_default(),
        }
    }

    #[test]
    fn classes_have_their_colours_and_fill_none() {
        let attributes = json!({ "flag_values": [1, 2, 255], "flag_meanings": "a_b c out", "flag_colors": "#102030 #ff0000 #000000" });
        let pixels = Pixels::UInt8(vec![1, 2, 255, 1]);
        let style = Style::new(&variable("FTY", attributes, 255.0), &pixels);
        let rendered = style.render(&pixels);
        assert_eq!(
            rendered,
            [
                [16, 32, 48, 255],
                [255, 0, 0, 255],
                [0; 4],
                [16, 32, 48, 255]
            ]
        );
        let Legend::Classes { classes } = style.legend(&Pixels::UInt8(vec![1, 255])) else {
            panic!("no classes")
        };
        assert_eq!(
            classes,
            [LegendClass {
                value: 1,
                name: "a b".to_owned(),
                colour: [16, 32, 48]
            }]
        );
    }

    #[test]
    fn quantities_run_along_a_ramp() {
        let pixels = Pixels::UInt8(vec![0, 100, 255, 254]);
        let style = Style::new(
            &variable(
                "TCD",
                json!({ "valid_range": [0, 100], "units": "%" }),
                255.0,
            ),
            &pixels,
        );
        let rendered = style.render(&pixels);
        assert_eq!(rendered[2], TRANSPARENT);
        assert_ne!(rendered[0], rendered[1]);
        let Legend::Ramp { stops, units, .. } = style.legend(&pixels) else {
            panic!("no ramp")
        };
        assert_eq!(
            (stops[0].0, stops[4].0, units.as_deref()),
            (0.0, 100.0, Some("%"))
        );
        assert_eq!(rendered[1][..3], stops[4].1);
    }

    #[test]
    fn a_ramp_is_labelled_with_physical_values() {
        let attributes =
            json!({ "valid_range": [0, 250], "scale_factor": 0.004, "add_offset": -0.08 });
        let pixels = Pixels::UInt8(vec![0, 250]);
        let style = Style::new(&variable("NDVI", attributes, 255.0), &pixels);
        let Legend::Ramp { stops, .. } = style.legend(&pixels) else {
            panic!("no ramp")
        };
        assert_eq!((stops[0].0, stops[4].0), (-0.08, 0.92));
    }

    #[test]
    fn unknown_values_become_classes_or_a_ramp() {
        let few = Pixels::UInt8(vec![3, 3, 7, 9]);
        let style = Style::new(&variable("band_1", json!({}), 9.0), &few);
        let Legend::Classes { classes } = style.legend(&few) else {
            panic!("no classes")
        };
        assert_eq!(
            classes.iter().map(|class| class.value).collect::<Vec<_>>(),
            [3, 7]
        );
        let many = Pixels::UInt8((0..=255).collect());
        let style = Style::new(&variable("band_1", json!({}), 255.0), &many);
        let Legend::Ramp { stops, .. } = style.legend(&many) else {
            panic!("no ramp")
        };
        assert_eq!((stops[0].0, stops[4].0), (0.0, 254.0));
    }
}
