//! Counting pixels by the ground that they cover.

use std::collections::BTreeMap;

use super::histogram::{Bin, Bins};
use super::reading::Sample;
use super::{ClassCover, Cover, Distribution, PixelArea};
use crate::dataset::Decoding;
use crate::style::Meaning;
use crate::{ArrayStructure, MaskedPixels, Style};

/// The ground that values cover: in square metres, or in pixels of the full resolution.
pub(super) struct Tally<'a> {
    array: &'a ArrayStructure,
    style: Style,
    missing: f64,
    codes: BTreeMap<i64, f64>,
    /// Of stored numbers.
    numbers: Numbers,
}

#[derive(Default)]
struct Numbers {
    range: Option<[f64; 2]>,
    ground: f64,
    /// Sum of stored numbers, each times its ground.
    sum: f64,
    /// With the ground of each bin.
    histogram: Option<(Bins, Vec<f64>)>,
}

impl<'a> Tally<'a> {
    pub(super) fn of(array: &'a ArrayStructure, sample: &Sample, area: Option<&PixelArea>) -> Self {
        let masked = MaskedPixels::new(&sample.pixels, sample.valid.as_deref());
        let mut tally = Self {
            array,
            style: Style::new(array, masked),
            missing: 0.0,
            codes: BTreeMap::new(),
            numbers: Numbers::default(),
        };
        let decoding = Decoding::of(array);
        let mut numbers = Vec::new();
        let mut index = 0;
        for rows in &sample.rows {
            // Of a column of the full resolution.
            let strip = area.map_or(rows.end - rows.start, |area| area.of_rows(rows));
            for cols in &sample.cols {
                let ground = strip * (cols.end - cols.start);
                let stored = sample.pixels.value(index);
                let is_valid = sample.valid.as_ref().is_none_or(|valid| valid[index]);
                match tally.style.meaning(stored) {
                    Meaning::Class(_) | Meaning::UnknownCode if is_valid => {
                        *tally.codes.entry(stored as i64).or_default() += ground;
                    }
                    // What others call missing without a fill value.
                    Meaning::Number if is_valid && !decoding.value(stored).is_nan() => {
                        numbers.push((stored, ground));
                    }
                    _ => tally.missing += ground,
                }
                index += 1;
            }
        }
        tally.numbers = Numbers::of(&numbers, !array.dtype.is_float());
        tally
    }

    /// What is missing, and what the rest is.
    pub(super) fn conclude(self, is_area: bool) -> (Cover, Distribution) {
        let with_data = self.codes.values().sum::<f64>() + self.numbers.ground;
        let cover = |ground: f64, of: f64| Cover {
            share: if of > 0.0 { ground / of } else { 0.0 },
            area_m2: is_area.then_some(ground),
        };
        let codes = self.codes.iter().map(|(value, ground)| {
            let (name, colour) = self.style.code(*value);
            ClassCover {
                value: *value,
                name,
                colour,
                cover: cover(*ground, with_data),
            }
        });
        let codes = codes.collect();
        let missing = cover(self.missing, with_data + self.missing);
        if !self.style.is_of_quantity() {
            return (missing, Distribution::Classes { classes: codes });
        }
        let decoding = Decoding::of(self.array);
        // Where the scale is negative, the least stored number is the greatest value.
        let ordered = |ends: [f64; 2]| {
            let [a, b] = ends.map(|end| decoding.scaled(end));
            [a.min(b), a.max(b)]
        };
        let range = self.numbers.range.map(ordered);
        let mut bins = Vec::new();
        if let Some((edges, grounds)) = &self.numbers.histogram {
            bins.extend(grounds.iter().enumerate().map(|(number, ground)| {
                let [from, to] = ordered(edges.edges(number));
                Bin {
                    from,
                    to,
                    share: cover(*ground, with_data).share,
                    colour: self.style.of_number(edges.middle(number)),
                }
            }));
        }
        bins.sort_by(|a, b| a.from.total_cmp(&b.from));
        let mean = (self.numbers.ground > 0.0)
            .then(|| decoding.scaled(self.numbers.sum / self.numbers.ground));
        let values = Distribution::Quantity {
            min: range.map(|[min, _]| min),
            mean,
            max: range.map(|[_, max]| max),
            units: self.array.units().map(str::to_owned),
            bins,
            codes,
        };
        (missing, values)
    }
}

impl Numbers {
    /// Of stored numbers and the ground under each.
    fn of(numbers: &[(f64, f64)], whole_numbers: bool) -> Self {
        let mut of = Self::default();
        for (stored, ground) in numbers {
            let [least, greatest] = of.range.unwrap_or([*stored; 2]);
            of.range = Some([least.min(*stored), greatest.max(*stored)]);
            of.ground += ground;
            of.sum += stored * ground;
        }
        if let Some([least, greatest]) = of.range {
            let bins = Bins::over(least, greatest, whole_numbers);
            let mut grounds = vec![0.0; bins.len()];
            for (stored, ground) in numbers {
                grounds[bins.of(*stored)] += ground;
            }
            of.histogram = Some((bins, grounds));
        }
        of
    }
}
