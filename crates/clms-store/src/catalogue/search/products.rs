//! What a search knows of products: where and when they have data, and the words that are said of them.

use std::collections::BTreeSet;

use clms_api::{BBox, Dataset};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    super::Entry,
    index::{Field, Page},
    vocabulary::{EMPTY, short_names},
    words::{words_of, year_of},
};

/// The products of a catalogue, as a search needs them.
///
/// To find the words of all texts takes longer than to search them; so this is made once, and kept on disk. Words are told by their numbers, which are
/// their places among all words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::catalogue) struct Products {
    /// All words, sorted.
    pub(super) words: Vec<String>,
    /// One for each dataset, in the catalogue's order.
    pub(in crate::catalogue) products: Vec<Product>,
    /// The words of each entry's own: its file, area, resolution and format.
    pub(super) of_entries: Vec<Vec<u32>>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::catalogue) struct Product {
    pub(in crate::catalogue) title: String,
    pub(super) bbox: Option<BBox>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    /// The words of each text, that of the title first.
    texts: Vec<(Field, Vec<u32>)>,
    more_title_words: Vec<u32>,
    /// Words for where its files lie.
    places: Vec<u32>,
    /// The words of its name, which is what stands in its title before years and kinds.
    pub(super) name: Vec<u32>,
}

impl Products {
    pub(in crate::catalogue) fn of(datasets: &[Dataset], entries: &[Entry]) -> Self {
        let said: Vec<Said> = datasets.iter().map(Said::of).collect();
        let of_entries: Vec<Vec<String>> = entries.iter().map(words_of_entry).collect();
        let mut words: Vec<&str> = said
            .iter()
            .flat_map(Said::words)
            .chain(of_entries.iter().flatten().map(String::as_str))
            .collect();
        words.sort_unstable();
        words.dedup();
        let number = |word: &str| words.partition_point(|known| *known < word) as u32;
        let numbers = |words: &[String]| words.iter().map(|word| number(word)).collect();
        let product = |(dataset, said): (&Dataset, &Said)| Product {
            title: dataset.title.clone(),
            bbox: dataset.bbox,
            start: dataset.temporal_extent.start,
            end: dataset.temporal_extent.end,
            texts: said
                .texts
                .iter()
                .map(|(field, words)| (*field, numbers(words)))
                .collect(),
            more_title_words: said
                .more_title_words
                .iter()
                .map(|word| number(word))
                .collect(),
            places: said.places.iter().map(|word| number(word)).collect(),
            name: numbers(&said.name),
        };
        Self {
            products: datasets.iter().zip(&said).map(product).collect(),
            of_entries: of_entries.iter().map(|words| numbers(words)).collect(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    /// The numbers of words, each that there is.
    pub(super) fn numbers_of(&self, words: &[String]) -> Vec<u32> {
        let number = |word: &String| self.words.binary_search(word).ok();
        let found = words.iter().filter_map(number);
        found.map(|number| number as u32).collect()
    }
}

fn words_of_entry(entry: &Entry) -> Vec<String> {
    let about = [
        entry.data_id.file(),
        entry.area.as_deref(),
        entry.resolution.as_deref(),
        entry.format.as_deref(),
    ];
    about.into_iter().flatten().flat_map(words_of).collect()
}

impl Product {
    pub(super) fn page(&self) -> Page<'_> {
        Page {
            texts: &self.texts,
            more_title_words: &self.more_title_words,
            places: &self.places,
            years: self.years(),
        }
    }

    /// The words of its title.
    pub(super) fn title_words(&self) -> &[u32] {
        self.texts.first().map_or(&[], |(_, words)| words)
    }

    /// Its first and its last year; one that has no end goes on.
    pub(super) fn years(&self) -> Option<(i16, i16)> {
        let first = year(self.start?);
        Some((first, year(self.end.unwrap_or_else(Timestamp::now))))
    }
}

pub(super) fn year(time: Timestamp) -> i16 {
    time.to_zoned(TimeZone::UTC).year()
}

/// The words that are said of a dataset, by place.
struct Said {
    texts: Vec<(Field, Vec<String>)>,
    more_title_words: Vec<&'static str>,
    places: BTreeSet<String>,
    name: Vec<String>,
}

impl Said {
    fn of(dataset: &Dataset) -> Self {
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
        let split = |(field, text): (Field, &str)| (field, words_of(text));
        let end = dataset.title.find('(').unwrap_or(dataset.title.len());
        let mut name = words_of(&dataset.title[..end]);
        name.retain(|word| year_of(word).is_none() && !EMPTY.contains(&word.as_str()));
        Self {
            texts: texts.into_iter().map(split).collect(),
            more_title_words: short_names(&dataset.title),
            places: places_of(dataset),
            name,
        }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let texts = self.texts.iter().flat_map(|(_, words)| words);
        texts
            .chain(&self.name)
            .chain(&self.places)
            .map(String::as_str)
            .chain(self.more_title_words.iter().copied())
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
