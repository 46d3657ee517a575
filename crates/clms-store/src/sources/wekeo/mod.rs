//! The source WEkEO: what a query of its Harmonised Data Access API finds, ordered and fetched by a job.
//!
//! ```no_run
//! use std::sync::Arc;
//! use clms_store::wekeo::{
//!     DEFAULT_BROKER, HdaClient, HdaQuery, WekeoOptions, WekeoSettings, WekeoSource,
//! };
//!
//! # async fn example(cache: Arc<dyn clms_cache::CacheStore>) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = WekeoSettings::from_env()?;
//! let broker = settings.broker.as_deref().unwrap_or(DEFAULT_BROKER);
//! let client = HdaClient::new(broker, settings.account)?;
//! let query = HdaQuery::new("EO:JRC:DAT:CLMS").filter("datasetIdentifier", "ndvi_global_300m_10daily_v1");
//! for product in client.search_page(&query, 0).await?.products {
//!     println!("{} {:?}", product.id, product.size);
//! }
//! // What jobs are done with: see `clms_preload::Engine`.
//! let source = WekeoSource::new(client, cache.records(), WekeoOptions::default())?;
//! # Ok(())
//! # }
//! ```
//!
//! # From the portal to a cube
//!
//! 1. The portal stores a query of the API's first version for each collection, with placeholders, and often with an id that is dead:
//!    [`convert_stored`] makes one of the second version, for a living dataset, an area and some days.
//! 2. [`job_request`] puts it into a job, whose task is all that the query finds. **All products of a query become one cube**: tiles of one date next to
//!    each other, different products as different variables. A cube has no time, so a query that finds products of several dates is an error that names
//!    them; each date is a data id of its own.
//! 3. [`WekeoSource`] searches, orders each product, and fetches all of them into one package.
//!
//! # What is promised
//!
//! * No product is ordered twice, whenever a process is killed and whichever answer is lost, as long as the broker's list of orders names their products.
//!   If it does not, an order without an answer is made again after a while; the broker does not count the same product twice.
//! * What has arrived is not fetched again, and a product that was interrupted goes on where it was.
//! * When a quota is used up, the job pauses until the broker renews it, by the broker's own clock.
//! * Terms are accepted in the account's name only if that is wanted ([`WekeoOptions::accepts_terms`]).

mod account;
mod conversion;
mod fetching;
mod hda;
mod ledger;
mod moved;
mod offer;
mod ordering;
mod query;
mod source;
mod stored_zip;

use clms_api::{Dataset, Source};
use clms_preload::{ContentKey, JobRequest, Order, ServerName};

pub(crate) use self::offer::Wekeo;
pub use self::{
    account::{Account, AccountFileError, WekeoSettings},
    conversion::{ConversionError, convert, convert_stored},
    hda::{DEFAULT_BROKER, HdaClient, HdaError, HdaOrder, OrderStatus, Product, SearchPage},
    offer::SelectionError,
    query::{HdaQuery, Selection, TimeNames},
    source::{WekeoOptions, WekeoSource},
};
use crate::{DataId, InvalidDataId, build::BuildParameters, preload::PreloadOptions};

/// The engine's name of WEkEO.
pub(crate) fn server() -> ServerName {
    ServerName::new("wekeo")
}

/// The job that brings what a query finds into the cache as `data_id`; `dataset` is the portal's entry, for the cube's metadata.
///
/// # Errors
/// [`InvalidDataId`] if it can't name a cube.
pub fn job_request(
    data_id: &DataId,
    dataset: &Dataset,
    query: &HdaQuery,
    options: &PreloadOptions,
) -> Result<JobRequest, InvalidDataId> {
    // Its maps are sorted, so that equal queries have equal texts.
    let parameters = serde_json::to_value(query).unwrap_or_default();
    let order = Order {
        server: server(),
        is_unnamed: false,
        content: ContentKey::other(&format!("wekeo:{parameters}")),
        dataset_uid: dataset.uid.to_string(),
        file_id: None,
        file_name: query.dataset_id.clone(),
        parameters,
    };
    let mut request = JobRequest::new(data_id.to_string(), data_id.cube_name()?, order);
    request.force = options.force;
    request.build = BuildParameters::of(dataset, Source::Wekeo, None, options).into_json();
    Ok(request)
}
