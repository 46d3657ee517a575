//! Server-side subsets: what of a collection the portal is to cut out, as the query of a data id.

mod escapes;
mod schema;
mod values;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use clms_api::{Area, Days, Format};

use self::values::{bbox, crs, days, format_of, not_empty, said};
pub(crate) use self::{
    escapes::{decoded, encoded},
    schema::add_subset_of,
};

/// What of a collection the portal is to cut out, and how it is to deliver that: the part of a [`DataId`](crate::DataId)
/// behind the `?`.
///
/// | parameter | value | left out |
/// |---|---|---|
/// | `bbox` | west, south, east, north in degrees (longitudes and latitudes on WGS 84) | everywhere |
/// | `nuts` | a NUTS code such as `LU` or `ITC11`, or a country; excludes `bbox` | everywhere |
/// | `time` | first and last day, such as `2021-01-01/2021-01-31`, both included; or one day, month or year | all times |
/// | `crs` | the CRS of the result, such as `EPSG:3035` | the product's own |
/// | `format` | the format of the package, such as `Geotiff` or `Netcdf` | the collection's own |
/// | `layer` | one layer | all layers |
///
/// Values are kept normalised, so that equal subsets are equal texts: numbers without needless digits (and no more than
/// nine behind the point), days as in RFC 3339, CRS in capitals, formats in the portal's spelling, parameters in the order of
/// the table. Whether a collection can be had so is not known here: see [`ClmsStore::plan_preload`](crate::ClmsStore::plan_preload).
///
/// ```
/// use clms_store::Subset;
///
/// let subset: Subset = "crs=epsg:3035&bbox=5.70,49.4,6.6,50.20&time=2021-01-01".parse()?;
/// assert_eq!(subset.to_string(), "bbox=5.7,49.4,6.6,50.2&time=2021-01-01/2021-01-01&crs=EPSG:3035");
/// # Ok::<(), clms_store::InvalidSubset>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Subset {
    area: Option<Area>,
    days: Option<Days>,
    crs: Option<String>,
    format: Option<Format>,
    layer: Option<String>,
}

/// A parameter of a [`Subset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubsetParameter {
    /// West, south, east, north in degrees.
    BBox,
    /// A NUTS code.
    Nuts,
    /// First and last day.
    Time,
    /// The CRS of the result.
    Crs,
    /// The format of the package.
    Format,
    /// One layer.
    Layer,
}

impl SubsetParameter {
    /// All of them, in the order in which they stand in a data id.
    pub const ALL: [Self; 6] = [
        Self::BBox,
        Self::Nuts,
        Self::Time,
        Self::Crs,
        Self::Format,
        Self::Layer,
    ];

    /// Its name in a data id.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BBox => "bbox",
            Self::Nuts => "nuts",
            Self::Time => "time",
            Self::Crs => "crs",
            Self::Format => "format",
            Self::Layer => "layer",
        }
    }
}

impl fmt::Display for SubsetParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Subset {
    /// The whole of a collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a parameter from its text.
    ///
    /// # Errors
    /// [`InvalidSubset`] if the text is no such value, or the parameter or the other kind of area has been set before.
    pub fn set(&mut self, parameter: SubsetParameter, text: &str) -> Result<(), InvalidSubset> {
        let invalid = |why: String| InvalidSubset {
            what: format!("{parameter}={text}"),
            why,
        };
        if self.has(parameter) {
            return Err(invalid(match (parameter, &self.area) {
                (SubsetParameter::BBox, Some(Area::Nuts(_)))
                | (SubsetParameter::Nuts, Some(Area::BBox(_))) => {
                    "an area is either a bbox or a NUTS code".to_owned()
                }
                _ => format!("there is a {parameter} already"),
            }));
        }
        let text = text.trim();
        match parameter {
            SubsetParameter::BBox => self.area = Some(Area::BBox(bbox(text).map_err(invalid)?)),
            SubsetParameter::Nuts => {
                let code = text.to_ascii_uppercase().parse();
                self.area = Some(Area::Nuts(code.map_err(|why| invalid(said(&why)))?));
            }
            SubsetParameter::Time => self.days = Some(days(text).map_err(invalid)?),
            SubsetParameter::Crs => self.crs = Some(crs(text).map_err(invalid)?),
            SubsetParameter::Format => self.format = Some(format_of(text).map_err(invalid)?),
            SubsetParameter::Layer => {
                self.layer = Some(not_empty(text).map_err(invalid)?.to_owned());
            }
        }
        Ok(())
    }

