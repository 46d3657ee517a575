//! Reading a JSON object of the portal field by field, without believing in its types.
//!
//! What can't be read stays in the object and so ends up in `extra`: nothing is lost, and an
//! odd description never costs a dataset. Only what a model can't do without is an error.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use url::Url;

use crate::error::DecodeError;

/// A JSON object that is being taken apart.
pub(crate) struct Fields {
    map: Map<String, Value>,
    path: String,
}

impl Fields {
    /// `path` is where the value stands, for errors.
    pub(crate) fn new(value: Value, path: impl Into<String>) -> Result<Self, DecodeError> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            other => Err(DecodeError::new(
                path,
                format!("expected an object, found {}", kind(&other)),
            )),
        }
    }

    /// The path of a field of this object.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Takes a field out if `read` can make sense of it, and leaves it otherwise.
    /// A field that is null or blank is dropped.
    pub(crate) fn take<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.get(key)?;
        let found = read(value);
        if found.is_some() || is_blank(value) {
            self.map.shift_remove(key);
        }
        found
    }

    /// A text, trimmed; blank is none.
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, as_text)
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, key: &str) -> Result<String, DecodeError> {
        if let Some(text) = self.text(key) {
            return Ok(text);
        }
        let problem = match self.map.get(key) {
            Some(odd) => format!("expected a text, found {}", kind(odd)),
            None => "is missing or blank".to_owned(),
        };
        Err(DecodeError::new(self.path_of(key), problem))
    }

    /// A text as one of our own types: an identifier, or a word of one of the portal's lists.
    pub(crate) fn word<T: From<String>>(&mut self, key: &str) -> Option<T> {
        self.text(key).map(T::from)
    }

    /// Texts: a list, or one text that stands for a list of one.
    pub(crate) fn texts(&mut self, key: &str) -> Vec<String> {
        self.take(key, |value| {
            as_list(value)
                .iter()
                .map(as_text)
                .collect::<Option<Vec<_>>>()
        })
        .unwrap_or_default()
    }

    /// A whole number, also as text.
    pub(crate) fn whole(&mut self, key: &str) -> Option<u64> {
        self.take(key, |value| match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// True or false, also as text.
    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        self.take(key, |value| match value {
            Value::Bool(flag) => Some(*flag),
            other => match as_text(other)?.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
        })
    }

    /// A time; see [`parse_time`].
    pub(crate) fn time(&mut self, key: &str) -> Option<Timestamp> {
        self.take(key, |value| parse_time(value.as_str()?))
    }

    /// Absolute links: one or a list.
    pub(crate) fn links(&mut self, key: &str) -> Vec<Url> {
        self.take(key, |value| {
            as_list(value)
                .iter()
                .map(|link| Url::parse(link.as_str()?.trim()).ok())
                .collect()
        })
        .unwrap_or_default()
    }

    /// The members of `{"items": [...]}`, or of a bare list, or the one object that stands for
    /// a list of one; with their paths. Absent, null and blank are no items.
    pub(crate) fn items(&mut self, key: &str) -> Result<Vec<(Value, String)>, DecodeError> {
        let path = self.path_of(key);
        let (list, path) = match self.map.shift_remove(key) {
            None => return Ok(Vec::new()),
            Some(value) if is_blank(&value) => return Ok(Vec::new()),
            Some(Value::Array(list)) => (list, path),
            Some(Value::Object(mut object)) => match object.shift_remove("items") {
                Some(Value::Array(list)) => (list, format!("{path}.items")),
                Some(value) if is_blank(&value) => return Ok(Vec::new()),
                Some(odd) => {
                    let problem = format!("expected a list, found {}", kind(&odd));
                    return Err(DecodeError::new(format!("{path}.items"), problem));
                }
                None if object.is_empty() => return Ok(Vec::new()),
                None => return Ok(vec![(Value::Object(object), path)]),
            },
            Some(odd) => {
                let problem = format!("expected a list of items, found {}", kind(&odd));
                return Err(DecodeError::new(path, problem));
            }
        };
        let numbered = list.into_iter().enumerate();
        Ok(numbered
            .map(|(n, item)| (item, format!("{path}[{n}]")))
            .collect())
    }

    /// Whether every field but `but` is null or blank.
    pub(crate) fn all_blank_but(&self, but: &str) -> bool {
        self.map
            .iter()
            .all(|(key, value)| key == but || is_blank(value))
    }

    /// What nobody took.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }
}

