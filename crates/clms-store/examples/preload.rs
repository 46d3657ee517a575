//! Preloads data ids in the background, shows what becomes of them, and looks at the pixels of the first.
//!
//! ```sh
//! CLMS_CREDENTIALS=key.json cargo run -p clms-store --example preload -- 'clc2018|u2018_clc2018_v2020_20u1_raster100m'
//! ```
//!
//! Ended by Ctrl-C, it goes on where it was the next time. `CLMS_API_URL` names another portal than the real one, `CLMS_CACHE` the cache,
//! `CLMS_POLL` the seconds between looks at the portal's queue.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use clms_store::progress::NoProgress;
use clms_store::{ClmsStore, DEFAULT_API_URL, DataId, PreloadOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set =
        |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let store = ClmsStore::builder()
        .api_url(set("CLMS_API_URL", DEFAULT_API_URL))
        .credentials_file(set("CLMS_CREDENTIALS", "credentials.json"))
        .cache(set("CLMS_CACHE", "./clms_cache"))
        .poll_interval(Duration::from_secs_f64(set("CLMS_POLL", "15").parse()?))
        .build()?;
    let data_ids: Vec<DataId> = std::env::args()
        .skip(1)
        .map(|id| id.parse())
        .collect::<Result<_, _>>()?;

    let options = PreloadOptions::default();
    let jobs = store
        .start_preload(&data_ids, &options, Arc::new(NoProgress))
        .await?;
    for job in &jobs {
        let outcome = job.wait().await;
        println!("{} {:?}", outcome.data_id, outcome.status);
    }

    if let Some(first) = data_ids.first() {
        let cube = store.open(first).await?;
        let group = cube.group("")?;
        if let Some(variable) = group.variables.first() {
            let [rows, cols] = [&group.dims[0], &group.dims[1]].map(|dim| 0..dim.size.min(256));
            let window = cube.read_window("", &variable.name, rows, cols).await?;
            println!(
                "{}: {:?} pixels, {:?}",
                variable.name,
                window.shape(),
                cube.traffic()
            );
        }
    }
    Ok(())
}
