//! Names of cubes.

use std::{fmt, str::FromStr};

/// The name of a cube in a cache: its data id, such as `forest-type-2015|FTY_2015_100m_eu_03035_d02_Full`.
///
/// Any text that is a single path component: not empty, no `/`, `\` or control characters, no leading dot (hidden names
/// are the cache's own), no blanks around it, and short enough for a file name with `.zarr` behind it on any file system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CubeName(String);

/// What is behind a cube's name in the cache.
const SUFFIX: &str = ".zarr";

/// File systems end at 255 bytes; leave room for the suffix and for a staging mark.
const MAX_BYTES: usize = 230;

/// What SMB, exFAT and NTFS refuse in a name, and the percent sign itself, each with its two digits.
const ESCAPES: [(char, &str); 8] = [
    ('%', "25"),
    ('|', "7C"),
    ('?', "3F"),
    ('*', "2A"),
    (':', "3A"),
    ('"', "22"),
    ('<', "3C"),
    ('>', "3E"),
];

impl CubeName {
    /// Checks `name`.
    ///
    /// # Errors
    /// [`InvalidCubeName`] says what is wrong with it.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidCubeName> {
        let name = name.into();
        let why = if name.is_empty() {
            Some("it is empty".to_owned())
        } else if spell(&name, true).len() > MAX_BYTES {
            Some(format!(
                "it is longer than {MAX_BYTES} bytes, of which each of |?*:\"<> takes three"
            ))
        } else if name.starts_with('.') {
            Some("it begins with a dot".to_owned())
        } else if name.trim() != name {
            Some("there are blanks around it".to_owned())
        } else {
            name.chars()
                .find(|c| matches!(c, '/' | '\\') || c.is_control())
                .map(|c| format!("{c:?} is not allowed in it"))
        };
        match why {
            Some(why) => Err(InvalidCubeName { name, why }),
            None => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component of the cube's path or URL: `<name>.zarr`.
    ///
    /// Only a percent sign that could be read as one of the escapes of [`portable_folder`](Self::portable_folder) is
    /// itself escaped.
    #[must_use]
    pub fn folder(&self) -> String {
        spell(&self.0, false) + SUFFIX
    }

    /// The same for file systems that refuse `|?*:"<>` (SMB, exFAT, NTFS): these are percent-encoded.
    #[must_use]
    pub fn portable_folder(&self) -> String {
        spell(&self.0, true) + SUFFIX
    }

    /// The inverse of [`folder`](Self::folder) and of [`portable_folder`](Self::portable_folder); `None` for what is not a
    /// cube's folder.
    #[must_use]
    pub fn from_folder(folder: &str) -> Option<Self> {
        let name = Self::new(unspell(folder.strip_suffix(SUFFIX)?)).ok()?;
        (folder == name.folder() || folder == name.portable_folder()).then_some(name)
    }
}

/// `name` as part of a file name, `portable` to the file systems that refuse some characters.
fn spell(name: &str, portable: bool) -> String {
    let mut spelled = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        let escape = ESCAPES.iter().find(|(escaped, _)| *escaped == c);
        match escape {
            Some((_, digits))
                if (c == '%' && escape_at(&name[at..]).is_some()) || (c != '%' && portable) =>
            {
                spelled.push('%');
                spelled.push_str(digits);
            }
            _ => spelled.push(c),
        }
    }
    spelled
}

/// The inverse of [`spell`], of both kinds.
fn unspell(spelled: &str) -> String {
    let mut name = String::with_capacity(spelled.len());
    let mut rest = spelled;
    while let Some(first) = rest.chars().next() {
        let (c, length) = match escape_at(rest) {
            Some(c) => (c, 3),
            None => (first, first.len_utf8()),
        };
        name.push(c);
        rest = &rest[length..];
    }
    name
}

/// The character whose escape `text` begins with.
fn escape_at(text: &str) -> Option<char> {
    let digits = text.strip_prefix('%')?;
    ESCAPES
        .iter()
        .find(|(_, escape)| digits.starts_with(escape))
        .map(|(c, _)| *c)
}

impl fmt::Display for CubeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CubeName {
    type Err = InvalidCubeName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

/// A text that cannot name a cube.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a cube: {why}")]
pub struct InvalidCubeName {
    name: String,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_names_are_inverse() {
        let name = CubeName::new("clc2018|u2018 (1)").unwrap();
        assert_eq!(name.folder(), "clc2018|u2018 (1).zarr");
        assert_eq!(CubeName::from_folder(&name.folder()), Some(name));
        assert_eq!(CubeName::from_folder("readme.txt"), None);
        assert_eq!(CubeName::from_folder(".clms.zarr"), None);
    }

    #[test]
    fn names_that_could_escape_or_hide_are_refused() {
        for name in [
            "", ".", "..", "../x", "a/b", "a\\b", ".hidden", " x", "x\n", "a\0",
        ] {
            assert!(CubeName::new(name).is_err(), "{name:?}");
        }
        assert!(CubeName::new("x".repeat(230)).is_ok());
        assert!(CubeName::new("x".repeat(231)).is_err());
        assert!(
            CubeName::new("|".repeat(77)).is_err(),
            "too long where it has to be escaped"
        );
    }

    #[test]
    fn both_spellings_of_any_name_lead_back_to_it() {
        let names = [
            "a|b",
            "a%7Cb",
            "a%257Cb",
            "100%",
            "%",
            "%%7C|",
            "%2|",
            "50%25 x",
            "a?bbox=1,2&t=2018:A",
            "\"<*>\"",
            "äö|ü",
        ];
        for text in names {
            let name = CubeName::new(text).unwrap();
            assert_eq!(
                CubeName::from_folder(&name.folder()),
                Some(name.clone()),
                "{text}"
            );
            assert_eq!(
                CubeName::from_folder(&name.portable_folder()),
                Some(name.clone()),
                "{text}"
            );
            assert!(
                !name
                    .portable_folder()
                    .contains(['|', '?', '*', ':', '"', '<', '>']),
                "{text}"
            );
        }
        assert_eq!(
            CubeName::new("a|b").unwrap().portable_folder(),
            "a%7Cb.zarr"
        );
        assert_eq!(CubeName::new("100%").unwrap().folder(), "100%.zarr");
        assert_eq!(CubeName::new("a%7Cb").unwrap().folder(), "a%257Cb.zarr");
        assert_eq!(
            CubeName::from_folder("a|b%7Cc.zarr"),
            None,
            "a mixture is nobody's spelling"
        );
    }
}
