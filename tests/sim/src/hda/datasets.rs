//! What can be queried of a dataset, its terms, and accepting these.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::product::HdaDataset;
use super::state::State;
use crate::answer::{self, Refused};
use crate::call::Call;

/// `GET dataaccess/queryable/<dataset>`: a JSON schema of a query.
pub(super) fn queryable(state: &State, id: &str) -> Response {
    let Some(dataset) = state.dataset(id) else {
        return unknown(id);
    };
    let properties: Map<String, Value> = filters(state, dataset)
        .map(|name| (name.clone(), json!({"title": name, "type": "string"})))
        .collect();
    answer::json(
        200,
        json!({
            "type": "object",
            "properties": properties,
            "required": ["dataset_id"],
            "constraints": [],
        }),
    )
}

/// The names that a query of the dataset may have.
pub(super) fn filters(state: &State, dataset: &HdaDataset) -> impl Iterator<Item = String> {
    let (start, end) = dataset.time_names.clone();
    let paging = ["dataset_id", "itemsPerPage", "startIndex", "bbox"].map(str::to_owned);
    let of_products: Vec<String> = state
        .products
        .iter()
        .filter(|product| product.dataset == dataset.id)
        .flat_map(|product| product.filters.iter().map(|(name, _)| name.clone()))
        .collect();
    paging.into_iter().chain([start, end]).chain(of_products)
}

/// `GET datasets/<dataset>`.
pub(super) fn describe(state: &State, id: &str) -> Response {
    match state.dataset(id) {
        Some(dataset) => answer::json(
            200,
            json!({
                "dataset_id": dataset.id,
                "abstract": "simulated",
                "terms": dataset.terms,
            }),
        ),
        None => unknown(id),
    }
}

/// `PUT termsaccepted/<terms>` with `{"accepted": true}`.
pub(super) fn accept(state: &mut State, call: &Call, terms: &str) -> Response {
    let body = call.json_body().unwrap_or_default();
    let accepted = body["accepted"] == json!(true);
    if accepted {
        state.accepted_terms.insert(terms.to_owned());
    }
    answer::json(200, json!({"term_id": terms, "accepted": accepted}))
}

/// The answer to who has not accepted what the dataset demands.
pub(super) fn check_terms(state: &State, dataset: &HdaDataset) -> Result<(), Refused> {
    let missing: Vec<&String> = dataset
        .terms
        .iter()
        .filter(|terms| state.habits.terms_pending && !state.accepted_terms.contains(*terms))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!("You need to accept the terms and conditions first: {missing:?}");
    Err(answer::json(403, json!({"detail": detail})).into())
}

/// 404 for a dataset that is not, or no longer, there.
pub(super) fn unknown(id: &str) -> Response {
    answer::json(404, json!({"detail": format!("Dataset {id} not found")}))
}
