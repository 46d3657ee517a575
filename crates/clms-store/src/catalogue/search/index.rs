//! Words of the catalogue by where they stand, and how well a question's words fit: BM25F (Robertson and Zaragoza), with words that are not there forgiven by
//! beginnings, synonyms and slips of the pen.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    vocabulary::{EMPTY, SAID, SYNONYMS},
    words::{words_of, year_of},
};

/// Where words of a product stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Field {
    /// In its title, or in a short name for it.
    Title,
    /// In its id.
    Id,
    /// Among its keywords.
    Keywords,
    /// In what is said of its resolution, format and source, and of where its files lie.
    Detail,
    /// In its description.
    Description,
    /// Within the years that it covers.
    Years,
}

impl Field {
    /// What a word is worth there.
    fn worth(self) -> f64 {
        match self {
            Self::Title => 4.0,
            Self::Id => 2.5,
            Self::Keywords | Self::Years => 2.0,
            Self::Detail => 1.5,
            Self::Description => 0.7,
        }
    }
}

/// How a word of a question fits a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Match {
    /// What was asked for.
    pub asked: String,
    /// The word that fits; the same, another form of it, a synonym, or what it was likely meant to be.
    pub found: String,
    /// Where it stands.
    pub field: Field,
}

/// Saturation: how soon more of the same word says no more.
const K1: f64 = 1.2;
/// How much longer texts count less.
const LENGTHS: f64 = 0.6;

/// Share of a word's worth when only its beginning is there, only a synonym, or only a word that differs by a slip of the pen or two.
const BY_BEGINNING: f64 = 0.8;
const BY_SYNONYM: f64 = 0.65;
const BY_ONE_SLIP: f64 = 0.7;
const BY_TWO_SLIPS: f64 = 0.55;

/// Words that are not there may not be worth more than this share of all.
const MISSING: f64 = 0.6;

/// Where a word stands in one product.
#[derive(Debug, Clone, Copy)]
struct Posting {
    page: usize,
    weight: f64,
    field: Field,
}

/// The words of some products.
pub(super) struct Index<'a> {
    /// All words that there may be, sorted.
    words: &'a [String],
    /// For each of them, where it stands: nowhere, if it is one of other products only.
    postings: Vec<Vec<Posting>>,
    pages: usize,
    /// First and last year of each page.
    years: Vec<Option<(i16, i16)>>,
}

/// The words of one product, by their numbers.
pub(super) struct Page<'a> {
    pub(super) texts: &'a [(Field, Vec<u32>)],
    pub(super) more_title_words: &'a [u32],
    /// Words for where its files lie. However many there are, each says as much.
    pub(super) places: &'a [u32],
    pub(super) years: Option<(i16, i16)>,
}

/// For each page, what a word is worth there.
type Fits = Vec<Option<(f64, Match)>>;

/// How a product fits.
pub(super) struct Fit {
    pub(super) score: f64,
    pub(super) matches: Vec<Match>,
}

