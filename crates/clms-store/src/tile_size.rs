//! Sizes of chunks as users give them: one number for both sides, or height and width.

use std::{borrow::Cow, fmt, num::NonZeroU32, ops::RangeInclusive, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Height and width of a chunk in pixels.
///
/// ```
/// use clms_store::TileSize;
///
/// assert_eq!("512".parse(), TileSize::new(512, 512));
/// assert_eq!(serde_json::from_str::<TileSize>("[256, 1024]")?, TileSize::new(256, 1024)?);
/// assert!(TileSize::new(1, 1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSize {
    height: NonZeroU32,
    width: NonZeroU32,
}

/// Of less, there would be more chunks than pixels are worth; more would not fit in memory.
const EDGES: RangeInclusive<u32> = 16..=16384;

impl TileSize {
    /// Chunks of that height and width.
    ///
    /// # Errors
    /// A message if an edge is shorter than 16 pixels or longer than 16384.
    pub fn new(height: u32, width: u32) -> Result<Self, String> {
        let edge = |edge: u32| {
            let known = NonZeroU32::new(edge).filter(|edge| EDGES.contains(&edge.get()));
            known.ok_or_else(|| {
                let (least, most) = (EDGES.start(), EDGES.end());
                format!("{edge} is not a number of pixels from {least} to {most}")
            })
        };
        Ok(Self {
            height: edge(height)?,
            width: edge(width)?,
        })
    }

    /// As `clms-cube` takes it.
    #[must_use]
    pub fn of_cube(self) -> clms_cube::TileSize {
        clms_cube::TileSize {
            height: self.height,
            width: self.width,
        }
    }
}

impl FromStr for TileSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let edge = |edge: &str| {
            let number = edge.trim().parse();
            number.map_err(|_| format!("{edge:?} is no number of pixels"))
        };
        match text.split_once(',') {
            Some((height, width)) => Self::new(edge(height)?, edge(width)?),
            None => edge(text).and_then(|both| Self::new(both, both)),
        }
    }
}

impl fmt::Display for TileSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.height, self.width)
    }
}

/// As other software writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Both(u32),
    Each([u32; 2]),
}

impl Serialize for TileSize {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        [self.height, self.width].serialize(to)
    }
}

impl<'de> Deserialize<'de> for TileSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let size = match Written::deserialize(from)? {
            Written::Both(edge) => Self::new(edge, edge),
            Written::Each([height, width]) => Self::new(height, width),
        };
        size.map_err(D::Error::custom)
    }
}

impl JsonSchema for TileSize {
    fn schema_name() -> Cow<'static, str> {
        "TileSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let edge = serde_json::json!({"type": "integer", "minimum": EDGES.start(), "maximum": EDGES.end()});
        json_schema!({"anyOf": [edge, {"type": "array", "items": edge, "minItems": 2, "maxItems": 2}]})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn what_is_written_is_taken_and_checked() {
        let size = |height, width| TileSize::new(height, width).unwrap();
        assert_eq!("256, 1024".parse(), Ok(size(256, 1024)));
        assert_eq!(
            from_value::<TileSize>(json!(2000)).unwrap(),
            size(2000, 2000)
        );
        let json = serde_json::to_value(size(256, 1024)).unwrap();
        assert_eq!(from_value::<TileSize>(json).unwrap(), size(256, 1024));
        for wrong in ["0", "512,", "15", "16385", "512,512,512"] {
            assert!(wrong.parse::<TileSize>().is_err(), "{wrong}");
        }
        for wrong in [json!([0, 0]), json!([512]), json!("512"), json!(1)] {
            assert!(from_value::<TileSize>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
