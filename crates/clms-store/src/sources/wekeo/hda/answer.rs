//! What the broker's answers hold.

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One product that a search has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its name, by which it is ordered.
    pub id: String,
    /// Where the archive has it; an order repeats it.
    pub location: String,
    /// Its length in bytes; `None` where the broker says `ND`. Not exact everywhere.
    pub size: Option<u64>,
    /// The first instant that it is about.
    pub start: Option<Timestamp>,
    /// The last one.
    pub end: Option<Timestamp>,
}

impl Product {
    /// `None` for a feature without a name or a location, which nobody can order.
    pub(super) fn read(feature: &Value) -> Option<Self> {
        let properties = &feature["properties"];
        let time = |name: &str| properties[name].as_str().and_then(parse_time);
        Some(Self {
            id: feature["id"].as_str()?.to_owned(),
            location: properties["location"].as_str()?.to_owned(),
            size: match &properties["size"] {
                Value::Number(bytes) => bytes.as_u64(),
                Value::String(bytes) => bytes.trim().parse().ok(),
                _ => None,
            }
            .filter(|bytes| *bytes > 0),
            start: time("startdate"),
            end: time("enddate"),
        })
    }
}

/// A page of what a search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The products of the page.
    pub products: Vec<Product>,
    /// How many there are on all pages.
    pub total: usize,
}

/// How far an order is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderStatus {
    /// The file is ready.
    Done,
    /// There will be no file.
    Failed,
    /// Any other word: not ready yet.
    Unknown(String),
}

/// An order, as the broker's list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HdaOrder {
    /// The broker's name of it.
    pub download_id: String,
    /// What was ordered, if the broker says so.
    pub product_id: Option<String>,
    /// How far it is.
    pub status: OrderStatus,
    /// The broker's words.
    pub message: Option<String>,
    /// When it was made, if the broker says so.
    pub created: Option<Timestamp>,
}

impl HdaOrder {
    pub(super) fn read(feature: &Value) -> Option<Self> {
        let text = |name: &str| {
            let own = feature[name].as_str();
            own.or_else(|| feature["properties"][name].as_str())
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Some(Self {
            download_id: text("_id").or_else(|| text("download_id"))?,
            product_id: text("product_id"),
            status: match text("status").unwrap_or_default() {
                done if done.eq_ignore_ascii_case("done") => OrderStatus::Done,
                error if error.eq_ignore_ascii_case("error") => OrderStatus::Failed,
                other => OrderStatus::Unknown(other),
            },
            message: text("message"),
            created: text("created").as_deref().and_then(parse_time),
        })
    }
}

/// A time as WEkEO's providers write it: with `Z`, an offset or nothing behind it, or a bare date, all of them UTC.
fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let of_civil = |time: civil::DateTime| time.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse::<Timestamp>().ok().or_else(|| {
        let time = text.parse::<civil::DateTime>().ok();
        let date = || text.parse::<civil::Date>().ok().map(civil::DateTime::from);
        Some(of_civil(time.or_else(date)?)?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_of_all_providers_are_utc() {
        for text in [
            "2018-01-05T00:00:00.000Z",
            "2018-01-05T01:00:00+01:00",
            "2018-01-05T00:00:00",
            " 2018-01-05",
        ] {
            let time = parse_time(text).unwrap();
            assert_eq!(time.to_string(), "2018-01-05T00:00:00Z", "{text}");
        }
        assert_eq!(parse_time("ND"), None);
    }

    #[test]
    fn sizes_may_be_unknown() {
        let product = |size: Value| {
            let properties = json!({"location": "l", "size": size});
            Product::read(&json!({"id": "p", "properties": properties}))
        };
        assert_eq!(product(json!("ND")).unwrap().size, None);
        assert_eq!(product(json!(0)).unwrap().size, None);
        assert_eq!(product(json!("12")).unwrap().size, Some(12));
        assert_eq!(product(json!(12)).unwrap().size, Some(12));
        assert_eq!(Product::read(&json!({"id": "p"})), None);
    }

    #[test]
    fn orders_are_found_wherever_they_keep_their_words() {
        let flat = HdaOrder::read(&json!({"_id": "1", "status": "Done", "message": ""})).unwrap();
        assert_eq!((flat.status, flat.message), (OrderStatus::Done, None));
        let nested =
            json!({"download_id": "2", "properties": {"status": "error", "product_id": "p"}});
        let nested = HdaOrder::read(&nested).unwrap();
        assert_eq!(nested.status, OrderStatus::Failed);
        assert_eq!(nested.product_id.as_deref(), Some("p"));
        let running = HdaOrder::read(&json!({"_id": "3", "status": "Running"})).unwrap();
        assert_eq!(running.status, OrderStatus::Unknown("Running".to_owned()));
    }
}
