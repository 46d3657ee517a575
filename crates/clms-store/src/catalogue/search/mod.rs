//! Searching the catalogue: products ranked by how well words fit them.
//!
//! Words count by how rare they are in the catalogue and by where they stand: a title says more of a product than its description. Words of the
//! field, short names and slips of the pen are understood. Of each product, the data id that fits best stands for all.

mod index;
mod products;
mod vocabulary;
mod words;

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::index::{Field, Match};
pub(super) use self::products::Products;
use self::{
    index::{Fit, Index, Page},
    products::{Product, year},
    vocabulary::ASIDE,
    words::words_of,
};
use super::Entry;
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

/// An entry with its own words, by their numbers.
type Worded<'a> = (&'a Entry, &'a [u32]);

impl Products {
    /// The words of a text, as they were typed, that no product has.
    pub(super) fn unknown_words(&self, text: &str) -> Vec<String> {
        let pages: Vec<Page<'_>> = self.products.iter().map(Product::page).collect();
        Index::of(&self.words, &pages).unknown(text)
    }

    /// Of the products of these entries those that fit, the best first.
    pub(super) fn search(&self, entries: &[Entry], query: &Query) -> Vec<Hit> {
        let mut of_dataset: BTreeMap<usize, Vec<Worded<'_>>> = BTreeMap::new();
        for (entry, words) in entries.iter().zip(&self.of_entries) {
            let of_it = of_dataset.entry(entry.place.dataset).or_default();
            of_it.push((entry, words));
        }
        let fitting: Vec<(&Product, Vec<Worded<'_>>)> = of_dataset
            .into_iter()
            .filter_map(|(position, entries)| Some((self.products.get(position)?, entries)))
            .filter(|(product, _)| lies_in(product, query))
            .collect();
        let pages: Vec<Page<'_>> = fitting.iter().map(|(one, _)| one.page()).collect();
        let asked = self.numbers_of(&words_of(&query.text));
        let aside = self.numbers_of(&ASIDE.map(str::to_owned));
        let fits = Index::of(&self.words, &pages).ask(&query.text);
        let mut hits: Vec<Hit> = fitting
            .iter()
            .zip(fits)
            .filter_map(|((product, entries), fit)| {
                let mut fit = fit?;
                fit.score = by_name(fit.score, product, &asked, &aside);
                if !entries.iter().any(|(entry, _)| entry.available) {
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

/// A score with what the product's name and age say: of those that fit alike, the one with the plainest name, and the newest of these.
fn by_name(score: f64, product: &Product, asked: &[u32], aside: &[u32]) -> f64 {
    let is_asked = |word: &&u32| asked.contains(word);
    let said = product.name.iter().filter(is_asked).count();
    let share = said as f64 / product.name.len().max(1) as f64;
    let is_aside = |word: &u32| aside.contains(word) && !asked.contains(word);
    let aside = match product.title_words().iter().any(is_aside) {
        true => ASIDE_COSTS,
        false => 1.0,
    };
    let age = product
        .years()
        .map_or(30, |(_, last)| year(Timestamp::now()) - last);
    score * aside * (1.0 + WHOLE_NAME * share) - YEAR_COSTS * f64::from(age.clamp(0, 30))
}

/// The entry of a product that fits best: one that can be had, that has the wanted words in its name, and covers most.
fn best_of(entries: &[Worded<'_>], asked: &[u32], query: &Query, fit: Fit) -> Option<Hit> {
    // A number alone is in metres.
    let resolution = query.resolution.as_ref().map(|wanted| {
        let is_number = wanted.trim().parse::<f64>().is_ok();
        format!("{wanted}{}", if is_number { "m" } else { "" })
    });
    let plain = |text: &str| text.to_lowercase().replace(char::is_whitespace, "");
    let same = |wanted: &Option<String>, have: &Option<String>| {
        let is_it = |wanted: &String| plain(wanted) == plain(have.as_deref().unwrap_or_default());
        wanted.as_ref().is_none_or(is_it)
    };
    let fitting = entries.iter().filter(|(entry, _)| {
        same(&query.source, &entry.source) && same(&resolution, &entry.resolution)
    });
    // Whole Europe before one of its tiles: its download is larger.
    let (best, _) = fitting.max_by_key(|(entry, words)| {
        (
            entry.available,
            asked.iter().filter(|word| words.contains(word)).count(),
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

/// Whether a product has something in the wanted place and time.
fn lies_in(product: &Product, query: &Query) -> bool {
    let meets = |[west, south, east, north]: [f64; 4]| {
        product.bbox.is_none_or(|b| {
            b.west <= east && west <= b.east && b.south <= north && south <= b.north
        })
    };
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    query.bbox.is_none_or(meets)
        && query
            .time
            .is_none_or(|time| time.overlaps(product.start.map(day), product.end.map(day)))
}

#[cfg(test)]
mod tests {
    use clms_api::Dataset;
    use serde_json::json;

    use super::*;
    use crate::Catalogue;

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