/// Null, a text of blanks, or an empty list or object.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A text, trimmed and not blank: a string, a number, or the token (else the title) of a
/// `{token, title}` object.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Object(map) => {
            let scalar = |key| map.get(key).filter(|v| !v.is_object()).and_then(as_text);
            scalar("token").or_else(|| scalar("title"))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// A number, also as text; never NaN or infinite.
pub(crate) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// Reads the portal's times: with an offset, naive (which is UTC there), with `T` or a blank
/// between date and time, and bare dates (midnight UTC).
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(zoned) = text.parse::<Timestamp>() {
        return Some(zoned);
    }
    let naive: civil::DateTime = text.parse().ok()?;
    naive
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::new(value, "").unwrap()
    }

    #[test]
    fn times_naive_zoned_and_bare() {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for text in [
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:00+00:00",
            "2026-11-22T14:00:00.000000+02:00",
            "2026-11-22T12:00:00",
            "2026-11-22 12:00:00",
            " 2026-11-22T12:00:00.0 ",
        ] {
            assert_eq!(parse_time(text), Some(noon), "{text}");
        }
        let midnight: Timestamp = "2017-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(parse_time("2017-01-01"), Some(midnight));
        for text in ["", "2016 - present", "None", "22.11.2026"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        /// However the portal spells an instant, it is that instant.
        #[test]
        fn times_in_any_spelling(seconds in 0_i64..4_000_000_000, micros in 0_i32..1_000_000, offset in -12_i8..=12) {
            let time = Timestamp::new(seconds, micros * 1000).unwrap();
            let naive = time.to_zoned(TimeZone::UTC).datetime();
            let zoned = time.to_zoned(TimeZone::fixed(jiff::tz::offset(offset)));
            for text in [
                time.to_string(),
                naive.to_string(),
                naive.to_string().replace('T', " "),
                zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string(),
                format!("\t{time} "),
            ] {
                prop_assert_eq!(parse_time(&text), Some(time), "{}", text);
            }
            let midnight = naive.date().to_zoned(TimeZone::UTC).unwrap().timestamp();
            prop_assert_eq!(parse_time(&naive.date().to_string()), Some(midnight));
        }

        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = parse_time(&text);
        }
    }

    #[test]
    fn text_is_string_number_or_token() {
        let mut fields = fields(json!({
            "a": "\tEurope ", "b": {"token": "Geotiff", "title": "x"}, "c": {"token": null, "title": "T"},
            "d": 7, "e": "  ", "f": null, "g": ["x"],
        }));
        assert_eq!(fields.text("a").as_deref(), Some("Europe"));
        assert_eq!(fields.text("b").as_deref(), Some("Geotiff"));
        assert_eq!(fields.text("c").as_deref(), Some("T"));
        assert_eq!(fields.text("d").as_deref(), Some("7"));
        for blank_or_odd in ["e", "f", "g", "absent"] {
            assert_eq!(fields.text(blank_or_odd), None);
        }
        assert_eq!(
            Value::Object(fields.rest()),
            json!({"g": ["x"]}),
            "what can't be read is kept"
        );
    }

    #[test]
    fn items_of_every_shape() {
        for (value, count) in [
            (
                json!({"x": {"items": [{"a": 1}, {"a": 2}], "schema": {}}}),
                2,
            ),
            (json!({"x": [{"a": 1}]}), 1),
            (json!({"x": {"a": 1}}), 1),
            (json!({"x": {}}), 0),
            (json!({"x": ""}), 0),
            (json!({"x": null}), 0),
            (json!({}), 0),
        ] {
            let shown = value.to_string();
            assert_eq!(fields(value).items("x").unwrap().len(), count, "{shown}");
        }
        let error = fields(json!({"x": {"items": 3}})).items("x").unwrap_err();
        assert_eq!(error.path, "x.items");
    }
}
