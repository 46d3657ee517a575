//! Searching the catalogue: products ranked by how well words fit them.
//!
//! Words count by how rare they are in the catalogue and by where they stand: a title says more of a product than its description. Words of the
//! field, short names and slips of the pen are understood. Of each product, the data id that fits best stands for all.

mod index;
mod vocabulary;
mod words;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use clms_api::Dataset;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::index::{Field, Match};
use self::{
    index::{Fit, Index, Page},
    vocabulary::{ASIDE, EMPTY, short_names},
    words::{words_of, year_of},
};
use super::{Catalogue, Entry};
use crate::{DayRange, bbox};

/// What is looked for. All that is given must fit; of the words of the text, at least the one that counts most.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// Words, such as `forest Europe 2018`.
    pub text: String,
    /// Only products whose extent meets this box: west, south, east, north in degrees (WGS 84).
    pub bbox: Option<[f64; 4]>,
    /// Only products with data of some of these days, such as `2018/2020-06`.
    #[schemars(with = "Option<String>")]
    pub time: Option<DayRange>,
    /// Only this source, such as `EEA`.
    pub source: Option<String>,
    /// Only this resolution, such as `10 m`; a number alone is in metres.
    pub resolution: Option<String>,
}

impl Query {
    /// The same with its box read latitudes first, as it may have been meant; `None` if it has none that can be read so.
    #[must_use]
    pub fn with_latitude_second(&self) -> Option<Self> {
        let bbox = bbox::with_latitude_second(self.bbox?)?;
        Some(Self {
            bbox: Some(bbox),
            ..self.clone()
        })
    }
}

/// A product that fits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Hit {
    /// The data id that fits best.
    #[serde(flatten)]
    pub entry: Entry,
    /// How well it fits; comparable within one answer only.
    pub score: f64,
    /// How many other data ids the product has.
    pub siblings: usize,
    /// Why it fits: for each word that does, what was found for it.
    pub matches: Vec<Match>,
}

/// What a title costs that has a word that stands for something else than the thing itself, such as its change, and nobody asked for.
const ASIDE_COSTS: f64 = 0.8;
/// What it costs that a product can't be had with this program.
const UNAVAILABLE_COSTS: f64 = 0.95;
/// What it is worth if all words of a product's name were asked for.
const WHOLE_NAME: f64 = 0.4;
/// What each year of age costs: of products that fit alike, the newest is meant.
const YEAR_COSTS: f64 = 0.01;

impl Catalogue {
    /// The products that fit, the best first. Needs nothing but the catalogue.
    #[must_use]
    pub fn search(&self, query: &Query) -> Vec<Hit> {
        let mut of_dataset: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            of_dataset
                .entry(entry.place.dataset)
                .or_default()
                .push(entry);
        }
        let fitting: Vec<(&Dataset, Vec<&Entry>)> = of_dataset
            .into_iter()
            .map(|(position, entries)| (&self.datasets[position], entries))
            .filter(|(dataset, _)| lies_in(dataset, query))
            .collect();
        let pages: Vec<Page<'_>> = fitting.iter().map(|(one, _)| page_of(one)).collect();
        let asked = words_of(&query.text);
        let fits = Index::of(&pages).ask(&query.text);
        let mut hits: Vec<Hit> = fitting
            .iter()
            .zip(fits)
            .filter_map(|((dataset, entries), fit)| {
                let mut fit = fit?;
                fit.score = by_name(fit.score, dataset, &asked);
                if !entries.iter().any(|entry| entry.available) {
                    fit.score *= UNAVAILABLE_COSTS;
                }
                best_of(entries, &asked, query, fit)
            })
            .collect();
        hits.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| a.entry.data_id.cmp(&b.entry.data_id))
        });
        hits
    }
}

impl Catalogue {
    /// The words of a text, as they were typed, that nothing in the catalogue knows, wherever and whenever it is.
    #[must_use]
    pub fn unknown_words(&self, text: &str) -> Vec<String> {
        let pages: Vec<Page<'_>> = self.datasets.iter().map(page_of).collect();
        Index::of(&pages).unknown(text)
    }
}

/// A score with what the product's name and age say: of those that fit alike, the one with the plainest name, and the newest of these.
fn by_name(score: f64, dataset: &Dataset, asked: &[String]) -> f64 {
    let title = words_of(&dataset.title);
    let is_asked = |word: &String| asked.contains(word);
    // What stands before years and kinds.
    let end = dataset.title.find('(').unwrap_or(dataset.title.len());
    let name: Vec<String> = words_of(&dataset.title[..end])
        .into_iter()
        .filter(|word| year_of(word).is_none() && !EMPTY.contains(&word.as_str()))
        .collect();
    let said = name.iter().filter(|word| is_asked(word)).count();
    let share = said as f64 / name.len().max(1) as f64;
    let is_aside = |word: &String| ASIDE.contains(&word.as_str()) && !is_asked(word);
    let aside = match title.iter().any(is_aside) {
        true => ASIDE_COSTS,
        false => 1.0,
    };
    let age = years_of(dataset).map_or(30, |(_, last)| year(Timestamp::now()) - last);
    score * aside * (1.0 + WHOLE_NAME * share) - YEAR_COSTS * f64::from(age.clamp(0, 30))
}

