//! Searching the catalogue: products ranked by how well words fit them.
//!
//! Words count by how rare they are in the catalogue and by where they stand: a title says more of a product than its description. Of each
//! product, the data id that fits best stands for all.

use std::collections::{BTreeMap, HashMap, HashSet};

use clms_api::Dataset;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Catalogue, Entry};
use crate::DayRange;

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
    /// Only this resolution, such as `10 m`.
    pub resolution: Option<String>,
}

/// A product that fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Hit {
    /// The data id that fits best.
    #[serde(flatten)]
    pub entry: Entry,
    /// How well it fits; comparable within one answer only.
    pub score: f64,
    /// How many other data ids the product has.
    pub siblings: usize,
}

/// What people say, and what products are called. Whoever says one of a row means all of it, though their own word counts more.
const SYNONYMS: [&[&str]; 16] = [
    &[
        "sealed",
        "sealing",
        "impervious",
        "imperviousness",
        "built-up",
        "built",
    ],
    &["forest", "forests", "tree", "trees", "woodland", "woody"],
    &[
        "crop",
        "crops",
        "cropland",
        "agriculture",
        "arable",
        "farming",
    ],
    &["city", "cities", "urban", "town", "towns"],
    &["snow", "fsc", "snowcover"],
    &["water", "lake", "lakes", "river", "rivers", "inland"],
    &["wetness", "wet", "wetland", "wetlands"],
    &["moisture", "ssm", "swi"],
    &[
        "grassland",
        "grass",
        "grasslands",
        "meadow",
        "meadows",
        "pasture",
    ],
    &["ndvi", "greenness", "vegetation"],
    &["fire", "fires", "burnt", "burned"],
    &["temperature", "lst"],
    &["coast", "coastal", "shore"],
    &["elevation", "height", "dem"],
    &["corine", "clc"],
    &["european", "europe", "eu", "eea38", "eea39"],
];

/// What people say in several words, and what products are called in one.
const PHRASES: [(&str, &str); 4] = [
    ("sealed soil", "imperviousness"),
    ("soil sealing", "imperviousness"),
    ("sealed surface", "imperviousness"),
    ("ndvi", "normalised difference vegetation index"),
];

/// What the portal puts behind the title of a product that has a successor, and what that costs.
const SUPERSEDED: (&str, f64) = ("superseded", 0.9);

/// What each letter of a title costs: of products that fit alike, the one with the plainest name is meant.
const LENGTH: f64 = 0.01;

/// Words that say nothing of a product.
const EMPTY: [&str; 14] = [
    "the", "of", "in", "and", "for", "a", "an", "to", "with", "from", "on", "by", "data", "map",
];

/// Share of a word's worth when only a synonym of it is there, or only its beginning.
const BY_SYNONYM: f64 = 0.6;
const BY_BEGINNING: f64 = 0.7;

