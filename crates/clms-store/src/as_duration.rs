//! Lengths of time as people write them, such as `90m` or `1day 12h`, for `#[serde(with = "crate::as_duration")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(time) => to.collect_str(&humantime::format_duration(*time)),
        None => to.serialize_none(),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    text.map(|text| humantime::parse_duration(&text).map_err(D::Error::custom))
        .transpose()
}
