//! What the names of products say: of several for one date and place, which one is wanted.
//!
//! Names look like `c_gls_FAPAR300-RT6_202302100000_GLOBE_OLCI_V1.1.2_nc`, `clms_ETA300_202106010000_GLOBE_S3_V1.0.1_cog`,
//! `CLMS_WSI_FSC_020m_T32TLR_20260402T102841_S2A_V200` or `CLMS_HRLVLCC_TCD_S2021_R10m_E48N28_03035_V01_R00`.

use std::{fmt, str::FromStr};

use clms_cube::time_in_name;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How final a product is. The order is that of the wish to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Consolidation {
    /// `NRT`: in near real time.
    NearRealTime,
    /// `RT0` to `RT6`: computed again when later observations had come; the higher, the more of them.
    RealTime(u8),
    /// `NTC`, or nothing said: it stays as it is.
    Final,
}

impl Consolidation {
    /// A word of a name; `None` for one that says nothing of it.
    fn of_word(word: &str) -> Option<Self> {
        match word {
            "NRT" => Some(Self::NearRealTime),
            "NTC" => Some(Self::Final),
            word => {
                let digits = word.strip_prefix("RT").filter(|digits| digits.len() <= 2)?;
                digits.parse().ok().map(Self::RealTime)
            }
        }
    }
}

impl fmt::Display for Consolidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NearRealTime => f.write_str("NRT"),
            Self::RealTime(number) => write!(f, "RT{number}"),
            Self::Final => f.write_str("NTC"),
        }
    }
}

/// A version of a product: numbers that are compared one after the other. `V1.1.2`, `V200`, and `V01_R00` with its revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Vec<u32>);

impl Version {
    /// `V` or `v` and numbers between dots.
    fn of_word(word: &str) -> Option<Self> {
        let numbers = word.strip_prefix(['V', 'v'])?;
        let numbers: Result<Vec<u32>, _> = numbers.split('.').map(str::parse).collect();
        numbers.ok().map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "V{}", numbers.join("."))
    }
}

/// What the name of a product says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProductName {
    /// How final it is.
    pub consolidation: Consolidation,
    /// Which version.
    pub version: Version,
    /// Which tile, of products that are cut into tiles: `T32TLR`, `E48N28`, `N48E003`.
    pub tile: Option<String>,
    /// When it was observed, of those that are named by the second.
    pub observed: Option<Timestamp>,
}

impl ProductName {
    /// Reads a name; `None` for one without a version, of which nothing is known.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut words = stem(name).split('_').peekable();
        let (mut version, mut tile, mut observed) = (None, None, None);
        let mut consolidation = Consolidation::Final;
        while let Some(word) = words.next() {
            if let Some(found) = word.split('-').find_map(Consolidation::of_word) {
                consolidation = found;
            } else if let Some(mut found) = Version::of_word(word) {
                let revision = words.peek().and_then(|next| next.strip_prefix('R'));
                if let Some(revision) = revision.and_then(|digits| digits.parse().ok()) {
                    found.0.push(revision);
                }
                version = Some(found);
            } else if is_tile(word) {
                tile = Some(word.to_owned());
            } else if word.contains('T') {
                // By the second: dates without a time are nominal.
                observed = time_in_name(word).or(observed);
            }
        }
        Some(Self {
            consolidation,
            version: version?,
            tile,
            observed,
        })
    }
}

/// A product's name without the word for its format.
pub(super) fn stem(name: &str) -> &str {
    let (stem, word) = name.rsplit_once('_').unwrap_or((name, ""));
    match word {
        "nc" | "cog" | "geojson" | "flatgeobuf" => stem,
        _ => name,
    }
}

/// Sentinel-2's tiles (`T32TLR`), those of 100 km in Europe's grid (`E48N28`), those of degrees (`N48E003`).
fn is_tile(word: &str) -> bool {
    let shape: String = word
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'A'..='Z' => 'A',
            other => other,
        })
        .collect();
    let begins = |letters: [char; 2]| word.starts_with(letters);
    match shape.as_str() {
        "A99AAA" => word.starts_with('T'),
        "A99A99" => begins(['E', 'W']),
        "A99A999" => begins(['N', 'S']),
        _ => false,
    }
}

/// Which of several products for one date and place is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VersionWish {
    /// The most final one; of these the highest version; of these the one that was modified last.
    #[default]
    Newest,
    /// Only those that are as final as this, of which the highest version.
    Consolidation(Consolidation),
    /// Only this version, of which the most final one.
    Exact(Version),
    /// All: an error if there are several for one date and place.
    All,
}

impl VersionWish {
    /// Whether a product of this name may be taken at all.
    pub(super) fn admits(&self, name: Option<&ProductName>) -> bool {
        match self {
            Self::Newest | Self::All => true,
            Self::Consolidation(wanted) => name.is_some_and(|name| name.consolidation == *wanted),
            Self::Exact(wanted) => name.is_some_and(|name| name.version == *wanted),
        }
    }
}

impl fmt::Display for VersionWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str("newest"),
            Self::Consolidation(wanted) => wanted.fmt(f),
            Self::Exact(wanted) => wanted.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

/// A text that is no wish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of newest, all, NRT, NTC, RT0 to RT6, and versions such as V1.1.2")]
pub struct InvalidVersionWish(String);