/// Where words stand, and what that is worth.
const TITLE: f64 = 4.0;
const ID: f64 = 3.0;
const DETAIL: f64 = 2.0;
const DESCRIPTION: f64 = 1.0;

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
        let pages: Vec<HashMap<String, f64>> =
            fitting.iter().map(|(one, _)| page_of(one)).collect();
        let words = wanted_words(&query.text, &pages);
        let mut hits: Vec<Hit> = fitting
            .iter()
            .zip(&pages)
            .filter_map(|((_, entries), page)| {
                let mut score = score(&words, page)?;
                if page.contains_key(SUPERSEDED.0) {
                    score *= SUPERSEDED.1;
                }
                score -= LENGTH * entries.first().map_or(0, |one| one.title.len()) as f64;
                best_of(entries, &words, query, score)
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

/// A word that is looked for, and what it is worth.
struct Word {
    text: String,
    synonyms: HashSet<&'static str>,
    worth: f64,
}

fn wanted_words(text: &str, pages: &[HashMap<String, f64>]) -> Vec<Word> {
    let mut text = text.to_lowercase();
    for (said, meant) in PHRASES {
        text = text.replace(said, meant);
    }
    let mut seen = HashSet::new();
    let words = words_of(&text).filter(|word| !EMPTY.contains(&word.as_str()));
    let words = words.filter(|word| seen.insert(word.clone()));
    words
        .map(|text| {
            let rows = SYNONYMS.iter().filter(|row| row.contains(&text.as_str()));
            let synonyms = rows.flat_map(|row| row.iter().copied()).collect();
            let mut word = Word {
                text,
                synonyms,
                worth: 1.0,
            };
            let found = pages.iter().filter(|page| word.fit(page) > 0.0).count();
            // The rarer a word, the more it says.
            word.worth = (1.0 + pages.len() as f64 / (1.0 + found as f64)).ln();
            word
        })
        .collect()
}

impl Word {
    /// What it is worth where it stands best on a page.
    fn fit(&self, page: &HashMap<String, f64>) -> f64 {
        if let Some(place) = page.get(&self.text) {
            return *place;
        }
        let alike = page.iter().map(|(word, place)| {
            let has_beginning = self.text.len() >= 4
                && (word.starts_with(&self.text)
                    || (word.len() >= 4 && self.text.starts_with(word.as_str())));
            let by_beginning = if has_beginning { BY_BEGINNING } else { 0.0 };
            let is_synonym = self.synonyms.contains(word.as_str());
            let by_synonym = if is_synonym { BY_SYNONYM } else { 0.0 };
            place * by_beginning.max(by_synonym)
        });
        alike.fold(0.0, f64::max)
    }
}

/// Words that are not there may not be worth more than this share of all.
const MISSING: f64 = 0.6;

/// The sum over all words; `None` if too much is missing.
fn score(words: &[Word], page: &HashMap<String, f64>) -> Option<f64> {
    let fits: Vec<f64> = words.iter().map(|word| word.fit(page)).collect();
    let all: f64 = words.iter().map(|word| word.worth).sum();
    let with_fits = || words.iter().zip(&fits);
    let missing = with_fits().filter(|(_, fit)| **fit == 0.0);
    let missing: f64 = missing.map(|(word, _)| word.worth).sum();
    (missing <= MISSING * all).then(|| with_fits().map(|(word, fit)| word.worth * fit).sum())
}

/// The words of a dataset, each with what its best place is worth.
fn page_of(dataset: &Dataset) -> HashMap<String, f64> {
    let mut page: HashMap<String, f64> = HashMap::new();
    let mut add = |text: &str, place: f64| {
        for word in words_of(text) {
            let best = page.entry(word).or_default();
            *best = best.max(place);
        }
    };
    add(&dataset.title, TITLE);
    add(&dataset.id, ID);
    for detail in [&dataset.resolution, &dataset.temporal_extent.text] {
        add(detail.as_deref().unwrap_or_default(), DETAIL);
    }
    let of_collections = dataset.download_information.iter();
    for collection in of_collections {
        add(
            collection.source.as_ref().map_or("", |word| word.as_str()),
            DETAIL,
        );
        add(
            collection.format.as_ref().map_or("", |word| word.as_str()),
            DETAIL,
        );
    }
    if let (Some(start), Some(end)) = (dataset.temporal_extent.start, dataset.temporal_extent.end) {
        let year = |time: jiff::Timestamp| time.to_zoned(TimeZone::UTC).year();
        for year in year(start)..=year(end) {
            add(&year.to_string(), DETAIL);
        }
    }
    add(&dataset.description, DESCRIPTION);
    page
}

/// Words in lower case. A hyphen joins, so each part counts as well as the whole.
fn words_of(text: &str) -> impl Iterator<Item = String> {
    let text = text.to_lowercase();
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '-') {
        let word = word.trim_matches('-');
        let parts = word.split('-').filter(|_| word.contains('-'));
        words.extend(
            parts
                .chain([word])
                .filter(|part| !part.is_empty())
                .map(str::to_owned),
        );
    }
    words.into_iter()
}

/// The entry of a product that fits best: one that can be had, that has the wanted words in its name, and covers most.
fn best_of(entries: &[&Entry], words: &[Word], query: &Query, of_product: f64) -> Option<Hit> {
    let fitting = entries.iter().filter(|entry| {
        let same = |wanted: &Option<String>, have: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| {
                let plain = |text: &str| text.to_lowercase().replace(char::is_whitespace, "");
                plain(wanted) == plain(have.as_deref().unwrap_or_default())
            })
        };
        same(&query.source, &entry.source) && same(&query.resolution, &entry.resolution)
    });
    let score_of = |entry: &Entry| {
        let mut page = HashMap::new();
        for text in [
            entry.data_id.file(),
            entry.area.as_deref(),
            entry.resolution.as_deref(),
            entry.format.as_deref(),
        ] {
            let words = words_of(text.unwrap_or_default());
            page.extend(words.map(|word| (word, 1.0)));
        }
        let named: f64 = words.iter().map(|word| word.worth * word.fit(&page)).sum();
        named + if entry.available { 1.0 } else { 0.0 }
    };
    // Whole Europe before one of its tiles: its name is shorter, or its download larger.
    let scored = fitting.map(|entry| (score_of(entry), *entry));
    let (score, best) = scored.max_by(|(a_score, a), (b_score, b)| {
        a_score
            .total_cmp(b_score)
            .then(a.size.unwrap_or(0).cmp(&b.size.unwrap_or(0)))
            .then_with(|| b.data_id.cmp(&a.data_id))
    })?;
    Some(Hit {
        score: of_product + 0.1 * score,
        entry: best.clone(),
        siblings: entries.len() - 1,
    })
}

/// Whether a dataset has something in the wanted place and time.
fn lies_in(dataset: &Dataset, query: &Query) -> bool {
    let meets = |[west, south, east, north]: [f64; 4]| {
        dataset.bbox.is_none_or(|b| {
            b.west <= east && west <= b.east && b.south <= north && south <= b.north
        })
    };
    let day = |time: jiff::Timestamp| time.to_zoned(TimeZone::UTC).date();
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
        assert_eq!(
            found(&in_2015),
            ["forest-type-2015|FTY_2015_eu", "soil-moisture"]
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
    }
}
