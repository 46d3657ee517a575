//! Writes a window of a dataset to a cloud optimised GeoTIFF, in the CRS in which the window is given.
//!
//! ```sh
//! CLMS_CREDENTIALS=key.json cargo run -p clms-store --example export -- 'clc2018|u2018_clc2018_v2020_20u1_raster100m' prague.tif 14.1,49.9,14.7,50.2
//! ```
//!
//! What is no file to be opened where it lies has to be in the cache: see the example `preload`. `CLMS_API_URL` names another portal than the real one,
//! `CLMS_CACHE` the cache.
#![expect(clippy::print_stdout, reason = "an example for the terminal")]

use std::error::Error;
use std::path::PathBuf;

use clms_store::cube::ExportOptions;
use clms_store::{ClmsStore, DEFAULT_API_URL, DataId};
use tokio_util::sync::CancellationToken;

/// Longitudes and latitudes.
const DEGREES: &str = "EPSG:4326";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set =
        |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut args = std::env::args().skip(1);
    let data_id: DataId = args.next().ok_or("which data id?")?.parse()?;
    let path: PathBuf = args.next().ok_or("which file?")?.into();
    let edges = args.next().ok_or("which west,south,east,north?")?;
    let edges: Vec<f64> = edges.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let bbox: [f64; 4] = edges.try_into().map_err(|_| "four numbers are needed")?;
    let store = ClmsStore::builder()
        .api_url(set("CLMS_API_URL", DEFAULT_API_URL))
        .credentials_file(set("CLMS_CREDENTIALS", "credentials.json"))
        .cache(set("CLMS_CACHE", "./clms_cache"))
        .build()?;

    let dataset = store.open(&data_id).await?;
    let options = ExportOptions {
        bbox: Some(bbox),
        bbox_crs: Some(DEGREES.to_owned()),
        crs: Some(DEGREES.to_owned()),
        overwrite: true,
        ..ExportOptions::default()
    };
    // In place of `()`: something that hears how far it is.
    let report = dataset
        .export(&path, &options, &(), &CancellationToken::new())
        .await?;
    println!(
        "{}: {:?} pixels of {:?} in {}, {} bytes",
        report.path.display(),
        report.shape,
        report.variables,
        report.crs.unwrap_or_default(),
        report.bytes
    );
    Ok(())
}
