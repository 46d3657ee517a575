//! Values in request files: as they are typed on the command line, and numbers also as numbers.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// So many numbers, written as a list; read also from a text with commas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Numbers<const N: usize>(#[serde(with = "list")] pub(crate) [f64; N]);

mod list {
    use serde::{Serialize as _, Serializer};

    pub(super) fn serialize<const N: usize, S: Serializer>(
        numbers: &[f64; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        numbers.as_slice().serialize(to)
    }
}

impl<const N: usize> FromStr for Numbers<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not {N} numbers with commas between them");
        let numbers: Result<Vec<f64>, _> =
            text.split(',').map(|side| side.trim().parse()).collect();
        let numbers = numbers.map_err(|_| wrong())?;
        numbers.try_into().map(Self).map_err(|_| wrong())
    }
}

impl<const N: usize> Display for Numbers<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, value) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{value}")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumbers {
    Text(String),
    List(Vec<f64>),
    Number(f64),
}

impl<'de, const N: usize> Deserialize<'de> for Numbers<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = |count| D::Error::custom(format!("these are {count} numbers and not {N}"));
        match TextOrNumbers::deserialize(from)? {
            TextOrNumbers::Text(text) => text.parse().map_err(D::Error::custom),
            TextOrNumbers::List(all) => all
                .try_into()
                .map(Self)
                .map_err(|all: Vec<f64>| wrong(all.len())),
            TextOrNumbers::Number(number) => <[f64; N]>::try_from(vec![number; N])
                .map(Self)
                .map_err(|_| wrong(1)),
        }
    }
}

/// What is written as it is typed, for `#[serde(with = "values::typed")]`.
pub(crate) mod typed {
    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum TextOrNumber {
            Text(String),
            Number(u64),
        }
        let text = match Option::<TextOrNumber>::deserialize(from)? {
            None => return Ok(None),
            Some(TextOrNumber::Text(text)) => text,
            Some(TextOrNumber::Number(number)) => number.to_string(),
        };
        text.parse().map(Some).map_err(D::Error::custom)
    }
}

/// Durations as they are typed, such as `90m`.
pub(crate) mod span {
    use std::time::Duration;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let text = value.map(|value| humantime::format_duration(value).to_string());
        text.map(|text| text.replace(' ', "")).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let parsed = text.map(|text| crate::args::duration(&text)).transpose();
        parsed.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_lists_or_texts() {
        let read = |text: &str| {
            serde_json::from_str::<Numbers<2>>(text)
                .map(|all| all.0)
                .ok()
        };
        assert_eq!(read("[1, 2.5]"), Some([1.0, 2.5]));
        assert_eq!(read("\"-1, 2.5\""), Some([-1.0, 2.5]));
        assert_eq!(read("100"), Some([100.0, 100.0]));
        for text in ["[1]", "\"1,2,3\"", "\"a,b\"", "{}", "[\"a\", 1]"] {
            assert_eq!(read(text), None, "{text}");
        }
        let both = Numbers([5.7, -49.0]);
        assert_eq!(both.to_string(), "5.7,-49");
        assert_eq!(serde_json::to_string(&both).unwrap(), "[5.7,-49.0]");
    }
}
