//! `POST dataaccess/search`.

use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::product::{HdaDataset, HdaProduct};
use super::state::State;
use super::token::text;
use super::{datasets, orders};
use crate::answer::{self, Refused};
use crate::call::Call;

/// The most results of one page.
const MOST_ITEMS: usize = 200;

pub(super) fn search(state: &mut State, call: &Call) -> Response {
    match page(state, call) {
        Ok(page) => answer::json(200, page),
        Err(refused) => *refused,
    }
}

fn page(state: &mut State, call: &Call) -> Result<Value, Refused> {
    let refuse =
        |detail: String| -> Refused { answer::json(400, json!({ "detail": detail })).into() };
    let body = call.json_body().map_err(|why| refuse(why.to_owned()))?;
    let id = text(&body, "dataset_id");
    let Some(dataset) = state.dataset(id).cloned() else {
        return Err(datasets::unknown(id).into());
    };
    datasets::check_terms(state, &dataset)?;
    let known: Vec<String> = datasets::filters(state, &dataset).collect();
    let asked = body.as_object().into_iter().flatten();
    if let Some((name, _)) = asked.clone().find(|(name, _)| !known.contains(name)) {
        return Err(refuse(format!("Unknown parameter {name} of {id}")));
    }
    let number = |name: &str, otherwise: usize| {
        let found = body[name].as_u64();
        found.map_or(otherwise, |n| usize::try_from(n).unwrap_or(usize::MAX))
    };
    let (start, items) = (number("startIndex", 0), number("itemsPerPage", 20));
    if items == 0 || items > MOST_ITEMS {
        return Err(refuse(format!("itemsPerPage must be 1 to {MOST_ITEMS}")));
    }
    orders::spend_search(state)?;
    state.searches += 1;
    let searches = state.searches;
    let found: Vec<&HdaProduct> = state
        .products
        .iter()
        .filter(|product| product.visible_after_searches < searches)
        .filter(|product| is_found(product, &dataset, &body))
        .collect();
    let features: Vec<Value> = found
        .iter()
        .skip(start)
        .take(items)
        .map(|p| feature(p))
        .collect();
    Ok(json!({
        "type": "FeatureCollection",
        "features": features,
        "properties": {
            "itemsPerPage": features.len(),
            "startIndex": start,
            "totalResults": found.len(),
        },
    }))
}

fn is_found(product: &HdaProduct, dataset: &HdaDataset, body: &Value) -> bool {
    let (start_name, end_name) = &dataset.time_names;
    let time = |name: &str| body[name].as_str()?.parse::<Timestamp>().ok();
    let matches = |(name, value): &(String, String)| {
        let asked = &body[name.as_str()];
        asked.is_null() || asked.as_str() == Some(value)
    };
    let has_all = body.as_object().into_iter().flatten().all(|(name, _)| {
        ["dataset_id", "itemsPerPage", "startIndex", "bbox"].contains(&name.as_str())
            || name == start_name
            || name == end_name
            || product.filters.iter().any(|(own, _)| own == name)
    });
    let bbox: Vec<f64> = body["bbox"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    let touches = match bbox[..] {
        [west, south, east, north] => {
            let [w, s, e, n] = product.bbox;
            w <= east && e >= west && s <= north && n >= south
        }
        _ => true,
    };
    product.dataset == dataset.id
        && has_all
        && touches
        && product.filters.iter().all(matches)
        && time(start_name).is_none_or(|start| product.end >= start)
        && time(end_name).is_none_or(|end| product.start <= end)
}

fn feature(product: &HdaProduct) -> Value {
    let size = match product.size_is_told {
        true => json!(product.file.size()),
        false => json!("ND"),
    };
    json!({
        "type": "Feature",
        "id": product.id,
        "geometry": null,
        "properties": {
            "location": location(product),
            "size": size,
            "startdate": product.start.to_string(),
            "enddate": product.end.to_string(),
            "thumbnail": "",
        },
    })
}

/// What an order has to repeat.
pub(super) fn location(product: &HdaProduct) -> String {
    format!("https://archive.example/{}/{}", product.dataset, product.id)
}
