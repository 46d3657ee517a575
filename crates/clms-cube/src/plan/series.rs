//! Which rasters of one name are of different times, and of which: they are one variable with a dimension `time`.
//!
//! Only where they would be on top of each other otherwise. Tiles side by side are one map, whatever dates their names have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::{Date, date};
use jiff::{Timestamp, tz::TimeZone};

use super::naming::tokens;
use super::period;
use super::placement::PlacedRaster;
use crate::time_in_name::of_word;

/// What stands before the year that a map is of, in one word with it.
const YEAR_OF_MAP: [&str; 3] = ["", "S", "CLC"];

/// Rasters of one variable, and the time of each.
#[derive(Debug)]
pub(super) struct Series {
    /// What its rasters' names have that those of the other variables have not; may be empty.
    pub(super) key: String,
    /// Indices into the group's rasters, in the order of names.
    pub(super) rasters: Vec<usize>,
    /// The time of each raster.
    pub(super) times: Vec<Timestamp>,
}

/// A raster with the time that it tells.
struct Timed<'a> {
    index: usize,
    raster: &'a PlacedRaster,
    time: Timestamp,
    /// Of its name; an empty one in the place of that which tells the time.
    words: Vec<&'a str>,
}

/// The rasters of each variable, by its key and the length of their names.
type Variables<'a> = BTreeMap<(String, usize), Vec<Timed<'a>>>;

impl Timed<'_> {
    fn extent(&self) -> [u64; 4] {
        let PlacedRaster {
            header, row, col, ..
        } = self.raster;
        [*row, *col, header.height, header.width]
    }

    fn day(&self) -> Date {
        self.time.to_zoned(TimeZone::UTC).date()
    }
}

/// The variables among some rasters of one name, with a time for each raster that tells one; `None` if no rasters of different times lie
/// on top of each other. `is_named` says that what they show is known: names then differ in sensors and the like. Rasters that tell no time
/// are in none of the series.
pub(super) fn series(
    rasters: &[PlacedRaster],
    indices: &[usize],
    is_named: bool,
) -> Option<Vec<Series>> {
    let timed = timed(rasters, indices);
    let first = timed.first()?;
    if timed.iter().all(|other| other.time == first.time) {
        return None;
    }
    let mut variables = variables(timed, is_named);
    unite_days(&mut variables);
    let overlap = variables.values().any(|of_one| times_overlap(of_one));
    overlap.then(|| {
        let series = |((key, _), mut of_one): ((String, usize), Vec<Timed<'_>>)| {
            of_one.sort_by_key(|timed| timed.index);
            Series {
                key,
                rasters: of_one.iter().map(|timed| timed.index).collect(),
                times: of_one.iter().map(|timed| timed.time).collect(),
            }
        };
        variables.into_iter().map(series).collect()
    })
}

/// The time that each of some rasters tells; none if one of them tells nothing.
pub(super) fn times(rasters: &[PlacedRaster], indices: &[usize]) -> Vec<Timestamp> {
    let timed = timed(rasters, indices);
    if timed.len() < indices.len() {
        return Vec::new();
    }
    timed.iter().map(|raster| raster.time).collect()
}

/// The times that rasters tell, in the order of the indices: in their own words, else in dates in their names, else in the years that they are
/// maps of.
fn timed<'a>(rasters: &'a [PlacedRaster], indices: &[usize]) -> Vec<Timed<'a>> {
    let dates = |index: &usize| -> Vec<Timestamp> {
        let words = tokens(rasters[*index].stem());
        words.into_iter().filter_map(of_word).collect()
    };
    let place = place_of_date(indices.iter().map(dates));
    let by_date = indices.iter().filter_map(|index| {
        let raster = &rasters[*index];
        let mut words = tokens(raster.stem());
        let mut of_dates = words.iter_mut().filter(|word| of_word(word).is_some());
        let named = of_dates.nth(place).map(std::mem::take);
        let time = raster.header.time.or_else(|| of_word(named?))?;
        Some(Timed {
            index: *index,
            raster,
            time,
            words,
        })
    });
    let by_date: Vec<Timed<'a>> = by_date.collect();
    if !by_date.is_empty() {
        return by_date;
    }
    let by_year = indices.iter().filter_map(|index| {
        let raster = &rasters[*index];
        let year = period::year_of_map(raster.stem())?;
        let time = date(year.try_into().ok()?, 1, 1).to_zoned(TimeZone::UTC);
        let mut words = tokens(raster.stem());
        for word in &mut words {
            let before = word.strip_suffix(&year.to_string());
            if before.is_some_and(|before| YEAR_OF_MAP.contains(&&*before.to_ascii_uppercase())) {
                *word = "";
            }
        }
        Some(Timed {
            index: *index,
            raster,
            time: time.ok()?.timestamp(),
            words,
        })
    });
    by_year.collect()
}

/// Which of several dates in names is that of the data: the first one that is not the same in all names that have dates.
fn place_of_date(dates: impl Iterator<Item = Vec<Timestamp>>) -> usize {
    let dates: Vec<_> = dates.filter(|dates| !dates.is_empty()).collect();
    let common = dates.iter().map(Vec::len).min().unwrap_or(0);
    let differs = |place: &usize| dates.iter().any(|other| other[*place] != dates[0][*place]);
    (0..common).find(differs).unwrap_or(0)
}

