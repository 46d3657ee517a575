//! Has the portal cut a box and some days out of a product, preloads that, and prints the value in its middle.
//!
//! ```sh
//! CLMS_CREDENTIALS=key.json cargo run -p clms-store --example subset -- normalised-difference-vegetation-index-v2-0-300m '300m' 5.9,49.5,6.1,49.6 2021-01-01/2021-01-20
//! ```
//!
//! `clms describe PRODUCT` shows a product's collections, such as `300m`. `CLMS_API_URL` names another portal than the real one, `CLMS_CACHE` the cache,
//! `CLMS_POLL` the seconds between looks at the portal's queue.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use clms_store::progress::NoProgress;
use clms_store::{
    ClmsStore, DEFAULT_API_URL, DataId, JobStatus, PreloadOptions, Subset, SubsetParameter,
};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set =
        |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().ok_or(format!("which {what}?"));
    let (product, collection) = (next("product")?, next("collection")?);
    let mut subset = Subset::new();
    subset.set(SubsetParameter::BBox, &next("west,south,east,north")?)?;
    subset.set(SubsetParameter::Time, &next("first/last day")?)?;
    let data_id: DataId = format!("{product}|{collection}?{subset}").parse()?;
    let store = ClmsStore::builder()
        .api_url(set("CLMS_API_URL", DEFAULT_API_URL))
        .credentials_file(set("CLMS_CREDENTIALS", "credentials.json"))
        .cache(set("CLMS_CACHE", "./clms_cache"))
        .poll_interval(Duration::from_secs_f64(set("CLMS_POLL", "15").parse()?))
        .build()?;

    let (options, stop) = (PreloadOptions::default(), CancellationToken::new());
    let data_ids = [data_id.clone()];
    let outcomes = store
        .preload(&data_ids, &options, Arc::new(NoProgress), &stop)
        .await?;
    for outcome in &outcomes {
        println!("{} {:?}", outcome.data_id, outcome.status);
        if !matches!(outcome.status, JobStatus::Completed | JobStatus::Cached) {
            return Err("it was not preloaded".into());
        }
    }

    let cube = store.open(&data_id).await?;
    let group = cube.group("")?;
    let variable = group.variables.first().ok_or("no variable")?;
    let [.., height, width] = variable.shape[..] else {
        return Err("it has no rows and columns".into());
    };
    let [rows, cols] = [height, width].map(|size| size / 2..size / 2 + 1);
    let window = cube.read_window("", &variable.name, rows, cols).await?;
    println!("{}: {:?} in its middle", variable.name, window.values());
    Ok(())
}