    /// Whether nothing is set, so that it is no subset.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !SubsetParameter::ALL.iter().any(|one| self.has(*one))
    }

    /// Where.
    #[must_use]
    pub fn area(&self) -> Option<&Area> {
        self.area.as_ref()
    }

    /// When.
    #[must_use]
    pub fn days(&self) -> Option<Days> {
        self.days
    }

    /// The CRS of the result.
    #[must_use]
    pub fn crs(&self) -> Option<&str> {
        self.crs.as_deref()
    }

    /// The format of the package.
    #[must_use]
    pub fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    /// The layer.
    #[must_use]
    pub fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// Whether the parameter is set, or can't be any more.
    fn has(&self, parameter: SubsetParameter) -> bool {
        match parameter {
            SubsetParameter::BBox | SubsetParameter::Nuts => self.area.is_some(),
            SubsetParameter::Time => self.days.is_some(),
            SubsetParameter::Crs => self.crs.is_some(),
            SubsetParameter::Format => self.format.is_some(),
            SubsetParameter::Layer => self.layer.is_some(),
        }
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for parameter in SubsetParameter::ALL {
            let value = match (parameter, &self.area) {
                (SubsetParameter::BBox, Some(Area::BBox(b))) => {
                    Some(format!("{},{},{},{}", b.west, b.south, b.east, b.north))
                }
                (SubsetParameter::Nuts, Some(Area::Nuts(code))) => Some(code.to_string()),
                (SubsetParameter::BBox | SubsetParameter::Nuts, _) => None,
                (SubsetParameter::Time, _) => self
                    .days
                    .map(|days| format!("{}/{}", days.first(), days.last())),
                (SubsetParameter::Crs, _) => self.crs.as_deref().map(encoded),
                (SubsetParameter::Format, _) => {
                    self.format.as_ref().map(|format| encoded(format.as_str()))
                }
                (SubsetParameter::Layer, _) => self.layer.as_deref().map(encoded),
            };
            if let Some(value) = value {
                write!(f, "{before}{parameter}={value}")?;
                before = "&";
            }
        }
        Ok(())
    }
}

impl FromStr for Subset {
    type Err = InvalidSubset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |what: &str, why: String| InvalidSubset {
            what: what.to_owned(),
            why,
        };
        let mut subset = Self::new();
        for pair in text.split('&').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = name.trim().to_ascii_lowercase();
            let found = SubsetParameter::ALL
                .into_iter()
                .find(|parameter| parameter.as_str() == name);
            let Some(parameter) = found else {
                let names = SubsetParameter::ALL.map(SubsetParameter::as_str).join(", ");
                return Err(invalid(
                    pair,
                    format!("a subset has the parameters {names}"),
                ));
            };
            let value = decoded(value).map_err(|why| invalid(pair, why))?;
            subset.set(parameter, &value)?;
        }
        if subset.is_empty() {
            return Err(invalid(text, "it chooses nothing".to_owned()));
        }
        Ok(subset)
    }
}

// A subset is what its text says: degrees are normalised numbers, which compare as numbers do.
impl PartialEq for Subset {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Subset {}

impl Hash for Subset {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_string().hash(state);
    }
}

impl PartialOrd for Subset {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Subset {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

/// A text that is no subset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what:?} is no subset: {why}")]
pub struct InvalidSubset {
    what: String,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, words: &str) {
        let why = text.parse::<Subset>().unwrap_err().to_string();
        assert!(why.contains(words), "{text}: {why}");
    }

    #[test]
    fn values_are_normalised() {
        for (typed, normal) in [
            ("bbox=5.0, 049.40,6.6e0,50", "bbox=5,49.4,6.6,50"),
            ("bbox=-0,-10.10,1.00000000049,1", "bbox=0,-10.1,1,1"),
            ("nuts=itc1", "nuts=ITC1"),
            (
                "crs=3035&time=2021-01-01",
                "time=2021-01-01/2021-01-01&crs=EPSG:3035",
            ),
            (
                "crs=3035&time=2021-02",
                "time=2021-02-01/2021-02-28&crs=EPSG:3035",
            ),
            (
                "format=GeoTIFF&crs=Epsg:4326&",
                "crs=EPSG:4326&format=Geotiff",
            ),
            (
                "layer=Cover%20Fraction: Built-up ",
                "layer=Cover Fraction: Built-up",
            ),
            ("layer=a%2fb%26c", "layer=a%2Fb%26c"),
        ] {
            let subset: Subset = typed.parse().unwrap();
            assert_eq!(subset.to_string(), normal, "{typed}");
        }
    }

    #[test]
    fn what_is_no_subset_says_why() {
        refused("", "chooses nothing");
        refused("colour=red", "bbox, nuts, time, crs, format, layer");
        refused("bbox=1,2,3", "WEST,SOUTH,EAST,NORTH");
        refused("bbox=3,1,2,4", "west must be less");
        refused("bbox=1,1,2,NaN", "numbers");
        refused("bbox=1,1,2,2&nuts=LU", "either a bbox or a NUTS code");
        refused("crs=EPSG:1&crs=EPSG:2", "crs already");
        refused("nuts=XX", "no country XX");
        refused("time=2021-02-01/2021-01-01", "is after");
        refused("time=2021-02-01/..", "both ends");
        refused("time=2021-02-01T12:00:00", "FIRST/LAST");
        refused("crs=WGS84", "such as EPSG:3035");
        refused("layer=", "no value");
        refused("layer=100%", "%25");
    }
}
