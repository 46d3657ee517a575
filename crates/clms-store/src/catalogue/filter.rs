//! Which entries of the catalogue are wanted.

use super::Entry;
use crate::DataType;

/// The portal's words for where most of its data come from, as [`Filter::source`] and [`Query::source`](super::Query::source) take them.
pub const SOURCES: [&str; 5] = ["EEA", "CDSE", "LEGACY", "WEKEO", "LANDCOVER"];

/// The portal's spelling of a source that may be typed in any case, also of one that is not among [`SOURCES`]; `None` for what is none.
#[must_use]
pub fn source(typed: &str) -> Option<&'static str> {
    let is_it = |known: &&&str| known.eq_ignore_ascii_case(typed.trim());
    clms_api::Source::KNOWN.iter().find(is_it).copied()
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A pattern with `*` and `?` over the whole data id or over its file, or words that occur in id or title, in any case.
    pub pattern: Option<String>,
    /// Only this product.
    pub product: Option<String>,
    /// Only this source.
    pub source: Option<String>,
    /// Only data of this type.
    pub data_type: Option<DataType>,
    /// Also what can't be got.
    pub all: bool,
}

impl Filter {
    /// Those of `entries` that it lets through.
    pub(super) fn of<'a>(&self, entries: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        let pattern = self.pattern.as_deref().map(Pattern::new);
        entries.iter().filter(move |entry| {
            self.admits(entry) && pattern.as_ref().is_none_or(|pattern| pattern.fits(entry))
        })
    }

    /// Whether all of it but the pattern lets an entry through.
    fn admits(&self, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, have: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.trim().eq_ignore_ascii_case(have))
        };
        (self.all || entry.available)
            && self
                .data_type
                .is_none_or(|wanted| wanted == DataType::of_format(entry.format.as_deref()))
            && same(&self.product, entry.data_id.product())
            && same(&self.source, entry.source.as_deref().unwrap_or_default())
    }
}

/// A pattern, in lower case.
enum Pattern {
    Glob(String),
    Words(Vec<String>),
}

impl Pattern {
    fn new(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        match text.contains(['*', '?']) {
            true => Self::Glob(text),
            false => Self::Words(text.split_whitespace().map(str::to_owned).collect()),
        }
    }

    fn fits(&self, entry: &Entry) -> bool {
        let id = entry.data_id.to_string().to_lowercase();
        // As people type it.
        let slashed = || id.replacen('|', "/", 1);
        match self {
            Self::Glob(pattern) => {
                let fits = |text: &str| glob(pattern.as_bytes(), text.as_bytes());
                let file = id.split_once('|').map_or("", |(_, file)| file);
                fits(&id) || fits(file) || fits(&slashed())
            }
            Self::Words(words) => {
                let title = entry.title.to_lowercase();
                let occurs = |word: &String| {
                    id.contains(word)
                        || title.contains(word)
                        || (word.contains('/') && slashed().contains(word))
                };
                words.iter().all(occurs)
            }
        }
    }
}

/// Whether `text` as a whole is what `pattern` says; `*` stands for any text, `?` for one byte.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                // Let the last star take one more byte, and try again behind it.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        for (pattern, text, hit) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "acb", false),
            ("a*b*c", "a-b-b-c", true),
            ("?", "", false),
            ("**x", "yyx", true),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                hit,
                "{pattern} {text}"
            );
        }
    }
}