/// Splits rasters into variables by what their names differ in where they are of the same ground and time. What differs only from one time to
/// another (sensor, version, tile) is no other variable; but a word without a digit may be one, if nothing else tells what the rasters show.
fn variables(timed: Vec<Timed<'_>>, is_named: bool) -> Variables<'_> {
    let mut by_length: BTreeMap<usize, Vec<Timed<'_>>> = BTreeMap::new();
    for raster in timed {
        by_length
            .entry(raster.words.len())
            .or_default()
            .push(raster);
    }
    let by_length: Vec<Vec<Timed<'_>>> = by_length.into_values().collect();
    let prefixes: Vec<Vec<&str>> = (0..by_length.len())
        .map(|place| prefix(&by_length, place, is_named))
        .collect();
    let mut variables = Variables::new();
    for (length, (of_length, prefix)) in by_length.into_iter().zip(prefixes).enumerate() {
        let places = telling_places(&of_length, is_named);
        for raster in of_length {
            let words = places.iter().map(|place| raster.words[*place]);
            let key: Vec<&str> = prefix.iter().copied().chain(words).collect();
            let key = (key.join("_"), length);
            variables.entry(key).or_default().push(raster);
        }
    }
    variables
}

/// What tells the names of one length from those of the others: the words that all of them have, and none of the others.
fn prefix<'a>(by_length: &[Vec<Timed<'a>>], place: usize, is_named: bool) -> Vec<&'a str> {
    let others = || {
        by_length
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place)
    };
    if others().next().is_none() {
        return Vec::new();
    }
    let common = common_words(&by_length[place]);
    let elsewhere = |word: &str| {
        let mut rasters = others().flat_map(|(_, rasters)| rasters);
        rasters.any(|raster| raster.words.contains(&word))
    };
    let own: Vec<&str> = common
        .iter()
        .copied()
        .filter(|word| !elsewhere(word))
        .collect();
    if own.is_empty() && !is_named {
        common
    } else {
        own
    }
}

/// The words that all names have.
fn common_words<'a>(all: &[Timed<'a>]) -> Vec<&'a str> {
    let mut words = all.first().map_or(Vec::new(), |first| first.words.clone());
    words.retain(|word| !word.is_empty() && all.iter().all(|other| other.words.contains(word)));
    words
}

/// The places in names of one length whose words tell variables apart.
fn telling_places(all: &[Timed<'_>], is_named: bool) -> BTreeSet<usize> {
    let mut by_ground: HashMap<[u64; 4], Vec<&Timed<'_>>> = HashMap::new();
    let mut by_ground_and_time: HashMap<([u64; 4], Timestamp), &Timed<'_>> = HashMap::new();
    let mut places = BTreeSet::new();
    for raster in all {
        by_ground.entry(raster.extent()).or_default().push(raster);
        let twin = by_ground_and_time
            .entry((raster.extent(), raster.time))
            .or_insert(raster);
        places.extend(differences(twin, raster));
    }
    if !is_named {
        for of_ground in by_ground.values() {
            let has_digit = |place: &usize| {
                of_ground
                    .iter()
                    .any(|raster| raster.words[*place].bytes().any(|b| b.is_ascii_digit()))
            };
            let differing: BTreeSet<usize> = of_ground
                .iter()
                .flat_map(|raster| differences(of_ground[0], raster))
                .collect();
            places.extend(differing.into_iter().filter(|place| !has_digit(place)));
        }
    }
    places
}

fn differences(a: &Timed<'_>, b: &Timed<'_>) -> impl Iterator<Item = usize> {
    let pairs = a.words.iter().zip(&b.words).enumerate();
    let differing: Vec<usize> = pairs
        .filter(|(_, (a, b))| a != b)
        .map(|(place, _)| place)
        .collect();
    differing.into_iter()
}

/// Gives all rasters of a day the time of its first one, unless there is another one of the same ground that day: a satellite passes one tile
/// some seconds after the other.
fn unite_days(variables: &mut Variables<'_>) {
    let mut first: HashMap<Date, Timestamp> = HashMap::new();
    let mut several = BTreeSet::new();
    for of_one in variables.values() {
        let mut seen: HashMap<(Date, [u64; 4]), Timestamp> = HashMap::new();
        for raster in of_one {
            let day = raster.day();
            let earliest = first.entry(day).or_insert(raster.time);
            *earliest = raster.time.min(*earliest);
            if *seen.entry((day, raster.extent())).or_insert(raster.time) != raster.time {
                several.insert(day);
            }
        }
    }
    for raster in variables.values_mut().flatten() {
        let day = raster.day();
        if let Some(time) = first.get(&day).filter(|_| !several.contains(&day)) {
            raster.time = *time;
        }
    }
}

/// Whether two rasters of different times have a pixel in common.
fn times_overlap(of_one: &[Timed<'_>]) -> bool {
    let mut by_row: Vec<([u64; 4], Timestamp)> = of_one
        .iter()
        .map(|raster| (raster.extent(), raster.time))
        .collect();
    by_row.sort_unstable();
    by_row
        .iter()
        .enumerate()
        .any(|(place, ([row, col, height, width], time))| {
            let below = by_row[place + 1..]
                .iter()
                .take_while(|([other, ..], _)| *other < row + height);
            let mut others = below.filter(|(_, other)| other != time);
            others.any(|([_, other_col, _, other_width], _)| {
                *other_col < col + width && *col < other_col + other_width
            })
        })
}
