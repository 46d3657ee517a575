//! clms-api alone: lists the catalogue's datasets and how many prepackaged files each has.
//!
//! `alone-api [BASE_URL]`, the portal's unless said otherwise. Needs no service key.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a list"
)]

use clms_api::futures::StreamExt;
use clms_api::{ApiError, Client, DEFAULT_BASE_URL, DatasetQuery};

#[tokio::main]
async fn main() -> Result<(), ApiError> {
    let base_url = std::env::args()
        .nth(1)
        .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
    let client = Client::builder().base_url(base_url).build()?;
    let mut datasets = client.datasets(DatasetQuery::new());
    while let Some(dataset) = datasets.next().await {
        match dataset {
            Ok(dataset) => println!("{}\t{}\t{}", dataset.id, dataset.files.len(), dataset.title),
            Err(error @ ApiError::Decode { .. }) => eprintln!("{error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