/// What is said of a dataset, by place.
fn page_of(dataset: &Dataset) -> Page<'_> {
    let mut texts = vec![
        (Field::Title, dataset.title.as_str()),
        (Field::Id, &dataset.id),
        (Field::Description, &dataset.description),
    ];
    texts.extend(
        dataset
            .keywords
            .iter()
            .map(|word| (Field::Keywords, word.as_str())),
    );
    let details = [&dataset.resolution, &dataset.temporal_extent.text];
    texts.extend(
        details
            .into_iter()
            .flatten()
            .map(|text| (Field::Detail, text.as_str())),
    );
    for collection in &dataset.download_information {
        let source = collection.source.as_ref().map(|word| word.as_str());
        let format = collection.format.as_ref().map(|word| word.as_str());
        texts.extend(
            [source, format]
                .into_iter()
                .flatten()
                .map(|word| (Field::Detail, word)),
        );
    }
    Page {
        texts,
        more_title_words: short_names(&dataset.title),
        places: places_of(dataset),
        years: years_of(dataset),
    }
}

/// Words for where a dataset's files lie: their areas, and cities, which stand in capitals in their names.
fn places_of(dataset: &Dataset) -> BTreeSet<String> {
    const SHORTEST_CITY: usize = 4;
    let is_city = |part: &&str| {
        part.len() >= SHORTEST_CITY && part.chars().all(|c| c.is_alphabetic() && c.is_uppercase())
    };
    let cities = dataset.files.iter().flat_map(|file| {
        let parts = file.name.split('_');
        parts.filter(is_city).flat_map(words_of)
    });
    let areas = dataset.files.iter().filter_map(|file| file.area.as_deref());
    areas.flat_map(words_of).chain(cities).collect()
}

/// The first and the last year of a dataset; one that has no end goes on.
fn years_of(dataset: &Dataset) -> Option<(i16, i16)> {
    let extent = &dataset.temporal_extent;
    let first = year(extent.start?);
    Some((first, year(extent.end.unwrap_or_else(Timestamp::now))))
}

fn year(time: Timestamp) -> i16 {
    time.to_zoned(TimeZone::UTC).year()
}

/// The entry of a product that fits best: one that can be had, that has the wanted words in its name, and covers most.
fn best_of(entries: &[&Entry], asked: &[String], query: &Query, fit: Fit) -> Option<Hit> {
    // A number alone is in metres.
    let resolution = query.resolution.as_ref().map(|wanted| {
        let is_number = wanted.trim().parse::<f64>().is_ok();
        format!("{wanted}{}", if is_number { "m" } else { "" })
    });
    let fitting = entries.iter().filter(|entry| {
        let same = |wanted: &Option<String>, have: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| {
                let plain = |text: &str| text.to_lowercase().replace(char::is_whitespace, "");
                plain(wanted) == plain(have.as_deref().unwrap_or_default())
            })
        };
        same(&query.source, &entry.source) && same(&resolution, &entry.resolution)
    });
    let named = |entry: &Entry| {
        let about = [
            entry.data_id.file(),
            entry.area.as_deref(),
            entry.resolution.as_deref(),
            entry.format.as_deref(),
        ];
        let words: Vec<String> = about.into_iter().flatten().flat_map(words_of).collect();
        asked.iter().filter(|word| words.contains(word)).count()
    };
    // Whole Europe before one of its tiles: its download is larger.
    let best = fitting.max_by_key(|entry| {
        (
            entry.available,
            named(entry),
            entry.size.unwrap_or(0),
            Reverse(&entry.data_id),
        )
    })?;
    Some(Hit {
        score: fit.score,
        entry: (*best).clone(),
        siblings: entries.len() - 1,
        matches: fit.matches,
    })
}

