//! Orders: `POST dataaccess/download`, the list of them, and their files.

use axum::http::{HeaderName, Method, header};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::habits::HdaQuota;
use super::state::{QuotaWindow, State};
use super::token::text;
use super::{datasets, search};
use crate::answer::{self, Refused, Reply};
use crate::call::Call;
use crate::downloads::Delivery;
use crate::state::later;

/// An order of one product.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) dataset: String,
    pub(super) product: String,
    pub(super) made: Timestamp,
    pub(super) ready: Timestamp,
    pub(super) fails: bool,
}

/// An order, as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// Its `download_id`.
    pub download_id: String,
    /// What was ordered.
    pub product_id: String,
    /// When.
    pub made: Timestamp,
    /// `Processing`, `Done` or `Error`.
    pub status: &'static str,
}

impl Order {
    fn status(&self, now: Timestamp) -> &'static str {
        match (now >= self.ready, self.fails) {
            (false, _) => "Processing",
            (true, false) => "Done",
            (true, true) => "Error",
        }
    }

    pub(super) fn record(&self, now: Timestamp) -> OrderRecord {
        OrderRecord {
            download_id: self.id.clone(),
            product_id: self.product.clone(),
            made: self.made,
            status: self.status(now),
        }
    }
}

/// `POST dataaccess/download` with `dataset_id`, `product_id` and `location`.
pub(super) fn post(state: &mut State, call: &Call) -> Response {
    match make(state, call) {
        Ok(order) => answer::json(200, json!({"download_id": order})),
        Err(refused) => *refused,
    }
}

fn make(state: &mut State, call: &Call) -> Result<String, Refused> {
    let refuse =
        |detail: &str| -> Refused { answer::json(400, json!({ "detail": detail })).into() };
    let body = call.json_body().map_err(refuse)?;
    let (dataset, product) = (text(&body, "dataset_id"), text(&body, "product_id"));
    let Some(known) = state.dataset(dataset).cloned() else {
        return Err(datasets::unknown(dataset).into());
    };
    datasets::check_terms(state, &known)?;
    let found = state
        .products
        .iter()
        .find(|found| found.dataset == dataset && found.id == product);
    match found {
        Some(found) if search::location(found) == text(&body, "location") => {}
        _ => return Err(refuse("No such product at that location")),
    }
    let now = state.now();
    let is_known = state.orders.iter().any(|order| order.product == product);
    if !is_known && let Some(quota) = state.habits.order_quota {
        let millis = state.habits.reset_in_milliseconds;
        spend(&mut state.order_window, quota, now, millis)?;
    }
    let order = Order {
        id: format!("{:024x}", rand::random::<u128>() >> 32),
        dataset: dataset.to_owned(),
        product: product.to_owned(),
        made: now,
        ready: later(now, state.habits.preparation),
        fails: state.counts.strikes(state.habits.failing_orders, "order"),
    };
    let id = order.id.clone();
    state.orders.push(order);
    Ok(id)
}

/// Counts a search against its quota.
pub(super) fn spend_search(state: &mut State) -> Result<(), Refused> {
    let (now, millis) = (state.now(), state.habits.reset_in_milliseconds);
    match state.habits.search_quota {
        Some(quota) => spend(&mut state.search_window, quota, now, millis),
        None => Ok(()),
    }
}

fn spend(
    window: &mut QuotaWindow,
    quota: HdaQuota,
    now: Timestamp,
    millis: bool,
) -> Result<(), Refused> {
    let ends = match window.ends {
        Some(ends) if ends > now => ends,
        _ => {
            window.used = 0;
            *window.ends.insert(later(now, quota.window))
        }
    };
    if window.used < quota.limit {
        window.used += 1;
        return Ok(());
    }
    let mut response = answer::json(429, json!({"detail": "Quota exceeded"}));
    // Rounded up: at that time there is a new quota.
    let reset = match millis {
        true => ends.as_millisecond() + 1,
        false => ends.as_second() + 1,
    };
    for (name, value) in [
        ("x-quota-limit", i64::from(quota.limit)),
        ("x-quota-remaining", 0),
        ("x-quota-reset", reset),
    ] {
        let name = HeaderName::from_static(name);
        response = answer::with_header(response, name, &value.to_string());
    }
    Err(response.into())
}

/// `GET dataaccess/downloads`, all of the account's orders or that of `download_id`.
pub(super) fn list(state: &State, call: &Call) -> Response {
    let wanted = call.parameter("download_id");
    if wanted.is_none() && state.habits.lists_single_orders_only {
        return answer::json(400, json!({"detail": "download_id is required"}));
    }
    let number = |name: &str| call.parameter(name)?.parse::<usize>().ok();
    let (start, items) = (
        number("startIndex").unwrap_or(0),
        number("itemsPerPage").unwrap_or(20),
    );
    let now = state.now();
    // The newest first.
    let found: Vec<&Order> = state
        .orders
        .iter()
        .rev()
        .filter(|order| wanted.is_none_or(|wanted| wanted == order.id))
        .collect();
    let features: Vec<Value> = found
        .iter()
        .skip(start)
        .take(items)
        .map(|order| {
            json!({
                "_id": order.id,
                "dataset_id": order.dataset,
                "product_id": order.product,
                "status": order.status(now),
                "message": if order.fails { "The product could not be prepared" } else { "" },
                "created": order.made.to_string(),
            })
        })
        .collect();
    answer::json(
        200,
        json!({
            "type": "FeatureCollection",
            "features": features,
            "properties": {"startIndex": start, "itemsPerPage": items, "totalResults": found.len()},
        }),
    )
}

/// `HEAD` (202 until it is ready, then 200) and `GET dataaccess/download/<id>`.
pub(super) fn file(state: &mut State, call: &Call, id: &str) -> Reply {
    let now = state.now();
    let Some(order) = state.orders.iter().find(|order| order.id == id).cloned() else {
        return Reply::Answer(answer::json(404, json!({"detail": "Unknown download"})));
    };
    match order.status(now) {
        "Processing" => return Reply::Answer(answer::empty(202)),
        "Error" => {
            return Reply::Answer(answer::json(
                500,
                json!({"detail": "The product could not be prepared"}),
            ));
        }
        _ => {}
    }
    let product = state
        .products
        .iter()
        .find(|product| product.dataset == order.dataset && product.id == order.product);
    let is_gone = now > later(order.ready, state.habits.files_live);
    let Some(product) = product.filter(|_| !is_gone) else {
        return Reply::Answer(answer::json(404, json!({"detail": "File not found"})));
    };
    if call.method == Method::HEAD {
        let size = product.file.size().to_string();
        let response = answer::with_header(answer::empty(200), header::CONTENT_LENGTH, &size);
        return Reply::Answer(response);
    }
    let mut delivery = Delivery::new(product.file.clone(), "application/octet-stream");
    let cut = state.habits.cut_body;
    if state.counts.strikes(cut, format!("cut of {id}")) {
        delivery.cut_after = Some(state.habits.cut_body_after);
    }
    Reply::File(delivery.into())
}
