//! Gets links to files that need no task: what is left of the former global land service, WEkEO,
//! and the global land cover.
//!
//! ```sh
//! CLMS_CREDENTIALS=key.json cargo run -p clms-api --example direct_links -- PRODUCT [FIRST LAST]
//! ```
//!
//! `FIRST` and `LAST` are days such as `2021-01-31`. `CLMS_API_URL` names another portal than the
//! real one.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use std::error::Error;

use clms_api::futures::TryStreamExt;
use clms_api::{
    Client, DEFAULT_BASE_URL, DatasetQuery, Days, DirectLinks, DirectLinksRequest, ServiceKey,
    Source,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (product, days) = match args.as_slice() {
        [product] => (product, None),
        [product, first, last] => (product, Some(Days::new(first.parse()?, last.parse()?)?)),
        _ => return Err("usage: direct_links PRODUCT [FIRST LAST]".into()),
    };
    let url = std::env::var("CLMS_API_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let loaded = ServiceKey::from_file(std::env::var("CLMS_CREDENTIALS")?)?;
    let client = Client::builder()
        .base_url(url)
        .service_key(loaded.key)
        .build()?;

    let mut found = client.datasets(DatasetQuery::new().id(product));
    let dataset = found.try_next().await?.ok_or("there is no such product")?;
    let collection = dataset
        .download_information
        .first()
        .ok_or("the product has no collection")?;
    let request = match (&collection.source, days) {
        (Some(Source::Legacy), Some(days)) => {
            DirectLinksRequest::legacy(&dataset, collection, days)?
        }
        (Some(Source::Wekeo), days) => DirectLinksRequest::wekeo(&dataset, collection, days, None)?,
        (Some(Source::Landcover), _) => DirectLinksRequest::land_cover(&dataset, collection, None)?,
        (Some(Source::Legacy), None) => {
            return Err("this product needs a first and a last day".into());
        }
        _ => {
            return Err(
                "this product has no direct links: request its files or a part of it".into(),
            );
        }
    };
    match client.direct_links(&request).await? {
        DirectLinks::Files(links) => links.iter().for_each(|link| println!("{link}")),
        DirectLinks::WekeoQuery(query) => println!("ask WEkEO: {query}"),
        DirectLinks::Nothing(words) => println!("nothing: {words}"),
        other => println!("{other:?}"),
    }
    Ok(())
}