impl FromStr for VersionWish {
    type Err = InvalidVersionWish;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let upper = text.to_ascii_uppercase();
        if upper == "NEWEST" {
            Ok(Self::Newest)
        } else if upper == "ALL" {
            Ok(Self::All)
        } else if let Some(wanted) = Consolidation::of_word(&upper) {
            Ok(Self::Consolidation(wanted))
        } else if let Some(wanted) = Version::of_word(&upper) {
            Ok(Self::Exact(wanted))
        } else {
            Err(InvalidVersionWish(text.to_owned()))
        }
    }
}

/// How much a product is to be preferred: names that say nothing come last, and of equals the one that was modified last wins.
pub(super) fn rank(name: Option<&ProductName>, modified: Option<Timestamp>) -> impl Ord + use<> {
    let said = name.map(|name| (name.consolidation, name.version.clone()));
    (said, modified)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn real_names_are_understood() {
        let parse = |name: &str| ProductName::parse(name).unwrap();
        let fapar = parse("c_gls_FAPAR300-RT6_202302100000_GLOBE_OLCI_V1.1.2_nc");
        assert_eq!(fapar.consolidation, Consolidation::RealTime(6));
        assert_eq!((fapar.version, fapar.tile), (Version(vec![1, 1, 2]), None));
        let eta = parse("clms_ETA300_202106010000_GLOBE_S3_V1.0.1_cog");
        assert_eq!(eta.consolidation, Consolidation::Final);
        let burnt = parse("c_gls_BA300-NRT_202504220000_GLOBE_S3_V4.0.1_nc");
        assert_eq!(burnt.consolidation, Consolidation::NearRealTime);
        let snow = parse("CLMS_WSI_FSC_020m_T32TLR_20260402T102841_S2A_V200");
        assert_eq!(snow.tile.as_deref(), Some("T32TLR"));
        assert_eq!(snow.observed.unwrap().to_string(), "2026-04-02T10:28:41Z");
        let trees = parse("CLMS_HRLVLCC_TCD_S2021_R10m_E48N28_03035_V01_R00");
        assert_eq!(trees.version, Version(vec![1, 0]));
        assert_eq!(trees.tile.as_deref(), Some("E48N28"));
        let cover = parse("LCFM_LCM-10_V100_2020_N48E003_cog");
        assert_eq!(cover.tile.as_deref(), Some("N48E003"));
        let lts = parse("c_gls_NDVI-LTS_1999-2019-0621_GLOBE_VGT-PROBAV_V3.0.1_cog");
        assert_eq!(lts.version, Version(vec![3, 0, 1]));
        assert!(ProductName::parse("a name of nothing").is_none());
    }

    #[test]
    fn wishes_are_read_as_they_are_shown() {
        for text in [
            "newest", "all", "NRT", "NTC", "RT0", "RT6", "V1.1.2", "V200",
        ] {
            let wish: VersionWish = text.parse().unwrap();
            assert_eq!(wish.to_string(), text);
        }
        assert_eq!(
            " rt3 ".parse(),
            Ok(VersionWish::Consolidation(Consolidation::RealTime(3)))
        );
        for nonsense in ["", "RT", "RTx", "V", "V1.x", "latest"] {
            assert!(nonsense.parse::<VersionWish>().is_err(), "{nonsense}");
        }
    }

    fn named(consolidation: &str, version: [u32; 3]) -> String {
        let [a, b, c] = version;
        format!("c_gls_LAI300{consolidation}_202302100000_GLOBE_OLCI_V{a}.{b}.{c}_nc")
    }

    proptest! {
        /// The finality counts before the version, and versions are compared as numbers.
        #[test]
        fn the_most_final_and_then_the_highest_version_is_preferred(
            a in (0_u8..=6, [0_u32..12, 0..12, 0..12]),
            b in (0_u8..=6, [0_u32..12, 0..12, 0..12]),
        ) {
            let rank_of = |(rt, version): &(u8, [u32; 3])| {
                let name = named(&format!("-RT{rt}"), *version);
                rank(ProductName::parse(&name).as_ref(), None)
            };
            prop_assert_eq!(rank_of(&a).cmp(&rank_of(&b)), a.cmp(&b));
            let of = |name: String| rank(ProductName::parse(&name).as_ref(), None);
            prop_assert!(of(named("", a.1)) > of(named("-RT6", b.1)));
            prop_assert!(of(named("-NRT", a.1)) < of(named("-RT0", b.1)));
        }

        /// Any text at all is read without harm, and never preferred to a name that says something.
        #[test]
        fn unknown_names_are_ordered_by_the_date_of_their_change(name in "\\PC{0,40}", a in 0_i64..9, b in 0_i64..9) {
            let known = ProductName::parse(&name);
            let at = |second: i64| Timestamp::from_second(second).ok();
            prop_assert_eq!(
                rank(known.as_ref(), at(a)).cmp(&rank(known.as_ref(), at(b))),
                a.cmp(&b)
            );
            if known.is_none() {
                let any = ProductName::parse(&named("-NRT", [0, 0, 0]));
                prop_assert!(rank(known.as_ref(), at(9)) < rank(any.as_ref(), None));
            }
        }
    }
}