impl<'a> Index<'a> {
    /// Of these pages, whose words have their numbers in the sorted `words`.
    pub(super) fn of(words: &'a [String], pages: &[Page<'_>]) -> Self {
        let mut index = Self {
            words,
            postings: vec![Vec::new(); words.len()],
            pages: pages.len(),
            years: pages.iter().map(|page| page.years).collect(),
        };
        // How long texts of each field usually are.
        let mut usual: HashMap<Field, f64> = HashMap::new();
        for (field, words) in pages.iter().flat_map(|page| page.texts) {
            *usual.entry(*field).or_default() += words.len() as f64 / pages.len() as f64;
        }
        for (number, page) in pages.iter().enumerate() {
            for (field, words) in page.texts {
                let usual = usual.get(field).map_or(1.0, |usual| usual.max(1.0));
                let length = 1.0 - LENGTHS + LENGTHS * words.len() as f64 / usual;
                for word in words {
                    index.add(*word, number, *field, field.worth() / length);
                }
            }
            for word in page.more_title_words {
                index.add(*word, number, Field::Title, Field::Title.worth());
            }
            for word in page.places {
                index.add(*word, number, Field::Detail, Field::Detail.worth());
            }
        }
        index
    }

    fn add(&mut self, word: u32, page: usize, field: Field, weight: f64) {
        let Some(postings) = self.postings.get_mut(word as usize) else {
            return;
        };
        match postings.last_mut().filter(|last| last.page == page) {
            // The place that is worth most is named.
            Some(last) => {
                if field.worth() > last.field.worth() {
                    last.field = field;
                }
                last.weight += weight;
            }
            None => postings.push(Posting {
                page,
                weight,
                field,
            }),
        }
    }

    /// Where a word stands, with the word as it is kept; `None` if it stands nowhere.
    fn known(&self, word: &str) -> Option<(&'a str, &[Posting])> {
        let number = self
            .words
            .binary_search_by(|known| known.as_str().cmp(word))
            .ok()?;
        let postings = self.postings[number].as_slice();
        (!postings.is_empty()).then_some((self.words[number].as_str(), postings))
    }

    /// All words that stand somewhere.
    fn all_known(&self) -> impl Iterator<Item = &'a str> {
        let all = self.words.iter().zip(&self.postings);
        all.filter(|(_, postings)| !postings.is_empty())
            .map(|(word, _)| word.as_str())
    }

    /// How each product fits; `None` where too much is missing.
    pub(super) fn ask(&self, text: &str) -> Vec<Option<Fit>> {
        let words = wanted(text);
        let found: Vec<(f64, Fits)> = words.iter().map(|word| self.fits_of(word)).collect();
        let all: f64 = found.iter().map(|(worth, _)| worth).sum();
        (0..self.pages)
            .map(|page| {
                let mut fit = Fit {
                    score: 0.0,
                    matches: Vec::new(),
                };
                let mut there = 0.0;
                for (worth, fits) in &found {
                    if let Some((weight, matching)) = &fits[page] {
                        there += worth;
                        fit.score += worth * weight / (K1 + weight);
                        fit.matches.push(matching.clone());
                    }
                }
                // With no words at all, everything fits.
                let share = if all > 0.0 { there / all } else { 1.0 };
                fit.score *= 0.5 + 0.5 * share;
                (share >= 1.0 - MISSING).then_some(fit)
            })
            .collect()
    }

    /// The words of a question, as they were typed, that fit nothing at all.
    pub(super) fn unknown(&self, text: &str) -> Vec<String> {
        let mut unknown: Vec<String> = wanted(text)
            .into_iter()
            .filter(|word| self.fits_of(word).1.iter().all(Option::is_none))
            .map(|word| word.said)
            .collect();
        unknown.dedup();
        unknown
    }

    /// What a word is worth (the rarer, the more), and for each page how well it fits.
    fn fits_of(&self, word: &Wanted) -> (f64, Fits) {
        let mut fits: Fits = vec![None; self.pages];
        let mut put = |page: usize, weight: f64, found: &str, field: Field| {
            if fits[page].as_ref().is_none_or(|(best, _)| weight > *best) {
                let matching = Match {
                    asked: word.said.clone(),
                    found: found.to_owned(),
                    field,
                };
                fits[page] = Some((weight, matching));
            }
        };
        for (form, share) in self.forms_of(&word.word) {
            let (_, postings) = self.known(form).unwrap_or_default();
            for posting in postings {
                put(posting.page, posting.weight * share, form, posting.field);
            }
        }
        if let Some(year) = year_of(&word.word) {
            for (page, years) in self.years.iter().enumerate() {
                if years.is_some_and(|(first, last)| (first..=last).contains(&year)) {
                    put(page, Field::Years.worth(), &word.word, Field::Years);
                }
            }
        }
        let there = fits.iter().flatten().count() as f64;
        let worth = (1.0 + (self.pages as f64 - there + 0.5) / (there + 0.5)).ln();
        (worth, fits)
    }

    /// The words of the catalogue that may be meant, and what share of the word's worth they have.
    fn forms_of(&self, word: &str) -> Vec<(&'a str, f64)> {
        let mut forms: Vec<(&str, f64)> = Vec::new();
        if let Some((same, _)) = self.known(word) {
            forms.push((same, 1.0));
        }
        // Numbers are what they are.
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return forms;
        }
        let synonyms = SYNONYMS.iter().filter(|row| row.contains(&word));
        for synonym in synonyms.flat_map(|row| row.iter()) {
            if let Some((known, _)) = self.known(synonym)
                && known != word
            {
                forms.push((known, BY_SYNONYM));
            }
        }
        if word.len() >= 4 {
            let begins = |known: &&str| {
                known.len() != word.len()
                    && (known.starts_with(word) || (known.len() >= 5 && word.starts_with(known)))
            };
            let known = self.all_known().filter(begins);
            forms.extend(known.map(|known| (known, BY_BEGINNING)));
        }
        if forms.is_empty() {
            forms = self.misspelt(word);
        }
        forms
    }

    /// The words that differ by a slip of the pen, or in long words by two if none does by one.
    fn misspelt(&self, word: &str) -> Vec<(&'a str, f64)> {
        let most = match word.len() {
            0..=3 => return Vec::new(),
            4..=7 => 1,
            _ => 2,
        };
        let mut slips: Vec<(&str, usize)> = self
            .all_known()
            .filter(|known| known.len().abs_diff(word.len()) <= most)
            .map(|known| (known, strsim::osa_distance(word, known)))
            .filter(|(_, slips)| *slips <= most)
            .collect();
        let fewest = slips.iter().map(|(_, slips)| *slips).min().unwrap_or(0);
        slips.retain(|(_, slips)| *slips == fewest);
        let share = if fewest < 2 {
            BY_ONE_SLIP
        } else {
            BY_TWO_SLIPS
        };
        slips.into_iter().map(|(known, _)| (known, share)).collect()
    }
}

/// A word that is looked for, and what was said for it.
struct Wanted {
    word: String,
    said: String,
}

/// The words of a question, each once, with what people say put into the catalogue's words.
fn wanted(text: &str) -> Vec<Wanted> {
    let words = words_of(text);
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut rest = words.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let said = SAID.iter().find(|(said, _)| {
            rest.len() >= said.len() && said.iter().zip(rest).all(|(said, word)| said == word)
        });
        let (meant, taken): (Vec<&str>, usize) = match said {
            Some((said, meant)) => (meant.to_vec(), said.len()),
            None => (vec![first], 1),
        };
        let said: Vec<&str> = rest[..taken].iter().map(|word| typed(text, word)).collect();
        let said = said.join(" ");
        rest = if taken > 1 { &rest[taken..] } else { others };
        for word in meant {
            let is_new = wanted.iter().all(|other| other.word != word);
            if is_new && !EMPTY.contains(&word) {
                wanted.push(Wanted {
                    word: word.to_owned(),
                    said: said.clone(),
                });
            }
        }
    }
    wanted
}

/// A word as it was typed: with the ending that it had, in its case.
fn typed<'a>(text: &'a str, word: &'a str) -> &'a str {
    let mut all = text.split_whitespace();
    let found = all.find(|typed| words_of(typed).iter().any(|it| it == word));
    found.unwrap_or(word)
}