/// Whether a dataset has something in the wanted place and time.
fn lies_in(dataset: &Dataset, query: &Query) -> bool {
    let meets = |[west, south, east, north]: [f64; 4]| {
        dataset.bbox.is_none_or(|b| {
            b.west <= east && west <= b.east && b.south <= north && south <= b.north
        })
    };
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    let extent = &dataset.temporal_extent;
    query.bbox.is_none_or(meets)
        && query
            .time
            .is_none_or(|time| time.overlaps(extent.start.map(day), extent.end.map(day)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dataset(
        id: &str,
        title: &str,
        about: &str,
        years: [&str; 2],
        files: &[(&str, &str)],
    ) -> Dataset {
        let file = |(name, size): &(&str, &str)| json!({"@id": name, "file": name, "format": "Geotiff", "type": "Raster", "source": "EEA", "path": "H:\\x", "size": size, "resolution": "10 m"});
        Dataset::from_portal(json!({
            "@id": format!("https://land.copernicus.eu/en/products/x/{id}"),
            "UID": format!("{id:x>32}"), "id": id, "title": title, "description": about,
            "temporalExtentStart": years[0], "temporalExtentEnd": years[1],
            "geographicBoundingBox": {"items": [{"west": "-31", "south": "27", "east": "44", "north": "71"}]},
            "downloadable_files": {"items": files.iter().map(file).collect::<Vec<_>>()},
        }))
        .unwrap()
    }

    fn catalogue() -> Catalogue {
        Catalogue::of(vec![
            dataset(
                "forest-type-2018",
                "Forest Type 2018 (raster 10 m), Europe, 3-yearly",
                "Leaf types",
                ["2018-01-01", "2018-12-31"],
                &[
                    ("FTY_2018_010m_E00N20", "2 MB"),
                    ("FTY_2018_010m_eu", "2 GB"),
                ],
            ),
            dataset(
                "forest-type-2015",
                "Forest Type 2015 (raster 20 m), Europe, 3-yearly",
                "Leaf types",
                ["2015-01-01", "2015-12-31"],
                &[("FTY_2015_eu", "1 GB")],
            ),
            dataset(
                "imperviousness-density-2018",
                "Imperviousness Density 2018 (raster 10 m), Europe, 3-yearly",
                "The percentage and change of soil that is sealed",
                ["2018-01-01", "2018-12-31"],
                &[("IMD_2018_eu", "1 GB")],
            ),
            dataset(
                "soil-moisture",
                "Surface Soil Moisture 2014-present (raster 1 km), Europe, daily",
                "Water in the topmost soil",
                ["2014-10-03", ""],
                &[],
            ),
        ])
    }

    fn found(query: &Query) -> Vec<String> {
        let hits = catalogue().search(query);
        hits.iter()
            .map(|hit| hit.entry.data_id.to_string())
            .collect()
    }

    fn words(text: &str) -> Query {
        Query {
            text: text.to_owned(),
            ..Query::default()
        }
    }

    #[test]
    fn what_people_say_finds_what_products_are_called() {
        assert_eq!(
            found(&words("forest Europe 2018"))[0],
            "forest-type-2018|FTY_2018_010m_eu"
        );
        assert_eq!(
            found(&words("sealed soil"))[0],
            "imperviousness-density-2018|IMD_2018_eu"
        );
        assert_eq!(found(&words("soil moisture"))[0], "soil-moisture");
        assert_eq!(
            found(&words("trees 2015"))[0],
            "forest-type-2015|FTY_2015_eu"
        );
        assert!(found(&words("volcano")).is_empty());
    }

    #[test]
    fn areas_and_cities_of_files_are_words() {
        let atlas = dataset(
            "urban-atlas-2018",
            "Urban Atlas 2018 (vector), Europe",
            "Land use",
            ["2018-01-01", "2018-12-31"],
            &[
                ("FR010L2_MONTPELLIER_UA2018_v013", "2 MB"),
                ("LU001L1_LUXEMBOURG_UA2018_v013", "3 MB"),
            ],
        );
        let catalogue = Catalogue::of(vec![atlas]);
        let hits = catalogue.search(&words("Montpellier"));
        let found: Vec<&str> = hits
            .iter()
            .filter_map(|hit| hit.entry.data_id.file())
            .collect();
        assert_eq!(found, ["FR010L2_MONTPELLIER_UA2018_v013"]);
        assert_eq!(catalogue.unknown_words("Atlas Corsica"), ["Corsica"]);
    }

    #[test]
    fn whole_europe_stands_for_its_tiles() {
        let hits = catalogue().search(&words("forest 2018"));
        assert_eq!(hits[0].siblings, 1);
        assert!(hits[0].entry.data_id.to_string().ends_with("_eu"));
    }

    #[test]
    fn place_time_source_and_resolution_narrow() {
        let in_2015 = Query {
            time: Some("2015".parse().unwrap()),
            ..words("europe")
        };
        // Both fit alike; what goes on stands before what has ended.
        assert_eq!(
            found(&in_2015),
            ["soil-moisture", "forest-type-2015|FTY_2015_eu"]
        );
        let in_africa = Query {
            bbox: Some([10.0, -20.0, 20.0, 0.0]),
            ..words("forest")
        };
        assert!(found(&in_africa).is_empty());
        let fine = Query {
            resolution: Some("10M".to_owned()),
            source: Some("eea".to_owned()),
            ..Query::default()
        };
        assert_eq!(found(&fine).len(), 3);
        let in_metres = Query {
            resolution: Some("10".to_owned()),
            ..fine
        };
        assert_eq!(found(&in_metres).len(), 3);
    }
}
